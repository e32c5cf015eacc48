//! The listener: accepts connections, enforces limits and timeouts, and shuts down gracefully.
//!
//! `axum::serve` and `axum-server` have no limit of connections per address and no timeout for clients that do not read
//! the response. HTTP/1.1 only, as reverse proxies use it towards servers: HTTP/2 pings would keep a
//! connection alive, and a closed flow control window would keep a response waiting, without a timeout.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
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
use ipnet::IpNet;
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
    client_ip::{is_in, throttle_key},
    router::router,
};
use crate::server::{
    public_cache::PublicCache,
    rate_limit::permits::{LimitSettings, Permit, Permits},
    state::AppState,
};

/// How long open connections may take to finish on shutdown.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(8);
/// How long to wait when no connection can be accepted, for example because no file descriptor is free.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(500);
/// File descriptors that are kept for the database and the log.
const RESERVED_FILES: u32 = 96;
const MAX_HEADERS: usize = 64;
/// Size limit of all headers of a request.
const MAX_HEADER_BYTES: usize = 64 * 1024;
const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Limits and timeouts of connections.
#[derive(Clone)]
pub struct ConnectionLimits {
    /// Concurrent connections; further ones wait in the system's queue.
    pub connections: u32,
    /// Concurrent connections per network address; further ones are closed.
    pub per_address: u32,
    /// Proxies, to which `per_address` does not apply.
    pub proxies: Vec<IpNet>,
    /// How long the headers of a request may take to arrive, and how long a connection may be idle.
    pub header_timeout: Duration,
    /// How long the client can go without reading the response.
    pub write_timeout: Duration,
}

impl ConnectionLimits {
    /// The configured limits, lowered to the number of files that the system allows.
    #[must_use]
    pub fn new(limits: &LimitSettings, proxies: &[IpNet]) -> Self {
        let mut connections = limits.max_connections;
        if let Some(files) = max_open_files()
            && files < connections.saturating_add(RESERVED_FILES)
        {
            connections = files.saturating_sub(RESERVED_FILES).max(10);
            tracing::warn!(
                "the system allows this process {files} open files, so connections are limited to {connections}, not \
                 {}: raise `ulimit -n`, or set ALDIS_MAX_CONNECTIONS",
                limits.max_connections,
            );
        }
        Self {
            connections,
            per_address: limits.connections_per_ip,
            proxies: proxies.to_vec(),
            header_timeout: HEADER_TIMEOUT,
            write_timeout: WRITE_TIMEOUT,
        }
    }
}

/// The soft limit of open files, on Linux.
fn max_open_files() -> Option<u32> {
    let text = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Serves until SIGTERM or SIGINT, then shuts down gracefully.
///
/// # Errors
/// When the signal handlers cannot be installed.
pub async fn serve(listener: TcpListener, state: AppState) -> io::Result<()> {
    let (stop, domain) = (state.stop.clone(), state.domain.clone());
    let limits = ConnectionLimits::new(&state.config.limits, &state.config.trusted_proxies);
    let server = tokio::spawn(accept(listener, Answers::of(state), limits, stop.clone()));
    shutdown_signal().await?;
    tracing::info!("shutting down: finishing open requests");
    stop.cancel();
    if timeout(SHUTDOWN_TIMEOUT, server).await.is_ok() {
        tracing::info!("stopped");
    } else {
        tracing::warn!("stopped with connections still open");
    }
    let _ = timeout(Duration::from_secs(1), domain.close()).await;
    Ok(())
}

/// Accepts connections until `stop`, then waits for the open ones to end, live feeds included.
pub async fn accept(listener: TcpListener, answers: Answers, limits: ConnectionLimits, stop: CancellationToken) {
    let (slots, addresses) = (Arc::new(Semaphore::new(limits.connections as usize)), Permits::default());
    loop {
        // Before accepting, so that connections over the limit wait in the system's queue.
        let slot = tokio::select! {
            slot = slots.clone().acquire_owned() => slot,
            () = stop.cancelled() => break,
        };
        let (Ok(slot), Some((stream, peer))) = (slot, accept_one(&listener, &stop).await) else { break };
        let address = peer.ip().to_canonical();
        let is_exempt = address.is_loopback() || is_in(&limits.proxies, address);
        let permit = if is_exempt { None } else { addresses.try_acquire(throttle_key(address), limits.per_address) };
        if permit.is_none() && !is_exempt {
            tracing::warn!(%address, "too many connections; if this is a proxy, add it to ALDIS_TRUSTED_PROXIES");
            continue;
        }
        // Live events are small and must not wait to be sent together.
        let _ = stream.set_nodelay(true);
        let write_timeout = limits.write_timeout;
        let stream = ClientStream { stream, write_timeout, stalled: None, _slot: slot, _permit: permit };
        tokio::spawn(serve_connection(stream, peer, answers.clone(), limits.header_timeout, stop.clone()));
    }
    drop(listener);
    let _ = slots.acquire_many(limits.connections).await;
}

/// Accepts one connection, or returns `None` on `stop`.
async fn accept_one(listener: &TcpListener, stop: &CancellationToken) -> Option<(TcpStream, SocketAddr)> {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return None,
        };
        match accepted {
            Ok(connection) => return Some(connection),
            Err(error) if is_client_error(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections");
                let _ = timeout(ACCEPT_BACKOFF, stop.cancelled()).await;
            }
        }
    }
}

fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn serve_connection(
    stream: ClientStream,
    peer: SocketAddr,
    answers: Answers,
    header_timeout: Duration,
    stop: CancellationToken,
) {
    let service = service_fn(move |request| answers.clone().handle(peer, request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(header_timeout)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEADER_BYTES)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::trace!(%error, "a connection ended early");
    }
}

/// What answers requests: the cache of public documents, and the router for all others.
#[derive(Clone)]
pub struct Answers {
    public: PublicCache,
    router: Router,
}

impl Answers {
    /// The answers of a server with this state.
    #[must_use]
    pub fn of(state: AppState) -> Self {
        Self { public: state.public.clone(), router: router(state) }
    }

    async fn handle(self, peer: SocketAddr, mut request: Request<Incoming>) -> Result<Response, Infallible> {
        if let Some(answer) = self.public.answer(&request) {
            return Ok(answer);
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        self.router.oneshot(request.map(Body::new)).await
    }
}

/// A TCP stream with a write timeout. Holds its permits until it is closed, also as a WebSocket.
struct ClientStream {
    stream: TcpStream,
    write_timeout: Duration,
    /// Set while writes are blocked; ticks at the timeout.
    stalled: Option<Interval>,
    _slot: OwnedSemaphorePermit,
    _permit: Option<Permit<IpAddr>>,
}

impl ClientStream {
    /// Passes on the result of a write, or fails one that has been blocked for too long.
    fn with_timeout<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let limit = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| interval_at(Instant::now() + limit, limit));
        ready!(stalled.poll_tick(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.with_timeout(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.with_timeout(cx, written)
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
async fn shutdown_signal() -> io::Result<()> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
