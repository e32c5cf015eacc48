//! The two live feeds (product.md section 5): one socket, one task, one place in the order of events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code, rejection::WebSocketUpgradeRejection},
    },
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};
use tokio_util::sync::CancellationToken;

use crate::{
    model::{Code, Control, Error, Frame, Result, Seq},
    server::{
        domain::{AccessState, Caller, Feed, Next, RevocationWatch, Site, Viewer},
        http::extract::{Id, Params},
        live::hub::FRAME_MAX,
        rate_limit::permits::SocketPermit,
        state::AppState,
    },
};

/// How often an idle socket is spoken to.
const PING: Duration = Duration::from_secs(25);
/// A reader that has not answered for two pings is gone.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a write may take before the reader is given up.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the reason why a line ends may take to be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// The most that waits to be written to one reader: a frame and the little ones beside it. Each is flushed before the
/// next, and a frame above this would be refused even where nothing waits.
const WAITING_MAX: usize = FRAME_MAX + 16 * 1024;
/// What a reader may say at once.
const INBOUND_MAX: usize = 4096;
/// How often a reader may say something in a second.
const INBOUND_RATE: u32 = 10;
/// How often an open feed's right to listen is looked at, should word of its end be lost.
const ACCESS_RECHECK: Duration = Duration::from_secs(8);
/// The session or token behind the socket has ended.
const ACCESS_ENDED: u16 = 4401;
/// Who listens is something else here now: the page has to be loaded anew.
const ROLE_CHANGED: u16 = 4403;

/// Where a returning reader wants to go on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// The number of the last event the reader has.
    since: Option<Seq>,
}

/// Follow a public page over a WebSocket
///
/// The first frame is `hello` with the number of the newest event; then each event as it happens, after those missed
/// since `since`. `resync` means that events are gone: load the state again; what comes after carries on from there.
#[utoipa::path(
    get, path = "/api/public/{slug}/live", tag = "Live", operation_id = "publicLive",
    params(("slug" = String, Path, description = "The page's address."), Since),
    responses(
        (status = 101, description = "The socket is open; its text frames are `Frame` objects."),
        (status = 403, description = "The page that asks is not one of ours.", body = Error),
        (status = 426, description = "This address speaks WebSocket only.", body = Error),
        (status = 503, description = "Too many feeds are open; `Retry-After` says when to try again.", body = Error),
    ),
)]
pub async fn public(
    State(state): State<AppState>,
    site: Site,
    caller: Caller,
    headers: HeaderMap,
    Id(slug): Id<String>,
    Params(since): Params<Since>,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let visitor = site.visit(&slug).await?;
    refuse_foreign_pages(&headers, &state)?;
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejection) => return Ok(not_a_socket(&rejection)),
    };
    let place = state.sockets.acquire(caller.network(), None)?;
    let feed = visitor.feed(since.since).await?;
    Ok(upgrade(socket, feed, None, place, state.stop))
}

/// Follow your organization over a WebSocket
///
/// As the public feed, with everything members see.
#[utoipa::path(
    get, path = "/api/live", tag = "Live", operation_id = "membersLive", security(("bearer" = [])), params(Since),
    responses(
        (status = 101, description = "The socket is open; its text frames are `Frame` objects."),
        (status = 403, description = "The page that asks is not one of ours.", body = Error),
        (status = 426, description = "This address speaks WebSocket only.", body = Error),
        (status = 503, description = "Too many feeds are open; `Retry-After` says when to try again.", body = Error),
    ),
)]
pub async fn members(
    State(state): State<AppState>,
    org: Viewer,
    caller: Caller,
    headers: HeaderMap,
    Params(since): Params<Since>,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    refuse_foreign_pages(&headers, &state)?;
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejection) => return Ok(not_a_socket(&rejection)),
    };
    let place = state.sockets.acquire(caller.network(), Some(org.account().user.id))?;
    let feed = org.feed(since.since).await?;
    Ok(upgrade(socket, feed, Some(org), place, state.stop))
}

/// A browser always says which page asks for a socket: it must be ours. Programs say nothing.
fn refuse_foreign_pages(headers: &HeaderMap, state: &AppState) -> Result<()> {
    match headers.get(header::ORIGIN) {
        Some(origin) if !origin.to_str().is_ok_and(|origin| state.config.public_url.is_own(origin)) => {
            Err(Error::new(Code::Forbidden, "This page is not one of ours, so it may not open a live feed here."))
        }
        _ => Ok(()),
    }
}

fn not_a_socket(rejection: &WebSocketUpgradeRejection) -> Response {
    tracing::debug!(%rejection, "a live feed was asked for without a WebSocket");
    let error = Error::invalid("This address speaks WebSocket only. The state itself is at /api/public/{slug}/status.");
    let mut response = error.into_response();
    *response.status_mut() = axum::http::StatusCode::UPGRADE_REQUIRED;
    response.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("websocket"));
    response
}

fn upgrade(
    socket: WebSocketUpgrade,
    feed: Feed,
    member: Option<Viewer>,
    place: SocketPermit,
    stop: CancellationToken,
) -> Response {
    socket
        // The library's default of 128 KiB a socket is touched at once; readers say almost nothing.
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_write_buffer_size(WAITING_MAX)
        .max_message_size(INBOUND_MAX)
        .max_frame_size(INBOUND_MAX)
        .on_upgrade(move |socket| async move {
            let end = member.as_ref().map(Viewer::watch_revocation);
            let mut line = FeedSession { socket, feed, member, end };
            let reason = line.serve(stop).await;
            drop(place);
            if let Some((code, text)) = reason {
                let close = CloseFrame { code, reason: Utf8Bytes::from_static(text) };
                let _ = timeout(CLOSE_TIMEOUT, line.socket.send(Message::Close(Some(close)))).await;
            }
        })
}

/// Why a socket is closed from our side; nothing, when the reader has gone.
type Goodbye = Option<(u16, &'static str)>;

struct FeedSession {
    socket: WebSocket,
    feed: Feed,
    /// Whose right to listen is looked at again and again.
    member: Option<Viewer>,
    /// Word that their access has ended or changed.
    end: Option<RevocationWatch>,
}

impl FeedSession {
    /// Speaks until there is nothing more to say.
    async fn serve(&mut self, stop: CancellationToken) -> Goodbye {
        let Err(goodbye) = self.speak(stop).await;
        goodbye
    }

    async fn speak(&mut self, stop: CancellationToken) -> Result<Infallible, Goodbye> {
        self.say(Control::Hello { seq: self.feed.tip() }).await?;
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = interval_at(Instant::now() + ACCESS_RECHECK, ACCESS_RECHECK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut speech = (heard, 0);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(Some((close_code::RESTART, "the server is restarting"))),
                next = self.feed.next() => match next {
                    Next::Event(event) => self.send(Message::Text(event.frame)).await?,
                    Next::Resync => self.begin_anew().await?,
                    Next::Closed => return Err(Some((close_code::RESTART, "the feed has ended"))),
                },
                () = ended(self.end.as_mut()) => self.look().await?,
                _ = look.tick(), if self.member.is_some() => self.look().await?,
                _ = ping.tick() => {
                    if heard.elapsed() > IDLE_TIMEOUT {
                        return Err(Some((close_code::AWAY, "no answer")));
                    }
                    self.say(Control::Ping { seq: self.feed.last() }).await?;
                    self.send(Message::Ping(axum::body::Bytes::new())).await?;
                }
                message = self.socket.recv() => match message {
                    // Readers have nothing to say but that they are there.
                    Some(Ok(Message::Pong(_) | Message::Ping(_) | Message::Text(_) | Message::Binary(_))) => {
                        heard = Instant::now();
                        if heard.duration_since(speech.0) >= Duration::from_secs(1) {
                            speech = (heard, 0);
                        }
                        speech.1 += 1;
                        if speech.1 > INBOUND_RATE {
                            return Err(Some((close_code::POLICY, "too many messages")));
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(None),
                },
            }
        }
    }

    /// Has the reader load the state. First the place to go on from, then the word: what is committed after the reader
    /// has reloaded must still come.
    async fn begin_anew(&mut self) -> Result<(), Goodbye> {
        if self.feed.skip_to_now().await.is_err() {
            return Err(Some((close_code::AGAIN, "the feed cannot go on now")));
        }
        self.say(Control::Resync).await
    }

    /// Looks whether the member may still listen.
    async fn look(&mut self) -> Result<(), Goodbye> {
        why_not(self.member.as_ref()).await.map_or(Ok(()), |reason| Err(Some(reason)))
    }

    async fn say(&mut self, control: Control) -> Result<(), Goodbye> {
        let text = serde_json::to_string(&Frame::Control(control)).map_err(|_| None)?;
        self.send(Message::Text(text.into())).await
    }

    /// Sends, or tells that the reader is gone or stuck.
    async fn send(&mut self, message: Message) -> Result<(), Goodbye> {
        match timeout(WRITE_TIMEOUT, self.socket.send(message)).await {
            Ok(sent) => sent.map_err(|_| None),
            Err(_) => Err(Some((close_code::AGAIN, "the reader does not keep up"))),
        }
    }
}

/// Waits for word about a member's access; a visitor needs none.
async fn ended(end: Option<&mut RevocationWatch>) {
    match end {
        Some(end) => end.wait().await,
        None => std::future::pending().await,
    }
}

/// Why somebody may not listen any more, if so.
async fn why_not(member: Option<&Viewer>) -> Goodbye {
    // A database that does not answer ends nobody's access.
    match member?.access_state().await {
        Ok(AccessState::Ended) => Some((ACCESS_ENDED, "the session or token has ended")),
        Ok(AccessState::OtherRole) => Some((ROLE_CHANGED, "the role has changed")),
        Ok(AccessState::Same) | Err(_) => None,
    }
}
