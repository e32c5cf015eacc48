//! Background jobs, until shutdown.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    domain::{LeaseHolder, System},
    live::relay::{Received, Relay},
};
use crate::model::Result;

/// How late readers see another instance's events when Redis is absent or lost them.
const CATCH_UP_INTERVAL: Duration = Duration::from_secs(5);
/// How late a maintenance may begin or end.
const SCHEDULER_INTERVAL: Duration = Duration::from_secs(2);
const CLEANUP_INTERVAL: Duration = Duration::from_hours(1);
const REDIS_RETRY_INTERVAL: Duration = Duration::from_secs(2);

/// Runs the periodic jobs until `stop`, independently of each other.
pub async fn run(system: System, stop: CancellationToken) {
    let holder = LeaseHolder::default();
    let (readers, scheduler) = (system.clone(), system.clone());
    let catch_up = move || {
        let readers = readers.clone();
        async move { readers.catch_up_feeds().await }
    };
    let scheduler = move || {
        let scheduler = scheduler.clone();
        async move { scheduler.run_scheduler(holder).await.map(drop) }
    };
    let clean_up = move || clean_up(system.clone());
    tokio::join!(
        every(CATCH_UP_INTERVAL, stop.clone(), catch_up),
        every(SCHEDULER_INTERVAL, stop.clone(), scheduler),
        every(CLEANUP_INTERVAL, stop, clean_up),
    );
}

/// Passes the messages of other instances on to this instance's readers until `stop`. Reconnects to Redis when needed.
pub async fn receive_from_instances(relay: Relay, system: System, stop: CancellationToken) {
    let mut retry = interval(REDIS_RETRY_INTERVAL);
    retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(retry.tick()).await.is_some() {
        match stop.run_until_cancelled(receive_all(&relay, &system)).await {
            None | Some(Ok(Ended::NoRedis)) => return,
            Some(Ok(Ended::Closed)) => tracing::warn!("Redis closed the connection; reconnecting"),
            Some(Err(error)) => tracing::warn!(%error, "Redis cannot be reached; retrying"),
        }
    }
}

/// Why no more messages come.
enum Ended {
    NoRedis,
    Closed,
}

async fn receive_all(relay: &Relay, system: &System) -> redis::RedisResult<Ended> {
    let Some(mut subscription) = relay.subscribe().await? else { return Ok(Ended::NoRedis) };
    tracing::info!("subscribed to the events of other instances");
    // Events committed before the subscription.
    if let Err(error) = system.catch_up_feeds().await {
        tracing::warn!(%error, "live feeds could not be caught up");
    }
    while let Some(message) = subscription.next().await? {
        match message {
            Received::Events(topic, events) => system.deliver(topic, events).await,
            Received::Revoked(access) => system.deliver_revocation(access),
        }
    }
    Ok(Ended::Closed)
}

async fn every<F: Future<Output = Result<()>>>(period: Duration, stop: CancellationToken, job: impl Fn() -> F) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        match stop.run_until_cancelled(job()).await {
            None => return,
            Some(Ok(())) => {}
            Some(Err(error)) => tracing::warn!(%error, "a job failed; it will be retried"),
        }
    }
}

/// Deletes expired rows.
async fn clean_up(system: System) -> Result<()> {
    let sessions = system.forget_ended_sessions().await?;
    let events = system.forget_old_events().await?;
    let keys = system.forget_old_keys().await?;
    let resets = system.forget_old_resets().await?;
    let entries = system.forget_old_audit().await?;
    tracing::debug!(sessions, events, keys, resets, entries, "deleted expired rows");
    Ok(())
}
