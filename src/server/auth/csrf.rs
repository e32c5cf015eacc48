//! CSRF protection: rejects requests that other sites make our users' browsers send.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{
    model::{Code, Error},
    server::{config::PublicUrl, state::AppState},
};

/// Rejects a state-changing request with the user's cookie unless it comes from our own pages.
///
/// Forms (`/fn`) are always checked, so that nobody is signed in to another account; the API only if the request
/// carries the cookie and no token.
pub async fn refuse_foreign_origins(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let headers = request.headers();
    let by_cookie = !headers.contains_key(header::AUTHORIZATION) && state.cookie.read(headers).is_some();
    let form = request.uri().path().starts_with("/fn/");
    if changes && (form || by_cookie) && !is_same_origin(headers, &state.config.public_url) {
        let message = "This request did not come from our own pages, so it was refused. If it did, the server's \
                       ALDIS_PUBLIC_URL is not the address in your browser.";
        return Error::new(Code::Forbidden, message).into_response();
    }
    next.run(request).await
}

/// Whether the browser reports our own origin; a request without any is not trusted.
fn is_same_origin(headers: &HeaderMap, own: &PublicUrl) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => text("origin").is_some_and(|origin| own.is_own(origin)),
    }
}
