//! Renders a team page on one thread, whatever it waits for.
//!
//! Leptos spawns tasks while it renders: a resource loads in one, a boundary waits in another. A memo that is computed on
//! one thread while its source changes on another keeps the old value and believes it is the new one
//! (`reactive_graph` 0.2.16, `MemoInner::update_if_necessary`). The page then says less than its data does, and the
//! client, which draws from the same data, does not find what it expects. On one thread nothing changes while something is
//! computed.

use std::{cell::Cell, panic::resume_unwind, time::Duration};

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use tokio::{
    runtime::Handle,
    task::{LocalSet, spawn_blocking, spawn_local},
    time::timeout,
};
use tracing::Span;

use crate::{
    model::{Error, Result},
    server::error::internal,
};

/// A page that takes longer is given up, here as well as by whoever waits for it: its thread is needed.
const LONGEST: Duration = Duration::from_secs(15);

thread_local! {
    /// Whether this thread renders a page.
    static RENDERS: Cell<bool> = const { Cell::new(false) };
}

/// Where Leptos's tasks go: to the thread that renders, if one does.
struct Spawner;

impl CustomExecutor for Spawner {
    fn spawn(&self, task: PinnedFuture<()>) {
        if RENDERS.get() {
            spawn_local(task);
        } else {
            tokio::spawn(task);
        }
    }

    fn spawn_local(&self, task: PinnedLocalFuture<()>) {
        spawn_local(task);
    }

    fn poll_local(&self) {}
}

/// Lets Leptos's tasks go where they should, for the whole process. Called before anything is rendered, as Leptos puts a
/// spawner of its own there otherwise.
pub fn keep_tasks_together() {
    // Said again by each router of a process, and heard once.
    _ = Executor::init_custom_executor(Spawner);
}

/// Renders a page, its body too, with all its tasks on one thread of those that may block. What it has not done by then
/// ends with it.
///
/// # Errors
/// `Unavailable` when it takes too long, `Internal` when its body cannot be read.
pub async fn on_one_thread<F>(render: impl FnOnce() -> F + Send + 'static) -> Result<Response>
where
    F: Future<Output = Response> + 'static,
{
    let (runtime, span) = (Handle::current(), Span::current());
    let rendering = spawn_blocking(move || {
        let (_span, _renders) = (span.enter(), Renders::begin());
        let tasks = LocalSet::new();
        let whole = tasks.run_until(async {
            let (parts, body) = render().await.into_parts();
            let body = to_bytes(body, usize::MAX).await.map_err(internal)?;
            Ok(Response::from_parts(parts, Body::from(body)))
        });
        let page = runtime.block_on(async { timeout(LONGEST, whole).await });
        page.map_err(internal)
            .map_err(|_| Error::unavailable("This took too long. CountedAttempt again in a moment."))?
    });
    match rendering.await {
        Ok(page) => page,
        // For the layer that answers panics.
        Err(failed) if failed.is_panic() => resume_unwind(failed.into_panic()),
        Err(_) => Err(Error::unavailable("The server is stopping. CountedAttempt again in a moment.")),
    }
}

/// This thread, while it renders a page.
struct Renders;

impl Renders {
    fn begin() -> Self {
        RENDERS.set(true);
        Self
    }
}

impl Drop for Renders {
    fn drop(&mut self) {
        RENDERS.set(false);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeSet,
        sync::{Arc, Mutex},
        thread::{self, ThreadId},
    };

    use axum::response::IntoResponse;

    use super::*;

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn what_a_page_spawns_runs_on_its_thread_also_after_it_has_waited() {
        keep_tasks_together();
        let threads: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let note = |threads: &Arc<Mutex<BTreeSet<String>>>| {
            let name = |id: ThreadId| format!("{id:?}");
            threads.lock().expect("no panic").insert(name(thread::current().id()));
        };
        let of_page = Arc::clone(&threads);
        let page = on_one_thread(move || async move {
            note(&of_page);
            let tasks = (0..50).map(|_| {
                let (done, is_done) = tokio::sync::oneshot::channel();
                let threads = Arc::clone(&of_page);
                Executor::spawn(async move {
                    // Elsewhere, and back.
                    tokio::spawn(tokio::task::yield_now()).await.expect("no panic");
                    note(&threads);
                    done.send(()).expect("awaited");
                });
                is_done
            });
            futures::future::join_all(tasks).await;
            "drawn".into_response()
        });
        let body = to_bytes(page.await.expect("a page").into_body(), 100).await.expect("a body");
        assert_eq!(body, "drawn");
        assert_eq!(threads.lock().expect("no panic").len(), 1, "{threads:?}");
    }

    #[tokio::test]
    async fn a_page_that_panics_does_so_for_its_caller_and_leaves_its_thread_in_order() {
        keep_tasks_together();
        let page = tokio::spawn(on_one_thread(|| async { panic!("no page") }));
        assert!(page.await.expect_err("it panicked").is_panic());
        let page = on_one_thread(|| async { RENDERS.get().to_string().into_response() }).await.expect("a page");
        let body = to_bytes(page.into_body(), 100).await.expect("a body");
        assert_eq!(body, "true");
        assert!(!spawn_blocking(|| RENDERS.get()).await.expect("no panic"));
    }
}
