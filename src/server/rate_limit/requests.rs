//! How many requests one caller may make in a minute.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::{
    fixed_window::{FixedWindow, Increment, trim},
    shared_counters::SharedCounters,
};
use crate::{
    model::{Error, Result, Timestamp},
    server::{
        auth::{bearer, caller_ip},
        domain::Clock,
        http::client_ip::throttle_key,
        state::AppState,
    },
};

/// A minute.
const WINDOW_SECONDS: i64 = 60;
/// What part of the allowance is told to the other instances at once: few requests ask Redis, and by so much each
/// instance may be late to hear of the others.
const BATCH: u32 = 20;

/// How many requests each caller has made this minute. Clones count together.
#[derive(Clone)]
pub struct Requests {
    clock: Clock,
    per_minute: u32,
    hasher: RandomState,
    counts: Arc<Mutex<Counts>>,
    counters: SharedCounters,
}

#[derive(Default)]
struct Counts {
    windows: HashMap<Who, FixedWindow>,
    /// Whose the secrets are that have opened a door, by a hash of each.
    known: HashMap<u64, Known>,
}

/// Whose a secret is.
#[derive(Clone, Copy)]
struct Known {
    caller: Uuid,
    /// When it last opened a door.
    at: Timestamp,
}

impl Known {
    /// Whether it may be taken to open doors still. Of one that has ended in the meantime nobody else would hear where no
    /// door is asked: whoever has it must not use up what its person may ask for.
    const fn is_fresh(&self, now: Timestamp) -> bool {
        (now.millis() - self.at.millis()).abs() < WINDOW_SECONDS * 1000
    }
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
    pub fn new(clock: Clock, per_minute: u32, counters: SharedCounters) -> Self {
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
    fn count_here(&self, secret: Option<&[u8]>, address: IpAddr) -> Result<Option<(Who, Increment)>> {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = secret.and_then(|secret| counts.known.get(&self.hasher.hash_one(secret)).copied());
        let who = match known.filter(|known| known.is_fresh(now)) {
            Some(known) => Who::Caller(known.caller),
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

    /// Counts a secret that has opened a door with whose it is, this request included, until it has opened none for a
    /// minute.
    fn recognize(&self, secret: &[u8], caller: Uuid) {
        let now = self.clock.now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let secret = self.hasher.hash_one(secret);
        // Those that are forgotten and in use are recognized again by their next request.
        trim(&mut counts.known, &secret, |known| !known.is_fresh(now));
        let before = counts.known.insert(secret, Known { caller, at: now });
        if before.is_none_or(|known| !known.is_fresh(now)) {
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
    fn window(&mut self, who: Who, now: Timestamp) -> &mut FixedWindow {
        trim(&mut self.windows, &who, |window| window.is_over(now));
        self.windows.entry(who).or_insert(FixedWindow::new(now, WINDOW_SECONDS))
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

/// What the request shows to be let in: read as at the door, so that one secret is not several by how it is written.
fn secret(headers: &HeaderMap, state: &AppState) -> Option<Vec<u8>> {
    match bearer(headers) {
        Ok(Some(token)) => Some(token.as_bytes().to_vec()),
        Ok(None) => state.cookie.read(headers).map(String::into_bytes),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn r_70_each_caller_has_so_many_requests_a_minute_and_made_up_keys_share_their_addresses() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let requests = Requests::new(clock.clone(), 3, SharedCounters::none());
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
        clock.advance_seconds(60);
        requests.recognize(b"real", Uuid::from_u128(1));
        requests.recognize(b"other", Uuid::from_u128(1));
        requests.forget(b"other");
        for _ in 0..3 {
            assert!(requests.count_here(Some(b"other"), home).is_ok());
        }
        assert!(requests.count_here(Some(b"other"), home).is_err() && requests.count_here(Some(b"real"), home).is_ok());
    }

    #[test]
    fn r_70_what_has_opened_no_door_for_a_minute_is_counted_as_made_up() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let requests = Requests::new(clock.clone(), 3, SharedCounters::none());
        let (caller, elsewhere) = (Uuid::from_u128(1), ip("192.0.2.1"));
        requests.recognize(b"ended", caller);
        clock.advance_seconds(59);
        assert!(requests.count_here(Some(b"ended"), elsewhere).is_ok());
        clock.advance_seconds(1);
        for _ in 0..3 {
            assert!(requests.count_here(Some(b"ended"), elsewhere).is_ok());
        }
        assert!(requests.count_here(Some(b"ended"), elsewhere).is_err());
        requests.recognize(b"real", caller);
        for _ in 0..2 {
            assert!(requests.count_here(Some(b"real"), elsewhere).is_ok(), "nothing was taken from whose it was");
        }
    }
}
