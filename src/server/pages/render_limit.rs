//! Limits concurrent rendering, which takes a thread of the blocking pool, so that password hashing and other blocking
//! work do not queue behind it.

use std::{panic::resume_unwind, sync::Arc, thread::available_parallelism, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::{
    model::{Error, Result},
    server::error::internal,
};

/// The team's pages rendered at once per core; of the public ones, which only compute, one.
const TEAM_PER_CORE: usize = 2;
/// How long a page waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// The limits of public pages and of the team's. They are separate: the latter wait for the database while they render.
#[derive(Clone)]
pub struct RenderLimits {
    /// Of public documents.
    pub public: RenderLimit,
    pub(super) team: RenderLimit,
}

impl Default for RenderLimits {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self { public: RenderLimit::new(cores, MAX_WAIT), team: RenderLimit::new(cores * TEAM_PER_CORE, MAX_WAIT) }
    }
}

impl RenderLimits {
    /// At most so many pages of each kind at once; others wait this long for their turn.
    #[cfg(test)]
    pub fn new(concurrent: usize, wait: Duration) -> Self {
        Self { public: RenderLimit::new(concurrent, wait), team: RenderLimit::new(concurrent, wait) }
    }
}

/// A limit of pages rendered at once. Cheap to clone.
#[derive(Clone)]
pub struct RenderLimit {
    turns: Arc<Semaphore>,
    wait: Duration,
}

impl RenderLimit {
    fn new(concurrent: usize, wait: Duration) -> Self {
        Self { turns: Arc::new(Semaphore::new(concurrent)), wait }
    }

    /// Waits for a page's turn. What it is rendered from is loaded afterwards, so that memory is bounded as well.
    ///
    /// # Errors
    /// `unavailable` when too many others are being rendered.
    pub async fn turn(&self) -> Result<RenderTurn> {
        let turn = timeout(self.wait, self.turns.clone().acquire_owned()).await;
        let busy = "Too many pages are being opened at once. Try again in a moment.";
        Ok(RenderTurn { _permit: turn.map_err(|_| Error::unavailable(busy))?.map_err(internal)? })
    }
}

/// The turn of one page.
pub struct RenderTurn {
    _permit: OwnedSemaphorePermit,
}

impl RenderTurn {
    /// Renders on the blocking pool.
    ///
    /// # Errors
    /// `unavailable` when the server stops.
    pub async fn render<T: Send + 'static>(self, render: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        // Rendering continues if the client disconnects, and so does its turn.
        let rendering = spawn_blocking(move || {
            let _turn = self;
            render()
        });
        match rendering.await {
            Ok(page) => Ok(page),
            // For the middleware that turns panics into responses.
            Err(failed) if failed.is_panic() => resume_unwind(failed.into_panic()),
            Err(_) => Err(Error::unavailable("The server is stopping. Try again in a moment.")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::model::Code;

    #[tokio::test]
    async fn a_page_waits_for_its_turn_briefly() {
        let limits = RenderLimits::new(1, Duration::from_millis(1));
        let (done, is_done) = mpsc::channel();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let limit = limits.public.clone();
        let first = tokio::spawn(async move {
            let draw = move || {
                begun.send(()).expect("awaited");
                is_done.recv().expect("done")
            };
            limit.turn().await.expect("its turn").render(draw).await
        });
        has_begun.await.expect("begun");
        let second = limits.public.turn().await.err().expect("no turn");
        assert_eq!((second.code, second.retry_after), (Code::Unavailable, Some(5)));
        assert!(limits.team.turn().await.is_ok(), "the others have their own");
        done.send("drawn").expect("awaited");
        assert_eq!(first.await.expect("no panic"), Ok("drawn"));
        assert!(limits.public.turn().await.is_ok());
    }
}
