//! How often a document is made: at once after a change, but not for most of the time while the changes go on.

use std::time::Duration;

use tokio::time::Instant;

/// Each document makes the next ones wait for this many times as long as it took.
const REST: u32 = 10;
/// The longest of these times: an outdated document is shown for a second at most.
const REST_MAX: Duration = Duration::from_millis(250);
/// By how much these times may add up before the next document waits: whoever makes a few changes sees each at once.
const CREDIT: Duration = Duration::from_secs(1);

/// The pace of the documents at one address.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    begun: Instant,
    /// When all documents so far have had their rest.
    rested: Instant,
}

impl Pace {
    /// Of a document that is begun now, after one with this pace.
    #[must_use]
    pub fn begin(before: Option<Self>, now: Instant) -> Self {
        Self { begun: now, rested: before.map_or(now, |before| before.rested.max(now)) }
    }

    /// Of the same document, which is made now.
    #[must_use]
    pub fn made(self, now: Instant) -> Self {
        let took = now.saturating_duration_since(self.begun);
        Self { rested: self.rested + (took * REST).min(REST_MAX), ..self }
    }

    /// How long the next document waits.
    #[must_use]
    pub fn rest(&self, now: Instant) -> Duration {
        self.rested.saturating_duration_since(now + CREDIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// How many documents are made in this time if each takes `took`, and the next change is always there.
    fn made_in(time: Duration, took: Duration) -> usize {
        let begun = Instant::now();
        let (mut now, mut pace, mut count) = (begun, None::<Pace>, 0);
        while now.duration_since(begun) < time {
            let next = Pace::begin(pace, now);
            now += took;
            let next = next.made(now);
            assert!(next.rest(now) <= REST_MAX);
            now += next.rest(now);
            (pace, count) = (Some(next), count + 1);
        }
        count
    }

    #[test]
    fn a_few_changes_are_shown_at_once_and_a_stream_of_them_several_times_a_second() {
        let begun = Instant::now();
        let mut pace = None;
        for _ in 0..5 {
            let next = Pace::begin(pace, begun).made(begun + 20 * MS);
            assert_eq!(next.rest(begun + 20 * MS), Duration::ZERO);
            pace = Some(next);
        }
        let tired = Pace::begin(pace, begun).made(begun + 20 * MS);
        assert_eq!(tired.rest(begun + 20 * MS), 180 * MS);
        assert_eq!(tired.rest(begun + 200 * MS), Duration::ZERO);
        for (took, least, most) in [(20, 50, 60), (100, 40, 48), (1, 1_000, 1_120)] {
            let count = made_in(10_000 * MS, took * MS);
            assert!((least..=most).contains(&count), "{count} documents that take {took} ms each");
        }
    }

    #[test]
    fn rest_is_not_saved_up() {
        let begun = Instant::now();
        let first = Pace::begin(None, begun).made(begun + 20 * MS);
        let later = begun + Duration::from_hours(1);
        let second = Pace::begin(Some(first), later);
        assert_eq!(second.rested, later);
    }
}
