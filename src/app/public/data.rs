//! The data embedded in the documents of the public pages.

use leptos::prelude::document;
use serde::de::DeserializeOwned;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use crate::model::{IncidentPage, MonthPage, PagePart, StatusPage, json};

pub const ROOT: &str = "public-page";
pub const PAGE: &str = "page-data";
pub const INCIDENT: &str = "incident-data";
pub const MONTH: &str = "month-data";

/// The root element, if the document is a public page.
pub fn page_element() -> Option<HtmlElement> {
    document().get_element_by_id(ROOT)?.dyn_into().ok()
}

/// The data of the status page, if the document is one.
pub fn page_data() -> Option<StatusPage> {
    data(PAGE)
}

/// The data of an incident's page, if the document is one.
pub fn incident_data() -> Option<IncidentPage> {
    data(INCIDENT).map(as_incident)
}

/// The data of a month, if the document is one.
pub fn month_data() -> Option<MonthPage> {
    data(MONTH).map(as_month)
}

fn as_incident(mut data: IncidentPage) -> IncidentPage {
    data.page.part = Some(PagePart::Incident { id: data.id });
    data
}

fn as_month(mut data: MonthPage) -> MonthPage {
    data.page.part = Some(PagePart::of_month(&data.zone, data.month));
    data
}

fn data<T: DeserializeOwned>(kind: &str) -> Option<T> {
    let text = document().get_element_by_id(kind)?.text_content()?;
    json::read(&text).ok()
}

/// The data in the document of a status page.
pub fn page_data_in(html: &str) -> Option<StatusPage> {
    data_in(PAGE, html)
}

/// The data in the document of an incident.
pub fn incident_data_in(html: &str) -> Option<IncidentPage> {
    data_in(INCIDENT, html).map(as_incident)
}

/// The data in the document of a month.
pub fn month_data_in(html: &str) -> Option<MonthPage> {
    data_in(MONTH, html).map(as_month)
}

fn data_in<T: DeserializeOwned>(kind: &str, html: &str) -> Option<T> {
    let (_, rest) = html.split_once(&format!("id=\"{kind}\">"))?;
    let (text, _) = rest.split_once("</script>")?;
    json::read(text).ok()
}
