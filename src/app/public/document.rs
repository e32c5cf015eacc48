//! The HTML documents of the public pages. Each embeds the data it was rendered from as JSON; the id of that script
//! tells the client which page to hydrate.

use leptos::{html, prelude::*};
use serde::Serialize;

use super::{
    data::{INCIDENT, MONTH, PAGE, ROOT},
    month::MonthView,
    permalink::IncidentView,
    plain::shortened,
    view::PublicPage,
};
use crate::{
    app::document::{Assets, FONT},
    model::{IncidentPage, MonthPage, StatusPage},
};

/// Maximum length of a description in link previews, in characters.
const MAX_SUMMARY: usize = 200;

/// A document's metadata.
struct Metadata {
    title: String,
    summary: String,
    kind: &'static str,
    canonical: String,
}

/// The document of a status page, without doctype. `canonical` is its full address. Deterministic: no clock, no nonce.
pub fn document(page: &StatusPage, assets: &Assets, canonical: String) -> impl IntoView + use<> {
    let name = &page.organization.name;
    let metadata = Metadata {
        title: format!("{name} status"),
        summary: format!("{}. Live status of {name}.", page.headline().description),
        kind: "website",
        canonical,
    };
    let json = format!("/api/public/{}/status", page.organization.slug);
    let head = view! {
        {client_script(assets)}
        {metadata_tags(&metadata)}
        <link rel="alternate" type="application/json" href=json />
    };
    let body = body(PAGE, page, view! { <PublicPage page=page.clone() /> }.into_any());
    frame(assets, head.into_any(), body)
}

/// The document of an incident or a maintenance; `None` if the data does not contain it.
pub fn incident_document(data: &IncidentPage, assets: &Assets, canonical: String) -> Option<impl IntoView + use<>> {
    let incident = data.page.incident(data.id)?;
    let newest = shortened(&data.summary, MAX_SUMMARY);
    let metadata = Metadata {
        title: format!("{} – {} status", incident.title, data.page.organization.name),
        summary: format!("{}: {newest}", incident.status.label()),
        kind: "article",
        canonical,
    };
    let head = view! { {client_script(assets)} {metadata_tags(&metadata)} };
    let body = body(INCIDENT, data, view! { <IncidentView data=data.clone() /> }.into_any());
    Some(frame(assets, head.into_any(), body))
}

/// The document of a month of history.
pub fn month_document(data: &MonthPage, assets: &Assets, canonical: String) -> impl IntoView + use<> {
    let (name, month) = (&data.page.organization.name, data.month.human());
    let metadata = Metadata {
        title: format!("{month} – {name} status history"),
        summary: format!("Incidents and maintenance of {name} in {month}."),
        kind: "website",
        canonical,
    };
    let head = view! { {client_script(assets)} {metadata_tags(&metadata)} };
    let body = body(MONTH, data, view! { <MonthView data=data.clone() /> }.into_any());
    frame(assets, head.into_any(), body)
}

fn metadata_tags(metadata: &Metadata) -> impl IntoView + use<> {
    let Metadata { title, summary, kind, canonical } = metadata;
    view! {
        // As inner HTML: the comments by which Leptos marks dynamic text would be shown in a title.
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

/// The script that starts the client.
fn client_script(assets: &Assets) -> impl IntoView + use<> {
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

/// The document for an unknown address, without doctype. The same whether something private exists there or nothing.
/// `near` is the slug of a status page to link to.
pub fn not_found_document(assets: &Assets, near: Option<&str>) -> impl IntoView + use<> {
    let head = view! {
        {html::title().child("Page not found")}
        <meta name="robots" content="noindex" />
    };
    let words = match near {
        Some(slug) => {
            let home = format!("/public/{slug}");
            view! {
                <h1>"Page not found"</h1>
                <p>
                    "Please check the address. If you followed a link, the incident or maintenance may have been \
                     removed."
                </p>
                <p class="flex flex-wrap gap-2">
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
            <h1>"Status page not found"</h1>
            <p>
                "Please check the address. It should look like "<code>"/public/your-organization"</code>
                ". If you followed a link, the page may have moved."
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

/// The document that says why nothing can be shown at an address now, without doctype.
pub fn unavailable_document(assets: &Assets, why: String) -> impl IntoView + use<> {
    let head = view! {
        {html::title().child("Temporarily unavailable")}
        <meta name="robots" content="noindex" />
    };
    let body = view! {
        <main class="public lone">
            <h1>"Temporarily unavailable"</h1>
            <p>{why}</p>
            <p>"If you have just sent a form, go back: your browser keeps what you typed."</p>
        </main>
    };
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

/// JSON that can neither end the script element around it nor begin a comment.
fn script_safe(data: &impl Serialize) -> String {
    serde_json::to_string(data).unwrap_or_default().replace('<', "\\u003c")
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
