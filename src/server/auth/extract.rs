//! Extractors: a handler that takes a handle has been authorized; without the right there is no handle to take.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderName, HeaderValue, header, request::Parts},
};

use crate::{
    model::{Code, Error, Result},
    server::{
        domain::{
            Admin, Caller, Member, Person, Reauthenticated, ReauthenticatedAdmin, Site, TOKEN_PREFIX, TokenSource,
            Viewer,
        },
        http::client_ip::client_ip,
        rate_limit::requests,
        state::AppState,
    },
};

impl FromRequestParts<AppState> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(caller(parts, state))
    }
}

impl FromRequestParts<AppState> for Site {
    type Rejection = Error;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(state.domain.site())
    }
}

impl FromRequestParts<AppState> for Viewer {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        if let Some(viewer) = parts.extensions.get::<Self>() {
            return Ok(viewer.clone());
        }
        let viewer = viewer(state, parts).await?;
        requests::recognize(state, &parts.headers, viewer.counted_by());
        parts.extensions.insert(viewer.clone());
        Ok(viewer)
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        Self::of(viewer).ok_or_else(|| {
            let why = "This API token may only read. Make one with the scope `write` for this.";
            Error::new(Code::Forbidden, why)
        })
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        // Whoever is not a person in a session is told that; the others, that their role does not allow it.
        Person::from_request_parts(parts, state).await?;
        let member = Member::from_request_parts(parts, state).await?;
        Self::of(member).ok_or_else(Error::forbidden)
    }
}

impl FromRequestParts<AppState> for Person {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        Self::of(viewer).ok_or_else(|| {
            let why = "This is for people: an API token cannot do it. Log in and use the session's token.";
            Error::new(Code::Forbidden, why)
        })
    }
}

impl FromRequestParts<AppState> for Reauthenticated {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let person = Person::from_request_parts(parts, state).await?;
        Self::of(person).ok_or_else(Error::confirm_password)
    }
}

impl FromRequestParts<AppState> for ReauthenticatedAdmin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let admin = Admin::from_request_parts(parts, state).await?;
        let sure = Reauthenticated::from_request_parts(parts, state).await?;
        Self::of(admin, &sure).ok_or_else(Error::forbidden)
    }
}

/// Who is signed in by cookie and opens a page; nobody, when the session has ended. When it goes on under another id from
/// here, with the header that tells the browser.
///
/// # Errors
/// When the database does not answer.
pub async fn page_session(state: &AppState, parts: &Parts) -> Result<Option<(Viewer, Option<HeaderValue>)>> {
    let token = state.cookie.read(&parts.headers);
    let Some(session) = token.and_then(|token| state.tokens.read(&token, state.domain.clock().now()).ok()) else {
        return Ok(None);
    };
    let caller = caller(parts, state);
    let Some((seat, new)) = state.domain.site().page_seat(session, &caller).await? else { return Ok(None) };
    let cookie = match new {
        Some(new) => Some(state.cookie.write(&state.tokens.write(&new)?, new.is_lasting)?),
        None => None,
    };
    Ok(Some((Viewer::new(state.domain.clone(), seat, caller), cookie)))
}

/// Who asks. A request that brings its own token is judged by it alone; the cookie is for those that bring none.
async fn viewer(state: &AppState, parts: &Parts) -> Result<Viewer> {
    let opened = match bearer(&parts.headers)? {
        Some(secret) if secret.starts_with(TOKEN_PREFIX) => program(state, parts, secret).await,
        Some(token) => person(state, parts, token, TokenSource::Header).await,
        None => {
            let token = state.cookie.read(&parts.headers).ok_or_else(Error::unauthorized)?;
            person(state, parts, &token, TokenSource::Cookie).await
        }
    };
    opened.inspect_err(|error| {
        if error.code == Code::Unauthorized {
            requests::forget(state, &parts.headers);
        }
    })
}

/// Who sits in the session a token names.
async fn person(state: &AppState, parts: &Parts, token: &str, carrier: TokenSource) -> Result<Viewer> {
    let session = state.tokens.read(token, state.domain.clock().now())?;
    let seat = state.domain.site().seat(session, carrier).await?.ok_or_else(Error::unauthorized)?;
    Ok(Viewer::new(state.domain.clone(), seat, caller(parts, state)))
}

/// The program that holds this secret.
async fn program(state: &AppState, parts: &Parts, secret: &str) -> Result<Viewer> {
    let seat = state.domain.site().token_seat(secret).await?.ok_or_else(Error::unauthorized)?;
    Ok(Viewer::new(state.domain.clone(), seat, caller(parts, state)))
}

/// Where a request comes from.
#[must_use]
pub fn caller_ip(parts: &Parts, state: &AppState) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    client_ip(peer, &parts.headers, &state.config.trusted_proxies)
}

fn caller(parts: &Parts, state: &AppState) -> Caller {
    let text = |name: HeaderName| {
        let value = parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        value.chars().take(255).collect::<String>()
    };
    Caller {
        ip: Some(caller_ip(parts, state)),
        request_id: text(HeaderName::from_static("x-request-id")),
        user_agent: text(header::USER_AGENT),
    }
}

/// The token of an `Authorization: Bearer` header.
///
/// # Errors
/// `unauthorized` for another scheme, which is refused rather than overlooked.
pub fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Error::unauthorized())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(token.trim()))
        }
        _ => Err(Error::unauthorized()),
    }
}
