//! Rate limit of requests by the credential that each presents.

use axum::{
    extract::{Request, State},
    http::HeaderMap,
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use super::caller::{bearer, caller_ip};
use crate::server::state::AppState;

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

/// Notes that the credential in these headers is valid, and for which caller.
pub fn recognize(state: &AppState, headers: &HeaderMap, caller: Uuid) {
    if let Some(credential) = credential(headers, state) {
        state.requests.recognize(&credential, caller);
    }
}

/// Notes that the credential in these headers is invalid: its requests no longer count towards its former caller.
pub fn forget(state: &AppState, headers: &HeaderMap) {
    if let Some(credential) = credential(headers, state) {
        state.requests.forget(&credential);
    }
}

/// The credential of a request, read as authentication reads it, so that spelling does not make it several.
fn credential(headers: &HeaderMap, state: &AppState) -> Option<Vec<u8>> {
    match bearer(headers) {
        Ok(Some(token)) => Some(token.as_bytes().to_vec()),
        Ok(None) => state.cookie.read(headers).map(String::into_bytes),
        Err(_) => None,
    }
}
