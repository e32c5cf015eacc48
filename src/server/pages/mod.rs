//! Server-side rendering: the team's application, the public pages, the error pages and the API documentation.

mod docs;
mod public;
mod render_limit;
mod single_thread_render;
mod team;

pub use docs::Documentation;
pub use public::{public_history, public_incident, public_not_found, public_page};
pub use render_limit::RenderLimits;
pub use team::{TeamPages, context as team_context, team_pages};

use axum::{
    http::HeaderValue,
    response::{Html, IntoResponse, Response},
};
use leptos::prelude::{IntoView, Owner, RenderHtml};

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

/// Renders a whole document from the data in it.
fn document<V: IntoView>(view: impl FnOnce() -> V) -> Html<String> {
    let owner = Owner::new_root(None);
    let html = owner.with(|| view().into_view().to_html());
    Html(format!("<!DOCTYPE html>{html}"))
}

/// A response that browsers revalidate each time, and shared caches every five seconds; a stale copy is brought
/// up to date by the live feed. While revalidating, caches may serve the old one for half a minute more.
fn cacheable(html: Html<String>) -> Response {
    let header = (axum::http::header::CACHE_CONTROL, "public, max-age=0, s-maxage=5, stale-while-revalidate=30");
    ([header], html).into_response()
}
