//! Limits concurrent rendering, which takes a thread of the blocking pool, so that password hashing and other blocking
//! work do not queue behind it.

use std::{panic::resume_unwind, sync::Arc, thread::available_parallelism, time::Duration};

use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};

use crate::{
    model::{Error, Result},
    server::error::internal,
};

/// Pages rendered at once per core.
const PER_CORE: usize = 2;
/// How long a page waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The limits of public pages and of the team's. They are separate: the latter wait for the database while they render.
#[derive(Clone)]
pub struct RenderLimits {
    pub(super) public: RenderLimit,
    pub(super) team: RenderLimit,
}

impl Default for RenderLimits {
    fn default() -> Self {
        Self::new(available_parallelism().map_or(1, usize::from) * PER_CORE, MAX_WAIT)
    }
}

impl RenderLimits {
    /// At most so many pages of each kind at once; others wait this long for their turn.
    pub fn new(concurrent: usize, wait: Duration) -> Self {
        let limit = || RenderLimit { turns: Arc::new(Semaphore::new(concurrent)), wait };
        Self { public: limit(), team: limit() }
    }
}

/// A limit of pages rendered at once. Cheap to clone.
#[derive(Clone)]
pub struct RenderLimit {
    turns: Arc<Semaphore>,
    wait: Duration,
}

impl RenderLimit {
    /// Renders on the blocking pool, once it is this page's turn.
    ///
    /// # Errors
    /// `unavailable` when too many others are being rendered.
    pub async fn render<T: Send + 'static>(&self, render: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let turn = timeout(self.wait, self.turns.clone().acquire_owned()).await;
        let busy = "Too many pages are being opened at once. Try again in a moment.";
        let turn = turn.map_err(|_| Error::unavailable(busy))?.map_err(internal)?;
        // Rendering continues if the client disconnects, and so does its turn.
        let rendering = spawn_blocking(move || {
            let _turn = turn;
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
            limit
                .render(move || {
                    begun.send(()).expect("awaited");
                    is_done.recv().expect("done")
                })
                .await
        });
        has_begun.await.expect("begun");
        let second = limits.public.render(|| "drawn").await.expect_err("no turn");
        assert_eq!((second.code, second.retry_after), (Code::Unavailable, Some(5)));
        assert_eq!(limits.team.render(|| "drawn").await, Ok("drawn"), "the others have their own");
        done.send("drawn").expect("awaited");
        assert_eq!(first.await.expect("no panic"), Ok("drawn"));
        assert_eq!(limits.public.render(|| "drawn").await, Ok("drawn"));
    }
}
