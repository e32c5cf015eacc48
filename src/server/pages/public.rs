//! The public page: rendered from one value, the same bytes for everybody, so that it can be cached.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};

use super::{document, fresh};
use crate::{
    app::public::{document as page_document, not_found_document},
    model::{Code, Result},
    server::{AppState, api::input::Id, domain::Site, error::status_of},
};

/// `/public/{slug}`.
pub async fn public_page(State(state): State<AppState>, site: Site, slug: Result<Id<String>>) -> Response {
    let page = match slug {
        Ok(Id(slug)) => page(&site, &slug).await,
        Err(error) => Err(error),
    };
    match page {
        Ok(page) => {
            let canonical = format!("{}/public/{}", state.config.public_url.origin(), page.organization.slug);
            fresh(document(|| page_document(&page, &state.assets, &canonical)))
        }
        Err(error) if error.code == Code::NotFound => public_not_found(&state),
        Err(error) => status_of(&error).into_response(),
    }
}

/// The page for an address that leads nowhere.
#[must_use]
pub fn public_not_found(state: &AppState) -> Response {
    (StatusCode::NOT_FOUND, document(|| not_found_document(&state.assets))).into_response()
}

async fn page(site: &Site, slug: &str) -> Result<crate::model::StatusPage> {
    site.visit(slug).await?.page().await
}
