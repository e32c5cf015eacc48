//! The public status page, without authentication.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, header},
};

use crate::{
    model::{PublicStatus, Result, Timeline},
    server::{domain::Site, http::extract::Id},
};

/// Responses may be cached by anybody, but must be revalidated.
const REVALIDATE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate"))];

/// Show a page's current status
#[utoipa::path(
    get, path = "/api/public/{slug}/status", tag = "Public page", operation_id = "publicStatus",
    params(("slug" = String, Path, description = "Address of the page.")),
    responses((status = 200, body = PublicStatus,
               description = "The services with their status, open incidents and scheduled maintenance.")),
)]
pub async fn status(site: Site, Id(slug): Id<String>) -> Result<([(HeaderName, HeaderValue); 1], Json<PublicStatus>)> {
    let page = site.visit(&slug).await?.page().await?;
    Ok((REVALIDATE, Json(page.into())))
}

/// List a page's recent changes
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/public/{slug}/timeline", tag = "Public page", operation_id = "publicTimeline",
    params(("slug" = String, Path, description = "Address of the page.")),
    responses((status = 200, description = "Status changes and incidents.", body = Timeline)),
)]
pub async fn timeline(site: Site, Id(slug): Id<String>) -> Result<([(HeaderName, HeaderValue); 1], Json<Timeline>)> {
    let timeline = site.visit(&slug).await?.timeline().await?;
    Ok((REVALIDATE, Json(timeline)))
}
