//! The tokens that name a session, and the cookie that carries one in a browser.

use std::sync::Arc;

use axum::http::{HeaderMap, HeaderValue};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{jwt, signing_key::Secret};
use crate::{
    model::{Error, Result, SessionId, Timestamp, UserId},
    server::{
        config::PublicUrl,
        domain::{NewSession, SESSION_SECONDS},
        error::internal,
    },
};

const ISSUER: &str = "aldis";
const AUDIENCE: &str = "aldis";
/// What the key is derived for.
const PURPOSE: &str = "session";
/// What the token is for; other purposes will have other words, so that none passes for another.
const TYPE: &str = "session";
/// No token of ours is longer; a longer one is not even read.
const LONGEST: usize = 2048;

/// Signs and reads tokens. A token alone opens nothing: its session must stand.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    /// The key that signs, then those that did before: derived from older secrets, and the secrets themselves.
    decoding: Arc<[DecodingKey]>,
    validation: Validation,
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    typ: String,
    sub: UserId,
    sid: SessionId,
    jti: SessionId,
    iat: i64,
    exp: i64,
}

impl Tokens {
    /// Signs with a key derived from this secret, and reads what it or the old ones signed. Sessions that began when the
    /// secrets themselves signed go on until they end.
    #[must_use]
    pub fn new(secret: &Secret, old: &[Secret]) -> Self {
        jwt::install_provider();
        let secrets = || [secret].into_iter().chain(old);
        let derived = secrets().map(|secret| DecodingKey::from_secret(&secret.key(PURPOSE)));
        let themselves = secrets().map(|secret| DecodingKey::from_secret(secret.bytes()));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iat", "sub", "aud", "iss", "jti"]);
        validation.leeway = 0;
        // The server's own clock decides, so that tests can move it; see `read`.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(&secret.key(PURPOSE)),
            decoding: derived.chain(themselves).collect(),
            validation,
        }
    }

    /// A token for a session.
    ///
    /// # Errors
    /// When signing fails.
    pub fn write(&self, session: &NewSession) -> Result<String> {
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            typ: TYPE.into(),
            sub: session.account.user.id,
            sid: session.id,
            jti: session.id,
            iat: session.created_at.millis() / 1000,
            exp: session.expires_at.millis() / 1000,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(internal)
    }

    /// The session a token names, if the token is ours and has not expired.
    ///
    /// # Errors
    /// `unauthorized`.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<SessionId> {
        if token.len() > LONGEST {
            return Err(Error::unauthorized());
        }
        let read = |key: &DecodingKey| jsonwebtoken::decode::<Claims>(token, key, &self.validation).ok();
        let claims = self.decoding.iter().find_map(read).ok_or_else(Error::unauthorized)?.claims;
        let now = now.millis() / 1000;
        if claims.typ != TYPE || claims.exp <= now || claims.iat > now + 60 {
            return Err(Error::unauthorized());
        }
        Ok(claims.sid)
    }
}

/// The cookie that carries a token in a browser. Over TLS it cannot be set by another host or sent in the clear.
#[derive(Clone, Copy)]
pub struct SessionCookie {
    secure: bool,
}

impl SessionCookie {
    /// The cookie for people who reach us at this address.
    #[must_use]
    pub fn new(url: &PublicUrl) -> Self {
        Self { secure: url.is_https() }
    }

    const fn name(self) -> &'static str {
        if self.secure { "__Host-aldis" } else { "aldis" }
    }

    /// The token in a request, if it carries the cookie.
    #[must_use]
    pub fn read(self, headers: &HeaderMap) -> Option<String> {
        CookieJar::from_headers(headers).get(self.name()).map(|cookie| cookie.value().to_owned())
    }

    /// The header that hands out a token.
    ///
    /// # Errors
    /// When the token cannot stand in a header.
    pub fn write(self, token: &str, is_lasting: bool) -> Result<HeaderValue> {
        self.header(token, is_lasting.then_some(SESSION_SECONDS))
    }

    /// The header that takes the token away.
    ///
    /// # Errors
    /// Never in practice.
    pub fn clear(self) -> Result<HeaderValue> {
        self.header("", Some(0))
    }

    /// Without a number of seconds, the browser forgets it when it is closed.
    fn header(self, value: &str, seconds: Option<i64>) -> Result<HeaderValue> {
        let cookie =
            Cookie::build((self.name(), value)).path("/").http_only(true).same_site(SameSite::Lax).secure(self.secure);
        let cookie = match seconds {
            Some(seconds) => cookie.max_age(time::Duration::seconds(seconds)),
            None => cookie,
        }
        .build();
        HeaderValue::from_str(&cookie.to_string()).map_err(internal)
    }
}
