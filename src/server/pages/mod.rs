//! The pages: the team's application, the public pages, the error pages and the API documentation, and the limits of
//! rendering.

mod docs;
mod public;
mod render_limit;
mod single_thread_render;
mod team;

pub use docs::Documentation;
pub use public::{public_history, public_incident, public_not_found, public_page, public_unavailable};
pub use render_limit::{RenderLimit, RenderLimits, RenderTurn};
pub use team::{TeamPages, context as team_context, team_pages};

use axum::http::HeaderValue;

use super::http::headers::CONTENT_SECURITY_POLICY;

/// The policy of a page whose inline scripts carry this nonce.
fn policy_with_nonce(nonce: &str) -> Option<HeaderValue> {
    let policy =
        CONTENT_SECURITY_POLICY.replacen("script-src 'self'", &format!("script-src 'self' 'nonce-{nonce}'"), 1);
    HeaderValue::from_str(&policy).ok()
}
