//! Extractors: a handler that takes a handle has been authorized; without the right there is no handle to take.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, header, request::Parts},
};

use crate::{
    model::{Error, Result, Role},
    server::{
        AppState,
        domain::{Admin, Member, Site, Viewer},
        net::client_ip,
    },
};

/// The caller's network address, as far as it can be trusted.
#[derive(Clone, Copy, Debug)]
pub struct ClientIp(pub IpAddr);

impl FromRequestParts<AppState> for ClientIp {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
        Ok(Self(client_ip(peer, &parts.headers, &state.config.trusted_proxies)))
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
        // A request that brings its own token is judged by it alone; the cookie is for those that bring none.
        let token = match bearer(&parts.headers)? {
            Some(token) => Some(token.to_owned()),
            None => state.cookie.read(&parts.headers),
        };
        let viewer = viewer(state, &token.ok_or_else(Error::unauthorized)?).await?;
        parts.extensions.insert(viewer.clone());
        Ok(viewer)
    }
}

impl FromRequestParts<AppState> for Member {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        // Both roles may do what members do.
        match Viewer::from_request_parts(parts, state).await? {
            viewer if matches!(viewer.account().user.role, Role::Member | Role::Admin) => Ok(Self::new(viewer)),
            _ => Err(Error::forbidden()),
        }
    }
}

impl FromRequestParts<AppState> for Admin {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        match Member::from_request_parts(parts, state).await? {
            member if member.account().user.role == Role::Admin => Ok(Self::new(member)),
            _ => Err(Error::forbidden()),
        }
    }
}

/// Who is signed in by cookie, for rendering a page; nobody, when the session has ended.
///
/// # Errors
/// When the database does not answer.
pub async fn cookie_session(state: &AppState, headers: &HeaderMap) -> Result<Option<Viewer>> {
    let Some(token) = state.cookie.read(headers) else { return Ok(None) };
    match viewer(state, &token).await {
        Ok(viewer) => Ok(Some(viewer)),
        Err(error) if error == Error::unauthorized() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn viewer(state: &AppState, token: &str) -> Result<Viewer> {
    let session = state.tokens.read(token, state.domain.clock().now())?;
    let seat = state.domain.site().seat(session).await?.ok_or_else(Error::unauthorized)?;
    Ok(Viewer::new(state.domain.clone(), seat.account, seat.session))
}

/// The token of an `Authorization: Bearer` header; another scheme is refused rather than overlooked.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>> {
    let Some(value) = headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| Error::unauthorized())?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => {
            Ok(Some(token.trim()))
        }
        _ => Err(Error::unauthorized()),
    }
}
