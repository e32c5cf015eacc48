//! Fixed window counter: events per minute or other stretch of time, of this instance and the others together.

use std::{collections::HashMap, hash::Hash};

use crate::model::Timestamp;

/// Most keys a map of counts holds.
const MAX_KEYS: usize = 50_000;

/// Rate limit: events per window, for each key.
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    /// Name in Redis.
    pub name: &'static str,
    pub limit: u32,
    /// Length of the window.
    pub seconds: i64,
    /// Events to count before sharing them. More spare Redis, but let each instance be off by as many.
    pub batch: u32,
}

/// Fixed window: events since it began, of this instance and, as far as known, the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    began: Timestamp,
    seconds: i64,
    count: u32,
    /// How many of these are not yet shared with the other instances.
    unshared: u32,
}

/// Events since a window began: those an instance shares, or the total of all instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    pub began: Timestamp,
    pub count: u32,
}

impl FixedWindow {
    /// An empty window.
    pub const fn new(began: Timestamp, seconds: i64) -> Self {
        Self { began, seconds, count: 0, unshared: 0 }
    }

    const fn end(&self) -> Timestamp {
        self.began.plus_seconds(self.seconds)
    }

    /// Whether it is over. A window that begins in the far future comes from a clock that was wrong.
    pub const fn is_over(&self, now: Timestamp) -> bool {
        (now.millis() - self.began.millis()).abs() >= self.seconds.saturating_mul(1000)
    }

    /// Counts an event, in the next window if this one is over. At the limit, the error is the end of the window.
    pub fn count(&mut self, now: Timestamp, limit: u32) -> Result<(), Timestamp> {
        if !self.has_room(now, limit) {
            return Err(self.end());
        }
        self.add(now);
        Ok(())
    }

    /// Whether another event is within the limit.
    pub const fn has_room(&self, now: Timestamp, limit: u32) -> bool {
        self.is_over(now) || self.count < limit
    }

    /// Counts an event, even past the limit.
    pub fn add(&mut self, now: Timestamp) {
        if self.is_over(now) {
            *self = Self::new(now, self.seconds);
        }
        self.count = self.count.saturating_add(1);
        self.unshared = self.unshared.saturating_add(1);
    }

    /// Takes the events to share with the other instances, once they fill a batch.
    pub fn take_unshared(&mut self, batch: u32) -> Option<Count> {
        (self.unshared >= batch.max(1)).then(|| Count { began: self.began, count: std::mem::take(&mut self.unshared) })
    }

    /// Adopts the total of all instances after sharing its own events. Without a total, these are shared again with the
    /// next. When all together are past the limit, the error is the end of the window.
    pub fn reconcile(&mut self, now: Timestamp, limit: u32, own: Count, total: Option<Count>) -> Result<(), Timestamp> {
        let Some(total) = total else {
            if self.began == own.began {
                self.unshared = self.unshared.saturating_add(own.count);
            }
            return Ok(());
        };
        let all = total.count.saturating_add(self.unshared);
        let window = Self { began: total.began, count: all, ..*self };
        if window.is_over(now) {
            return Ok(());
        }
        // Answers may arrive out of order: within one window, the count only grows.
        let count = if self.began == total.began { all.max(self.count) } else { all };
        *self = Self { count, ..window };
        if total.count > limit { Err(self.end()) } else { Ok(()) }
    }
}

/// Makes room for a new key in a full map: drops the entries that are over, or all of them if that is not enough.
pub fn trim<K: Eq + Hash, V>(entries: &mut HashMap<K, V>, key: &K, is_over: impl Fn(&V) -> bool) {
    if entries.len() >= MAX_KEYS && !entries.contains_key(key) {
        entries.retain(|_, entry| !is_over(entry));
        if entries.len() >= MAX_KEYS {
            entries.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::EPOCH.plus_seconds(seconds)
    }

    /// A window with this many events, and its own events to share.
    fn counted(began: i64, count: u32) -> (FixedWindow, Count) {
        let mut window = FixedWindow::new(at(began), MINUTE);
        for _ in 0..count {
            window.count(at(began), u32::MAX).expect("room");
        }
        let own = window.take_unshared(count).expect("due");
        (window, own)
    }

    #[test]
    fn a_window_adopts_the_count_of_all_instances() {
        let (mut window, own) = counted(0, 3);
        assert_eq!(window.reconcile(at(1), 10, own, Some(Count { began: at(0), count: 9 })), Ok(()));
        assert_eq!(window.count(at(2), 10), Ok(()));
        assert_eq!(window.count(at(2), 10), Err(at(60)));
        // Another instance began to count a little earlier, or its clock is ahead.
        for began in [-20, 5] {
            let (mut window, own) = counted(0, 3);
            assert_eq!(window.reconcile(at(1), 10, own, Some(Count { began: at(began), count: 10 })), Ok(()));
            assert_eq!(window.count(at(2), 10), Err(at(began + 60)));
            assert_eq!(window.count(at(began + 60), 10), Ok(()));
        }
        let (mut window, own) = counted(0, 1);
        assert_eq!(window.reconcile(at(1), 10, own, Some(Count { began: at(-5), count: 11 })), Err(at(55)));
    }

    #[test]
    fn events_shared_without_an_answer_are_shared_with_the_next() {
        let (mut window, own) = counted(0, 3);
        assert_eq!(window.reconcile(at(1), 10, own, None), Ok(()));
        window.count(at(2), 10).expect("room");
        assert_eq!(window.take_unshared(4), Some(Count { began: at(0), count: 4 }));
        // Unless its window is over.
        let (mut window, own) = counted(0, 3);
        window.count(at(60), 10).expect("room");
        assert_eq!(window.reconcile(at(60), 10, own, None), Ok(()));
        assert_eq!(window.take_unshared(2), None);
    }

    #[test]
    fn answers_out_of_order_do_not_lower_the_count() {
        let (mut window, first) = counted(0, 2);
        window.count(at(0), 10).expect("room");
        let second = window.take_unshared(1).expect("due");
        assert_eq!(window.reconcile(at(1), 10, second, Some(Count { began: at(0), count: 10 })), Ok(()));
        assert_eq!(window.reconcile(at(1), 10, first, Some(Count { began: at(0), count: 9 })), Ok(()));
        assert_eq!(window.count(at(2), 10), Err(at(60)));
    }

    #[test]
    fn a_clock_that_was_wrong_for_a_moment_does_not_block_for_long() {
        let mut window = FixedWindow::new(at(86_400), MINUTE);
        assert_eq!(window.count(at(86_400), 1), Ok(()));
        assert_eq!(window.count(at(0), 1), Ok(()));
        assert_eq!(window.count(at(1), 1), Err(at(60)));
    }
}
