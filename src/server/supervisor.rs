//! Supervision of background jobs: each turn runs in a task of its own, and a heartbeat shows that turns complete.

use std::{
    collections::BTreeMap,
    fmt::Display,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

use crate::model::Timestamp;

/// The heartbeats of this process's background jobs. Cheap to clone.
#[derive(Clone)]
pub struct Heartbeats {
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    jobs: Arc<Mutex<BTreeMap<&'static str, Beat>>>,
}

struct Beat {
    at: Timestamp,
    late_after: Duration,
}

impl Heartbeats {
    /// No jobs yet, and the clock that dates their heartbeats.
    pub fn new(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self { now: Arc::new(now), jobs: Arc::default() }
    }

    /// Registers a job, whose heartbeat is late after this time.
    #[must_use]
    pub fn register(&self, job: &'static str, late_after: Duration) -> Heartbeat {
        self.lock().insert(job, Beat { at: (self.now)(), late_after });
        Heartbeat { job, all: self.clone() }
    }

    /// The jobs whose heartbeat is late, by name. A clock that was set counts as late, until the next heartbeat.
    #[must_use]
    pub fn late(&self) -> Vec<&'static str> {
        let now = (self.now)().millis();
        let is_late = |beat: &Beat| u128::from(now.abs_diff(beat.at.millis())) > beat.late_after.as_millis();
        self.lock().iter().filter(|(_, beat)| is_late(beat)).map(|(job, _)| *job).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Beat>> {
        // Nothing panics while holding the lock, and the map would still be valid.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The heartbeat of one job.
#[derive(Clone)]
pub struct Heartbeat {
    job: &'static str,
    all: Heartbeats,
}

impl Heartbeat {
    /// Notes that the job works.
    pub fn beat(&self) {
        if let Some(beat) = self.all.lock().get_mut(self.job) {
            beat.at = (self.all.now)();
        }
    }

    /// Runs a turn of the job in a task of its own; `None` if it panicked, which is logged. Dropping this ends the turn.
    pub async fn supervise<T: Send + 'static>(&self, turn: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let ended = AbortOnDropHandle::new(tokio::spawn(turn)).await;
        // The panic's message and place were written to the log by the panic hook.
        ended.inspect_err(|error| tracing::error!(%error, job = self.job, "a background job panicked; it goes on")).ok()
    }

    /// Runs a turn every `period` until `stop`, the first at once. A turn that fails or panics is logged, gives no
    /// heartbeat, and is followed by the next.
    pub async fn every<F, E>(self, period: Duration, stop: CancellationToken, turn: impl Fn() -> F)
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
        E: Display + Send + 'static,
    {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(ticks.tick()).await.is_some() {
            match stop.run_until_cancelled(self.supervise(turn())).await {
                None => return,
                Some(Some(Ok(()))) => self.beat(),
                Some(Some(Err(error))) => {
                    tracing::warn!(%error, job = self.job, "a background job failed; it will be retried");
                }
                Some(None) => {}
            }
        }
    }
}

#[cfg(test)]
impl Heartbeats {
    /// For tests of jobs whose heartbeats do not matter.
    pub(crate) fn ignored() -> Self {
        Self::new(|| Timestamp::EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[tokio::test]
    async fn a_job_that_panics_or_fails_goes_on_and_is_late_until_a_turn_completes() {
        let seconds = Arc::new(AtomicI64::new(0));
        let clock = Arc::clone(&seconds);
        let beats = Heartbeats::new(move || Timestamp::EPOCH.plus_seconds(clock.load(Ordering::SeqCst)));
        let (_idle, job) = (beats.register("idle", Duration::MAX), beats.register("job", Duration::from_secs(3)));
        let (stop, late) = (CancellationToken::new(), Arc::new(Mutex::new(Vec::new())));
        let (seen, ended) = (Arc::clone(&late), stop.clone());
        let turn = move || {
            let mut seen = seen.lock().expect("no panic");
            seen.push(beats.late());
            let (turn, ended) = (seen.len(), ended.clone());
            seconds.fetch_add(2, Ordering::SeqCst);
            async move {
                match turn {
                    1 => panic!("planned"),
                    2 => Err("planned"),
                    3 => Ok(()),
                    _ => {
                        ended.cancel();
                        Ok(())
                    }
                }
            }
        };
        job.every(Duration::from_millis(1), stop, turn).await;
        let late = late.lock().expect("no panic");
        assert_eq!(*late, [vec![], vec![], vec!["job"], vec![]], "late after two turns, until the third completed");
    }

    #[tokio::test]
    async fn a_turn_ends_with_its_job() {
        let (alive, ended) = tokio::sync::oneshot::channel::<()>();
        let job = Heartbeats::ignored().register("job", Duration::MAX);
        let stuck = job.supervise(async move {
            std::future::pending::<()>().await;
            drop(alive);
        });
        assert!(tokio::time::timeout(Duration::from_millis(1), stuck).await.is_err());
        assert!(ended.await.is_err(), "its task was dropped");
    }
}
