//! Accepts connections until told to stop, then lets what is under way end.
//!
//! The loop is our own because a connection must be held to its word: it has so long to send its headers and to take
//! what it asked for, and there are only so many connections. It speaks HTTP/1.1 alone, as proxies do behind
//! them: an HTTP/2 connection is kept open by pings that answer themselves, and one answer by a window nobody opens.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, Request},
    response::Response,
};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    signal,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, Interval, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::{
    client_ip::{Network, throttle_key},
    router::router,
};
use crate::server::{
    AppState,
    rate_limit::permits::{LimitSettings, Permit, Permits},
};

/// What is still under way after this is cut off.
const DRAIN: Duration = Duration::from_secs(8);
/// How long to wait when the system has no room for another connection.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(500);
/// Files that are not connections: the database, the log.
const OTHER_FILES: u32 = 96;
/// Headers a request may have.
const HEADERS_MAX: usize = 64;
/// What all headers of a request may take together.
const HEADERS_BYTES: usize = 64 * 1024;

/// What one connection, and all together, may take.
#[derive(Clone)]
pub struct Terms {
    /// Connections at once; further ones wait to be accepted.
    pub connections: u32,
    /// Of these, from one network address.
    pub per_address: u32,
    /// Whose connections are not counted: they bring other people's.
    pub proxies: Vec<Network>,
    /// How long a request may take to arrive, to its last header. A connection that idles is closed after it, too.
    pub headers: Duration,
    /// How long the other side may take nothing of what is sent to it.
    pub write: Duration,
}

impl Terms {
    /// The terms of these settings, as far as the system allows that many open files.
    #[must_use]
    pub fn new(limits: &LimitSettings, proxies: &[Network]) -> Self {
        let mut connections = limits.max_connections;
        if let Some(files) = files_allowed()
            && files < connections.saturating_add(OTHER_FILES)
        {
            connections = files.saturating_sub(OTHER_FILES).max(10);
            tracing::warn!(
                "the system allows this process {files} open files, so it will hold {connections} connections and not \
                 {}: raise `ulimit -n`, or set ALDIS_MAX_CONNECTIONS",
                limits.max_connections,
            );
        }
        Self {
            connections,
            per_address: limits.connections_per_ip,
            proxies: proxies.to_vec(),
            headers: Duration::from_secs(10),
            write: Duration::from_secs(10),
        }
    }
}

/// How many files the process may have open, where the system tells.
fn files_allowed() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// When the signals cannot be watched.
pub async fn serve(listener: TcpListener, state: AppState) -> io::Result<()> {
    let (stop, domain) = (state.stop.clone(), state.domain.clone());
    let terms = Terms::new(&state.config.limits, &state.config.trusted_proxies);
    let server = tokio::spawn(accept(listener, router(state), terms, stop.clone()));
    told_to_stop().await?;
    tracing::info!("stopping: no new connections, the open ones may end");
    stop.cancel();
    if timeout(DRAIN, server).await.is_ok() {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped with connections still open");
    }
    let _ = timeout(Duration::from_secs(1), domain.close()).await;
    Ok(())
}

/// Accepts connections until `stop`, and returns when the last of them has ended, live feeds too.
pub async fn accept(listener: TcpListener, router: Router, terms: Terms, stop: CancellationToken) {
    let (slots, addresses) = (Arc::new(Semaphore::new(terms.connections as usize)), Permits::default());
    loop {
        // First the slot: past the last one, connections wait in the system's queue.
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot,
            () = stop.cancelled() => break,
        };
        let (Ok(slot), Some((stream, peer))) = (slot, next(&listener, &stop).await) else { break };
        let address = peer.ip().to_canonical();
        let is_free = address.is_loopback() || terms.proxies.iter().any(|proxy| proxy.contains(address));
        let place = if is_free { None } else { addresses.try_acquire(throttle_key(address), terms.per_address) };
        if place.is_none() && !is_free {
            tracing::warn!(%address, "too many connections; a proxy is named in ALDIS_TRUSTED_PROXIES");
            continue;
        }
        // Frames of live feeds are small and must not wait for more.
        let _ = stream.set_nodelay(true);
        let wire = Wire { stream, patience: terms.write, stuck: None, _slot: slot, _place: place };
        tokio::spawn(converse(wire, peer, router.clone(), terms.headers, stop.clone()));
    }
    drop(listener);
    let _ = slots.acquire_many(terms.connections).await;
}

/// The next connection; nothing, when it is time to stop.
async fn next(listener: &TcpListener, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return None,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) if is_the_callers(&error) => {}
            Err(error) => {
                // No file left, say: whoever is connected may go soon.
                tracing::warn!(%error, "no connection can be accepted");
                let _ = timeout(ACCEPT_BACKOFF, stop.cancelled()).await;
            }
        }
    }
}

fn is_the_callers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Serves one connection to its end.
async fn converse(wire: Wire, peer: SocketAddr, router: Router, patience: Duration, stop: CancellationToken) {
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_headers(HEADERS_MAX)
        .max_header_size(HEADERS_BYTES)
        .max_buf_size(HEADERS_BYTES)
        .serve_connection(TokioIo::new(wire), service)
        .with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return ended(result),
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    ended(connection.await);
}

/// What goes wrong on a connection is the other side's affair.
fn ended(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::trace!(%error, "a connection ended early");
    }
}

async fn answer(router: Router, peer: SocketAddr, mut request: Request<Incoming>) -> Result<Response, Infallible> {
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request.map(Body::new)).await
}

/// A connection whose other side has to take what it is sent. It holds its slot to its end, also once it is a WebSocket.
struct Wire {
    stream: TcpStream,
    patience: Duration,
    /// Since when nothing has been taken: ticks when that was too long ago.
    stuck: Option<Interval>,
    _slot: OwnedSemaphorePermit,
    _place: Option<Permit<std::net::IpAddr>>,
}

impl Wire {
    /// Passes on what a write came to; one that waits too long has failed.
    fn watched<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let patience = self.patience;
        let stuck = self.stuck.get_or_insert_with(|| interval_at(Instant::now() + patience, patience));
        ready!(stuck.poll_tick(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watched(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watched(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(unix)]
async fn told_to_stop() -> io::Result<()> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
