//! Requests that other sites make our visitors' browsers send.

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

/// Refuses a changing request that a browser would send with the visitor's cookie, unless it comes from our own pages.
///
/// Forms (`/fn`) are always checked, so that nobody is signed in to somebody else's account; the API only when the
/// request carries the cookie and no token of its own.
pub async fn refuse_foreign_origins(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let headers = request.headers();
    let by_cookie = !headers.contains_key(header::AUTHORIZATION) && state.cookie.read(headers).is_some();
    let form = request.uri().path().starts_with("/fn/");
    if changes && (form || by_cookie) && !comes_from_us(headers, &state.config.public_url) {
        let message = "This request did not come from our own pages, so it was refused. If it did, the server's \
                       ALDIS_PUBLIC_URL is not the address in your browser.";
        return Error::new(Code::Forbidden, message).into_response();
    }
    next.run(request).await
}

/// What the browser says of where the request comes from; a request that says nothing is not trusted.
fn comes_from_us(headers: &HeaderMap, own: &PublicUrl) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match text("sec-fetch-site") {
        Some(site) => matches!(site, "same-origin" | "none"),
        None => text("origin").is_some_and(|origin| own.is_own(origin)),
    }
}
