//! Worker threads: what computes for long, such as drawing, compression and password hashes, runs on a few threads of low
//! priority, so that those that serve requests go first.

use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::{
        Arc, Mutex, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use tokio::sync::oneshot;

use crate::model::{Error, Result};

type Job = Box<dyn FnOnce() + Send>;

/// What distinguishes the threads of one kind of work.
#[derive(Clone, Copy)]
pub struct Work {
    /// Their name for the system, at most 15 bytes.
    pub name: &'static str,
    /// How much they yield to the process's other threads, as `nice` counts: from 0, not at all, to 19.
    pub niceness: i32,
    /// The most jobs that wait for a thread; at least 1.
    pub queue: usize,
    /// The error for a job that finds no place in the queue.
    pub busy: &'static str,
}

/// Threads for one kind of work, and its queue. Cheap to clone; the threads end with the last clone.
#[derive(Clone)]
pub struct WorkerThreads {
    queue: SyncSender<Job>,
    busy: &'static str,
}

impl WorkerThreads {
    /// This number of threads. Where the platform cannot lower the priority of a thread, they have the usual one.
    #[must_use]
    pub fn new(work: Work, threads: usize) -> Self {
        let (queue, jobs) = sync_channel(work.queue);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..threads {
            let jobs = Arc::clone(&jobs);
            let thread = thread::Builder::new().name(work.name.to_owned());
            if let Err(error) = thread.spawn(move || run_jobs(&jobs, work.niceness)) {
                tracing::error!(%error, name = work.name, "a thread could not be started");
            }
        }
        Self { queue, busy: work.busy }
    }

    /// Runs a job once a thread is free. If the caller goes away, a job that has begun goes on, and another is dropped at
    /// its turn. A panic reaches the caller.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (reply, result) = oneshot::channel();
        let job = move || {
            if !reply.is_closed() {
                _ = reply.send(catch_unwind(AssertUnwindSafe(job)));
            }
        };
        self.queue.try_send(Box::new(job)).map_err(|_| Error::unavailable(self.busy))?;
        match result.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(Error::unavailable("The server is stopping. Try again in a moment.")),
        }
    }
}

fn run_jobs(jobs: &Mutex<Receiver<Job>>, niceness: i32) {
    lower_priority(niceness);
    loop {
        // Held while waiting for a job, not while doing it.
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        job();
    }
}

#[cfg(target_os = "linux")]
fn lower_priority(niceness: i32) {
    // On Linux, this is for the calling thread only.
    if let Err(error) = rustix::process::nice(niceness) {
        tracing::debug!(%error, "a worker thread keeps its priority");
    }
}

/// Elsewhere this would lower the priority of the whole process.
#[cfg(not(target_os = "linux"))]
const fn lower_priority(_niceness: i32) {}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::model::Code;

    const WORK: Work = Work { name: "test", niceness: 7, queue: 1, busy: "Too many. Try again in a moment." };

    /// Begins a job that lasts until the returned sender is dropped.
    async fn occupy(threads: &WorkerThreads) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Result<()>>) {
        let (end, gate) = channel::<()>();
        let (begin, has_begun) = oneshot::channel();
        let threads = threads.clone();
        let job = move || {
            begin.send(()).expect("awaited");
            _ = gate.recv();
        };
        let running = tokio::spawn(async move { threads.run(job).await });
        has_begun.await.expect("begun");
        (end, running)
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_everybody_in_it_gets_a_turn() {
        let threads = WorkerThreads::new(WORK, 2);
        let (ends, running): (Vec<_>, Vec<_>) = [occupy(&threads).await, occupy(&threads).await].into_iter().unzip();
        let mut queued = std::pin::pin!(threads.run(|| 3));
        assert!(futures::poll!(&mut queued).is_pending());
        let refused = threads.run(|| 4).await.expect_err("no place");
        assert_eq!((refused.code, refused.message.as_str()), (Code::Unavailable, WORK.busy));
        drop(ends);
        assert_eq!(queued.await, Ok(3));
        for job in running {
            assert_eq!(job.await.expect("no panic"), Ok(()));
        }
        assert_eq!(threads.run(|| 5).await, Ok(5));
    }

    #[tokio::test]
    async fn a_panic_reaches_the_caller_and_leaves_the_thread_usable() {
        let threads = WorkerThreads::new(WORK, 1);
        let job = threads.clone();
        let job = tokio::spawn(async move { job.run(|| panic!("no result")).await });
        assert!(job.await.expect_err("it panicked").is_panic());
        assert_eq!(threads.run(|| 1).await, Ok(1));
    }

    #[tokio::test]
    async fn a_job_goes_on_without_its_caller_only_once_it_has_begun() {
        let threads = WorkerThreads::new(WORK, 1);
        let (end, running) = occupy(&threads).await;
        running.abort();
        let (done, is_done) = channel();
        let mut queued = Box::pin(threads.run(move || done.send(())));
        assert!(futures::poll!(&mut queued).is_pending(), "the first still has the thread");
        drop(queued);
        drop(end);
        // The queue has a place again once the dropped job was taken out.
        while threads.run(|| ()).await.is_err() {
            tokio::task::yield_now().await;
        }
        assert!(is_done.recv().is_err(), "nobody waited for it");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_workers_have_low_priority() {
        let niceness = || rustix::process::getpriority_process(None).expect("a priority");
        let before = niceness();
        assert_eq!(WorkerThreads::new(WORK, 1).run(niceness).await, Ok((before + WORK.niceness).min(19)));
        assert_eq!(niceness(), before);
    }
}
