//! Limits concurrent rendering: of public documents, which only compute, on worker threads; of the team's pages, which
//! wait for the database while they render, on the blocking pool, so that other blocking work does not queue behind it.

use std::{panic::resume_unwind, sync::Arc, thread::available_parallelism, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::{
    model::{Error, Result},
    server::{
        error::internal,
        rate_limit::worker_threads::{Work, WorkerThreads},
    },
};

/// The team's pages rendered at once per core; of the public ones, one.
const TEAM_PER_CORE: usize = 2;
/// How long a page waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(5);
const BUSY: &str = "Too many pages are being opened at once. Try again in a moment.";
/// Drawing and compressing public documents. While they are made, requests are answered with the older ones.
const DRAWING: Work = Work {
    name: "documents",
    // Tests share the machine with much else.
    niceness: if cfg!(test) { 0 } else { 10 },
    queue: 64,
    busy: BUSY,
};

/// The limits of public pages and of the team's.
#[derive(Clone)]
pub struct RenderLimits {
    /// Of public documents.
    pub public: RenderLimit,
    pub(super) team: RenderLimit,
}

impl Default for RenderLimits {
    fn default() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        let threads = WorkerThreads::new(DRAWING, cores);
        Self {
            public: RenderLimit::new(cores, MAX_WAIT, Some(threads)),
            team: RenderLimit::new(cores * TEAM_PER_CORE, MAX_WAIT, None),
        }
    }
}

impl RenderLimits {
    /// At most so many pages of each kind at once; others wait this long for their turn.
    #[cfg(test)]
    pub fn new(concurrent: usize, wait: Duration) -> Self {
        let threads = WorkerThreads::new(DRAWING, concurrent);
        Self {
            public: RenderLimit::new(concurrent, wait, Some(threads)),
            team: RenderLimit::new(concurrent, wait, None),
        }
    }
}

/// A limit of pages rendered at once. Cheap to clone.
#[derive(Clone)]
pub struct RenderLimit {
    turns: Arc<Semaphore>,
    wait: Duration,
    /// Where pages are rendered, if not on the blocking pool.
    threads: Option<WorkerThreads>,
}

impl RenderLimit {
    fn new(concurrent: usize, wait: Duration, threads: Option<WorkerThreads>) -> Self {
        Self { turns: Arc::new(Semaphore::new(concurrent)), wait, threads }
    }

    /// Waits for a page's turn. What it is rendered from is loaded afterwards, so that memory is bounded as well.
    ///
    /// # Errors
    /// `unavailable` when too many others are being rendered.
    pub async fn turn(&self) -> Result<RenderTurn> {
        let turn = timeout(self.wait, self.turns.clone().acquire_owned()).await;
        let permit = turn.map_err(|_| Error::unavailable(BUSY))?.map_err(internal)?;
        Ok(RenderTurn { threads: self.threads.clone(), _permit: permit })
    }
}

/// The turn of one page.
pub struct RenderTurn {
    threads: Option<WorkerThreads>,
    _permit: OwnedSemaphorePermit,
}

impl RenderTurn {
    /// Renders on a thread that serves no requests. What has begun goes on if the client disconnects, and keeps its turn.
    ///
    /// # Errors
    /// `unavailable` when the server stops.
    pub async fn render<T: Send + 'static>(mut self, render: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let threads = self.threads.take();
        let render = move || {
            let _turn = self;
            render()
        };
        let rendering = match threads {
            Some(threads) => return threads.run(render).await,
            None => spawn_blocking(render),
        };
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
