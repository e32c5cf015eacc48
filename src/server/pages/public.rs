//! The public pages, each made once for everybody by the cache of public documents.

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;

use crate::{
    app::{
        Assets,
        public::{not_found_document, unavailable_document},
    },
    model::{Code, Error, Month, Result},
    server::{
        error::{retry_after, status_of},
        http::extract::{Id, Params},
        public_cache::{Address, Kind, html},
        state::AppState,
    },
};

/// `/public/{slug}`.
pub async fn public_page(State(state): State<AppState>, slug: Result<Id<String>>, headers: HeaderMap) -> Response {
    let slug = slug.map(|Id(slug)| slug);
    respond(&state, slug, Ok(Kind::Page), &headers).await
}

/// Query of the history page.
#[derive(Deserialize)]
pub struct HistoryQuery {
    month: Option<String>,
}

/// `/public/{slug}/history?month=2026-11`, by default the current month. An invalid or future month is not found.
pub async fn public_history(
    State(state): State<AppState>,
    slug: Result<Id<String>>,
    query: Result<Params<HistoryQuery>>,
    headers: HeaderMap,
) -> Response {
    let month = query.and_then(|Params(query)| query.month.map(|month| month.parse::<Month>()).transpose());
    respond(&state, slug.map(|Id(slug)| slug), month.map(Kind::Month), &headers).await
}

/// `/public/{slug}/incidents/{id}`, of an incident or a maintenance.
pub async fn public_incident(
    State(state): State<AppState>,
    path: Result<Id<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    let (slug, id) = match path {
        Ok(Id((slug, id))) => (Ok(slug), id.parse().map(Kind::Incident).map_err(|_| Error::not_found())),
        Err(error) => (Err(error.clone()), Err(error)),
    };
    respond(&state, slug, id, &headers).await
}

async fn respond(state: &AppState, slug: Result<String>, kind: Result<Kind>, headers: &HeaderMap) -> Response {
    let slug = slug.unwrap_or_default();
    let address = kind.and_then(|kind| Address::new(&slug, kind)).map_err(|_| Error::not_found());
    let answer = match &address {
        Ok(address) => state.public.respond(address, headers).await,
        Err(error) => Err(error.clone()),
    };
    match answer {
        Ok(response) => response,
        Err(error) if error.code == Code::NotFound => {
            let path = address.map(|address| address.path()).unwrap_or_default();
            let near = if state.public.has_page(&slug, &path).await { Some(slug.as_str()) } else { None };
            public_not_found(&state.assets, near)
        }
        Err(error) => public_unavailable(&state.assets, &error),
    }
}

/// The page that says why nothing else can be shown now.
#[must_use]
pub fn public_unavailable(assets: &Assets, error: &Error) -> Response {
    let headers = [(header::CACHE_CONTROL, "no-store"), (header::CONTENT_TYPE, "text/html; charset=utf-8")];
    let page = html(|| unavailable_document(assets, error.message.clone()));
    let mut response = (status_of(error), headers, page).into_response();
    if let Some(seconds) = retry_after(error) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// The 404 page; `near` is the slug of a status page to link to.
#[must_use]
pub fn public_not_found(assets: &Assets, near: Option<&str>) -> Response {
    // Cached briefly: many may follow one wrong link, and the page may exist soon.
    let headers =
        [(header::CACHE_CONTROL, "public, max-age=0, s-maxage=5"), (header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (StatusCode::NOT_FOUND, headers, html(|| not_found_document(assets, near))).into_response()
}
