//! The clock: real, or set by a test.

mod housekeeping;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::model::Timestamp;

/// The server's time source.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that only tests advance: milliseconds since 1970, and by how many this machine is ahead of it.
    Pretended(Arc<AtomicI64>, i64),
}

impl Clock {
    /// A clock that shows this time until it is advanced.
    #[must_use]
    pub fn pretend(now: Timestamp) -> Self {
        Self::Pretended(Arc::new(AtomicI64::new(now.millis())), 0)
    }

    /// The same pretended time, seen by a machine whose clock is ahead of the database's.
    #[cfg(test)]
    pub(crate) fn ahead_by(&self, seconds: i64) -> Self {
        match self {
            Self::System => Self::System,
            Self::Pretended(millis, ahead) => Self::Pretended(Arc::clone(millis), ahead + seconds * 1000),
        }
    }

    /// The current time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one source of time")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => chrono::Utc::now().into(),
            Self::Pretended(millis, ahead) => Timestamp::from_millis(millis.load(Ordering::SeqCst) + ahead),
        }
    }

    /// Advances a pretended clock; the real one is unaffected.
    pub fn advance_seconds(&self, seconds: i64) {
        if let Self::Pretended(millis, _) = self {
            millis.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }
}
