//! Response headers: Content-Security-Policy, HSTS, referrer and cache policy.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::server::{pages::CONTENT_SECURITY_POLICY, state::AppState};

/// Sent over HTTPS only, and without subdomains: they are not ours.
const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");
const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Headers of every response.
const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ),
];
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
