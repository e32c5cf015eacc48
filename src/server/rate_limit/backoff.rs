//! How often one may try to sign in: per network address a number a minute, per account a growing pause. All
//! instances count together, as far as Redis lets them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    fixed_window::{FixedWindow, Increment, trim},
    shared_counters::{Attempt, Pauses, SharedCounters},
};
use crate::{
    model::{Email, Error, Result, Timestamp, UserId},
    server::{domain::Clock, http::client_ip::throttle_key},
};

/// Failures an account has before each next try must wait.
const FREE_FAILURES: u32 = 5;
/// The longest pause, in seconds. There is no permanent lock: that would let anybody lock anybody out.
const LONGEST_PAUSE: i64 = 15 * 60;
/// An account's failures are forgotten this long after the last, in seconds.
const FORGET: i64 = 3600;
/// How many times the attempts of one address all addresses together have in a minute: what a small machine can hash.
const EVERYBODY: u32 = 50;
/// The same for the instances together.
const PAUSES: Pauses = Pauses { free: FREE_FAILURES, longest: LONGEST_PAUSE, forget: FORGET };
/// What the other instances know an account's failures as.
const FAILURES: &str = "failures";
/// A minute.
const WINDOW_SECONDS: i64 = 60;

/// Counts attempts. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Throttle {
    clock: Clock,
    per_minute: u32,
    counts: Arc<Mutex<Counts>>,
    counters: SharedCounters,
}

#[derive(Default)]
struct Counts {
    addresses: HashMap<IpAddr, FixedWindow>,
    looks: HashMap<IpAddr, FixedWindow>,
    everybody: Option<FixedWindow>,
    accounts: HashMap<String, Failures>,
}

struct Failures {
    count: u32,
    last: Timestamp,
}

/// A try at an account that has been counted as a failure.
#[must_use]
pub struct Try {
    whose: String,
    at: Timestamp,
    /// When the failure before it was.
    before: Timestamp,
    /// Whether the other instances know of it.
    is_shared: bool,
}

impl Failures {
    fn free_again(&self) -> Timestamp {
        let over = self.count.saturating_sub(FREE_FAILURES);
        let pause = if self.count < FREE_FAILURES { 0 } else { (1_i64 << over.min(20)).min(LONGEST_PAUSE) };
        self.last.plus_seconds(pause)
    }
}

impl Throttle {
    /// Allows this many attempts a minute from one network address, at this instance and those it counts with.
    #[must_use]
    pub fn new(clock: Clock, per_minute: u32, counters: SharedCounters) -> Self {
        Self { clock, per_minute, counts: Arc::default(), counters }
    }

    /// Counts an attempt from this address, at whichever instance it is made.
    ///
    /// # Errors
    /// `too_many_requests`, with the seconds to wait.
    pub async fn attempt(&self, ip: IpAddr) -> Result<()> {
        let (now, address, all) = (self.clock.now(), throttle_key(ip), self.per_minute.saturating_mul(EVERYBODY));
        let Some((of_address, of_all)) = self.attempt_here(now, address, all)? else { return Ok(()) };
        let whose = address.to_string();
        let told = [("attempts-of-address", whose.as_str(), of_address), ("attempts-of-everybody", "", of_all)];
        let [by_address, by_all] = self.counters.count(now, told).await.map_or([None, None], |told| told.map(Some));
        let counts = &mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let window = counts.addresses.get_mut(&address);
        let address = window.map(|window| window.settle(now, self.per_minute, of_address, by_address));
        let everybody = counts.everybody.as_mut().map(|window| window.settle(now, all, of_all, by_all));
        let settled = address.into_iter().chain(everybody).collect::<Result<(), Timestamp>>();
        settled.map_err(|until| wait(now, until))
    }

    /// Counts a look at what a secret link tells, as often as an attempt but by itself: any page on the web can have its
    /// visitors' browsers look, and that must not keep them from signing in.
    ///
    /// # Errors
    /// `too_many_requests`, with the seconds to wait.
    pub async fn look(&self, ip: IpAddr) -> Result<()> {
        let (now, address) = (self.clock.now(), throttle_key(ip));
        let tally = {
            let counts = &mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            trim(&mut counts.looks, &address, |window| window.is_over(now));
            let window = counts.looks.entry(address).or_insert(FixedWindow::new(now, WINDOW_SECONDS));
            window.count(now, self.per_minute).map_err(|until| wait(now, until))?;
            self.counters.due(window, 1)
        };
        let Some(tally) = tally else { return Ok(()) };
        let told = self.counters.count(now, [("looks-of-address", &address.to_string(), tally)]).await;
        let counts = &mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let window = counts.looks.get_mut(&address);
        let settled = window.map(|window| window.settle(now, self.per_minute, tally, told.map(|[told]| told)));
        settled.unwrap_or(Ok(())).map_err(|until| wait(now, until))
    }

    /// Counts it at this instance, and gives what the others are to be told of.
    fn attempt_here(&self, now: Timestamp, address: IpAddr, all: u32) -> Result<Option<(Increment, Increment)>> {
        let counts = &mut *self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        trim(&mut counts.addresses, &address, |window| window.is_over(now));
        let window = counts.addresses.entry(address).or_insert(FixedWindow::new(now, WINDOW_SECONDS));
        window.count(now, self.per_minute).map_err(|until| wait(now, until))?;
        let everybody = counts.everybody.get_or_insert(FixedWindow::new(now, WINDOW_SECONDS));
        everybody.count(now, all).map_err(|until| wait(now, until))?;
        Ok(self.counters.due(window, 1).zip(self.counters.due(everybody, 1)))
    }

    /// Counts a try at this account, as the failure that it is until it turns out to be none: of tries that come at once,
    /// at whichever instance, each counts for the next. Unknown addresses are counted alike, so that it tells nothing.
    ///
    /// # Errors
    /// `too_many_requests`, with the seconds to wait, while the account's pause is not over.
    pub async fn try_account(&self, email: &Email) -> Result<Try> {
        self.try_at(email.to_string()).await
    }

    /// Counts a try at the password of who is signed in, as [`Throttle::try_account`] does, but by itself: what strangers
    /// try at the login must not keep anybody from protecting their account.
    ///
    /// # Errors
    /// As [`Throttle::try_account`].
    pub async fn try_again(&self, user: UserId) -> Result<Try> {
        // No address is like this.
        self.try_at(format!("signed-in:{user}")).await
    }

    async fn try_at(&self, whose: String) -> Result<Try> {
        let now = self.clock.now();
        match self.counters.attempt(now, FAILURES, &whose, &PAUSES).await {
            Some(attempt) => self.take_over(now, whose, attempt),
            None => self.try_here(now, whose),
        }
    }

    /// Takes over what all instances know of this account.
    fn take_over(&self, now: Timestamp, whose: String, attempt: Attempt) -> Result<Try> {
        let last = if attempt.is_allowed { now } else { attempt.last };
        let failures = Failures { count: attempt.failures, last };
        let free = failures.free_again();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        trim(&mut counts.accounts, &whose, |failures| failures.last.plus_seconds(FORGET) <= now);
        counts.accounts.insert(whose.clone(), failures);
        if attempt.is_allowed {
            Ok(Try { whose, at: now, before: attempt.last, is_shared: true })
        } else {
            Err(wait(now, free))
        }
    }

    fn try_here(&self, now: Timestamp, whose: String) -> Result<Try> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        trim(&mut counts.accounts, &whose, |failures| failures.last.plus_seconds(FORGET) <= now);
        let failures = counts.accounts.entry(whose.clone()).or_insert(Failures { count: 0, last: now });
        if failures.last.plus_seconds(FORGET) <= now {
            failures.count = 0;
        }
        let free = failures.free_again();
        if free > now {
            return Err(wait(now, free));
        }
        let counted = Try { whose, at: now, before: failures.last, is_shared: false };
        failures.count = failures.count.saturating_add(1);
        failures.last = now;
        Ok(counted)
    }

    /// Takes one failure back: nothing was compared, or what was compared was right and more is asked for.
    pub async fn excuse(&self, counted: Try) {
        self.excuse_here(&counted);
        if counted.is_shared {
            self.counters.excuse(FAILURES, &counted.whose, counted.at, counted.before).await;
        }
    }

    fn excuse_here(&self, counted: &Try) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = counts.accounts.get_mut(&counted.whose) {
            failures.count = failures.count.saturating_sub(1);
            if failures.last == counted.at {
                failures.last = counted.before;
            }
        }
    }

    /// Forgets an account's failures after the right password; the address's attempts stay counted.
    pub async fn succeeded(&self, counted: Try) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).accounts.remove(&counted.whose);
        self.counters.forget(FAILURES, &counted.whose).await;
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
        (Throttle::new(clock.clone(), 3, SharedCounters::none()), clock)
    }

    #[tokio::test]
    async fn r_27_an_address_has_so_many_attempts_a_minute() {
        let (throttle, clock) = throttle();
        let (one, two): (IpAddr, IpAddr) = ("192.0.2.1".parse().expect("ip"), "192.0.2.2".parse().expect("ip"));
        for _ in 0..3 {
            assert!(throttle.attempt(one).await.is_ok());
        }
        clock.advance_seconds(20);
        assert_eq!(throttle.attempt(one).await.expect_err("fourth").retry_after, Some(40));
        assert!(throttle.attempt(two).await.is_ok());
        clock.advance_seconds(40);
        assert!(throttle.attempt(one).await.is_ok());
    }

    #[tokio::test]
    async fn r_27_all_addresses_together_have_fifty_times_as_many() {
        let (throttle, clock) = throttle();
        let from = |n: u8| IpAddr::from([198, 51, 100, n]);
        for n in 0..150 {
            assert!(throttle.attempt(from(n)).await.is_ok());
        }
        assert_eq!(throttle.attempt(from(150)).await.expect_err("too many").retry_after, Some(60));
        clock.advance_seconds(60);
        assert!(throttle.attempt(from(150)).await.is_ok());
    }

    #[tokio::test]
    async fn r_27_an_account_waits_one_second_after_five_failures_then_twice_as_long_each_time() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        for _ in 0..5 {
            let _failed = throttle.try_account(&email).await.expect("free");
        }
        let pauses = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900];
        for pause in pauses {
            assert_eq!(throttle.try_account(&email).await.err().expect("pause").retry_after, Some(pause));
            clock.advance_seconds(pause.into());
            let _failed = throttle.try_account(&email).await.expect("over");
        }
        clock.advance_seconds(900);
        let right = throttle.try_account(&email).await.expect("over");
        throttle.succeeded(right).await;
        for _ in 0..5 {
            let _failed = throttle.try_account(&email).await.expect("forgotten");
        }
    }

    #[tokio::test]
    async fn r_27_what_was_not_wrong_is_taken_back_and_lengthens_no_pause() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        for _ in 0..100 {
            throttle.excuse(throttle.try_account(&email).await.expect("no pause")).await;
        }
        for _ in 0..6 {
            clock.advance_seconds(1);
            assert!(throttle.try_account(&email).await.is_ok());
        }
        clock.advance_seconds(2);
        throttle.excuse(throttle.try_account(&email).await.expect("the pause is over")).await;
        assert!(throttle.try_account(&email).await.is_ok(), "the pause is still over");
    }

    #[tokio::test]
    async fn r_27_an_account_has_at_most_thirty_tries_an_hour_however_they_come() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        let mut tries = 0;
        for _ in 0..3600 {
            for _ in 0..20 {
                tries += i32::from(throttle.try_account(&email).await.is_ok());
            }
            clock.advance_seconds(1);
        }
        assert!((10..=30).contains(&tries), "{tries}");
    }
}
