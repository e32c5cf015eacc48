//! How much of the server one caller may take: connections, sockets, requests.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use clap::{Args, value_parser};
use uuid::Uuid;

use super::{
    AppState,
    auth::caller_ip,
    counters::Counters,
    domain::Clock,
    net::throttle_key,
    window::{Tally, Window},
};
use crate::model::{Error, Result, Timestamp, UserId};

/// Live feeds one person may have open at one instance.
const SOCKETS_PER_PERSON: u32 = 10;
/// Callers whose requests are counted at most; past it those whose minute is over are forgotten first.
const CALLERS: usize = 50_000;
/// A minute.
const WINDOW_SECONDS: i64 = 60;
/// What part of the allowance is told to the other instances at once: few requests ask Redis, and by so much each
/// instance may be late to hear of the others.
const BATCH: u32 = 20;

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
pub struct Places<K: Eq + Hash>(Arc<Mutex<HashMap<K, u32>>>);

impl<K: Eq + Hash> Clone for Places<K> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K: Eq + Hash> Default for Places<K> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<K: Eq + Hash + Clone> Places<K> {
    /// Takes a place, if the key has one left.
    #[must_use]
    pub fn take(&self, key: K, most: u32) -> Option<Place<K>> {
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(key.clone()).or_insert(0);
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), key })
    }
}

/// A taken place; given back when dropped.
#[derive(Debug)]
pub struct Place<K: Eq + Hash> {
    places: Places<K>,
    key: K,
}

impl<K: Eq + Hash> Drop for Place<K> {
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
    all: Places<()>,
    addresses: Places<IpAddr>,
    people: Places<UserId>,
}

/// The places an open live feed holds.
#[derive(Debug)]
pub struct SocketPlace {
    _all: Place<()>,
    _address: Option<Place<IpAddr>>,
    _person: Option<Place<UserId>>,
}

impl Sockets {
    /// Feeds may take four fifths of the connections: pages must still be had when everybody listens.
    #[must_use]
    pub fn new(limits: &LimitSettings) -> Self {
        Self {
            most: limits.max_connections / 5 * 4,
            per_address: limits.sockets_per_ip,
            all: Places::default(),
            addresses: Places::default(),
            people: Places::default(),
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

/// How many requests each caller has made this minute. Clones count together.
#[derive(Clone)]
pub struct Requests {
    clock: Clock,
    per_minute: u32,
    hasher: RandomState,
    counts: Arc<Mutex<Counts>>,
    counters: Counters,
}

#[derive(Default)]
struct Counts {
    windows: HashMap<Who, Window>,
    /// Whose the secrets are that have opened a door, by a hash of each.
    known: HashMap<u64, Uuid>,
}

/// Whose requests are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Who {
    /// A person in all their sessions, or a token.
    Caller(Uuid),
    Address(IpAddr),
}

impl Requests {
    /// Allows this many requests a minute to each, at this instance and those it counts with.
    #[must_use]
    pub fn new(clock: Clock, per_minute: u32, counters: Counters) -> Self {
        Self { clock, per_minute, hasher: RandomState::new(), counts: Arc::default(), counters }
    }

    /// Counts a request here and, now and then, tells the other instances.
    async fn count(&self, secret: Option<&[u8]>, address: IpAddr) -> Result<()> {
        let Some((who, tally)) = self.count_here(secret, address)? else { return Ok(()) };
        let (what, whose) = match who {
            Who::Caller(caller) => ("requests-of-caller", caller.to_string()),
            Who::Address(address) => ("requests-of-address", address.to_string()),
        };
        let now = self.clock.now();
        let told = self.counters.count(now, [(what, &whose, tally)]).await.map(|[told]| told);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = counts.windows.get_mut(&who).map(|window| window.settle(now, self.per_minute, tally, told));
        settled.unwrap_or(Ok(())).map_err(|until| too_many(now, until))
    }

    /// Counts a request. A secret is counted with whose it is only once it has opened a door: made-up ones are counted
    /// with the address they come from. Gives what the other instances are to be told of.
    fn count_here(&self, secret: Option<&[u8]>, address: IpAddr) -> Result<Option<(Who, Tally)>> {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = secret.and_then(|secret| counts.known.get(&self.hasher.hash_one(secret)).copied());
        let who = match known {
            Some(caller) => Who::Caller(caller),
            // Whoever is on this machine is its operator, or a proxy that has not been named.
            None if address.to_canonical().is_loopback() => return Ok(None),
            None => Who::Address(throttle_key(address)),
        };
        let window = counts.window(who, now);
        window.count(now, self.per_minute).map_err(|until| too_many(now, until))?;
        Ok(self.counters.due(window, self.per_minute / BATCH).map(|tally| (who, tally)))
    }

    /// Counts a request at this instance with all others, whoever makes it.
    ///
    /// # Errors
    /// `too_many_requests`, with the seconds to wait.
    pub fn count_together(&self) -> Result<()> {
        self.count_here(None, IpAddr::from([0, 0, 0, 0])).map(drop)
    }

    /// Counts a secret that has opened a door with whose it is from now on, this request included.
    fn recognize(&self, secret: &[u8], caller: Uuid) {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if counts.known.len() >= CALLERS {
            // Those in use are recognized again by their next request.
            counts.known.clear();
        }
        if counts.known.insert(self.hasher.hash_one(secret), caller).is_none() {
            counts.window(Who::Caller(caller), now).add(now);
        }
    }

    /// A secret opens no door any more: what comes with it is counted as made up.
    fn forget(&self, secret: &[u8]) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.known.remove(&self.hasher.hash_one(secret));
    }
}

impl Counts {
    /// The count of somebody's requests.
    fn window(&mut self, who: Who, now: Timestamp) -> &mut Window {
        if self.windows.len() >= CALLERS && !self.windows.contains_key(&who) {
            self.windows.retain(|_, window| !window.is_over(now));
            if self.windows.len() >= CALLERS {
                self.windows.clear();
            }
        }
        self.windows.entry(who).or_insert(Window::new(now, WINDOW_SECONDS))
    }
}

fn too_many(now: Timestamp, until: Timestamp) -> Error {
    let left = until.millis() - now.millis();
    let seconds = u32::try_from((left + 999) / 1000).unwrap_or(1).max(1);
    let message = format!("Too many requests. Try again in {seconds} s.");
    Error { message, ..Error::too_many_requests(seconds) }
}

/// Answers 429 to whoever asks the API or posts forms too often.
pub async fn limit_requests(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let secret = secret(&parts.headers, &state);
    let address = caller_ip(&parts, &state);
    if let Err(error) = state.requests.count(secret.as_deref(), address).await {
        return error.into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Notes that the secret in these headers has opened a door, and by what its requests are counted.
pub fn recognize(state: &AppState, headers: &HeaderMap, caller: Uuid) {
    if let Some(secret) = secret(headers, state) {
        state.requests.recognize(&secret, caller);
    }
}

/// Notes that the secret in these headers opens no door: whoever still has it takes nothing from whose it was.
pub fn forget(state: &AppState, headers: &HeaderMap) {
    if let Some(secret) = secret(headers, state) {
        state.requests.forget(&secret);
    }
}

/// What the request shows to be let in.
fn secret(headers: &HeaderMap, state: &AppState) -> Option<Vec<u8>> {
    match headers.get(header::AUTHORIZATION) {
        // The token without its scheme: a session counts as one, by cookie or by header.
        Some(value) => value.as_bytes().splitn(2, |byte| *byte == b' ').last().map(<[u8]>::to_vec),
        None => state.cookie.read(headers).map(String::into_bytes),
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn r_70_each_caller_has_so_many_requests_a_minute_and_made_up_keys_share_their_addresses() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let requests = Requests::new(clock.clone(), 3, Counters::none());
        let (office, home) = (ip("192.0.2.1"), ip("192.0.2.2"));
        requests.recognize(b"real", Uuid::from_u128(1));
        // Another session of the same person gives them no more.
        requests.recognize(b"other", Uuid::from_u128(1));
        requests.recognize(b"other", Uuid::from_u128(1));
        assert!(requests.count_here(Some(b"other"), office).is_ok());
        assert!(requests.count_here(Some(b"other"), office).is_err());
        assert_eq!(requests.count_here(Some(b"real"), home).expect_err("fourth").retry_after, Some(60));
        for made_up in [&b"a"[..], b"b", b"c"] {
            assert!(requests.count_here(Some(made_up), office).is_ok());
        }
        assert!(requests.count_here(Some(b"d"), office).is_err());
        assert!(requests.count_here(None, office).is_err() && requests.count_here(None, home).is_ok());
        clock.advance_seconds(60);
        assert!(requests.count_here(Some(b"real"), home).is_ok() && requests.count_here(None, office).is_ok());
        // A session that has ended leaves its person the requests it would have made.
        requests.forget(b"other");
        for _ in 0..3 {
            assert!(requests.count_here(Some(b"other"), home).is_ok());
        }
        assert!(requests.count_here(Some(b"other"), home).is_err() && requests.count_here(Some(b"real"), home).is_ok());
    }
}
