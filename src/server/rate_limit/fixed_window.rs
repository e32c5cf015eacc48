//! Counting by the minute, or another stretch of time: here, and together with the other instances.

use std::{collections::HashMap, hash::Hash};

use crate::model::Timestamp;

/// Of how many callers something is counted at most.
const ENTRIES: usize = 50_000;

/// How often something happened since the window began: here and, as far as is known, at the other instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedWindow {
    began: Timestamp,
    seconds: i64,
    count: u32,
    /// Of these, what was not told to the others.
    untold: u32,
}

/// What is to be told of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Increment {
    /// When the window began.
    pub began: Timestamp,
    /// How long it is.
    pub seconds: i64,
    /// How many more have happened.
    pub count: u32,
}

/// What all instances together have counted, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SharedCount {
    /// When the window began.
    pub began: Timestamp,
    /// How many have happened.
    pub count: u32,
}

impl FixedWindow {
    /// A window that begins now, in which nothing has happened.
    #[must_use]
    pub const fn new(now: Timestamp, seconds: i64) -> Self {
        Self { began: now, seconds, count: 0, untold: 0 }
    }

    /// When it is over.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.began.plus_seconds(self.seconds)
    }

    /// Whether it is over. One that begins in the far future is that of a clock which was wrong.
    #[must_use]
    pub const fn is_over(&self, now: Timestamp) -> bool {
        (now.millis() - self.began.millis()).abs() >= self.seconds.saturating_mul(1000)
    }

    /// Counts once more, in the next window if this one is over.
    ///
    /// # Errors
    /// When the most has been reached: until when.
    pub fn count(&mut self, now: Timestamp, most: u32) -> Result<(), Timestamp> {
        if !self.has_room(now, most) {
            return Err(self.end());
        }
        self.add(now);
        Ok(())
    }

    /// Whether there is room to count once more.
    #[must_use]
    pub const fn has_room(&self, now: Timestamp, most: u32) -> bool {
        self.is_over(now) || self.count < most
    }

    /// Counts once more, whether or not there is room.
    pub fn add(&mut self, now: Timestamp) {
        if self.is_over(now) {
            *self = Self::new(now, self.seconds);
        }
        self.count = self.count.saturating_add(1);
        self.untold = self.untold.saturating_add(1);
    }

    /// What the other instances have not been told, once it is so many.
    pub fn take_untold(&mut self, batch: u32) -> Option<Increment> {
        (self.untold >= batch.max(1)).then(|| Increment {
            began: self.began,
            seconds: self.seconds,
            count: std::mem::take(&mut self.untold),
        })
    }

    /// Takes over what all instances have counted, once the tally has been told; without an answer it is told with the
    /// next.
    ///
    /// # Errors
    /// When all together are past the most: until when.
    pub fn settle(
        &mut self,
        now: Timestamp,
        most: u32,
        tally: Increment,
        told: Option<SharedCount>,
    ) -> Result<(), Timestamp> {
        let Some(told) = told else {
            if self.began == tally.began {
                self.untold = self.untold.saturating_add(tally.count);
            }
            return Ok(());
        };
        let all = told.count.saturating_add(self.untold);
        let shared = Self { began: told.began, count: all, ..*self };
        if shared.is_over(now) {
            return Ok(());
        }
        // Answers may overtake each other: what is known of one window only grows.
        let count = if self.began == told.began { all.max(self.count) } else { all };
        *self = Self { count, ..shared };
        if told.count > most { Err(self.end()) } else { Ok(()) }
    }
}

/// Makes room for this entry, unless it is there: forgets what is over, once there is much; all, if that is not enough.
pub fn trim<K: Eq + Hash, V>(entries: &mut HashMap<K, V>, next: &K, is_over: impl Fn(&V) -> bool) {
    if entries.len() >= ENTRIES && !entries.contains_key(next) {
        entries.retain(|_, entry| !is_over(entry));
        if entries.len() >= ENTRIES {
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

    /// A window in which so many have happened since then, and all are to be told.
    fn counted(began: i64, count: u32) -> (FixedWindow, Increment) {
        let mut window = FixedWindow::new(at(began), MINUTE);
        for _ in 0..count {
            window.count(at(began), u32::MAX).expect("room");
        }
        let tally = window.take_untold(count).expect("due");
        (window, tally)
    }

    #[test]
    fn what_all_have_counted_becomes_the_windows_own() {
        let (mut window, tally) = counted(0, 3);
        assert_eq!(window.settle(at(1), 10, tally, Some(SharedCount { began: at(0), count: 9 })), Ok(()));
        assert_eq!(window.count(at(2), 10), Ok(()));
        assert_eq!(window.count(at(2), 10), Err(at(60)));
        // Another began to count a little earlier, or goes by a clock that is ahead.
        for began in [-20, 5] {
            let (mut window, tally) = counted(0, 3);
            assert_eq!(window.settle(at(1), 10, tally, Some(SharedCount { began: at(began), count: 10 })), Ok(()));
            assert_eq!(window.count(at(2), 10), Err(at(began + 60)));
            assert_eq!(window.count(at(began + 60), 10), Ok(()));
        }
        let (mut window, tally) = counted(0, 1);
        assert_eq!(window.settle(at(1), 10, tally, Some(SharedCount { began: at(-5), count: 11 })), Err(at(55)));
    }

    #[test]
    fn what_was_not_heard_is_told_with_the_next() {
        let (mut window, tally) = counted(0, 3);
        assert_eq!(window.settle(at(1), 10, tally, None), Ok(()));
        window.count(at(2), 10).expect("room");
        assert_eq!(window.take_untold(4), Some(Increment { began: at(0), seconds: MINUTE, count: 4 }));
        // Unless it is of a minute that is over.
        let (mut window, tally) = counted(0, 3);
        window.count(at(60), 10).expect("room");
        assert_eq!(window.settle(at(60), 10, tally, None), Ok(()));
        assert_eq!(window.take_untold(2), None);
    }

    #[test]
    fn answers_that_overtake_each_other_take_nothing_back() {
        let (mut window, first) = counted(0, 2);
        window.count(at(0), 10).expect("room");
        let second = window.take_untold(1).expect("due");
        assert_eq!(window.settle(at(1), 10, second, Some(SharedCount { began: at(0), count: 10 })), Ok(()));
        assert_eq!(window.settle(at(1), 10, first, Some(SharedCount { began: at(0), count: 9 })), Ok(()));
        assert_eq!(window.count(at(2), 10), Err(at(60)));
    }

    #[test]
    fn a_clock_that_was_wrong_for_a_moment_makes_nobody_wait_for_long() {
        let mut window = FixedWindow::new(at(86_400), MINUTE);
        assert_eq!(window.count(at(86_400), 1), Ok(()));
        assert_eq!(window.count(at(0), 1), Ok(()));
        assert_eq!(window.count(at(1), 1), Err(at(60)));
    }
}
