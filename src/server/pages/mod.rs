//! The HTML the server sends: the team's application, the public page and the API's documentation.

mod docs;
mod public;
mod single_thread_render;
mod team;

pub use docs::Documentation;
pub use public::{public_history, public_incident, public_not_found, public_page};
pub use team::{TeamPages, context as team_context, team_pages};

use axum::{
    http::HeaderValue,
    response::{Html, IntoResponse, Response},
};
use leptos::prelude::{IntoView, Owner, RenderHtml};

/// Scripts and styles from us alone, nothing inline. The client's code needs `wasm-unsafe-eval`.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; \
     report-uri /csp-report";

/// The policy of a page whose data stands in inline scripts that carry this nonce.
fn policy_with_nonce(nonce: &str) -> Option<HeaderValue> {
    let policy = POLICY.replacen("script-src 'self'", &format!("script-src 'self' 'nonce-{nonce}'"), 1);
    HeaderValue::from_str(&policy).ok()
}

/// Renders a whole document that needs no data but what it holds.
fn document<V: IntoView>(view: impl FnOnce() -> V) -> Html<String> {
    let owner = Owner::new_root(None);
    let html = owner.with(|| view().into_view().to_html());
    Html(format!("<!DOCTYPE html>{html}"))
}

/// A document that browsers ask about each time, and shared caches every five seconds: whoever gets one of then is
/// brought up to date by the live feed. While they ask, or where nobody answers them, they may give the old one out for
/// half a minute more.
fn fresh(html: Html<String>) -> Response {
    let header = (axum::http::header::CACHE_CONTROL, "public, max-age=0, s-maxage=5, stale-while-revalidate=30");
    ([header], html).into_response()
}
