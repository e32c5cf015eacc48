//! The public pages: complete as plain HTML, and live once the client runs.
//!
//! They do not depend on the team's application, its router or its server functions, and the same state renders to the
//! same bytes, so that their HTML can be cached.

mod announce;
mod card;
mod data;
mod document;
mod fetch;
mod frame;
mod incidents;
mod month;
mod outage;
mod permalink;
mod plain;
mod preview;
mod view;

use leptos::prelude::*;

pub use self::{
    data::{incident_data_in, month_data_in, page_data_in},
    document::{document, incident_document, month_document, not_found_document, unavailable_document},
    preview::PublicPreview,
    view::PublicPage,
};
use self::{month::MonthView, permalink::IncidentView};
use super::document::Mount;

/// Hydrates a public page, if the document is one. Without readable data it stays as rendered: complete, but not live.
pub fn hydrate(mount: Mount) {
    let Some(element) = data::page_element() else { return };
    if let Some(page) = data::page_data() {
        mount(element, Box::new(move || view! { <PublicPage page /> }.into_any()));
    } else if let Some(data) = data::incident_data() {
        mount(element, Box::new(move || view! { <IncidentView data /> }.into_any()));
    } else if let Some(data) = data::month_data() {
        mount(element, Box::new(move || view! { <MonthView data /> }.into_any()));
    }
}
