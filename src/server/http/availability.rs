//! What is answered before the database has been opened: public pages as they were last known, and files.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::server::{
    error::unreachable, pages::public_unavailable, server_fn::plain_forms::is_plain_form, state::AppState,
};

/// Answers 503 until the database has been opened: JSON to programs and the client, a page to people.
pub async fn refuse_until_open(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // The last known state needs no database.
    if state.domain.is_open() || path.starts_with("/api/public/") {
        return next.run(request).await;
    }
    if path.starts_with("/api/") || path.starts_with("/fn/") && !is_plain_form(request.headers()) {
        return unreachable().into_response();
    }
    public_unavailable(&state.assets, &unreachable())
}
