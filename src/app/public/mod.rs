//! The public pages: complete as plain HTML, and live once the client runs.
//!
//! They do not depend on the team's application, its router or its server functions, and the same state renders to the
//! same bytes, so that their HTML can be cached.

mod announce;
mod card;
mod document;
mod frame;
mod incidents;
mod month;
mod permalink;
mod plain;
mod preview;
mod view;

use js_sys::futures::JsFuture;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{RequestCache, RequestInit, Response};

pub use self::{
    document::{document, incident_document, month_document, not_found_document},
    preview::PublicPreview,
    view::PublicPage,
};
use self::{month::MonthView, permalink::IncidentView};
use super::Mount;
use crate::model::{Incident, IncidentId, Month, PublicStatus, Slug, StatusPage, json};

/// Hydrates a public page, if the document is one. Without readable data it stays as rendered: complete, but not live.
pub fn hydrate(mount: Mount) {
    let Some(element) = document::page_element() else { return };
    if let Some(page) = document::page_data() {
        mount(element, Box::new(move || view! { <PublicPage page /> }.into_any()));
    } else if let Some(data) = document::incident_data() {
        mount(element, Box::new(move || view! { <IncidentView data /> }.into_any()));
    } else if let Some(data) = document::month_data() {
        mount(element, Box::new(move || view! { <MonthView data /> }.into_any()));
    }
}

/// Fetches the status page from the REST API.
async fn fetch(slug: Slug) -> Option<StatusPage> {
    let answer = get(&format!("/api/public/{slug}/status")).await.filter(Response::ok)?;
    json::read::<PublicStatus>(&text(&answer).await?).ok().map(StatusPage::from)
}

/// Fetches the state of a month from its own page.
async fn fetch_month(slug: Slug, month: Month) -> Option<StatusPage> {
    let answer = get(&format!("/public/{slug}/history?month={month}")).await.filter(Response::ok)?;
    document::month_data_in(&text(&answer).await?).map(|data| data.page)
}

/// The result of looking up an incident.
enum Lookup {
    Found(Box<Incident>),
    Removed,
    NoAnswer,
}

/// Fetches an incident from its own page.
async fn look_up(slug: Slug, id: IncidentId) -> Lookup {
    match get(&format!("/public/{slug}/incidents/{id}")).await {
        Some(answer) if answer.status() == 404 => Lookup::Removed,
        Some(answer) if answer.ok() => {
            let data = text(&answer).await.as_deref().and_then(document::incident_data_in);
            let incident = data.and_then(|data| data.page.incident(id).cloned());
            incident.map_or(Lookup::NoAnswer, |incident| Lookup::Found(Box::new(incident)))
        }
        _ => Lookup::NoAnswer,
    }
}

async fn get(path: &str) -> Option<Response> {
    let request = RequestInit::new();
    request.set_cache(RequestCache::NoStore);
    JsFuture::from(window().fetch_with_str_and_init(path, &request)).await.ok()?.dyn_into().ok()
}

async fn text(answer: &Response) -> Option<String> {
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}
