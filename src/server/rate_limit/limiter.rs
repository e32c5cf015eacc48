//! Rate limiter: allows so many events per key in a fixed window, counted by all instances together.

use std::{
    collections::HashMap,
    fmt::Display,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use super::fixed_window::Quota;
use super::{
    fixed_window::{Count, FixedWindow, trim},
    shared_counters::SharedCounters,
};
use crate::{
    model::{Error, Timestamp},
    server::domain::Clock,
};

/// Refusal: seconds until another event is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryAfter(pub u32);

impl RetryAfter {
    pub fn until(now: Timestamp, end: Timestamp) -> Self {
        let seconds = (end.millis() - now.millis() + 999) / 1000;
        Self(u32::try_from(seconds).unwrap_or(1).max(1))
    }
}

impl From<RetryAfter> for Error {
    fn from(RetryAfter(seconds): RetryAfter) -> Self {
        Self::too_many_requests(seconds)
    }
}

/// Rate limiter: counts events per key. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct RateLimiter<K> {
    quota: Quota,
    clock: Clock,
    counters: SharedCounters,
    windows: Arc<Mutex<HashMap<K, FixedWindow>>>,
}

impl<K: Clone + Eq + Hash + Display> RateLimiter<K> {
    pub fn new(quota: Quota, clock: Clock, counters: SharedCounters) -> Self {
        Self { quota, clock, counters, windows: Arc::default() }
    }

    /// Counts an event, unless the limit is reached.
    pub async fn check(&self, key: K) -> Result<(), RetryAfter> {
        check_all(&[(self, key)]).await
    }

    /// Counts an event as [`RateLimiter::check`] does; the window of a new key began at `began`.
    pub async fn check_since(&self, key: K, began: Timestamp) -> Result<(), RetryAfter> {
        self.with_window(&key, began, |_| ());
        self.check(key).await
    }

    /// Counts an event, even past the limit.
    pub fn add(&self, key: &K) {
        let now = self.clock.now();
        self.with_window(key, now, |window| window.add(now));
    }

    /// Whether another event is allowed, as far as this instance knows; counts nothing.
    pub fn has_room(&self, key: &K) -> bool {
        self.lock().get(key).is_none_or(|window| window.has_room(self.clock.now(), self.quota.limit))
    }

    /// Counts an event at this instance. Returns what to share with the others, once it fills a batch.
    fn count(&self, key: &K, now: Timestamp) -> Result<Option<Count>, RetryAfter> {
        self.with_window(key, now, |window| {
            window.count(now, self.quota.limit).map_err(|end| RetryAfter::until(now, end))?;
            Ok(self.counters.due(window, self.quota.batch))
        })
    }

    /// Adopts the total of all instances; see [`FixedWindow::reconcile`].
    fn reconcile(&self, key: &K, now: Timestamp, own: Count, total: Option<Count>) -> Result<(), RetryAfter> {
        let mut windows = self.lock();
        let reconciled = windows.get_mut(key).map(|window| window.reconcile(now, self.quota.limit, own, total));
        reconciled.unwrap_or(Ok(())).map_err(|end| RetryAfter::until(now, end))
    }

    fn with_window<T>(&self, key: &K, began: Timestamp, job: impl FnOnce(&mut FixedWindow) -> T) -> T {
        let (now, mut windows) = (self.clock.now(), self.lock());
        trim(&mut windows, key, |window| window.is_over(now));
        job(windows.entry(key.clone()).or_insert(FixedWindow::new(began, self.quota.seconds)))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, FixedWindow>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts an event in several limits, with one request to Redis. The first limit that is reached refuses the event;
/// those before it have counted it.
pub async fn check_all<K: Clone + Eq + Hash + Display>(events: &[(&RateLimiter<K>, K)]) -> Result<(), RetryAfter> {
    let [(RateLimiter { clock, counters, .. }, _), ..] = events else { return Ok(()) };
    let (now, mut outcome, mut due) = (clock.now(), Ok(()), Vec::new());
    for (limiter, key) in events {
        match limiter.count(key, now) {
            Ok(own) => due.extend(own.map(|own| (*limiter, key, own))),
            Err(refused) => {
                outcome = Err(refused);
                break;
            }
        }
    }
    let totals = if outcome.is_ok() && !due.is_empty() {
        let counts: Vec<_> = due.iter().map(|(limiter, key, own)| (&limiter.quota, key.to_string(), *own)).collect();
        counters.count(now, &counts).await
    } else {
        None
    };
    for (nth, (limiter, key, own)) in due.into_iter().enumerate() {
        outcome = outcome.and(limiter.reconcile(key, now, own, totals.as_ref().map(|totals| totals[nth])));
    }
    outcome
}
