//! Between the right password and the code of the second factor: who that is stands in a sealed cookie for five minutes.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::{Deserialize, Serialize};

use super::encryption::Seal;
use crate::{
    model::{Email, Error, Result, Timestamp},
    server::{
        config::PublicUrl,
        domain::Clock,
        error::internal,
        rate_limit::{fixed_window::FixedWindow, shared_counters::SharedCounters},
    },
};

/// How long one has for the code, in seconds.
const LIFETIME_SECONDS: i64 = 300;
/// How many codes one may try before the password is asked for again.
const TRIES: u32 = 5;
/// What the seal says the token is: no other token of ours passes for one.
const TYPE: &[u8] = b"second-factor";

/// Somebody who knew a password and owes a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Names it while its tries are counted.
    id: u64,
    /// Whose password it was.
    pub email: Email,
    /// The hash of it: when the password changes, the challenge is over.
    pub password_hash: String,
    /// Whether the session is to outlive the browser.
    pub is_lasting: bool,
    expires_at: Timestamp,
}

/// Hands out challenges, and counts what is tried on each.
#[derive(Clone)]
pub struct Challenges {
    seal: Seal,
    secure: bool,
    clock: Clock,
    tries: Arc<Mutex<HashMap<u64, FixedWindow>>>,
    counters: SharedCounters,
}

impl Challenges {
    /// Challenges under this seal, for people who reach us at this address.
    #[must_use]
    pub fn new(seal: Seal, url: &PublicUrl, clock: Clock, counters: SharedCounters) -> Self {
        Self { seal, secure: url.is_https(), clock, tries: Arc::default(), counters }
    }

    /// A challenge for who knew this password.
    #[must_use]
    pub fn issue(&self, email: Email, password_hash: String, is_lasting: bool) -> Challenge {
        let expires_at = self.clock.now().plus_seconds(LIFETIME_SECONDS);
        Challenge { id: rand::random(), email, password_hash, is_lasting, expires_at }
    }

    /// Counts a try, at whichever instance it is made.
    ///
    /// # Errors
    /// `unauthorized` after the last: the password is asked for again.
    pub async fn attempt(&self, challenge: &Challenge) -> Result<()> {
        let now = self.clock.now();
        let tally = {
            let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
            tries.retain(|_, window| !window.is_over(now));
            let issued_at = challenge.expires_at.plus_seconds(-LIFETIME_SECONDS);
            let window = tries.entry(challenge.id).or_insert_with(|| FixedWindow::new(issued_at, LIFETIME_SECONDS));
            window.count(now, TRIES).map_err(|_| over())?;
            self.counters.due(window, 1)
        };
        let Some(tally) = tally else { return Ok(()) };
        let told = self.counters.count(now, [("codes", &challenge.id.to_string(), tally)]).await.map(|[told]| told);
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let settled = tries.get_mut(&challenge.id).map(|window| window.settle(now, TRIES, tally, told));
        settled.unwrap_or(Ok(())).map_err(|_| over())
    }

    /// The header that hands a challenge out.
    ///
    /// # Errors
    /// Never in practice.
    pub fn write(&self, challenge: &Challenge) -> Result<HeaderValue> {
        let text = serde_json::to_vec(challenge).map_err(internal)?;
        self.header(&self.seal.seal(&text, TYPE)?, LIFETIME_SECONDS)
    }

    /// The challenge in a request.
    ///
    /// # Errors
    /// `unauthorized` when there is none, or it is over.
    pub fn read(&self, headers: &HeaderMap) -> Result<Challenge> {
        let jar = CookieJar::from_headers(headers);
        let text = jar.get(self.name()).and_then(|cookie| self.seal.open(cookie.value(), TYPE));
        let challenge: Option<Challenge> = text.and_then(|text| serde_json::from_slice(&text).ok());
        challenge.filter(|challenge| challenge.expires_at > self.clock.now()).ok_or_else(over)
    }

    /// The header that takes it away.
    ///
    /// # Errors
    /// Never in practice.
    pub fn clear(&self) -> Result<HeaderValue> {
        self.header("", 0)
    }

    const fn name(&self) -> &'static str {
        if self.secure { "__Host-aldis-code" } else { "aldis-code" }
    }

    fn header(&self, value: &str, seconds: i64) -> Result<HeaderValue> {
        let cookie = Cookie::build((self.name(), value))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .max_age(time::Duration::seconds(seconds));
        HeaderValue::from_str(&cookie.build().to_string()).map_err(internal)
    }
}

/// There is nothing to answer any more.
pub fn over() -> Error {
    Error {
        message: "This took too long or too many tries. Log in with your password again.".into(),
        ..Error::unauthorized()
    }
}
