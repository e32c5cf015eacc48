//! The HTML documents of the public pages. The data a page was drawn from stands in a block of its own kind, by which the
//! client knows what it brings to life.

use leptos::{html, prelude::*};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::{month::MonthView, permalink::IncidentView, plain::shortened, view::PublicPage};
use crate::{
    app::{Assets, FONT},
    model::{IncidentPage, MonthPage, StatusPage, json},
};

const ROOT: &str = "public-page";
const PAGE: &str = "page-data";
const INCIDENT: &str = "incident-data";
const MONTH: &str = "month-data";

/// How long a page's summary is where it is shown to tempt somebody to open it.
const SUMMARY: usize = 200;

/// What a document says of itself.
struct About {
    title: String,
    summary: String,
    kind: &'static str,
    canonical: String,
}

/// The whole document of a status page, after its doctype. `canonical` is its full address. Deterministic: no clock, no
/// nonce.
pub fn document(page: &StatusPage, assets: &Assets, canonical: String) -> impl IntoView + use<> {
    let name = &page.organization.name;
    let about = About {
        title: format!("{name} status"),
        summary: format!("{}. Live status of {name}.", page.headline().description),
        kind: "website",
        canonical,
    };
    let json = format!("/api/public/{}/status", page.organization.slug);
    let head = view! { {alive(assets)} {head(&about)} <link rel="alternate" type="application/json" href=json /> };
    let body = body(PAGE, page, view! { <PublicPage page=page.clone() /> }.into_any());
    frame(assets, head.into_any(), body)
}

/// The whole document of an incident or a maintenance; nothing when the data does not hold it.
pub fn incident_document(data: &IncidentPage, assets: &Assets, canonical: String) -> Option<impl IntoView + use<>> {
    let incident = data.page.incident(data.id)?;
    let newest = shortened(&data.summary, SUMMARY);
    let about = About {
        title: format!("{} – {} status", incident.title, data.page.organization.name),
        summary: format!("{}: {newest}", incident.status.label()),
        kind: "article",
        canonical,
    };
    let head = view! { {alive(assets)} {head(&about)} };
    let body = body(INCIDENT, data, view! { <IncidentView data=data.clone() /> }.into_any());
    Some(frame(assets, head.into_any(), body))
}

/// The whole document of a month of the past.
pub fn month_document(data: &MonthPage, assets: &Assets, canonical: String) -> impl IntoView + use<> {
    let (name, month) = (&data.page.organization.name, data.month.human());
    let about = About {
        title: format!("{month} – {name} status history"),
        summary: format!("Incidents and maintenances of {name} in {month}."),
        kind: "website",
        canonical,
    };
    let head = view! { {alive(assets)} {head(&about)} };
    let body = body(MONTH, data, view! { <MonthView data=data.clone() /> }.into_any());
    frame(assets, head.into_any(), body)
}

fn head(about: &About) -> impl IntoView + use<> {
    let About { title, summary, kind, canonical } = about;
    view! {
        // Inside a title a comment that marks a dynamic text would be shown, so the text is escaped here.
        <title inner_html=html_escape::encode_text(&title).into_owned()></title>
        <meta name="description" content=summary.clone() />
        {open_graph("og:type", kind)}
        {open_graph("og:title", title)}
        {open_graph("og:description", summary)}
        {open_graph("og:url", canonical)}
        <meta name="twitter:card" content="summary" />
        <link rel="canonical" href=canonical.clone() />
    }
}

/// What starts the client.
fn alive(assets: &Assets) -> impl IntoView + use<> {
    view! { <script type="module" src=assets.boot.clone()></script> }
}

fn open_graph(property: &'static str, content: &str) -> impl IntoView + use<> {
    html::meta().attr("property", property).content(content.to_owned())
}

fn body(kind: &'static str, data: &impl Serialize, view: AnyView) -> AnyView {
    view! {
        <script type="application/json" id=kind>
            {script_safe(data)}
        </script>
        <div id=ROOT>{view}</div>
    }
    .into_any()
}

/// The whole document, after its doctype, for an address without a page. Says the same whether something private is there or
/// nothing. `near` is the address of a status page that is there, to lead to.
pub fn not_found_document(assets: &Assets, near: Option<&str>) -> impl IntoView + use<> {
    let head = view! {
        {html::title().child("Page not found")}
        <meta name="robots" content="noindex" />
    };
    let words = match near {
        Some(slug) => {
            let home = format!("/public/{slug}");
            view! {
                <h1>"There is nothing here"</h1>
                <p>
                    "Please check the address. If a link brought you here, the incident or maintenance it told of may have \
                     been removed."
                </p>
                <p class="not-found-ways">
                    <a class="button" href=home.clone()>
                        "Current status"
                    </a>
                    <a class="button" href=format!("{home}/history")>
                        "History"
                    </a>
                    <a class="button" href="/">
                        "About Aldis"
                    </a>
                </p>
            }
                .into_any()
        }
        None => view! {
            <h1>"There is no status page here"</h1>
            <p>
                "Please check the address: it looks like "<code>"/public/your-organization"</code>
                ". If a link brought you here, its page may have moved."
            </p>
            <p>
                <a class="button" href="/">
                    "About Aldis"
                </a>
            </p>
        }
        .into_any(),
    };
    let body = view! { <main class="public lone">{words}</main> };
    frame(assets, head.into_any(), body.into_any())
}

fn frame(assets: &Assets, head: AnyView, body: AnyView) -> impl IntoView + use<> {
    let css = assets.css.clone();
    view! {
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="preload" href=FONT r#as="font" type="font/woff2" crossorigin="anonymous" />
                <link rel="stylesheet" href=css />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                {head}
            </head>
            <body>{body}</body>
        </html>
    }
}

/// Data as JSON that cannot end the script element it stands in, nor begin a comment in it.
fn script_safe(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default().replace('<', "\\u003c")
}

/// The element that holds the page, when the document is a public page.
pub fn page_element() -> Option<HtmlElement> {
    leptos::prelude::document().get_element_by_id(ROOT)?.dyn_into().ok()
}

/// The state the server drew the status page from, when the document is one.
pub fn page_data() -> Option<StatusPage> {
    data(PAGE)
}

/// The state the server drew an incident's page from, when the document is one.
pub fn incident_data() -> Option<IncidentPage> {
    data(INCIDENT)
}

/// The state the server drew a month from, when the document is one.
pub fn month_data() -> Option<MonthPage> {
    data(MONTH)
}

fn data<T: DeserializeOwned>(kind: &str) -> Option<T> {
    let text = leptos::prelude::document().get_element_by_id(kind)?.text_content()?;
    json::read(&text).ok()
}

/// The state in an incident's document that was fetched.
pub fn incident_data_in(html: &str) -> Option<IncidentPage> {
    data_in(INCIDENT, html)
}

/// The state in a month's document that was fetched.
pub fn month_data_in(html: &str) -> Option<MonthPage> {
    data_in(MONTH, html)
}

fn data_in<T: DeserializeOwned>(kind: &str, html: &str) -> Option<T> {
    let (_, rest) = html.split_once(&format!("id=\"{kind}\">"))?;
    let (text, _) = rest.split_once("</script>")?;
    json::read(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::tests::page_with;

    #[test]
    fn the_data_cannot_break_out_of_its_script_and_reads_back() {
        let page = page_with(&["</script><script>alert(1)</script>", "<!--<script>"]);
        let text = script_safe(&page);
        assert!(!text.contains('<'));
        assert_eq!(serde_json::from_str::<StatusPage>(&text).expect("readable"), page);
    }
}
