//! The time, real or pretended.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use crate::model::Timestamp;

/// Where the server takes the time from.
#[derive(Clone, Debug)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that stands still until a test moves it: milliseconds since 1970.
    Pretended(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that shows this instant until it is moved.
    #[must_use]
    pub fn pretend(now: Timestamp) -> Self {
        Self::Pretended(Arc::new(AtomicI64::new(now.millis())))
    }

    /// The present instant.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is where everybody else takes the time from")]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => chrono::Utc::now().into(),
            Self::Pretended(millis) => Timestamp::from_millis(millis.load(Ordering::SeqCst)),
        }
    }

    /// Moves a pretended clock forward; does nothing to the real one.
    pub fn advance_seconds(&self, seconds: i64) {
        if let Self::Pretended(millis) = self {
            millis.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }
}
