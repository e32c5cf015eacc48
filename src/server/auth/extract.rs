//! Extractors of handles: authenticate and authorize a request. Without the permission, there is no handle to take.

use axum::{
    extract::FromRequestParts,
    http::{HeaderValue, request::Parts},
};

use super::{
    caller::{bearer, caller},
    request_limit::{forget, recognize},
};
use crate::{
    model::{Code, Error, Result},
    server::{
        domain::{
            Admin, Member, Person, Reauthenticated, ReauthenticatedAdmin, Site, TOKEN_PREFIX, TokenSource, Viewer,
        },
        state::AppState,
    },
};

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
        let viewer = authenticate(state, parts).await?;
        recognize(state, &parts.headers, viewer.rate_limit_key());
        parts.extensions.insert(viewer.clone());
        Ok(viewer)
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        Self::of(viewer).ok_or_else(|| {
            let why = "This API token is read-only. Create one with the scope `write`.";
            Error::new(Code::Forbidden, why)
        })
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        // API tokens get their own error; other callers, that their role does not allow it.
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
            let why = "API tokens cannot do this. Log in and use the session's token.";
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
        let person = Reauthenticated::from_request_parts(parts, state).await?;
        Self::of(admin, &person).ok_or_else(Error::forbidden)
    }
}

/// The viewer of a page, authenticated by the session cookie; none if the session has ended. After a session rotation,
/// also the `Set-Cookie` header of the new session.
pub async fn page_session(state: &AppState, parts: &Parts) -> Result<Option<(Viewer, Option<HeaderValue>)>> {
    let token = state.cookie.read(&parts.headers);
    let Some(session) = token.and_then(|token| state.tokens.read(&token, state.domain.clock().now()).ok()) else {
        return Ok(None);
    };
    let caller = caller(parts, state);
    let Some((principal, new)) = state.domain.site().authenticate_page(session, &caller).await? else {
        return Ok(None);
    };
    let cookie = match new {
        Some(new) => Some(state.cookie.write(&state.tokens.write(&new)?, new.is_lasting)?),
        None => None,
    };
    Ok(Some((Viewer::new(state.domain.clone(), principal, caller), cookie)))
}

/// Authenticates a request by its bearer token, or without one by its session cookie.
async fn authenticate(state: &AppState, parts: &Parts) -> Result<Viewer> {
    let viewer = match bearer(&parts.headers)? {
        Some(secret) if secret.starts_with(TOKEN_PREFIX) => by_api_token(state, parts, secret).await,
        Some(token) => by_session_token(state, parts, token, TokenSource::Header).await,
        None => {
            let token = state.cookie.read(&parts.headers).ok_or_else(Error::unauthorized)?;
            by_session_token(state, parts, &token, TokenSource::Cookie).await
        }
    };
    viewer.inspect_err(|error| {
        if error.code == Code::Unauthorized {
            forget(state, &parts.headers);
        }
    })
}

async fn by_session_token(state: &AppState, parts: &Parts, token: &str, source: TokenSource) -> Result<Viewer> {
    let session = state.tokens.read(token, state.domain.clock().now())?;
    let principal = state.domain.site().authenticate_session(session, source).await?;
    let principal = principal.ok_or_else(Error::unauthorized)?;
    Ok(Viewer::new(state.domain.clone(), principal, caller(parts, state)))
}

async fn by_api_token(state: &AppState, parts: &Parts, secret: &str) -> Result<Viewer> {
    let principal = state.domain.site().authenticate_token(secret).await?.ok_or_else(Error::unauthorized)?;
    Ok(Viewer::new(state.domain.clone(), principal, caller(parts, state)))
}
