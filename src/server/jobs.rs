//! Background jobs, until shutdown.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::{
    domain::{LeaseHolder, System},
    live::relay::{Received, Relay},
    supervisor::{Heartbeat, Heartbeats},
};
use crate::model::Result;

/// How late readers see another instance's events when Redis is absent or lost them.
const CATCH_UP_INTERVAL: Duration = Duration::from_secs(5);
/// How late public pages show another instance's changes, in the same case.
const VERSIONS_INTERVAL: Duration = Duration::from_secs(2);
/// How late a maintenance may begin or end.
const SCHEDULER_INTERVAL: Duration = Duration::from_secs(2);
const CLEANUP_INTERVAL: Duration = Duration::from_hours(1);
const REDIS_RETRY_INTERVAL: Duration = Duration::from_secs(2);
/// How often the subscription to Redis gives a heartbeat while nothing is received.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);
/// When the heartbeat of a job with a short interval is late.
const LATE_AFTER: Duration = Duration::from_secs(30);

/// Runs the periodic jobs until `stop`, independently of each other.
pub async fn run(system: System, heartbeats: Heartbeats, stop: CancellationToken) {
    let holder = LeaseHolder::default();
    let catching_up = heartbeats.register("catch_up", LATE_AFTER);
    let checking = heartbeats.register("public_pages", LATE_AFTER);
    let scheduling = heartbeats.register("scheduler", LATE_AFTER);
    let cleaning = heartbeats.register("clean_up", CLEANUP_INTERVAL * 3);
    let (readers, pages, scheduler, beat) = (system.clone(), system.clone(), system.clone(), scheduling.clone());
    let catch_up = move || {
        let readers = readers.clone();
        async move { readers.catch_up_feeds().await }
    };
    let check = move || {
        let pages = pages.clone();
        async move { pages.check_versions().await }
    };
    let scheduler = move || {
        let (scheduler, beat) = (scheduler.clone(), beat.clone());
        // After a downtime there may be many rounds.
        async move { scheduler.run_scheduler(holder, || beat.beat()).await.map(drop) }
    };
    let clean_up = move || clean_up(system.clone());
    tokio::join!(
        catching_up.every(CATCH_UP_INTERVAL, stop.clone(), catch_up),
        checking.every(VERSIONS_INTERVAL, stop.clone(), check),
        scheduling.every(SCHEDULER_INTERVAL, stop.clone(), scheduler),
        cleaning.every(CLEANUP_INTERVAL, stop, clean_up),
    );
}

/// Passes the messages of other instances on to this instance's readers until `stop`. Reconnects to Redis when needed.
pub async fn receive_from_instances(relay: Relay, system: System, heartbeats: Heartbeats, stop: CancellationToken) {
    if relay.client().is_none() {
        return;
    }
    let heartbeat = heartbeats.register("receiver", LATE_AFTER);
    let mut retry = interval(REDIS_RETRY_INTERVAL);
    retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(retry.tick()).await.is_some() {
        let all = receive_all(relay.clone(), system.clone(), heartbeat.clone());
        match stop.run_until_cancelled(heartbeat.supervise(all)).await {
            None => return,
            Some(Some(Ok(()))) => tracing::warn!("Redis closed the connection; reconnecting"),
            Some(Some(Err(error))) => {
                tracing::warn!(%error, "Redis cannot be reached; retrying");
                // That is reported by itself.
                heartbeat.beat();
            }
            Some(None) => {}
        }
    }
}

async fn receive_all(relay: Relay, system: System, heartbeat: Heartbeat) -> redis::RedisResult<()> {
    let Some(mut subscription) = relay.subscribe().await? else { return Ok(()) };
    tracing::info!("subscribed to the events of other instances");
    // Events committed before the subscription.
    if let Err(error) = system.catch_up_feeds().await {
        tracing::warn!(%error, "live feeds could not be caught up");
    }
    loop {
        heartbeat.beat();
        let Ok(message) = timeout(IDLE_INTERVAL, subscription.next()).await else { continue };
        match message? {
            Some(Received::Events(topic, events)) => system.deliver(topic, events).await,
            Some(Received::Revoked(access)) => system.deliver_revocation(access),
            None => return Ok(()),
        }
    }
}

/// Deletes what is kept for a limited time only, unless the clock may be wrong. What fails does not stop the rest.
pub async fn clean_up(system: System) -> Result<()> {
    if !system.may_delete_by_age().await? {
        return Ok(());
    }
    let all = [
        ("sessions", system.forget_ended_sessions().await),
        ("events", system.forget_old_events().await),
        ("idempotency keys", system.forget_old_keys().await),
        ("password resets", system.forget_old_resets().await),
        ("audit entries", system.forget_old_audit().await),
        ("presence", system.forget_old_presence().await),
        ("invitations", system.forget_old_invitations().await),
        ("API tokens", system.forget_old_tokens().await),
    ];
    for (what, deleted) in &all {
        tracing::debug!(what, ?deleted, "deleted old rows");
    }
    all.into_iter().try_for_each(|(_, deleted)| deleted.map(drop))
}
