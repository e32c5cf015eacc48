//! Session tokens (JWT), and the cookie that carries one in a browser.

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
/// The purpose the key is derived for.
const PURPOSE: &str = "session";
/// The `typ` claim: a token of another type does not pass for a session token.
const TYPE: &str = "session";
/// The longest token that is parsed.
const LENGTH_MAX: usize = 2048;

/// Signs and verifies session tokens. A token alone is not enough: its session must exist.
#[derive(Clone)]
pub struct Tokens {
    encoding: EncodingKey,
    /// The current key, then earlier ones: derived from older secrets, and the secrets themselves.
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
    /// Signs with a key derived from this secret, and also verifies tokens signed with the old ones, or with the
    /// secrets themselves, as earlier versions did.
    #[must_use]
    pub fn new(secret: &Secret, old: &[Secret]) -> Self {
        jwt::install_provider();
        let secrets = || [secret].into_iter().chain(old);
        let derived = secrets().map(|secret| DecodingKey::from_secret(&secret.key(PURPOSE)));
        let raw = secrets().map(|secret| DecodingKey::from_secret(secret.bytes()));
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iat", "sub", "aud", "iss", "jti"]);
        validation.leeway = 0;
        // `read` compares with the server's clock, so that tests can move it.
        validation.validate_exp = false;
        Self {
            encoding: EncodingKey::from_secret(&secret.key(PURPOSE)),
            decoding: derived.chain(raw).collect(),
            validation,
        }
    }

    /// Signs a token for a session.
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

    /// Verifies a token and returns its session.
    ///
    /// # Errors
    /// `unauthorized` for a forged, foreign or expired token.
    pub fn read(&self, token: &str, now: Timestamp) -> Result<SessionId> {
        if token.len() > LENGTH_MAX {
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

/// The session cookie. Over TLS it has the `__Host-` prefix: no other host can set it, and it is never sent in the
/// clear.
#[derive(Clone, Copy)]
pub struct SessionCookie {
    secure: bool,
}

impl SessionCookie {
    /// The cookie for this public URL.
    #[must_use]
    pub fn new(url: &PublicUrl) -> Self {
        Self { secure: url.is_https() }
    }

    const fn name(self) -> &'static str {
        if self.secure { "__Host-aldis" } else { "aldis" }
    }

    /// The token in the cookie of a request.
    #[must_use]
    pub fn read(self, headers: &HeaderMap) -> Option<String> {
        CookieJar::from_headers(headers).get(self.name()).map(|cookie| cookie.value().to_owned())
    }

    /// The `Set-Cookie` header with a token.
    ///
    /// # Errors
    /// When the token is not a valid header value.
    pub fn write(self, token: &str, is_lasting: bool) -> Result<HeaderValue> {
        self.header(token, is_lasting.then_some(SESSION_SECONDS))
    }

    /// The `Set-Cookie` header that deletes the cookie.
    pub fn clear(self) -> Result<HeaderValue> {
        self.header("", Some(0))
    }

    /// Without `seconds`, a cookie that ends with the browser.
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
