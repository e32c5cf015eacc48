//! Rate limit of requests by the credential that each presents.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};

use super::caller::{bearer, caller_ip};
use crate::{
    model::{Code, Result},
    server::{domain::Viewer, state::AppState},
};

/// Middleware: answers 429 to requests over the limit.
pub async fn limit_requests(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let credential = credential(&parts.headers, &state);
    let address = caller_ip(&parts, &state);
    if let Err(error) = state.requests.check(credential.as_deref(), address).await {
        return error.into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}

/// Notes whether the credential of a request is valid, and for which caller: the requests of an invalid one no longer
/// count towards its former caller.
pub fn note(state: &AppState, credential: &[u8], viewer: &Result<Viewer>) {
    match viewer {
        Ok(viewer) => state.requests.recognize(credential, viewer.rate_limit_key(), viewer.writes_in()),
        Err(error) if error.code == Code::Unauthorized => state.requests.forget(credential),
        Err(_) => {}
    }
}

/// The credential of a request, read as authentication reads it, so that spelling does not make it several.
pub fn credential(headers: &HeaderMap, state: &AppState) -> Option<Vec<u8>> {
    match bearer(headers) {
        Ok(Some(token)) => Some(token.as_bytes().to_vec()),
        Ok(None) => state.cookie.read(headers).map(String::into_bytes),
        Err(_) => None,
    }
}
