//! Brute-force protection of sign-in: a rate limit per network address, and an exponential backoff per account.
//! All instances count together, as far as Redis lets them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{
    fixed_window::trim,
    limiter::{Quota, RateLimiter, RetryAfter, check_all},
    shared_counters::{Attempt, Backoff, SharedCounters},
};
use crate::{
    model::{Email, Result, Timestamp, UserId},
    server::{domain::Clock, http::client_ip::throttle_key},
};

/// All addresses together may make this many times the attempts of one: what a small machine can hash.
const ALL_ADDRESSES: u32 = 50;
/// There is no permanent lockout: it would let anybody lock anybody out.
const BACKOFF: Backoff = Backoff { free_failures: 5, max_pause: 15 * 60, forget_after: 3600 };
/// Name of the failures in Redis.
const FAILURES: &str = "failures";

/// Rate limiter and backoff for sign-in. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct SignInThrottle {
    addresses: RateLimiter<String>,
    all_addresses: RateLimiter<String>,
    lookups: RateLimiter<IpAddr>,
    accounts: Arc<Mutex<HashMap<String, Failures>>>,
    clock: Clock,
    counters: SharedCounters,
}

/// Failures of an account since its last success.
struct Failures {
    count: u32,
    last: Timestamp,
}

/// An attempt that is counted as a failure, until [`SignInThrottle::refund`] or [`SignInThrottle::succeeded`].
#[must_use]
pub struct CountedAttempt {
    account: String,
    at: Timestamp,
    previous_failure: Timestamp,
    /// Whether Redis has counted it.
    is_shared: bool,
}

impl Failures {
    /// When the backoff allows the next attempt.
    fn retry_at(&self) -> Timestamp {
        let Some(over) = self.count.checked_sub(BACKOFF.free_failures) else { return self.last };
        self.last.plus_seconds((1_i64 << over.min(20)).min(BACKOFF.max_pause))
    }

    fn are_forgotten(&self, now: Timestamp) -> bool {
        self.last.plus_seconds(BACKOFF.forget_after) <= now
    }

    /// Counts an attempt as a failure if the backoff allows it, as the script in Redis does.
    fn attempt(&mut self, now: Timestamp) -> Attempt {
        if self.are_forgotten(now) {
            self.count = 0;
        }
        let (last, is_allowed) = (self.last, self.retry_at() <= now);
        if is_allowed {
            *self = Self { count: self.count.saturating_add(1), last: now };
        }
        Attempt { is_allowed, failures: self.count, last }
    }
}

impl SignInThrottle {
    /// Allows this many attempts a minute from one network address.
    pub fn new(clock: Clock, per_minute: u32, counters: SharedCounters) -> Self {
        let quota = |name, limit| Quota { name, limit, seconds: 60, batch: 1 };
        let all = per_minute.saturating_mul(ALL_ADDRESSES);
        Self {
            addresses: RateLimiter::new(quota("attempts-of-address", per_minute), clock.clone(), counters.clone()),
            all_addresses: RateLimiter::new(quota("attempts-of-everybody", all), clock.clone(), counters.clone()),
            lookups: RateLimiter::new(quota("looks-of-address", per_minute), clock.clone(), counters.clone()),
            accounts: Arc::default(),
            clock,
            counters,
        }
    }

    /// Counts an attempt by its network address.
    pub async fn attempt(&self, ip: IpAddr) -> Result<()> {
        let address = throttle_key(ip).to_string();
        Ok(check_all(&[(&self.addresses, address), (&self.all_addresses, String::new())]).await?)
    }

    /// Counts a lookup of a secret link, under the same limit as attempts but separately: any page on the web can make
    /// its visitors' browsers look links up, which must not keep them from signing in.
    pub async fn lookup(&self, ip: IpAddr) -> Result<()> {
        Ok(self.lookups.check(throttle_key(ip)).await?)
    }

    /// Counts an attempt at this account as a failure until it proves otherwise, so that concurrent attempts at any
    /// instance count against each other. Unknown addresses are counted alike, so that nothing reveals them.
    pub async fn try_account(&self, email: &Email) -> Result<CountedAttempt> {
        self.count_attempt(email.to_string()).await
    }

    /// Counts an attempt at the password in an existing session, like [`SignInThrottle::try_account`] but separately:
    /// strangers who try to sign in must not keep owners from protecting their account.
    pub async fn try_reauthentication(&self, user: UserId) -> Result<CountedAttempt> {
        // No email address looks like this.
        self.count_attempt(format!("signed-in:{user}")).await
    }

    async fn count_attempt(&self, account: String) -> Result<CountedAttempt> {
        let now = self.clock.now();
        let shared = self.counters.attempt(now, FAILURES, &account, &BACKOFF).await;
        let mut accounts = self.lock();
        trim(&mut accounts, &account, |failures| failures.are_forgotten(now));
        let failures = accounts.entry(account.clone()).or_insert(Failures { count: 0, last: now });
        if let Some(Attempt { is_allowed, failures: count, last }) = shared {
            *failures = Failures { count, last: if is_allowed { now } else { last } };
        }
        let attempt = shared.unwrap_or_else(|| failures.attempt(now));
        if !attempt.is_allowed {
            return Err(RetryAfter::until(now, failures.retry_at()).into());
        }
        Ok(CountedAttempt { account, at: now, previous_failure: attempt.last, is_shared: shared.is_some() })
    }

    /// Takes the failure back: no password was compared, or it was right and a code is required too.
    pub async fn refund(&self, attempt: CountedAttempt) {
        let CountedAttempt { account, at, previous_failure, is_shared } = attempt;
        if let Some(failures) = self.lock().get_mut(&account) {
            failures.count = failures.count.saturating_sub(1);
            if failures.last == at {
                failures.last = previous_failure;
            }
        }
        if is_shared {
            self.counters.refund(FAILURES, &account, at, previous_failure).await;
        }
    }

    /// Forgets the account's failures after the right password; the address's attempts stay counted.
    pub async fn succeeded(&self, attempt: CountedAttempt) {
        self.lock().remove(&attempt.account);
        self.counters.forget(FAILURES, &attempt.account).await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Failures>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle() -> (SignInThrottle, Clock) {
        let clock = Clock::pretend(Timestamp::EPOCH);
        (SignInThrottle::new(clock.clone(), 3, SharedCounters::none()), clock)
    }

    #[tokio::test]
    async fn r_27_attempts_are_limited_per_address_and_minute() {
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
    async fn r_27_all_addresses_together_have_fifty_times_the_limit() {
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
    async fn r_27_the_backoff_starts_at_one_second_after_five_failures_and_doubles() {
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
    async fn r_27_a_refunded_attempt_does_not_lengthen_the_backoff() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        for _ in 0..100 {
            throttle.refund(throttle.try_account(&email).await.expect("no backoff")).await;
        }
        for _ in 0..6 {
            clock.advance_seconds(1);
            assert!(throttle.try_account(&email).await.is_ok());
        }
        clock.advance_seconds(2);
        throttle.refund(throttle.try_account(&email).await.expect("the backoff is over")).await;
        assert!(throttle.try_account(&email).await.is_ok(), "the backoff is still over");
    }

    #[tokio::test]
    async fn r_27_an_account_has_at_most_thirty_attempts_an_hour() {
        let (throttle, clock) = throttle();
        let email: Email = "ada@example.com".parse().expect("email");
        let mut attempts = 0;
        for _ in 0..3600 {
            for _ in 0..20 {
                attempts += i32::from(throttle.try_account(&email).await.is_ok());
            }
            clock.advance_seconds(1);
        }
        assert!((10..=30).contains(&attempts), "{attempts}");
    }
}
