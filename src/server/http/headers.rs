//! The headers of responses: Content-Security-Policy, HSTS, referrer and cache policy.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// The Content-Security-Policy: scripts and styles from this origin alone, nothing inline. WASM needs
/// `wasm-unsafe-eval`.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     report-uri /csp-report";

/// Sent over HTTPS only, and without subdomains: they are not ours.
pub const HSTS: HeaderValue = HeaderValue::from_static("max-age=63072000");
/// For pages with a secret in their address.
pub const NO_REFERRER: HeaderValue = HeaderValue::from_static("no-referrer");
/// For what nobody may keep.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Headers of every response.
pub const SECURITY_HEADERS: [(HeaderName, HeaderValue); 5] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("strict-origin-when-cross-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
    ),
];

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
