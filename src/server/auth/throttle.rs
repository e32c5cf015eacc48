//! How often one may try to sign in: per network address a number a minute, per account a growing pause.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    model::{Email, Error, Result, Timestamp},
    server::{domain::Clock, net::throttle_key},
};

/// Failures an account has before each next try must wait.
const FREE_FAILURES: u32 = 5;
/// The longest pause, in seconds. There is no permanent lock: that would let anybody lock anybody out.
const LONGEST_PAUSE: i64 = 15 * 60;
/// An account's failures are forgotten this long after the last, in seconds.
const FORGET: i64 = 3600;
/// How many times the attempts of one address all addresses together have in a minute: what a small machine can hash.
const EVERYBODY: u32 = 50;
/// Entries kept at most; past it the ones that no longer matter are dropped first.
const ENTRIES: usize = 50_000;

/// Counts attempts. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Throttle {
    clock: Clock,
    per_minute: u32,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Default)]
struct Counts {
    addresses: HashMap<IpAddr, Window>,
    everybody: Option<Window>,
    accounts: HashMap<Email, Failures>,
}

struct Window {
    began: Timestamp,
    attempts: u32,
}

struct Failures {
    count: u32,
    last: Timestamp,
}

/// A try at an account that has been counted as a failure.
#[must_use]
pub struct Try {
    email: Email,
    at: Timestamp,
    /// When the failure before it was.
    before: Timestamp,
}

impl Failures {
    fn free_again(&self) -> Timestamp {
        let over = self.count.saturating_sub(FREE_FAILURES);
        let pause = if self.count < FREE_FAILURES { 0 } else { (1_i64 << over.min(20)).min(LONGEST_PAUSE) };
        self.last.plus_seconds(pause)
    }
}

impl Throttle {
    /// Allows this many attempts a minute from one network address.
    #[must_use]
    pub fn new(clock: Clock, per_minute: u32) -> Self {
        Self { clock, per_minute, counts: Arc::default() }
    }

    /// Counts an attempt from this address.
    ///
    /// # Errors
    /// `too_many_requests`, with the seconds to wait.
    pub fn attempt(&self, ip: IpAddr) -> Result<()> {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        trim(&mut counts.addresses, |window| window.began.plus_seconds(60) <= now);
        let window = counts.addresses.entry(throttle_key(ip)).or_insert(Window { began: now, attempts: 0 });
        if window.began.plus_seconds(60) <= now {
            *window = Window { began: now, attempts: 0 };
        }
        if window.attempts >= self.per_minute {
            return Err(wait(now, window.began.plus_seconds(60)));
        }
        window.attempts += 1;
        let everybody = counts.everybody.get_or_insert(Window { began: now, attempts: 0 });
        if everybody.began.plus_seconds(60) <= now {
            *everybody = Window { began: now, attempts: 0 };
        }
        if everybody.attempts >= self.per_minute.saturating_mul(EVERYBODY) {
            return Err(wait(now, everybody.began.plus_seconds(60)));
        }
        everybody.attempts += 1;
        Ok(())
    }

    /// Counts a try at this account, as the failure that it is until it turns out to be none: of tries that come at once,
    /// each counts for the next. Unknown addresses are counted alike, so that it tells nothing.
    ///
    /// # Errors
    /// `too_many_requests`, with the seconds to wait, while the account's pause is not over.
    pub fn try_account(&self, email: &Email) -> Result<Try> {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        trim(&mut counts.accounts, |failures| failures.last.plus_seconds(FORGET) <= now);
        let failures = counts.accounts.entry(email.clone()).or_insert(Failures { count: 0, last: now });
        if failures.last.plus_seconds(FORGET) <= now {
            failures.count = 0;
        }
        let free = failures.free_again();
        if free > now {
            return Err(wait(now, free));
        }
        let counted = Try { email: email.clone(), at: now, before: failures.last };
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        Ok(counted)
    }

    /// Takes one failure back: nothing was compared, or what was compared was right and more is asked for.
    pub fn excuse(&self, counted: Try) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = counts.accounts.get_mut(&counted.email) {
            failures.count = failures.count.saturating_sub(1);
            if failures.last == counted.at {
                failures.last = counted.before;
            }
        }
    }

    /// Forgets an account's failures after the right password; the address's attempts stay counted.
    pub fn succeeded(&self, counted: Try) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).accounts.remove(&counted.email);
    }
}

/// Drops what no longer matters once there is too much; if everything still matters, everything.
fn trim<K: Eq + Hash, V>(entries: &mut HashMap<K, V>, is_over: impl Fn(&V) -> bool) {
    if entries.len() >= ENTRIES {
        entries.retain(|_, entry| !is_over(entry));
        if entries.len() >= ENTRIES {
            entries.clear();
        }
    }
}

fn wait(now: Timestamp, until: Timestamp) -> Error {
    let seconds = (until.millis() - now.millis() + 999) / 1000;
    Error::too_many_requests(u32::try_from(seconds).unwrap_or(1).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> (Throttle, Clock) {
        let clock = Clock::pretend(Timestamp::EPOCH);
        (Throttle::new(clock.clone(), 3), clock)
    }

    #[test]
    fn r_27_an_address_has_so_many_attempts_a_minute() {
        let (throttle, clock) = throttle();
        let (one, two): (IpAddr, IpAddr) = ("192.0.2.1".parse().expect("ip"), "192.0.2.2".parse().expect("ip"));
        for _ in 0..3 {
            assert!(throttle.attempt(one).is_ok());
        }
        clock.advance_seconds(20);
        assert_eq!(throttle.attempt(one).expect_err("fourth").retry_after, Some(40));
        assert!(throttle.attempt(two).is_ok());
        clock.advance_seconds(40);
        assert!(throttle.attempt(one).is_ok());
    }

    #[test]
    fn r_27_all_addresses_together_have_fifty_times_as_many() {
        let (throttle, clock) = throttle();
        let from = |n: u8| IpAddr::from([198, 51, 100, n]);
        for n in 0..150 {
            assert!(throttle.attempt(from(n)).is_ok());
        }
        assert_eq!(throttle.attempt(from(150)).expect_err("too many").retry_after, Some(60));
        clock.advance_seconds(60);
        assert!(throttle.attempt(from(150)).is_ok());
    }

    #[test]
    fn r_27_an_account_waits_one_second_after_five_failures_then_twice_as_long_each_time() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        for _ in 0..5 {
            assert!(throttle.try_account(&email).is_ok());
        }
        let mut last = None;
        for pause in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            assert_eq!(throttle.try_account(&email).err().expect("pause").retry_after, Some(pause));
            clock.advance_seconds(pause.into());
            last = throttle.try_account(&email).ok();
        }
        throttle.succeeded(last.expect("a try"));
        assert!(throttle.try_account(&email).is_ok());
    }

    #[test]
    fn r_27_what_was_not_wrong_is_taken_back_and_lengthens_no_pause() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        for _ in 0..100 {
            throttle.excuse(throttle.try_account(&email).expect("no pause"));
        }
        for _ in 0..6 {
            clock.advance_seconds(1);
            assert!(throttle.try_account(&email).is_ok());
        }
        clock.advance_seconds(2);
        throttle.excuse(throttle.try_account(&email).expect("the pause is over"));
        assert!(throttle.try_account(&email).is_ok(), "the pause is still over");
    }

    #[test]
    fn r_27_an_account_has_at_most_thirty_tries_an_hour_however_they_come() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        let mut tries = 0;
        for _ in 0..3600 {
            tries += (0..20).filter(|_| throttle.try_account(&email).is_ok()).count();
            clock.advance_seconds(1);
        }
        assert!((10..=30).contains(&tries), "{tries}");
    }
}
