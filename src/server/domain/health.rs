//! Whether the database answers: what pages show, and with which notice, depends on it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
};

use tokio::sync::Notify;

use super::Clock;
use crate::model::Timestamp;

/// What is known of the database. Cheap to clone.
#[derive(Clone)]
pub struct DatabaseHealth {
    clock: Clock,
    inner: Arc<Inner>,
}

struct Inner {
    is_away: AtomicBool,
    verified_at: AtomicI64,
    missed: AtomicU32,
    went_away: Notify,
}

impl DatabaseHealth {
    /// Of a database that has just answered.
    pub(super) fn new(clock: Clock) -> Self {
        let verified_at = AtomicI64::new(clock.now().millis());
        let (is_away, missed, went_away) = (AtomicBool::new(false), AtomicU32::new(0), Notify::new());
        Self { clock, inner: Arc::new(Inner { is_away, verified_at, missed, went_away }) }
    }

    /// Notes that the database has answered, and what it was asked for is right.
    pub fn answered(&self) {
        self.inner.missed.store(0, Ordering::Relaxed);
        self.inner.verified_at.store(self.clock.now().millis(), Ordering::Relaxed);
        if self.inner.is_away.swap(false, Ordering::AcqRel) {
            tracing::info!("the database answers again");
        }
    }

    /// Notes that the database has not answered in time. It may be busy: only the second time in a row counts.
    pub fn missed(&self) {
        if self.inner.missed.fetch_add(1, Ordering::Relaxed) > 0 {
            self.failed();
        }
    }

    /// Notes that the database cannot be reached.
    pub fn failed(&self) {
        if !self.inner.is_away.swap(true, Ordering::AcqRel) {
            tracing::warn!("the database does not answer; public pages are shown as they were last known");
            self.inner.went_away.notify_waiters();
        }
    }

    /// Whether the database does not answer.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.inner.is_away.load(Ordering::Acquire)
    }

    /// Waits until the database does not answer.
    pub async fn away(&self) {
        loop {
            let went_away = self.inner.went_away.notified();
            if self.is_away() {
                return;
            }
            went_away.await;
        }
    }

    /// When it last answered.
    #[must_use]
    pub fn verified_at(&self) -> Timestamp {
        Timestamp::from_millis(self.inner.verified_at.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_away_from_a_failure_to_the_next_answer() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let health = DatabaseHealth::new(clock.clone());
        assert_eq!((health.is_away(), health.verified_at()), (false, Timestamp::EPOCH));
        clock.advance_seconds(5);
        health.missed();
        assert!(!health.is_away(), "it may be busy");
        health.missed();
        health.failed();
        assert_eq!((health.is_away(), health.verified_at()), (true, Timestamp::EPOCH));
        health.answered();
        assert_eq!((health.is_away(), health.verified_at()), (false, clock.now()));
    }
}
