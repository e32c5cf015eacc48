//! The live feed: a WebSocket that carries a [`StatusPage`] forward (product.md section 5).
//!
//! What a frame does to the state is `StatusPage::apply`; here is only the line itself: dial, listen, notice silence,
//! dial again after a jittered pause, and reload the state when told to.

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

/// The server speaks at least every 25 seconds; a line silent for this long is dead.
const SILENCE: Duration = Duration::from_secs(70);
/// A line that held this long was good: the next pause is short again.
const STABLE_MS: f64 = 10_000.0;
/// A state that many are told to load at once is loaded within this long.
const SPREAD: Duration = Duration::from_secs(2);
/// How long a page whose session has ended stays before it leads to the login.
const LOGIN_DELAY: Duration = Duration::from_secs(2);
/// The server closes with this code when the member's session has ended.
const SESSION_ENDED: u16 = 4401;
/// The server closes with this code when the member has another role now.
const ROLE_CHANGED: u16 = 4403;

/// How the line to the server is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Connection {
    /// Not heard from the server yet: nothing to say.
    #[default]
    Connecting,
    /// What is shown is what is.
    Live,
    /// The line broke; what is shown may be old.
    Reconnecting,
}

impl Connection {
    /// The word on the mark.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Connecting => "",
            Self::Live => "Live",
            Self::Reconnecting => "Reconnecting…",
        }
    }
}

/// Keeps `page` as the server has it, from when `ready` says that there is a state to carry forward until the owner of
/// this call is gone. `refetch` loads the whole state when events were missed. Does nothing on the server.
pub fn connect<F, Fut>(path: String, page: RwSignal<StatusPage>, ready: Signal<bool>, refetch: F) -> Signal<Connection>
where
    F: Fn() -> Fut + Clone + 'static,
    Fut: Future<Output = Option<StatusPage>> + 'static,
{
    let connection = RwSignal::new(Connection::Connecting);
    Effect::new(move |_| {
        if ready.get() {
            let refetch = refetch.clone();
            let line = FeedConnection::open(path.clone(), page, connection, Box::new(move || Box::pin(refetch())));
            // Dropped, and so hung up, with the effect.
            StoredValue::new_local(line);
        }
    });
    connection.into()
}

/// Puts a freshly loaded state in place of `page`, unless that is as new already.
pub fn renew(page: &mut StatusPage, fresh: StatusPage) -> bool {
    renew_after(page, fresh, None)
}

/// As [`renew`]. Where the server said that what came up to the number `given_up` does not hold, any state goes in the
/// place of that one: after a database was put back, its numbers are lower.
fn renew_after(page: &mut StatusPage, fresh: StatusPage, given_up: Option<Seq>) -> bool {
    let is_taken = fresh.seq > page.seq || given_up == Some(page.seq);
    if is_taken {
        *page = fresh;
    }
    is_taken
}

/// How long to wait before the next attempt: anything up to a limit that doubles from 1 to 30 seconds, so that browsers
/// which lost the server together do not come back together. `random` is between 0 and 1.
fn pause(attempts: u32, random: f64) -> Duration {
    let limit = 2_f64.powi(attempts.min(5).cast_signed()).min(30.0);
    Duration::from_secs_f64(limit * random.clamp(0.0, 1.0))
}

/// How long to wait before a state is loaded that many others are told to load too. `random` is between 0 and 1.
fn moment(random: f64) -> Duration {
    SPREAD.mul_f64(random.clamp(0.0, 1.0))
}

type Fetch = Pin<Box<dyn Future<Output = Option<StatusPage>>>>;

/// A line, and what wakes it: hangs up when dropped.
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
    /// The next thing to happen by itself: giving up a silent line, or dialling again.
    timer: RefCell<Option<TimeoutHandle>>,
    attempts: Cell<u32>,
    dialled: Cell<f64>,
    heard: Cell<f64>,
    /// The frames that arrived during a reload.
    waiting: RefCell<Option<Vec<Frame>>>,
    /// The number of the state that the server said to load anew, until that has been done.
    given_up: Cell<Option<Seq>>,
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
            dialled: Cell::default(),
            heard: Cell::default(),
            waiting: RefCell::default(),
            given_up: Cell::default(),
        });
        inner.dial();
        let listeners = ["online", "visibilitychange"]
            .map(|event| {
                let line = Rc::downgrade(&inner);
                window_event_listener_untyped(event, move |_| with(&line, Inner::wake))
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
    fn dial(self: &Rc<Self>) {
        let Some(since) = self.page.try_with_untracked(|page| page.seq) else { return };
        let (scheme, host) = match (location().protocol(), location().host()) {
            (Ok(protocol), Ok(host)) => (if protocol == "https:" { "wss" } else { "ws" }, host),
            _ => return,
        };
        self.dialled.set(js_sys::Date::now());
        let socket = Socket::open(&format!("{scheme}://{host}{}?since={since}", self.path), self);
        self.socket.replace(socket.ok());
        self.expect_word();
    }

    /// Begins to wait for the server's next word.
    fn expect_word(self: &Rc<Self>) {
        self.after(SILENCE, Self::lost);
    }

    fn hear(self: &Rc<Self>, text: &str) {
        self.heard.set(js_sys::Date::now());
        self.show(Connection::Live);
        self.expect_word();
        // A kind of frame this version does not know is left out; the gap it makes has the state reloaded.
        if let Ok(frame) = Frame::read(text) {
            self.take(frame);
        }
    }

    fn take(self: &Rc<Self>, frame: Frame) {
        if let Some(waiting) = self.waiting.borrow_mut().as_mut() {
            waiting.push(frame);
            return;
        }
        let is_ping = matches!(frame, Frame::Control(Control::Ping { .. }));
        if frame == Frame::Control(Control::Resync) {
            self.given_up.set(self.page.try_with_untracked(|page| page.seq));
            self.reload(moment(js_sys::Math::random()));
            return;
        }
        let applied = self.page.try_maybe_update(|page| {
            let applied = page.apply(frame);
            (applied == Applied::Changed, applied)
        });
        if applied == Some(Applied::Refetch) || is_ping && self.given_up.get().is_some() {
            self.reload(Duration::ZERO);
        }
    }

    /// Loads the state after a pause; the frames that come meanwhile are kept for it.
    fn reload(self: &Rc<Self>, pause: Duration) {
        self.waiting.replace(Some(Vec::new()));
        let line = Rc::downgrade(self);
        set_timeout(move || with(&line, Self::load), pause);
    }

    fn load(self: &Rc<Self>) {
        let (fetch, line) = ((self.refetch)(), Rc::downgrade(self));
        spawn_local(async move {
            let fresh = fetch.await;
            with(&line, |line| {
                let waiting = line.waiting.take().unwrap_or_default();
                let moved = fresh.and_then(|fresh| {
                    line.page.try_maybe_update(|page| {
                        let moved = renew_after(page, fresh, line.given_up.get());
                        (moved, moved)
                    })
                });
                // When the reload brought nothing, the next ping asks again: not at once, the server may be busy.
                if moved == Some(true) {
                    line.given_up.set(None);
                    for frame in waiting {
                        line.take(frame);
                    }
                }
            });
        });
    }

    fn closed(self: &Rc<Self>, code: u16) {
        if code == SESSION_ENDED {
            // The tab that logs out is already on its way to the start page: it must not be called back.
            self.after(LOGIN_DELAY, |_| log_in_again());
        } else if code == ROLE_CHANGED {
            // What the page offers depends on it. When the browser refuses, the next request says why.
            _ = location().reload();
        } else {
            self.lost();
        }
    }

    fn lost(self: &Rc<Self>) {
        self.socket.take();
        self.show(Connection::Reconnecting);
        let dialled = self.dialled.get();
        if self.heard.get() >= dialled && js_sys::Date::now() - dialled > STABLE_MS {
            self.attempts.set(0);
        }
        let attempts = self.attempts.get();
        self.attempts.set(attempts.saturating_add(1));
        self.after(pause(attempts, js_sys::Math::random()), Self::dial);
    }

    /// The network or the person came back: do not make them wait.
    fn wake(self: &Rc<Self>) {
        let is_silent = js_sys::Date::now() - self.heard.get().max(self.dialled.get()) > SILENCE.as_secs_f64() * 1000.0;
        if !document().hidden() && (self.socket.borrow().is_none() || is_silent) {
            self.socket.take();
            self.dial();
        }
    }

    fn show(&self, connection: Connection) {
        self.connection.try_maybe_update(|shown| (std::mem::replace(shown, connection) != connection, ()));
    }

    fn after(self: &Rc<Self>, delay: Duration, then: fn(&Rc<Self>)) {
        let line = Rc::downgrade(self);
        self.set_timer(set_timeout_with_handle(move || with(&line, then), delay).ok());
    }

    fn set_timer(&self, timer: Option<TimeoutHandle>) {
        if let Some(old) = self.timer.replace(timer) {
            old.clear();
        }
    }
}

/// A socket and its listeners: closes, and falls silent, when dropped.
struct Socket {
    web: WebSocket,
    _on_message: Closure<dyn FnMut(MessageEvent)>,
    _on_close: Closure<dyn FnMut(CloseEvent)>,
}

impl Socket {
    fn open(url: &str, line: &Rc<Inner>) -> Result<Self, JsValue> {
        let socket = WebSocket::new(url)?;
        let listener = Rc::downgrade(line);
        let on_message = Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| {
            if let Some(text) = event.data().as_string() {
                with(&listener, |line| line.hear(&text));
            }
        });
        let listener = Rc::downgrade(line);
        let on_close = Closure::<dyn FnMut(CloseEvent)>::new(move |event: CloseEvent| {
            let (line, code) = (listener.clone(), event.code());
            // Not from inside the listener, which the line is about to drop.
            queue_microtask(move || with(&line, |line| line.closed(code)));
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
        // Only an unknown code or a long reason is refused.
        _ = self.web.close();
    }
}

fn with(line: &Weak<Inner>, act: impl FnOnce(&Rc<Inner>)) {
    if let Some(line) = line.upgrade() {
        act(&line);
    }
}

/// Leaves for the login page, which leads back here.
pub fn log_in_again() {
    let here = location().pathname().unwrap_or_default() + &location().search().unwrap_or_default();
    // When the browser refuses to leave, the page stays and the next request says why.
    _ = location().set_href(&format!("/login?next={}", js_sys::encode_uri_component(&here)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::tests::page_with;

    #[test]
    fn the_pause_doubles_to_thirty_seconds_and_spreads_over_all_of_it() {
        let longest = |attempts| pause(attempts, 1.0).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5, 99].map(longest), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(pause(5, 0.0), Duration::ZERO);
        assert_eq!(pause(5, 0.5), Duration::from_secs(15));
        assert_eq!([0.0, 0.5, 1.0, 7.0].map(|random| moment(random).as_millis()), [0, 1000, 2000, 2000]);
    }

    #[test]
    fn an_older_state_is_shown_only_where_the_server_gave_up_the_newer_one() {
        let at = |seq| StatusPage { seq, ..page_with(&["API"]) };
        for (shown, fresh, given_up, is_taken) in [
            (7, 8, None, true),
            (7, 7, None, false),
            (7, 6, None, false),
            (7, 3, Some(7), true),
            (7, 7, Some(7), true),
            // Another answer was faster, and is newer than what was given up.
            (8, 7, Some(5), false),
            (8, 9, Some(5), true),
        ] {
            let mut page = at(shown);
            assert_eq!(renew_after(&mut page, at(fresh), given_up), is_taken, "{shown} {fresh} {given_up:?}");
            assert_eq!(page.seq, if is_taken { fresh } else { shown });
        }
    }
}
