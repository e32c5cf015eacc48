//! The two live feeds, public and for members: one socket and one task each (docs/api.md, "Live").

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
    model::{Code, Control, Epoch, Error, Frame, Result, Seq},
    server::{
        domain::{AccessState, Caller, Feed, Next, RevocationWatch, Viewer},
        http::extract::{Id, Params},
        live::hub::FRAME_MAX,
        rate_limit::permits::SocketPermit,
        state::AppState,
    },
};

/// Interval of pings.
const PING: Duration = Duration::from_secs(25);
/// Time without a message from the client after which the socket is closed: two pings.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// Time a write may take before the socket is closed.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time the close frame may take to be sent.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
/// Size of the write buffer: one event and a few control frames. Each is flushed before the next; a larger frame would
/// be rejected even with an empty buffer.
const WRITE_BUFFER_MAX: usize = FRAME_MAX + 16 * 1024;
/// Maximum size of a message from the client.
const INBOUND_MAX: usize = 4096;
/// Maximum messages per second from the client.
const INBOUND_RATE: u32 = 10;
/// Interval at which a member's access is checked again, in case the notice of its revocation was lost.
const ACCESS_RECHECK: Duration = Duration::from_secs(8);
/// Close code: the session or token has ended.
const ACCESS_ENDED: u16 = 4401;
/// Close code: the member's role has changed, and the page must be reloaded.
const ROLE_CHANGED: u16 = 4403;

/// Position to resume from.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Since {
    /// Number (`seq`) of the last event received, or of the state loaded.
    since: Option<Seq>,
    /// Epoch of that number, from `hello` or the state loaded.
    epoch: Option<Epoch>,
}

/// Follow a public page over a WebSocket
///
/// The first frame is `hello` with the number of the latest event, followed by the events missed since `since` and then
/// by each new event. `resync` means that missed events are no longer available, or that the database was restored and
/// has another `epoch`: reload the state; later events continue from there.
#[utoipa::path(
    get, path = "/api/public/{slug}/live", tag = "Live", operation_id = "publicLive",
    params(("slug" = String, Path, description = "Address of the page."), Since),
    responses(
        (status = 101, description = "The connection is open. Its text frames are `Frame` objects."),
        (status = 403, description = "The request comes from another site.", body = Error),
        (status = 426, description = "The request is not a WebSocket handshake.", body = Error),
        (status = 503, description = "Too many feeds are open; see `Retry-After`.", body = Error),
    ),
)]
pub async fn public(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    Id(slug): Id<String>,
    Params(since): Params<Since>,
    socket: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let visitor = state.public.visit(&slug).await?;
    refuse_foreign_origin(&headers, &state)?;
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejection) => return Ok(upgrade_required(&rejection)),
    };
    let place = state.sockets.acquire(caller.network(), None)?;
    let feed = visitor.feed(since.since, since.epoch).await?;
    Ok(upgrade(socket, feed, None, place, state.stop.clone()))
}

/// Follow your organization over a WebSocket
///
/// Works like the public feed, with everything that members see.
#[utoipa::path(
    get, path = "/api/live", tag = "Live", operation_id = "membersLive", security(("bearer" = [])), params(Since),
    responses(
        (status = 101, description = "The connection is open. Its text frames are `Frame` objects."),
        (status = 403, description = "The request comes from another site.", body = Error),
        (status = 426, description = "The request is not a WebSocket handshake.", body = Error),
        (status = 503, description = "Too many feeds are open; see `Retry-After`.", body = Error),
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
    refuse_foreign_origin(&headers, &state)?;
    let socket = match socket {
        Ok(socket) => socket,
        Err(rejection) => return Ok(upgrade_required(&rejection)),
    };
    let place = state.sockets.acquire(caller.network(), Some(org.rate_limit_key()))?;
    let feed = org.feed(since.since, since.epoch).await?;
    Ok(upgrade(socket, feed, Some(org), place, state.stop.clone()))
}

/// Rejects handshakes from pages of other origins. Browsers always send the origin; programs do not.
fn refuse_foreign_origin(headers: &HeaderMap, state: &AppState) -> Result<()> {
    match headers.get(header::ORIGIN) {
        Some(origin) if !origin.to_str().is_ok_and(|origin| state.config.public_url.is_own(origin)) => {
            Err(Error::new(Code::Forbidden, "Pages of other origins cannot open a live feed."))
        }
        _ => Ok(()),
    }
}

fn upgrade_required(rejection: &WebSocketUpgradeRejection) -> Response {
    tracing::debug!(%rejection, "live feed requested without a WebSocket handshake");
    let error = Error::invalid(
        "This address accepts only WebSocket connections. The current state is at /api/public/{slug}/status.",
    );
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
        // The default of 128 KiB is allocated for each socket; clients send almost nothing.
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_BUFFER_MAX)
        .max_message_size(INBOUND_MAX)
        .max_frame_size(INBOUND_MAX)
        .on_upgrade(move |socket| async move {
            let end = member.as_ref().map(Viewer::watch_revocation);
            let mut session = FeedSession { socket, feed, member, end };
            let reason = session.serve(stop).await;
            drop(place);
            if let Some((code, text)) = reason {
                let close = CloseFrame { code, reason: Utf8Bytes::from_static(text) };
                let _ = timeout(CLOSE_TIMEOUT, session.socket.send(Message::Close(Some(close)))).await;
            }
        })
}

/// Close code and reason sent by the server; `None` if the client is already gone.
type CloseReason = Option<(u16, &'static str)>;

/// An open feed: sends its events to one client and checks a member's access.
struct FeedSession {
    socket: WebSocket,
    feed: Feed,
    /// Whose access is checked; `None` for the public feed.
    member: Option<Viewer>,
    /// Notices that their access has ended or changed.
    end: Option<RevocationWatch>,
}

impl FeedSession {
    /// Runs the feed until it ends.
    async fn serve(&mut self, stop: CancellationToken) -> CloseReason {
        let Err(reason) = self.run(stop).await;
        reason
    }

    async fn run(&mut self, stop: CancellationToken) -> Result<Infallible, CloseReason> {
        self.send_control(Control::Hello { seq: self.feed.tip(), epoch: Some(self.feed.epoch()) }).await?;
        let mut ping = interval_at(Instant::now() + PING, PING);
        ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut recheck = interval_at(Instant::now() + ACCESS_RECHECK, ACCESS_RECHECK);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last_message = Instant::now();
        let mut messages = (last_message, 0);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(Some((close_code::RESTART, "the server is restarting"))),
                next = self.feed.next() => match next {
                    Next::Event(event) => self.send(Message::Text(event.frame)).await?,
                    Next::Resync => self.resync().await?,
                    Next::Closed => return Err(Some((close_code::RESTART, "the feed has ended"))),
                },
                () = ended(self.end.as_mut()) => self.check_access().await?,
                _ = recheck.tick(), if self.member.is_some() => self.check_access().await?,
                _ = ping.tick() => {
                    if last_message.elapsed() > IDLE_TIMEOUT {
                        return Err(Some((close_code::AWAY, "no answer")));
                    }
                    self.send_control(Control::Ping { seq: self.feed.last() }).await?;
                    self.send(Message::Ping(axum::body::Bytes::new())).await?;
                }
                message = self.socket.recv() => match message {
                    // Messages from clients only show that they are alive.
                    Some(Ok(Message::Pong(_) | Message::Ping(_) | Message::Text(_) | Message::Binary(_))) => {
                        last_message = Instant::now();
                        if last_message.duration_since(messages.0) >= Duration::from_secs(1) {
                            messages = (last_message, 0);
                        }
                        messages.1 += 1;
                        if messages.1 > INBOUND_RATE {
                            return Err(Some((close_code::POLICY, "too many messages")));
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(None),
                },
            }
        }
    }

    /// Makes the client reload the state. The feed skips ahead first, so that the client still gets whatever is
    /// committed after it has reloaded.
    async fn resync(&mut self) -> Result<(), CloseReason> {
        if self.feed.skip_to_now().await.is_err() {
            return Err(Some((close_code::AGAIN, "the feed cannot continue")));
        }
        self.send_control(Control::Resync).await
    }

    /// Closes the feed if the member no longer has access.
    async fn check_access(&mut self) -> Result<(), CloseReason> {
        lost_access(self.member.as_ref()).await.map_or(Ok(()), |reason| Err(Some(reason)))
    }

    async fn send_control(&mut self, control: Control) -> Result<(), CloseReason> {
        let text = serde_json::to_string(&Frame::Control(control)).map_err(|_| None)?;
        self.send(Message::Text(text.into())).await
    }

    /// Sends a message; an error if the client is gone or too slow.
    async fn send(&mut self, message: Message) -> Result<(), CloseReason> {
        match timeout(WRITE_TIMEOUT, self.socket.send(message)).await {
            Ok(sent) => sent.map_err(|_| None),
            Err(_) => Err(Some((close_code::AGAIN, "the client is too slow"))),
        }
    }
}

/// Waits until a member's access has ended or changed; for visitors, forever.
async fn ended(end: Option<&mut RevocationWatch>) {
    match end {
        Some(end) => end.wait().await,
        None => std::future::pending().await,
    }
}

/// The reason to close the feed if the member no longer has the same access.
async fn lost_access(member: Option<&Viewer>) -> CloseReason {
    // An unreachable database does not end anybody's access.
    match member?.access_state().await {
        Ok(AccessState::Ended) => Some((ACCESS_ENDED, "the session or token has ended")),
        Ok(AccessState::OtherRole) => Some((ROLE_CHANGED, "the role has changed")),
        Ok(AccessState::Same) | Err(_) => None,
    }
}
