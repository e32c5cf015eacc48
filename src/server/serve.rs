//! Accepts connections until told to stop, then lets what is under way end.

use std::{io, net::SocketAddr, time::Duration};

use tokio::{net::TcpListener, signal, time::timeout};

use super::{AppState, router};

/// What is still under way after this is cut off.
const DRAIN: Duration = Duration::from_secs(8);

/// Serves until SIGTERM or SIGINT, then drains.
///
/// # Errors
/// When the signals cannot be watched.
pub async fn serve(listener: TcpListener, state: AppState) -> io::Result<()> {
    let (stop, domain) = (state.stop.clone(), state.domain.clone());
    let service = router(state).into_make_service_with_connect_info::<SocketAddr>();
    let stopping = stop.clone();
    let server = axum::serve(listener, service).with_graceful_shutdown(async move { stopping.cancelled().await });
    let server = tokio::spawn(server.into_future());
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

#[cfg(unix)]
async fn told_to_stop() -> io::Result<()> {
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    tokio::select! {
        result = signal::ctrl_c() => result,
        _ = terminate.recv() => Ok(()),
    }
}
