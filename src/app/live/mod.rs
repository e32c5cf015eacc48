//! Live feed client: a WebSocket whose frames keep a [`StatusPage`] up to date (docs/api.md, "Live").
//!
//! `StatusPage::apply` applies a frame to the state. This module opens the connection, detects a silent one, reconnects
//! with jittered backoff, and reloads the state when the server asks for it.

mod reload;
mod socket;

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

pub use self::reload::replace_if_newer;
use self::{
    reload::{Announced, outage_delay, reconnect_delay, reload_delay, replace_state, retry_delay},
    socket::Socket,
};
use crate::model::{Applied, Control, Frame, Seq, StatusPage};

/// A connection without a message for this long is dead; the server pings every 25 seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(70);
/// A connection that lasted this long resets the backoff, in milliseconds.
const STABLE_MS: f64 = 10_000.0;
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
    announced: Cell<Announced>,
    /// Loads in a row that were too old.
    stale_loads: Cell<u32>,
    /// Whether the timer of an outage runs.
    is_waiting: Cell<bool>,
    /// Whether the state is loaded although no event was missed.
    is_polling: Cell<bool>,
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
        let announced = Cell::new(page.with_untracked(Announced::by));
        let inner = Rc::new(Inner {
            path,
            page,
            connection,
            refetch,
            socket: RefCell::default(),
            timer: RefCell::default(),
            attempts: Cell::default(),
            announced,
            stale_loads: Cell::default(),
            is_waiting: Cell::default(),
            is_polling: Cell::default(),
            opened_at: Cell::default(),
            last_message_at: Cell::default(),
            buffered: RefCell::default(),
            discarded_seq: Cell::default(),
        });
        inner.open_socket();
        inner.wait_for_database();
        let listeners = ["online", "visibilitychange"]
            .map(|event| {
                let inner = Rc::downgrade(&inner);
                window_event_listener_untyped(event, move |_| if_alive(&inner, Inner::look_again))
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
        let url = format!("{scheme}://{host}{}?since={since}&epoch={epoch}", self.path);
        let (reader, closer) = (Rc::downgrade(self), Rc::downgrade(self));
        let socket = Socket::open(
            &url,
            move |text| if_alive(&reader, |inner| inner.receive(text)),
            move |code| if_alive(&closer, |inner| inner.on_close(code)),
        );
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
        let mut announced = self.announced.get();
        announced.note(&frame);
        self.announced.set(announced);
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
        let (fetch, inner, needed) = ((self.refetch)(), Rc::downgrade(self), self.announced.get());
        spawn_local(async move {
            let fresh = fetch.await;
            if_alive(&inner, |inner| {
                if fresh.as_ref().is_some_and(|fresh| !needed.is_in(fresh)) {
                    let attempts = inner.stale_loads.get();
                    inner.stale_loads.set(attempts.saturating_add(1));
                    let again = Rc::downgrade(inner);
                    let delay = retry_delay(attempts, js_sys::Math::random());
                    set_timeout(move || if_alive(&again, Self::load_state), delay);
                    return;
                }
                inner.stale_loads.set(0);
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
                }
                if inner.is_polling.take() || is_replaced == Some(true) {
                    for frame in buffered {
                        inner.handle_frame(frame);
                    }
                }
                inner.wait_for_database();
            });
        });
    }

    /// Asks for the state until the server can check it, which no frame announces.
    fn wait_for_database(self: &Rc<Self>) {
        let is_out = self.page.try_with_untracked(|page| page.outage.is_some()) == Some(true);
        if !is_out || self.is_waiting.replace(true) {
            return;
        }
        let inner = Rc::downgrade(self);
        let delay = outage_delay(js_sys::Math::random());
        set_timeout(
            move || {
                if_alive(&inner, |inner| {
                    inner.is_waiting.set(false);
                    if document().hidden() { inner.wait_for_database() } else { inner.load_now() }
                });
            },
            delay,
        );
    }

    /// Loads the state, unless that is under way.
    fn load_now(self: &Rc<Self>) {
        if self.buffered.borrow().is_none() {
            self.buffered.replace(Some(Vec::new()));
            self.is_polling.set(true);
            self.load_state();
        }
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

    /// When the network or the tab comes back: reconnects, if the connection is closed or silent, and loads a state that
    /// the server could not check.
    fn look_again(self: &Rc<Self>) {
        if !document().hidden() && self.page.try_with_untracked(|page| page.outage.is_some()) == Some(true) {
            self.load_now();
        }
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
