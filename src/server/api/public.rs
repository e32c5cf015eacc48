//! What anybody may read.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, header},
};

use crate::{
    model::{PublicStatus, Result, Timeline},
    server::{domain::Site, http::extract::Id},
};

/// Anybody may keep a copy, but must ask whether it is still right.
const FRESH: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate"))];

/// The state of a page
#[utoipa::path(
    get, path = "/api/public/{slug}/status", tag = "Public page", operation_id = "publicStatus",
    params(("slug" = String, Path, description = "The page's address.")),
    responses((status = 200, description = "The page's services and what is wrong with them.", body = PublicStatus)),
)]
pub async fn status(site: Site, Id(slug): Id<String>) -> Result<([(HeaderName, HeaderValue); 1], Json<PublicStatus>)> {
    let page = site.visit(&slug).await?.page().await?;
    Ok((FRESH, Json(page.into())))
}

/// What changed lately, newest first
#[utoipa::path(
    get, path = "/api/public/{slug}/timeline", tag = "Public page", operation_id = "publicTimeline",
    params(("slug" = String, Path, description = "The page's address.")),
    responses((status = 200, description = "Status changes and incidents.", body = Timeline)),
)]
pub async fn timeline(site: Site, Id(slug): Id<String>) -> Result<([(HeaderName, HeaderValue); 1], Json<Timeline>)> {
    let timeline = site.visit(&slug).await?.timeline().await?;
    Ok((FRESH, Json(timeline)))
}
