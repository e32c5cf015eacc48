//! Single-threaded server-side rendering of team pages.
//!
//! Leptos spawns tasks while it renders: a resource loads in one, a boundary waits in another. A memo that is computed
//! on one thread while its source changes on another keeps its old value as if it were the new one (`reactive_graph`
//! 0.2.16, `MemoInner::update_if_necessary`). The page then lacks some of its data, and hydration fails, as the client
//! renders all of it. On one thread nothing changes while something is computed.

use std::{cell::Cell, time::Duration};

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use axum::{
    body::{Body, to_bytes},
    response::Response,
};
use tokio::{
    runtime::Handle,
    task::{LocalSet, spawn_local},
    time::timeout,
};
use tracing::Span;

use super::render_limit::RenderLimit;
use crate::{
    model::{Error, Result},
    server::error::internal,
};

/// Rendering is aborted after this time, as the request is, to free its thread.
const RENDER_TIMEOUT: Duration = Duration::from_secs(15);

thread_local! {
    /// Whether this thread is rendering a page.
    static IS_RENDERING: Cell<bool> = const { Cell::new(false) };
}

/// Leptos's executor: spawns tasks on the rendering thread if there is one, otherwise on the runtime.
struct Spawner;

impl CustomExecutor for Spawner {
    fn spawn(&self, task: PinnedFuture<()>) {
        if IS_RENDERING.get() {
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

/// Installs the executor for the whole process. Must be called before anything is rendered, as Leptos installs its own
/// otherwise.
pub fn install_executor() {
    // Fails from the second call on, by further routers in tests.
    _ = Executor::init_custom_executor(Spawner);
}

/// Renders a page and its body, with all its tasks, on one thread of the blocking pool, once it is its turn. Tasks that
/// are left are dropped.
///
/// # Errors
/// `Unavailable` if it takes too long or too many others are being rendered, `Internal` if its body cannot be read.
pub async fn render_on_one_thread<F>(
    limit: RenderLimit,
    render: impl FnOnce() -> F + Send + 'static,
) -> Result<Response>
where
    F: Future<Output = Response> + 'static,
{
    let (runtime, span) = (Handle::current(), Span::current());
    let page = move || {
        let (_span, _guard) = (span.enter(), RenderGuard::new());
        let tasks = LocalSet::new();
        let whole = tasks.run_until(async {
            let (parts, body) = render().await.into_parts();
            let body = to_bytes(body, usize::MAX).await.map_err(internal)?;
            Ok(Response::from_parts(parts, Body::from(body)))
        });
        let page = runtime.block_on(async { timeout(RENDER_TIMEOUT, whole).await });
        page.map_err(internal).map_err(|_| Error::unavailable("This took too long. Try again in a moment."))?
    };
    limit.turn().await?.render(page).await?
}

/// Marks this thread as rendering while it lives.
struct RenderGuard;

impl RenderGuard {
    fn new() -> Self {
        IS_RENDERING.set(true);
        Self
    }
}

impl Drop for RenderGuard {
    fn drop(&mut self) {
        IS_RENDERING.set(false);
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
    use tokio::task::spawn_blocking;

    use super::{super::RenderLimits, *};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn tasks_of_a_page_run_on_its_thread_even_after_waiting() {
        install_executor();
        let threads: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let note = |threads: &Arc<Mutex<BTreeSet<String>>>| {
            let name = |id: ThreadId| format!("{id:?}");
            threads.lock().expect("no panic").insert(name(thread::current().id()));
        };
        let of_page = Arc::clone(&threads);
        let page = render_on_one_thread(RenderLimits::default().team, move || async move {
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
    async fn a_panic_reaches_the_caller_and_leaves_the_thread_usable() {
        install_executor();
        let limit = RenderLimits::default().team;
        let page = tokio::spawn(render_on_one_thread(limit.clone(), || async { panic!("no page") }));
        assert!(page.await.expect_err("it panicked").is_panic());
        let page = render_on_one_thread(limit, || async { IS_RENDERING.get().to_string().into_response() });
        let page = page.await.expect("a page");
        let body = to_bytes(page.into_body(), 100).await.expect("a body");
        assert_eq!(body, "true");
        assert!(!spawn_blocking(|| IS_RENDERING.get()).await.expect("no panic"));
    }
}
