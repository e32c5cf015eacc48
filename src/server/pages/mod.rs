//! Server-side rendering of the team's application and the API documentation, and the limits of rendering.

mod docs;
mod render_limit;
mod single_thread_render;
mod team;

pub use docs::Documentation;
pub use render_limit::{RenderLimit, RenderLimits};
pub use team::{TeamPages, context as team_context, team_pages};

use axum::http::HeaderValue;

/// The Content-Security-Policy: scripts and styles from this origin alone, nothing inline. WASM needs
/// `wasm-unsafe-eval`.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     report-uri /csp-report";

/// The policy of a page whose inline scripts carry this nonce.
fn policy_with_nonce(nonce: &str) -> Option<HeaderValue> {
    let policy =
        CONTENT_SECURITY_POLICY.replacen("script-src 'self'", &format!("script-src 'self' 'nonce-{nonce}'"), 1);
    HeaderValue::from_str(&policy).ok()
}
