//! Readiness: what this instance can serve, and what it does without.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tokio::{sync::Mutex, time::timeout};

use crate::{
    model::Timestamp,
    server::{
        domain::{Clock, Domain},
        rate_limit::shared_counters::SharedCounters,
        supervisor::Heartbeats,
    },
};

/// How long the database may take to answer.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(3);
/// How long an answer is given to all callers.
const SHARED_MILLIS: u64 = 1_000;

/// The answer of `/readyz`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What does not work: `database`, `redis` or `jobs`.
    pub degraded: Vec<&'static str>,
    /// The background jobs that do not work.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub jobs: Vec<&'static str>,
}

/// Checks what this instance depends on, at most once a second for all callers. Cheap to clone.
#[derive(Clone)]
pub struct Readiness {
    domain: Domain,
    counters: SharedCounters,
    heartbeats: Heartbeats,
    latest: Shared<Report>,
}

impl Readiness {
    /// Checks over these parts.
    pub fn new(domain: Domain, counters: SharedCounters, heartbeats: Heartbeats) -> Self {
        let latest = Shared { clock: domain.clock().clone(), value: Arc::default() };
        Self { domain, counters, heartbeats, latest }
    }

    /// The heartbeats whose lateness is reported.
    #[cfg(test)]
    pub const fn heartbeats(&self) -> &Heartbeats {
        &self.heartbeats
    }

    /// The answer of `/readyz`: 200 while pages can be served, naming what is degraded; with `?strict`, 503 if anything
    /// is.
    pub async fn answer(&self, uri: &Uri) -> Response {
        let report = self.latest.get(self.check()).await;
        let mut query = form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes());
        let is_unready = query.any(|(name, _)| name == "strict") && !report.degraded.is_empty();
        let status = if is_unready { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        (status, Json(report)).into_response()
    }

    async fn check(&self) -> Report {
        let database = async {
            self.domain.is_open() && matches!(timeout(DATABASE_TIMEOUT, self.domain.database_ready()).await, Ok(Ok(())))
        };
        let (database, redis) = tokio::join!(database, self.counters.is_redis_ready());
        let jobs = self.heartbeats.late();
        let parts = [("database", database), ("redis", redis), ("jobs", jobs.is_empty())];
        let degraded = parts.into_iter().filter_map(|(part, works)| (!works).then_some(part)).collect();
        Report { degraded, jobs }
    }
}

/// A value that is computed at most every second, once for all who ask for it at a time.
#[derive(Clone)]
struct Shared<T> {
    clock: Clock,
    value: Arc<Mutex<Option<(Timestamp, T)>>>,
}

impl<T: Clone> Shared<T> {
    /// The value of the last second, or else `compute`'s.
    async fn get(&self, compute: impl Future<Output = T>) -> T {
        let mut value = self.value.lock().await;
        if let Some((at, known)) = &*value
            && self.clock.now().millis().abs_diff(at.millis()) < SHARED_MILLIS
        {
            return known.clone();
        }
        let computed = compute.await;
        *value = Some((self.clock.now(), computed.clone()));
        computed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;

    use super::*;

    #[tokio::test]
    async fn a_value_is_computed_once_a_second_for_all() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let (shared, computed) = (Shared { clock: clock.clone(), value: Arc::default() }, AtomicUsize::new(0));
        let get = || {
            shared.get(async {
                tokio::task::yield_now().await;
                computed.fetch_add(1, Ordering::SeqCst)
            })
        };
        assert_eq!(join_all((0..50).map(|_| get())).await, [0; 50]);
        clock.advance_seconds(1);
        assert_eq!(join_all((0..50).map(|_| get())).await, [1; 50]);
    }
}
