//! The public status page, without authentication.

use axum::{extract::State, http::HeaderMap, response::Response};

use crate::{
    model::{PublicStatus, Result, Timeline},
    server::{
        http::extract::Id,
        public_cache::{Address, Kind},
        state::AppState,
    },
};

/// Show a page's current status
#[utoipa::path(
    get, path = "/api/public/{slug}/status", tag = "Public page", operation_id = "publicStatus",
    params(("slug" = String, Path, description = "Address of the page.")),
    responses((status = 200, body = PublicStatus,
               description = "The services with their status, open incidents and scheduled maintenance.")),
)]
pub async fn status(State(state): State<AppState>, Id(slug): Id<String>, headers: HeaderMap) -> Result<Response> {
    state.public.respond(&Address::new(&slug, Kind::Status)?, &headers).await
}

/// List a page's recent changes
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/public/{slug}/timeline", tag = "Public page", operation_id = "publicTimeline",
    params(("slug" = String, Path, description = "Address of the page.")),
    responses((status = 200, description = "Status changes and incidents.", body = Timeline)),
)]
pub async fn timeline(State(state): State<AppState>, Id(slug): Id<String>, headers: HeaderMap) -> Result<Response> {
    state.public.respond(&Address::new(&slug, Kind::Timeline)?, &headers).await
}
