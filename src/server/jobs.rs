//! What the server does by itself, now and then, until told to stop.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::domain::{LeaseHolder, System};
use crate::model::Result;

/// How late a reader may hear of another instance's change when Redis is absent or lost it.
const CATCH_UP: Duration = Duration::from_secs(5);
/// How late a maintenance may begin or end.
const CLOCK: Duration = Duration::from_secs(2);
const HOUSEKEEPING: Duration = Duration::from_hours(1);

/// Runs every job until `stop`. Each has its own turn, so that one that takes long keeps none waiting.
pub async fn run(system: System, stop: CancellationToken) {
    let holder = LeaseHolder::default();
    let (readers, clock) = (system.clone(), system.clone());
    let catch_up = move || {
        let readers = readers.clone();
        async move { readers.catch_up_feeds().await }
    };
    let clock = move || {
        let clock = clock.clone();
        async move { clock.run_scheduler(holder).await.map(drop) }
    };
    let housekeeping = move || housekeep(system.clone());
    tokio::join!(
        every(CATCH_UP, stop.clone(), catch_up),
        every(CLOCK, stop.clone(), clock),
        every(HOUSEKEEPING, stop, housekeeping),
    );
}

async fn every<F: Future<Output = Result<()>>>(pause: Duration, stop: CancellationToken, job: impl Fn() -> F) {
    let mut turn = interval(pause);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(turn.tick()).await.is_some() {
        match stop.run_until_cancelled(job()).await {
            None => return,
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(%error, "a job failed and will run again"),
        }
    }
}

async fn housekeep(system: System) -> Result<()> {
    let sessions = system.forget_ended_sessions().await?;
    let events = system.forget_old_events().await?;
    let keys = system.forget_old_keys().await?;
    let resets = system.forget_old_resets().await?;
    let entries = system.forget_old_audit().await?;
    tracing::debug!(sessions, events, keys, resets, entries, "forgot what has ended");
    Ok(())
}
