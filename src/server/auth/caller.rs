//! What a request says about its caller: address, request id, user agent and bearer token.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{HeaderMap, HeaderName, header, request::Parts},
};

use crate::{
    model::{Error, Result},
    server::{domain::Caller, http::client_ip::client_ip, state::AppState},
};

impl FromRequestParts<AppState> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(caller(parts, state))
    }
}

/// The caller of a request.
pub fn caller(parts: &Parts, state: &AppState) -> Caller {
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

/// The IP address of the caller, as reported by trusted proxies.
#[must_use]
pub fn caller_ip(parts: &Parts, state: &AppState) -> IpAddr {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0.ip());
    client_ip(peer, &parts.headers, &state.config.trusted_proxies)
}

/// The token of an `Authorization: Bearer` header.
///
/// # Errors
/// `unauthorized` for another scheme: it is rejected rather than ignored.
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
