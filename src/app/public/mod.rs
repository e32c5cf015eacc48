//! The public page: complete as plain HTML, and live once the client runs.
//!
//! It knows nothing of the team's application, its router or its server functions, and the same state gives the same
//! bytes, so that its HTML can be kept.

mod document;
mod view;

use js_sys::futures::JsFuture;
use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::{RequestCache, RequestInit, Response};

pub use self::{
    document::{document, not_found_document},
    view::PublicPage,
};
use super::Mount;
use crate::model::{Slug, StatusPage};

/// Brings the public page to life, when the document is one. Without readable data it stays what it is: complete, only
/// not live.
pub fn hydrate(mount: Mount) {
    if let (Some(element), Some(page)) = (document::page_element(), document::page_data()) {
        mount(element, Box::new(move || view! { <PublicPage page /> }.into_any()));
    }
}

/// The whole state, from the documented REST address.
async fn fetch(slug: Slug) -> Option<StatusPage> {
    let request = RequestInit::new();
    request.set_cache(RequestCache::NoStore);
    let answer = window().fetch_with_str_and_init(&format!("/api/public/{slug}/status"), &request);
    let answer: Response = JsFuture::from(answer).await.ok()?.dyn_into().ok()?;
    let text = JsFuture::from(answer.ok().then(|| answer.text().ok())??).await.ok()?.as_string()?;
    serde_json::from_str(&text).ok()
}
