//! Response headers: Content-Security-Policy, HSTS, referrer and cache policy.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
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

/// Browsers revalidate a public document each time, and shared caches every five seconds; the live feed brings an
/// older copy up to date. While revalidating, caches may serve the old one for half a minute more, and for ten minutes
/// while the server cannot be reached.
pub const PUBLIC: HeaderValue =
    HeaderValue::from_static("public, max-age=0, s-maxage=5, stale-while-revalidate=30, stale-if-error=600");

/// The headers of every answer with a public document, apart from those of its content.
pub fn of_public_documents(is_https: bool) -> HeaderMap {
    let mut headers = HeaderMap::from_iter(SECURITY_HEADERS);
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::CACHE_CONTROL, PUBLIC);
    if is_https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HSTS);
    }
    headers
}

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
