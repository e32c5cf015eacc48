//! Extractors of handles: authenticate and authorize a request. Without the permission, there is no handle to take.

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, HeaderValue, request::Parts},
};

use super::{
    caller::{bearer, caller},
    request_limit::{credential, note},
};
use crate::{
    model::{Code, Error, Result},
    server::{
        domain::{
            Admin, Changer, Member, Person, Presented, Reauthenticated, ReauthenticatedAdmin, Site, TOKEN_PREFIX,
            TokenSource, Unverified, Viewer,
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
        let viewer = authenticate(state, parts).await;
        if let Some(credential) = credential(&parts.headers, state) {
            note(state, &credential, &viewer);
        }
        let viewer = viewer?;
        parts.extensions.insert(viewer.clone());
        Ok(viewer)
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let viewer = Viewer::from_request_parts(parts, state).await?;
        member(viewer)
    }
}

fn member(viewer: Viewer) -> Result<Member> {
    Member::of(viewer).ok_or_else(|| {
        let why = "This API token is read-only. Create one with the scope `write`.";
        Error::new(Code::Forbidden, why)
    })
}

/// A request to change something by a member, or by a caller whose credential was a member's a moment ago, whom the
/// transaction of the change verifies.
pub struct ChangeRequest {
    changer: Changer,
    /// Set for an unverified caller.
    recent: Option<Recent>,
}

/// A credential that was valid a moment ago.
struct Recent {
    credential: Vec<u8>,
    state: AppState,
}

impl ChangeRequest {
    /// Makes a change. A caller who may not, or no longer, is refused as if [`Member`] had been extracted, whatever
    /// else is wrong with the request.
    ///
    /// # Errors
    /// `unauthorized` and `forbidden`, otherwise those of the change.
    pub async fn make<T>(self, change: impl AsyncFnOnce(&Changer) -> Result<T>) -> Result<T> {
        let result = change(&self.changer).await;
        if let (Changer::Unverified(caller), Some(Recent { credential, state })) = (&self.changer, self.recent) {
            if result.is_ok() {
                state.requests.recognize_again(&credential);
            } else {
                let viewer = caller.verify().await;
                note(&state, &credential, &viewer);
                member(viewer?)?;
            }
        }
        result
    }
}

impl FromRequestParts<AppState> for ChangeRequest {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        if let Some(credential) = credential(&parts.headers, state)
            && let Some(organization) = state.requests.wrote_in(&credential)
            && let Ok(presented) = presented(state, &parts.headers)
        {
            let caller = caller(parts, state);
            let caller = Unverified::new(state.domain.clone(), organization, presented, caller);
            let recent = Some(Recent { credential, state: state.clone() });
            return Ok(Self { changer: Changer::Unverified(caller), recent });
        }
        let member = Member::from_request_parts(parts, state).await?;
        Ok(Self { changer: Changer::Member(member), recent: None })
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
    let presented = presented(state, &parts.headers)?;
    let principal = state.domain.site().authenticate(&presented).await?.ok_or_else(Error::unauthorized)?;
    Ok(Viewer::new(state.domain.clone(), principal, caller(parts, state)))
}

/// What a request presents: an API token, or a session token that is verified here.
fn presented(state: &AppState, headers: &HeaderMap) -> Result<Presented> {
    let session = |token: &str, source| {
        let session = state.tokens.read(token, state.domain.clock().now())?;
        Ok(Presented::Session(session, source))
    };
    match bearer(headers)? {
        Some(secret) if secret.starts_with(TOKEN_PREFIX) => Ok(Presented::Token(secret.to_owned())),
        Some(token) => session(token, TokenSource::Header),
        None => session(&state.cookie.read(headers).ok_or_else(Error::unauthorized)?, TokenSource::Cookie),
    }
}
