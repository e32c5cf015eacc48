//! The clock: real, or set by a test.

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
    /// A clock that only tests advance: milliseconds since 1970.
    Pretended(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that shows this time until it is advanced.
    #[must_use]
    pub fn pretend(now: Timestamp) -> Self {
        Self::Pretended(Arc::new(AtomicI64::new(now.millis())))
    }

    /// The current time.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one source of time")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => chrono::Utc::now().into(),
            Self::Pretended(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Advances a pretended clock; the real one is unaffected.
    pub fn advance_seconds(&self, seconds: i64) {
        if let Self::Pretended(millis) = self {
            millis.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }
}
