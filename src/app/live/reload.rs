//! When a page loads its state anew, and which state it takes.

use std::time::Duration;

use crate::model::{Control, Epoch, Frame, NumberedEvent, Outage, Seq, StatusPage};

/// Clients that are asked to reload at once spread their requests over this time.
const RELOAD_SPREAD: Duration = Duration::from_secs(2);
/// How often a page asks for the state while the server cannot check it, on average; and the spread around it.
const OUTAGE_INTERVAL: Duration = Duration::from_secs(15);
const OUTAGE_SPREAD: Duration = Duration::from_secs(5);

/// Replaces `page` by a loaded state if that is newer. Returns whether it did.
pub fn replace_if_newer(page: &mut StatusPage, fresh: StatusPage) -> bool {
    replace_state(page, fresh, None)
}

/// As [`replace_if_newer`], but any state replaces the one with number `discarded_seq`, for which the server has asked
/// for a resync: after a restore of the database, sequence numbers are lower. A state that could not be checked is also
/// replaced by the same one later.
pub fn replace_state(page: &mut StatusPage, fresh: StatusPage, discarded_seq: Option<Seq>) -> bool {
    let is_later = |shown: Outage| fresh.outage.is_none_or(|outage| outage.written_at > shown.written_at);
    let is_checked = page.seq == fresh.seq && page.outage.is_some_and(is_later);
    let is_restored = page.outage.is_some() && page.epoch != fresh.epoch;
    let is_replaced = fresh.seq > page.seq || discarded_seq == Some(page.seq) || is_checked || is_restored;
    if is_replaced {
        *page = fresh;
    }
    is_replaced
}

/// The newest event that the server has announced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    epoch: Epoch,
    seq: Seq,
    /// Whether the server has said so, not only the page.
    is_confirmed: bool,
}

impl Announced {
    /// What a page contains.
    pub const fn by(page: &StatusPage) -> Self {
        Self { epoch: page.epoch, seq: page.seq, is_confirmed: false }
    }

    /// Notes what a frame announces.
    pub fn note(&mut self, frame: &Frame) {
        match *frame {
            Frame::Control(Control::Hello { seq, epoch }) if epoch.is_some_and(|epoch| epoch != self.epoch) => {
                *self = Self { epoch: epoch.unwrap_or_default(), seq, is_confirmed: true };
            }
            Frame::Control(Control::Hello { seq, .. } | Control::Ping { seq })
            | Frame::Event(NumberedEvent { seq, .. }) => {
                self.seq = self.seq.max(seq);
                self.is_confirmed = true;
            }
            Frame::Control(Control::Resync) => {}
        }
    }

    /// Whether a loaded state has all of it. A shared cache may answer with an older one. Without a feed, the state of
    /// another epoch is taken: the database was restored.
    pub const fn is_in(self, fresh: &StatusPage) -> bool {
        if fresh.epoch == self.epoch { fresh.seq >= self.seq } else { !self.is_confirmed }
    }
}

/// Delay before a state is loaded again, after one that was too old: backoff from 2 to 30 seconds, of which the last
/// quarter is random. `random` is between 0 and 1.
pub fn retry_delay(attempts: u32, random: f64) -> Duration {
    let limit = 2_f64.powi(attempts.saturating_add(1).min(5).cast_signed()).min(30.0);
    Duration::from_secs_f64(limit * (0.75 + 0.25 * random.clamp(0.0, 1.0)))
}

/// Delay before the next attempt: backoff from 1 to 30 seconds with full jitter, so that clients that were disconnected
/// together do not reconnect together. `random` is between 0 and 1.
pub fn reconnect_delay(attempts: u32, random: f64) -> Duration {
    let limit = 2_f64.powi(attempts.min(5).cast_signed()).min(30.0);
    Duration::from_secs_f64(limit * random.clamp(0.0, 1.0))
}

/// Delay before a reload that many clients are asked for. `random` is between 0 and 1.
pub fn reload_delay(random: f64) -> Duration {
    RELOAD_SPREAD.mul_f64(random.clamp(0.0, 1.0))
}

/// Delay before the next load while the server cannot check the state. `random` is between 0 and 1.
pub fn outage_delay(random: f64) -> Duration {
    OUTAGE_INTERVAL.saturating_sub(OUTAGE_SPREAD) + OUTAGE_SPREAD.mul_f64(2.0 * random.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Timestamp, page::tests::page_with};

    #[test]
    fn the_reconnect_delay_doubles_to_thirty_seconds_with_full_jitter() {
        let longest = |attempts| reconnect_delay(attempts, 1.0).as_secs();
        assert_eq!([0, 1, 2, 3, 4, 5, 99].map(longest), [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(reconnect_delay(5, 0.0), Duration::ZERO);
        assert_eq!(reconnect_delay(5, 0.5), Duration::from_secs(15));
        assert_eq!([0.0, 0.5, 1.0, 7.0].map(|random| reload_delay(random).as_millis()), [0, 1000, 2000, 2000]);
    }

    #[test]
    fn a_loaded_state_has_everything_that_was_announced() {
        let mut announced = Announced::by(&StatusPage { seq: 3, epoch: 7, ..page_with(&["API"]) });
        let at = |epoch, seq| StatusPage { seq, epoch, ..page_with(&["API"]) };
        assert!(announced.is_in(&at(8, 1)), "nobody has said otherwise");
        assert!(announced.is_in(&at(7, 3)) && announced.is_in(&at(7, 4)) && !announced.is_in(&at(7, 2)));
        announced.note(&Frame::Control(Control::Ping { seq: 9 }));
        announced.note(&Frame::Control(Control::Hello { seq: 8, epoch: Some(7) }));
        announced.note(&Frame::Control(Control::Resync));
        assert!(announced.is_in(&at(7, 9)) && !announced.is_in(&at(7, 8)) && !announced.is_in(&at(8, 9)));
        announced.note(&Frame::Control(Control::Hello { seq: 2, epoch: Some(8) }));
        assert!(announced.is_in(&at(8, 2)) && !announced.is_in(&at(7, 100)), "the database was restored");
        assert_eq!([0, 1, 2, 3, 4, 99].map(|attempts| retry_delay(attempts, 1.0).as_secs()), [2, 4, 8, 16, 30, 30]);
        assert_eq!(retry_delay(0, 0.0).as_millis(), 1500);
    }

    #[test]
    fn a_state_that_could_not_be_checked_is_replaced_by_the_checked_one() {
        let outage = |at| Some(Outage { as_of: Timestamp::EPOCH, written_at: Timestamp::from_millis(at) });
        let with = |seq, outage| StatusPage { seq, outage, ..page_with(&["API"]) };
        for (shown, fresh, is_replaced) in [
            (with(7, outage(1)), with(7, None), true),
            (with(7, outage(1)), with(7, outage(2)), true),
            (with(7, outage(2)), with(7, outage(1)), false),
            (with(7, outage(1)), with(6, None), false),
            // A page that followed everything knows better.
            (with(7, None), with(7, outage(1)), false),
        ] {
            let mut page = shown;
            assert_eq!(replace_state(&mut page, fresh, None), is_replaced);
        }
    }

    #[test]
    fn an_older_state_replaces_only_one_that_was_discarded() {
        let at = |seq| StatusPage { seq, ..page_with(&["API"]) };
        for (shown, fresh, discarded_seq, is_replaced) in [
            (7, 8, None, true),
            (7, 7, None, false),
            (7, 6, None, false),
            (7, 3, Some(7), true),
            (7, 7, Some(7), true),
            // Another reload was faster; its state is newer than the discarded one.
            (8, 7, Some(5), false),
            (8, 9, Some(5), true),
        ] {
            let mut page = at(shown);
            assert_eq!(
                replace_state(&mut page, at(fresh), discarded_seq),
                is_replaced,
                "{shown} {fresh} {discarded_seq:?}"
            );
            assert_eq!(page.seq, if is_replaced { fresh } else { shown });
        }
    }
}
