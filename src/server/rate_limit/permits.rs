//! Concurrency limits per caller: a keyed semaphore for connections and live feeds.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Args, value_parser};
use uuid::Uuid;

use crate::{
    model::{Error, Result},
    server::http::client_ip::throttle_key,
};

/// Concurrent live feeds of one person, or of one API token, at one instance.
const SOCKETS_PER_CALLER: u32 = 10;

/// Limits the operator can set.
#[derive(Args, Clone, Copy, Debug)]
pub struct LimitSettings {
    /// Concurrent connections; further ones wait to be accepted
    #[arg(long = "max-connections", env = "ALDIS_MAX_CONNECTIONS", global = true, default_value_t = 10_000, value_parser = value_parser!(u32).range(10..=1_000_000))]
    pub max_connections: u32,
    /// Concurrent connections from one network address; trusted proxies and this machine are exempt
    #[arg(long = "connections-per-ip", env = "ALDIS_CONNECTIONS_PER_IP", global = true, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..))]
    pub connections_per_ip: u32,
    /// Concurrent live feeds from one network address; this machine is exempt
    #[arg(long = "sockets-per-ip", env = "ALDIS_SOCKETS_PER_IP", global = true, default_value_t = 100, value_parser = value_parser!(u32).range(1..))]
    pub sockets_per_ip: u32,
    /// Requests to the API and submitted forms per minute, per person, API token or, without either, network address
    #[arg(long = "api-rate", env = "ALDIS_API_RATE", global = true, default_value_t = 600, value_parser = value_parser!(u32).range(1..))]
    pub api_rate: u32,
}

/// Keyed semaphore: at most so many permits per key at the same time. Clones count together.
#[derive(Clone, Debug)]
pub struct Permits<K: Eq + Hash>(Arc<Mutex<HashMap<K, u32>>>);

impl<K: Eq + Hash> Default for Permits<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Permits<K> {
    /// Acquires a permit, if the key has fewer than `max`.
    #[must_use]
    pub fn try_acquire(&self, key: K, max: u32) -> Option<Permit<K>> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(key.clone()).or_insert(0);
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Permit { permits: self.clone(), key })
    }
}

/// Permit of a keyed semaphore; released when dropped.
#[derive(Debug)]
pub struct Permit<K: Eq + Hash> {
    permits: Permits<K>,
    key: K,
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut counts = self.permits.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.key);
            }
        }
    }
}

/// Permits for the live feeds of this instance.
#[derive(Clone)]
pub struct SocketPermits {
    max: u32,
    max_per_address: u32,
    all: Permits<()>,
    addresses: Permits<IpAddr>,
    callers: Permits<Uuid>,
}

/// Permit of an open live feed.
#[derive(Debug)]
pub struct SocketPermit {
    _all: Permit<()>,
    _address: Option<Permit<IpAddr>>,
    _caller: Option<Permit<Uuid>>,
}

impl SocketPermits {
    /// Live feeds may use four fifths of the connections, so that pages remain available.
    pub fn new(limits: &LimitSettings) -> Self {
        Self {
            max: limits.max_connections / 5 * 4,
            max_per_address: limits.sockets_per_ip,
            all: Permits::default(),
            addresses: Permits::default(),
            callers: Permits::default(),
        }
    }

    /// Acquires a permit for one more live feed from this address, of this user or API token if there is one.
    pub fn acquire(&self, address: IpAddr, caller: Option<Uuid>) -> Result<SocketPermit> {
        let full = |why: &str| Error { retry_after: Some(30), ..Error::unavailable(why) };
        let is_limited = !address.to_canonical().is_loopback();
        let of_address = is_limited.then(|| self.addresses.try_acquire(throttle_key(address), self.max_per_address));
        if matches!(of_address, Some(None)) {
            return Err(full("Too many live feeds are open from this network address."));
        }
        let of_caller = caller.map(|caller| self.callers.try_acquire(caller, SOCKETS_PER_CALLER));
        if matches!(of_caller, Some(None)) {
            return Err(full("You have too many live feeds open. Close a tab or a program."));
        }
        let all = self
            .all
            .try_acquire((), self.max)
            .ok_or_else(|| full("The server has reached its limit of live feeds."))?;
        Ok(SocketPermit { _all: all, _address: of_address.flatten(), _caller: of_caller.flatten() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn sockets(per_address: u32, max_connections: u32) -> SocketPermits {
        SocketPermits::new(&LimitSettings {
            max_connections,
            connections_per_ip: 1,
            sockets_per_ip: per_address,
            api_rate: 1,
        })
    }

    #[test]
    fn r_41_live_feeds_are_limited_per_address_per_person_and_in_total() {
        let visitors = sockets(2, 100);
        let (home, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let first = visitors.acquire(home, None).expect("room");
        let _second = visitors.acquire(home, None).expect("room");
        assert_eq!(visitors.acquire(home, None).expect_err("full").retry_after, Some(30));
        let _elsewhere = visitors.acquire(other, None).expect("another address");
        drop(first);
        let _third = visitors.acquire(home, None).expect("room again");
        let _free: Vec<_> = (0..50).map(|_| visitors.acquire(ip("127.0.0.1"), None).expect("this machine")).collect();

        let members = sockets(1000, 1000);
        let ada = Uuid::from_u128(1);
        let _tabs: Vec<_> = (0..10).map(|_| members.acquire(home, Some(ada)).expect("a tab")).collect();
        assert!(members.acquire(other, Some(ada)).is_err());
        assert!(members.acquire(home, Some(Uuid::from_u128(2))).is_ok());

        let small = sockets(1000, 10);
        let _all: Vec<_> = (0..8).map(|_| small.acquire(home, None).expect("room")).collect();
        assert!(small.acquire(other, None).is_err(), "the other connections are for pages");
    }
}
