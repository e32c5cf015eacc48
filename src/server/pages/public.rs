//! The public pages, each rendered from one value to the same bytes for everybody, so that they can be cached.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse, Response},
};
use serde::Deserialize;

use super::{cacheable, document};
use crate::{
    app::public::{document as page_document, incident_document, month_document, not_found_document},
    model::{Code, Error, IncidentId, Month, Result},
    server::{
        domain::{Site, Visitor},
        error::{retry_after, status_of},
        http::extract::{Id, Params},
        state::AppState,
    },
};

/// `/public/{slug}`.
pub async fn public_page(State(state): State<AppState>, site: Site, slug: Result<Id<String>>) -> Response {
    let (slug, assets) = (slug.map(|Id(slug)| slug), state.assets.clone());
    respond(
        &state,
        &site,
        slug,
        async |visitor| visitor.page().await,
        move |page, base| {
            let canonical = format!("{base}/{}", page.organization.slug);
            document(|| page_document(&page, &assets, canonical))
        },
    )
    .await
}

/// Query of the history page.
#[derive(Deserialize)]
pub struct HistoryQuery {
    month: Option<String>,
}

/// `/public/{slug}/history?month=2026-11`, by default the current month. An invalid or future month is not found.
pub async fn public_history(
    State(state): State<AppState>,
    site: Site,
    slug: Result<Id<String>>,
    query: Result<Params<HistoryQuery>>,
) -> Response {
    let (slug, assets) = (slug.map(|Id(slug)| slug), state.assets.clone());
    let month = async |visitor: Visitor| {
        let month = query.ok().map(|Params(query)| query.month.map(|month| month.parse::<Month>()).transpose());
        visitor.month(month.and_then(Result::ok).ok_or_else(Error::not_found)?).await
    };
    respond(&state, &site, slug, month, move |data, base| {
        let canonical = format!("{base}/{}/history?month={}", data.page.organization.slug, data.month);
        document(|| month_document(&data, &assets, canonical))
    })
    .await
}

/// `/public/{slug}/incidents/{id}`, of an incident or a maintenance.
pub async fn public_incident(
    State(state): State<AppState>,
    site: Site,
    path: Result<Id<(String, String)>>,
) -> Response {
    let (slug, id) =
        path.map(|Id(path)| path).map_or_else(|error| (Err(error), String::new()), |(slug, id)| (Ok(slug), id));
    let incident = async |visitor: Visitor| {
        let id: IncidentId = id.parse().map_err(|_| Error::not_found())?;
        visitor.incident_page(id).await
    };
    let assets = state.assets.clone();
    respond(&state, &site, slug, incident, move |data, base| {
        let canonical = format!("{base}/{}/incidents/{}", data.page.organization.slug, data.id);
        document(|| incident_document(&data, &assets, canonical))
    })
    .await
}

/// Loads data from the status page with this slug and renders it, off the threads that serve other requests. `draw` gets
/// the address under which all pages are.
async fn respond<P: Send + 'static>(
    state: &AppState,
    site: &Site,
    slug: Result<String>,
    find: impl AsyncFnOnce(Visitor) -> Result<P>,
    draw: impl FnOnce(P, &str) -> Html<String> + Send + 'static,
) -> Response {
    let visit = async { site.visit(slug.as_deref().map_err(Clone::clone)?).await };
    let visitor = match visit.await {
        Ok(visitor) => visitor,
        Err(error) => return error_page(state, &error, None),
    };
    let base = format!("{}/public", state.config.public_url.origin());
    let page = async {
        let turn = state.renders.public.turn().await?;
        let found = find(visitor).await?;
        turn.render(move || draw(found, &base)).await
    };
    page.await.map_or_else(|error| error_page(state, &error, slug.as_deref().ok()), cacheable)
}

fn error_page(state: &AppState, error: &Error, near: Option<&str>) -> Response {
    if error.code == Code::NotFound {
        return public_not_found(state, near);
    }
    let mut response = (status_of(error), error.message.clone()).into_response();
    if let Some(seconds) = retry_after(error) {
        response.headers_mut().insert(header::RETRY_AFTER, seconds);
    }
    response
}

/// The 404 page; `near` is the slug of a status page to link to.
#[must_use]
pub fn public_not_found(state: &AppState, near: Option<&str>) -> Response {
    // Cached briefly: many may follow one wrong link, and the page may exist soon.
    let header = [(header::CACHE_CONTROL, "public, max-age=0, s-maxage=5")];
    (StatusCode::NOT_FOUND, header, document(|| not_found_document(&state.assets, near))).into_response()
}
