//! Rate limit of requests per caller: a person, an API token or, without either, a network address.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use uuid::Uuid;

use super::{
    fixed_window::trim,
    limiter::{Quota, RateLimiter, RetryAfter},
    shared_counters::SharedCounters,
};
use crate::{
    model::{Error, OrganizationId, Result, Timestamp},
    server::{domain::Clock, http::client_ip::throttle_key},
};

const WINDOW_SECONDS: i64 = 60;
/// Batches that the limit is shared with the other instances in: each instance may be off by one of them.
const BATCHES: u32 = 20;

/// Rate limiter for requests. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct RequestLimiter {
    clock: Clock,
    callers: RateLimiter<Uuid>,
    addresses: RateLimiter<IpAddr>,
    hasher: RandomState,
    /// Credentials that were valid within the last window, by their hash.
    credentials: Arc<Mutex<HashMap<u64, KnownCredential>>>,
}

/// The caller a credential belongs to.
#[derive(Clone, Copy)]
struct KnownCredential {
    caller: Uuid,
    /// The organization that its requests may change, if any. That of a session or a token never changes.
    writes_in: Option<OrganizationId>,
    last_valid: Timestamp,
}

impl KnownCredential {
    /// Whether its requests count towards its caller. Where nothing is authorized, nobody would notice that it has been
    /// revoked: whoever still has it must not use up its caller's limit.
    const fn is_fresh(&self, now: Timestamp) -> bool {
        (now.millis() - self.last_valid.millis()).abs() < WINDOW_SECONDS * 1000
    }
}

impl RequestLimiter {
    /// Allows each caller this many requests a minute.
    pub fn new(clock: Clock, per_minute: u32, counters: SharedCounters) -> Self {
        let quota = |name| Quota { name, limit: per_minute, seconds: WINDOW_SECONDS, batch: per_minute / BATCHES };
        Self {
            callers: RateLimiter::new(quota("requests-of-caller"), clock.clone(), counters.clone()),
            addresses: RateLimiter::new(quota("requests-of-address"), clock.clone(), counters),
            clock,
            hasher: RandomState::new(),
            credentials: Arc::default(),
        }
    }

    /// Counts a request: towards the caller if its credential has been valid lately, otherwise towards the address, so
    /// that made-up credentials share a limit.
    pub async fn check(&self, credential: Option<&[u8]>, address: IpAddr) -> Result<()> {
        let counted = match credential.and_then(|credential| self.known(credential)) {
            Some(known) => self.callers.check(known.caller).await,
            // The operator, or a proxy that is not in `ALDIS_TRUSTED_PROXIES`.
            None if address.to_canonical().is_loopback() => return Ok(()),
            None => self.addresses.check(throttle_key(address)).await,
        };
        counted.map_err(too_many_requests)
    }

    fn known(&self, credential: &[u8]) -> Option<KnownCredential> {
        let known = self.lock().get(&self.hasher.hash_one(credential)).copied();
        known.filter(|known| known.is_fresh(self.clock.now()))
    }

    /// The organization that requests with this credential could change within the last window: where to verify it, not
    /// a permission.
    pub fn wrote_in(&self, credential: &[u8]) -> Option<OrganizationId> {
        self.known(credential)?.writes_in
    }

    /// Notes that a known credential is still valid.
    pub fn recognize_again(&self, credential: &[u8]) {
        if let Some(known) = self.lock().get_mut(&self.hasher.hash_one(credential)) {
            known.last_valid = self.clock.now();
        }
    }

    /// Counts requests with this credential towards its caller from now on, including the current one.
    pub fn recognize(&self, credential: &[u8], caller: Uuid, writes_in: Option<OrganizationId>) {
        let (now, credential) = (self.clock.now(), self.hasher.hash_one(credential));
        let mut credentials = self.lock();
        // A credential that is dropped while in use is recognized again on its next request.
        trim(&mut credentials, &credential, |known| !known.is_fresh(now));
        let before = credentials.insert(credential, KnownCredential { caller, writes_in, last_valid: now });
        if before.is_none_or(|known| !known.is_fresh(now)) {
            self.callers.add(&caller);
        }
    }

    /// Counts requests with this credential towards their address again.
    pub fn forget(&self, credential: &[u8]) {
        self.lock().remove(&self.hasher.hash_one(credential));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, KnownCredential>> {
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn too_many_requests(RetryAfter(seconds): RetryAfter) -> Error {
    let message = format!("Too many requests. Try again in {seconds} s.");
    Error { message, ..Error::too_many_requests(seconds) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[tokio::test]
    async fn r_70_requests_are_limited_per_caller_and_made_up_credentials_share_their_addresss_limit() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let limiter = RequestLimiter::new(clock.clone(), 3, SharedCounters::none());
        let (office, home) = (ip("192.0.2.1"), ip("192.0.2.2"));
        limiter.recognize(b"real", Uuid::from_u128(1), None);
        // Another session of the same person gives them no more.
        limiter.recognize(b"other", Uuid::from_u128(1), None);
        limiter.recognize(b"other", Uuid::from_u128(1), None);
        assert!(limiter.check(Some(b"other"), office).await.is_ok());
        assert!(limiter.check(Some(b"other"), office).await.is_err());
        assert_eq!(limiter.check(Some(b"real"), home).await.expect_err("fourth").retry_after, Some(60));
        for made_up in [&b"a"[..], b"b", b"c"] {
            assert!(limiter.check(Some(made_up), office).await.is_ok());
        }
        assert!(limiter.check(Some(b"d"), office).await.is_err());
        assert!(limiter.check(None, office).await.is_err() && limiter.check(None, home).await.is_ok());
        clock.advance_seconds(60);
        assert!(limiter.check(Some(b"real"), home).await.is_ok() && limiter.check(None, office).await.is_ok());
        // An ended session does not count towards its person.
        clock.advance_seconds(60);
        limiter.recognize(b"real", Uuid::from_u128(1), None);
        limiter.recognize(b"other", Uuid::from_u128(1), None);
        limiter.forget(b"other");
        for _ in 0..3 {
            assert!(limiter.check(Some(b"other"), home).await.is_ok());
        }
        assert!(limiter.check(Some(b"other"), home).await.is_err() && limiter.check(Some(b"real"), home).await.is_ok());
    }

    #[tokio::test]
    async fn r_70_a_credential_not_valid_for_a_minute_counts_as_made_up() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let limiter = RequestLimiter::new(clock.clone(), 3, SharedCounters::none());
        let (caller, elsewhere) = (Uuid::from_u128(1), ip("192.0.2.1"));
        limiter.recognize(b"ended", caller, None);
        clock.advance_seconds(59);
        assert!(limiter.check(Some(b"ended"), elsewhere).await.is_ok());
        clock.advance_seconds(1);
        for _ in 0..3 {
            assert!(limiter.check(Some(b"ended"), elsewhere).await.is_ok());
        }
        assert!(limiter.check(Some(b"ended"), elsewhere).await.is_err());
        limiter.recognize(b"real", caller, None);
        for _ in 0..2 {
            assert!(
                limiter.check(Some(b"real"), elsewhere).await.is_ok(),
                "nothing was counted towards its former caller"
            );
        }
    }

    #[tokio::test]
    async fn r_70_a_credential_that_is_recognized_again_stays_known() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let limiter = RequestLimiter::new(clock.clone(), 3, SharedCounters::none());
        let (organization, elsewhere) = (OrganizationId::from_uuid(Uuid::from_u128(2)), ip("192.0.2.1"));
        limiter.recognize(b"writer", Uuid::from_u128(1), Some(organization));
        limiter.recognize(b"reader", Uuid::from_u128(1), None);
        limiter.recognize_again(b"stranger");
        for _ in 0..3 {
            clock.advance_seconds(59);
            assert_eq!(limiter.wrote_in(b"writer"), Some(organization));
            assert!(limiter.check(Some(b"writer"), elsewhere).await.is_ok());
            limiter.recognize_again(b"writer");
        }
        assert_eq!([limiter.wrote_in(b"reader"), limiter.wrote_in(b"stranger")], [None; 2]);
        clock.advance_seconds(60);
        assert_eq!(limiter.wrote_in(b"writer"), None);
        // What is no longer valid, or may no longer write.
        limiter.recognize(b"writer", Uuid::from_u128(1), Some(organization));
        limiter.forget(b"writer");
        assert_eq!(limiter.wrote_in(b"writer"), None);
    }
}
