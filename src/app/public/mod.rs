//! The public pages: complete as plain HTML, and live once the client runs.
//!
//! They know nothing of the team's application, its router or its server functions, and the same state gives the same
//! bytes, so that their HTML can be kept.

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

/// Brings a public page to life, when the document is one. Without readable data it stays what it is: complete, only not
/// live.
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

/// The whole state, from the documented REST address.
async fn fetch(slug: Slug) -> Option<StatusPage> {
    let answer = get(&format!("/api/public/{slug}/status")).await.filter(Response::ok)?;
    json::read::<PublicStatus>(&text(&answer).await?).ok().map(StatusPage::from)
}

/// The whole state with everything that began in a month, from the month's own address.
async fn fetch_month(slug: Slug, month: Month) -> Option<StatusPage> {
    let answer = get(&format!("/public/{slug}/history?month={month}")).await.filter(Response::ok)?;
    document::month_data_in(&text(&answer).await?).map(|data| data.page)
}

/// What became of an incident.
enum Found {
    /// It is there.
    There(Box<Incident>),
    /// It was removed.
    Gone,
    /// Nobody answered.
    Unknown,
}

/// Asks for an incident by its own address.
async fn find(slug: Slug, id: IncidentId) -> Found {
    match get(&format!("/public/{slug}/incidents/{id}")).await {
        Some(answer) if answer.status() == 404 => Found::Gone,
        Some(answer) if answer.ok() => {
            let data = text(&answer).await.as_deref().and_then(document::incident_data_in);
            let incident = data.and_then(|data| data.page.incident(id).cloned());
            incident.map_or(Found::Unknown, |incident| Found::There(Box::new(incident)))
        }
        _ => Found::Unknown,
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
