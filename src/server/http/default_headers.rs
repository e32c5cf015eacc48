//! Middleware: the headers that every response has.

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use super::headers::{CONTENT_SECURITY_POLICY, HSTS, NO_REFERRER, NO_STORE, SECURITY_HEADERS};
use crate::server::state::AppState;

/// Pages with a token in their URL, which must not leave as a referrer.
const TOKEN_PAGES: [&str; 2] = ["/reset-password/", "/invite/"];

/// Sets the security headers, and the Content-Security-Policy and cache policy where the handler set none.
pub async fn set_headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let status = response.status();
    let headers = response.headers_mut();
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    // Errors and redirects can change at any moment.
    let is_content = status.is_success() || status == StatusCode::NOT_MODIFIED;
    if !is_content || path.starts_with("/api") || path.starts_with("/fn") {
        headers.entry(header::CACHE_CONTROL).or_insert(NO_STORE);
    }
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, value);
    }
    if state.config.public_url.is_https() {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    if TOKEN_PAGES.iter().any(|page| path.starts_with(page)) {
        headers.insert(header::REFERRER_POLICY, NO_REFERRER);
    }
    response
}
