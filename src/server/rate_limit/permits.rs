//! How much of the server one caller may take at once: connections and sockets.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use clap::{Args, value_parser};

use crate::{
    model::{Error, Result, UserId},
    server::http::client_ip::throttle_key,
};

/// Live feeds one person may have open at one instance.
const SOCKETS_PER_PERSON: u32 = 10;

/// The limits an operator may choose.
#[derive(Args, Clone, Copy, Debug)]
pub struct LimitSettings {
    /// Connections at once; further ones wait to be accepted
    #[arg(long = "max-connections", env = "ALDIS_MAX_CONNECTIONS", global = true, default_value_t = 10_000, value_parser = value_parser!(u32).range(10..=1_000_000))]
    pub max_connections: u32,
    /// Connections at once from one network address; trusted proxies and this machine are free of it
    #[arg(long = "connections-per-ip", env = "ALDIS_CONNECTIONS_PER_IP", global = true, default_value_t = 1_000, value_parser = value_parser!(u32).range(1..))]
    pub connections_per_ip: u32,
    /// Live feeds at once from one network address; this machine is free of it
    #[arg(long = "sockets-per-ip", env = "ALDIS_SOCKETS_PER_IP", global = true, default_value_t = 100, value_parser = value_parser!(u32).range(1..))]
    pub sockets_per_ip: u32,
    /// Requests to the API and posted forms per minute, for each person and token and, without one, network address
    #[arg(long = "api-rate", env = "ALDIS_API_RATE", global = true, default_value_t = 600, value_parser = value_parser!(u32).range(1..))]
    pub api_rate: u32,
}

/// Places that are taken and given back, so many for each key. Clones count together.
#[derive(Debug)]
pub struct Permits<K: Eq + Hash>(Arc<Mutex<HashMap<K, u32>>>);

impl<K: Eq + Hash> Clone for Permits<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Eq + Hash> Default for Permits<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Permits<K> {
    /// Takes a place, if the key has one left.
    #[must_use]
    pub fn take(&self, key: K, most: u32) -> Option<Permit<K>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key.clone()).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Permit { places: self.clone(), key })
    }
}

/// A taken place; given back when dropped.
#[derive(Debug)]
pub struct Permit<K: Eq + Hash> {
    places: Permits<K>,
    key: K,
}

impl<K: Eq + Hash> Drop for Permit<K> {
    fn drop(&mut self) {
        let mut taken = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

/// The open live feeds of this instance.
#[derive(Clone)]
pub struct Sockets {
    most: u32,
    per_address: u32,
    all: Permits<()>,
    addresses: Permits<IpAddr>,
    people: Permits<UserId>,
}

/// The places an open live feed holds.
#[derive(Debug)]
pub struct SocketPlace {
    _all: Permit<()>,
    _address: Option<Permit<IpAddr>>,
    _person: Option<Permit<UserId>>,
}

impl Sockets {
    /// Feeds may take four fifths of the connections: pages must still be had when everybody listens.
    #[must_use]
    pub fn new(limits: &LimitSettings) -> Self {
        Self {
            most: limits.max_connections / 5 * 4,
            per_address: limits.sockets_per_ip,
            all: Permits::default(),
            addresses: Permits::default(),
            people: Permits::default(),
        }
    }

    /// Room for one more feed of this caller.
    ///
    /// # Errors
    /// `unavailable`, with the seconds to wait.
    pub fn enter(&self, address: IpAddr, person: Option<UserId>) -> Result<SocketPlace> {
        let full = |why: &str| Error { retry_after: Some(30), ..Error::unavailable(why) };
        let counted = !address.to_canonical().is_loopback();
        let of_address = counted.then(|| self.addresses.take(throttle_key(address), self.per_address));
        if matches!(of_address, Some(None)) {
            return Err(full("Too many live feeds are open from this network address."));
        }
        let of_person = person.map(|person| self.people.take(person, SOCKETS_PER_PERSON));
        if matches!(of_person, Some(None)) {
            return Err(full("Too many live feeds of this person are open. Close a tab or a program."));
        }
        let all = self.all.take((), self.most).ok_or_else(|| full("All places for live feeds are taken."))?;
        Ok(SocketPlace { _all: all, _address: of_address.flatten(), _person: of_person.flatten() })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn sockets(per_address: u32, max_connections: u32) -> Sockets {
        Sockets::new(&LimitSettings {
            max_connections,
            connections_per_ip: 1,
            sockets_per_ip: per_address,
            api_rate: 1,
        })
    }

    #[test]
    fn r_41_feeds_are_limited_for_an_address_a_person_and_in_all_and_a_closed_one_makes_room() {
        let visitors = sockets(2, 100);
        let (home, other) = (ip("192.0.2.1"), ip("192.0.2.2"));
        let first = visitors.enter(home, None).expect("room");
        let _second = visitors.enter(home, None).expect("room");
        assert_eq!(visitors.enter(home, None).expect_err("full").retry_after, Some(30));
        let _elsewhere = visitors.enter(other, None).expect("another address");
        drop(first);
        let _third = visitors.enter(home, None).expect("room again");
        let _free: Vec<_> = (0..50).map(|_| visitors.enter(ip("127.0.0.1"), None).expect("this machine")).collect();

        let members = sockets(1000, 1000);
        let ada = UserId::from_uuid(Uuid::from_u128(1));
        let _tabs: Vec<_> = (0..10).map(|_| members.enter(home, Some(ada)).expect("a tab")).collect();
        assert!(members.enter(other, Some(ada)).is_err());
        assert!(members.enter(home, Some(UserId::from_uuid(Uuid::from_u128(2)))).is_ok());

        let small = sockets(1000, 10);
        let _all: Vec<_> = (0..8).map(|_| small.enter(home, None).expect("room")).collect();
        assert!(small.enter(other, None).is_err(), "the rest of the connections is for pages");
    }
}
