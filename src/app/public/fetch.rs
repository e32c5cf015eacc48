//! Requests for the current state of a public page.

use js_sys::futures::JsFuture;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{RequestCache, RequestInit, Response};

use super::data::{incident_data_in, month_data_in};
use crate::model::{IncidentId, Month, PagePart, PublicStatus, Slug, StatusPage, json};

/// Fetches the status page from the REST API.
pub async fn fetch(slug: Slug) -> Option<StatusPage> {
    let answer = get(&format!("/api/public/{slug}/status")).await.filter(Response::ok)?;
    json::read::<PublicStatus>(&text(&answer).await?).ok().map(StatusPage::from)
}

/// Fetches the state of a month from its own page.
pub async fn fetch_month(slug: Slug, month: Month) -> Option<StatusPage> {
    let answer = get(&format!("/public/{slug}/history?month={month}")).await.filter(Response::ok)?;
    month_data_in(&text(&answer).await?).map(|data| data.page)
}

/// The result of looking up an incident.
pub enum Lookup {
    Found(Box<StatusPage>),
    Removed,
    NoAnswer,
}

/// Fetches an incident's own page.
pub async fn look_up(slug: Slug, id: IncidentId) -> Lookup {
    match get(&format!("/public/{slug}/incidents/{id}")).await {
        Some(answer) if answer.status() == 404 => Lookup::Removed,
        Some(answer) if answer.ok() => {
            let data = text(&answer).await.as_deref().and_then(incident_data_in);
            data.map_or(Lookup::NoAnswer, |data| Lookup::Found(Box::new(data.page)))
        }
        _ => Lookup::NoAnswer,
    }
}

/// Fetches the state of an incident's own page; without the incident once that was removed.
pub async fn fetch_incident(slug: Slug, id: IncidentId) -> Option<StatusPage> {
    match look_up(slug.clone(), id).await {
        Lookup::Found(page) => Some(*page),
        Lookup::Removed => {
            let page = fetch(slug).await?;
            let part = Some(PagePart::Incident { id });
            Some(StatusPage { part, groups: Vec::new(), services: Vec::new(), incidents: Vec::new(), ..page })
        }
        Lookup::NoAnswer => None,
    }
}

async fn get(path: &str) -> Option<Response> {
    let request = RequestInit::new();
    // Asks the server, which answers 304 where nothing has changed.
    request.set_cache(RequestCache::NoCache);
    JsFuture::from(window().fetch_with_str_and_init(path, &request)).await.ok()?.dyn_into().ok()
}

async fn text(answer: &Response) -> Option<String> {
    JsFuture::from(answer.text().ok()?).await.ok()?.as_string()
}
