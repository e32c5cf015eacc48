//! What the server does by itself, now and then, until told to stop.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::domain::{ClockHolder, System};

/// How late a reader may hear of another instance's change when Redis is absent or lost it.
const CATCH_UP: Duration = Duration::from_secs(5);
/// How late a maintenance may begin or end.
const CLOCK: Duration = Duration::from_secs(2);
const HOUSEKEEPING: Duration = Duration::from_hours(1);

/// Runs every job until `stop`.
pub async fn run(system: System, stop: CancellationToken) {
    let mut catch_up = interval(CATCH_UP);
    let mut clock = interval(CLOCK);
    let mut housekeeping = interval(HOUSEKEEPING);
    let holder = ClockHolder::default();
    catch_up.set_missed_tick_behavior(MissedTickBehavior::Delay);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let result = tokio::select! {
            () = stop.cancelled() => return,
            _ = catch_up.tick() => system.catch_up_readers().await,
            _ = clock.tick() => system.run_clock(holder).await.map(drop),
            _ = housekeeping.tick() => housekeep(&system).await,
        };
        if let Err(error) = result {
            tracing::warn!(%error, "a job failed and will run again");
        }
    }
}

async fn housekeep(system: &System) -> crate::model::Result<()> {
    let sessions = system.forget_ended_sessions().await?;
    let events = system.forget_old_events().await?;
    let keys = system.forget_old_keys().await?;
    let resets = system.forget_old_resets().await?;
    let entries = system.forget_old_audit().await?;
    tracing::debug!(sessions, events, keys, resets, entries, "forgot what has ended");
    Ok(())
}
