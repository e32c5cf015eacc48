//! Login challenge: between the right password and the code of the second factor, an encrypted cookie names the account
//! for five minutes. A rate limit on codes protects it from brute force.

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use serde::{Deserialize, Serialize};

use crate::{
    model::{Email, Error, Result, Timestamp},
    server::{
        config::PublicUrl,
        domain::Clock,
        encryption::Seal,
        error::internal,
        rate_limit::{
            limiter::{Quota, RateLimiter},
            shared_counters::SharedCounters,
        },
    },
};

const LIFETIME_SECONDS: i64 = 300;
/// Codes one may try per challenge. After these, the password is required again.
const CODES: Quota = Quota { name: "codes", limit: 5, seconds: LIFETIME_SECONDS, batch: 1 };
/// Associated data of the encryption: no other encrypted text passes for a challenge.
const TYPE: &[u8] = b"second-factor";

/// Login challenge: somebody who knew the password and owes a code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// Key of its attempts.
    id: u64,
    pub email: Email,
    /// Hash of the password: when it changes, the challenge ends.
    pub password_hash: String,
    /// Whether the session outlives the browser.
    pub is_lasting: bool,
    expires_at: Timestamp,
}

/// Issues and reads login challenges, and counts the attempts at each.
#[derive(Clone)]
pub struct Challenges {
    seal: Seal,
    secure: bool,
    clock: Clock,
    codes: RateLimiter<u64>,
}

impl Challenges {
    #[must_use]
    pub fn new(seal: Seal, url: &PublicUrl, clock: Clock, counters: SharedCounters) -> Self {
        let codes = RateLimiter::new(CODES, clock.clone(), counters);
        Self { seal, secure: url.is_https(), clock, codes }
    }

    /// A challenge for somebody who knew this password.
    #[must_use]
    pub fn issue(&self, email: Email, password_hash: String, is_lasting: bool) -> Challenge {
        let expires_at = self.clock.now().plus_seconds(LIFETIME_SECONDS);
        Challenge { id: rand::random(), email, password_hash, is_lasting, expires_at }
    }

    /// Counts an attempt.
    ///
    /// # Errors
    /// `unauthorized` after the last one: the password is required again.
    pub async fn attempt(&self, challenge: &Challenge) -> Result<()> {
        let issued_at = challenge.expires_at.plus_seconds(-LIFETIME_SECONDS);
        self.codes.check_since(challenge.id, issued_at).await.map_err(|_| expired())
    }

    /// Header that sets the cookie.
    pub fn write(&self, challenge: &Challenge) -> Result<HeaderValue> {
        let text = serde_json::to_vec(challenge).map_err(internal)?;
        self.header(&self.seal.seal(&text, TYPE)?, LIFETIME_SECONDS)
    }

    /// The challenge in a request.
    ///
    /// # Errors
    /// `unauthorized` when there is none, or it has expired.
    pub fn read(&self, headers: &HeaderMap) -> Result<Challenge> {
        let jar = CookieJar::from_headers(headers);
        let text = jar.get(self.name()).and_then(|cookie| self.seal.open(cookie.value(), TYPE));
        let challenge: Option<Challenge> = text.and_then(|text| serde_json::from_slice(&text).ok());
        challenge.filter(|challenge| challenge.expires_at > self.clock.now()).ok_or_else(expired)
    }

    /// Header that deletes the cookie.
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

/// Error: the challenge has expired or its attempts are used up.
pub fn expired() -> Error {
    Error {
        message: "This login has expired, or the code was wrong too often. Log in with your password again.".into(),
        ..Error::unauthorized()
    }
}
