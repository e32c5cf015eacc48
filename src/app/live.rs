//! Live feed client: a WebSocket whose frames keep a [`StatusPage`] up to date (docs/api.md, "Live").
//!
//! `StatusPage::apply` applies a frame to the state. This module opens the connection, detects a silent one, reconnects
//! with jittered backoff, and reloads the state when the server asks for it.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::{Rc, Weak},
    time::Duration,
};

use leptos::{
    leptos_dom::helpers::{TimeoutHandle, WindowListenerHandle},
    prelude::*,
    task::spawn_local,
};
use wasm_bindgen::{JsCast, JsValue, closure::Closure};
use web_sys::{CloseEvent, MessageEvent, WebSocket};

use crate::model::{Applied, Control, Frame, Seq, StatusPage};

/// A connection without a message for this long is dead; the server pings every 25 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(70);
/// A connection that lasted this long resets the backoff, in milliseconds.
const STABLE_MS: f64 = 10_000.0;
/// Clients that are asked to reload at once spread their requests over this time.
const RELOAD_SPREAD: Duration = Duration::from_secs(2);
/// Delay before a page whose session has ended goes to the login.
const LOGIN_DELAY: Duration = Duration::from_secs(2);
/// Close code: the member's session has ended.
const SESSION_ENDED: u16 = 4401;
/// Close code: the member's role has changed.
const ROLE_CHANGED: u16 = 4403;

/// The state of the connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// No message yet; shown as nothing.
    #[default]
    Connecting,
    /// The state on show is current.
    Live,
    /// Disconnected; the state on show may be stale.
    Reconnecting,
}

impl Connection {
    /// The label of the live indicator.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Connecting => "",
            Self::Live => "Live",
            Self::Reconnecting => "Reconnecting…",
        }
    }
}

/// Keeps `page` up to date from when it is `ready` (loaded) until the reactive owner is disposed. `refetch` loads the
/// whole state when events were missed. Does nothing on the server.
pub fn connect<F, Fut>(path: String, page: RwSignal<StatusPage>, ready: Signal<bool>, refetch: F) -> Signal<Connection>
where
    F: Fn() -> Fut + Clone + 'static,
    Fut: Future<Output = Option<StatusPage>> + 'static,
{
    let connection = RwSignal::new(Connection::Connecting);
    Effect::new(move |_| {
        if ready.get() {
            let refetch = refetch.clone();
            let refetch = Box::new(move || Box::pin(refetch()) as Fetch);
            let feed = FeedConnection::open(path.clone(), page, connection, refetch);
            // Dropped, and so closed, with the effect.
            StoredValue::new_local(feed);
        }
    });
    connection.into()
}

/// Replaces `page` by a loaded state if that is newer. Returns whether it did.
pub fn replace_if_newer(page: &mut StatusPage, fresh: StatusPage) -> bool {
    replace_state(page, fresh, None)
}

/// As [`replace_if_newer`], but any state replaces the one with number `discarded_seq`, for which the server has asked
/// for a resync: after a restore of the database, sequence numbers are lower.
fn replace_state(page: &mut StatusPage, fresh: StatusPage, discarded_seq: Option<Seq>) -> bool {
    let is_replaced = fresh.seq > page.seq || discarded_seq == Some(page.seq);
    if is_replaced {
        *page = fresh;
    }
    is_replaced
}

/// Delay before the next attempt: backoff from 1 to 30 seconds with full jitter, so that clients that were disconnected
/// together do not reconnect together. `random` is between 0 and 1.
fn reconnect_delay(attempts: u32, random: f64) -> Duration {
    let limit = 2_f64.powi(attempts.min(5).cast_signed()).min(30.0);
    Duration::from_secs_f64(limit * random.clamp(0.0, 1.0))
}

/// Delay before a reload that many clients are asked for. `random` is between 0 and 1.
fn reload_delay(random: f64) -> Duration {
    RELOAD_SPREAD.mul_f64(random.clamp(0.0, 1.0))
}

type Fetch = Pin<Box<dyn Future<Output = Option<StatusPage>>>>;

/// The connection and its window listeners; closes when dropped.
struct FeedConnection {
    inner: Rc<Inner>,
    listeners: Vec<WindowListenerHandle>,
}

struct Inner {
    path: String,
    page: RwSignal<StatusPage>,
    connection: RwSignal<Connection>,
    refetch: Box<dyn Fn() -> Fetch>,
    socket: RefCell<Option<Socket>>,
    /// The pending timeout: of a silent connection, or until the next attempt.
    timer: RefCell<Option<TimeoutHandle>>,
    attempts: Cell<u32>,
    opened_at: Cell<f64>,
    last_message_at: Cell<f64>,
    /// Frames received during a reload.
    buffered: RefCell<Option<Vec<Frame>>>,
    /// The number of the state for which the server has asked for a resync, until it is replaced.
    discarded_seq: Cell<Option<Seq>>,
}

impl FeedConnection {
    fn open(
        path: String,
        page: RwSignal<StatusPage>,
        connection: RwSignal<Connection>,
        refetch: Box<dyn Fn() -> Fetch>,
    ) -> Self {
        let inner = Rc::new(Inner {
            path,
            page,
            connection,
            refetch,
            socket: RefCell::default(),
            timer: RefCell::default(),
            attempts: Cell::default(),
            opened_at: Cell::default(),
            last_message_at: Cell::default(),
            buffered: RefCell::default(),
            discarded_seq: Cell::default(),
        });
        inner.open_socket();
        let listeners = ["online", "visibilitychange"]
            .map(|event| {
                let inner = Rc::downgrade(&inner);
                window_event_listener_untyped(event, move |_| if_alive(&inner, Inner::reconnect_if_idle))
            })
            .into();
        Self { inner, listeners }
    }
}

impl Drop for FeedConnection {
    fn drop(&mut self) {
        self.listeners.drain(..).for_each(WindowListenerHandle::remove);
        self.inner.set_timer(None);
        self.inner.socket.take();
    }
}

impl Inner {
    fn open_socket(self: &Rc<Self>) {
        let Some((since, epoch)) = self.page.try_with_untracked(|page| (page.seq, page.epoch)) else { return };
        let (scheme, host) = match (location().protocol(), location().host()) {
            (Ok(protocol), Ok(host)) => (if protocol == "https:" { "wss" } else { "ws" }, host),
            _ => return,
        };
        self.opened_at.set(js_sys::Date::now());
        let socket = Socket::open(&format!("{scheme}://{host}{}?since={since}&epoch={epoch}", self.path), self);
        self.socket.replace(socket.ok());
        self.restart_idle_timer();
    }

    /// Waits for the next message, up to [`IDLE_TIMEOUT`].
    fn restart_idle_timer(self: &Rc<Self>) {
        self.schedule(IDLE_TIMEOUT, Self::schedule_reconnect);
    }

    fn receive(self: &Rc<Self>, text: &str) {
        self.last_message_at.set(js_sys::Date::now());
        self.set_connection(Connection::Live);
        self.restart_idle_timer();
        match Frame::read(text) {
            Ok(frame) => self.handle_frame(frame),
            // A newer server sends types that this client does not know: the state has them.
            Err(_) => self.schedule_reload(),
        }
    }

    fn handle_frame(self: &Rc<Self>, frame: Frame) {
        if let Some(buffered) = self.buffered.borrow_mut().as_mut() {
            buffered.push(frame);
            return;
        }
        let is_ping = matches!(frame, Frame::Control(Control::Ping { .. }));
        if frame == Frame::Control(Control::Resync) {
            self.discarded_seq.set(self.page.try_with_untracked(|page| page.seq));
            self.schedule_reload();
            return;
        }
        let applied = self.page.try_maybe_update(|page| {
            let applied = page.apply(frame);
            (applied == Applied::Changed, applied)
        });
        if applied == Some(Applied::Refetch) || is_ping && self.discarded_seq.get().is_some() {
            self.schedule_reload();
        }
    }

    /// Loads the state after a delay, unless that is under way; frames received until then are buffered. One event can
    /// make all clients reload.
    fn schedule_reload(self: &Rc<Self>) {
        if self.buffered.borrow().is_some() {
            return;
        }
        self.buffered.replace(Some(Vec::new()));
        let inner = Rc::downgrade(self);
        let delay = reload_delay(js_sys::Math::random());
        set_timeout(move || if_alive(&inner, Self::load_state), delay);
    }

    fn load_state(self: &Rc<Self>) {
        let (fetch, inner) = ((self.refetch)(), Rc::downgrade(self));
        spawn_local(async move {
            let fresh = fetch.await;
            if_alive(&inner, |inner| {
                let buffered = inner.buffered.take().unwrap_or_default();
                let is_replaced = fresh.and_then(|fresh| {
                    inner.page.try_maybe_update(|page| {
                        let is_replaced = replace_state(page, fresh, inner.discarded_seq.get());
                        (is_replaced, is_replaced)
                    })
                });
                // If the reload failed, the next ping retries: not immediately, as the server may be overloaded.
                if is_replaced == Some(true) {
                    inner.discarded_seq.set(None);
                    for frame in buffered {
                        inner.handle_frame(frame);
                    }
                }
            });
        });
    }

    fn on_close(self: &Rc<Self>, code: u16) {
        if code == SESSION_ENDED {
            // Delayed: the tab that logs out is already navigating to the start page.
            self.schedule(LOGIN_DELAY, |_| log_in_again());
        } else if code == ROLE_CHANGED {
            // The page depends on the role. If the browser refuses, the next request reports the error.
            _ = location().reload();
        } else {
            self.schedule_reconnect();
        }
    }

    fn schedule_reconnect(self: &Rc<Self>) {
        self.socket.take();
        self.set_connection(Connection::Reconnecting);
        let opened_at = self.opened_at.get();
        if self.last_message_at.get() >= opened_at && js_sys::Date::now() - opened_at > STABLE_MS {
            self.attempts.set(0);
        }
        let attempts = self.attempts.get();
        self.attempts.set(attempts.saturating_add(1));
        self.schedule(reconnect_delay(attempts, js_sys::Math::random()), Self::open_socket);
    }

    /// Reconnects at once when the network or the tab comes back, if the connection is closed or silent.
    fn reconnect_if_idle(self: &Rc<Self>) {
        let is_silent = js_sys::Date::now() - self.last_message_at.get().max(self.opened_at.get())
            > IDLE_TIMEOUT.as_secs_f64() * 1000.0;
        if !document().hidden() && (self.socket.borrow().is_none() || is_silent) {
            self.socket.take();
            self.open_socket();
        }
    }

    fn set_connection(&self, connection: Connection) {
        self.connection.try_maybe_update(|current| (std::mem::replace(current, connection) != connection, ()));
    }

    fn schedule(self: &Rc<Self>, delay: Duration, then: fn(&Rc<Self>)) {
        let inner = Rc::downgrade(self);
        self.set_timer(set_timeout_with_handle(move || if_alive(&inner, then), delay).ok());
    }

    fn set_timer(&self, timer: Option<TimeoutHandle>) {
        if let Some(old) = self.timer.replace(timer) {
            old.clear();
        }
    }
}

/// A WebSocket with its listeners; removes them and closes when dropped.
struct Socket {
    web: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    fn open(url: &str, inner: &Rc<Inner>) -> Result<Self, JsValue> {
        let socket = WebSocket::new(url)?;
        let listener = Rc::downgrade(inner);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                if_alive(&listener, |inner| inner.receive(&text));
            }
        });
        let listener = Rc::downgrade(inner);
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let (inner, code) = (listener.clone(), event.code());
            // Deferred: handling it drops this listener.
            queue_microtask(move || if_alive(&inner, |inner| inner.on_close(code)));
        });
        socket.set_onmessage(Some(on_message.as_ref().unchecked_ref()));
        socket.set_onclose(Some(on_close.as_ref().unchecked_ref()));
        Ok(Self { web: socket, _on_message: on_message, _on_close: on_close })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.web.set_onmessage(None);
        self.web.set_onclose(None);
        // Fails only for an invalid code or reason.
        _ = self.web.close();
    }
}

fn if_alive(inner: &Weak<Inner>, act: impl FnOnce(&Rc<Inner>)) {
    if let Some(inner) = inner.upgrade() {
        act(&inner);
    }
}

/// Goes to the login page, which returns here.
pub fn log_in_again() {
    let here = location().pathname().unwrap_or_default() + &location().search().unwrap_or_default();
    // If the browser refuses, the page stays and the next request reports the error.
    _ = location().set_href(&format!("/login?next={}", js_sys::encode_uri_component(&here)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::tests::page_with;

    #[test]
    fn the_reconnect_delay_doubles_to_thirty_seconds_with_full_jitter() {
        let longest = |attempts| reconnect_delay(attempts, 1.0).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5, 99].map(longest), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(reconnect_delay(5, 0.0), Duration::ZERO);
        assert_eq!(reconnect_delay(5, 0.5), Duration::from_secs(15));
        assert_eq!([0.0, 0.5, 1.0, 7.0].map(|random| reload_delay(random).as_millis()), [0, 1000, 2000, 2000]);
    }

    #[test]
    fn an_older_state_replaces_only_one_that_was_discarded() {
        let at = |seq| StatusPage { seq, ..page_with(&["API"]) };
        for (shown, fresh, discarded_seq, is_replaced) in [
            (7, 8, None, true),
            (7, 7, None, false),
            (7, 6, None, false),
            (7, 3, Some(7), true),
            (7, 7, Some(7), true),
            // Another reload was faster; its state is newer than the discarded one.
            (8, 7, Some(5), false),
            (8, 9, Some(5), true),
        ] {
            let mut page = at(shown);
            assert_eq!(
                replace_state(&mut page, at(fresh), discarded_seq),
                is_replaced,
                "{shown} {fresh} {discarded_seq:?}"
            );
            assert_eq!(page.seq, if is_replaced { fresh } else { shown });
        }
    }
}
