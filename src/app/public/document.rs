//! The HTML document around the public page.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::view::PublicPage;
use crate::{
    app::{Assets, FONT},
    model::StatusPage,
};

const ROOT: &str = "public-page";
const DATA: &str = "page-data";

/// The whole document of a public page, after its doctype. `canonical` is its full address. Deterministic: no clock, no
/// nonce.
pub fn document(page: &StatusPage, assets: &Assets, canonical: &str) -> impl IntoView + use<> {
    let name = page.organization.name.clone();
    let title = format!("{name} status");
    let summary = format!("{}. Live status of {name}.", page.headline().description);
    let page = page.clone();
    let boot = assets.boot.clone();
    let head = view! {
        <script type="module" src=boot></script>
        // Inside a title a comment that marks a dynamic text would be shown, so the text is escaped here.
        <title inner_html=html_escape::encode_text(&title).into_owned()></title>
        <meta name="description" content=summary.clone() />
        {open_graph("og:type", "website")}
        {open_graph("og:title", &title)}
        {open_graph("og:description", &summary)}
        {open_graph("og:url", canonical)}
        <meta name="twitter:card" content="summary" />
        <link rel="canonical" href=canonical.to_owned() />
        <link rel="alternate" type="application/json" href=format!("/api/public/{}/status", page.organization.slug) />
    };
    let body = view! {
        <script type="application/json" id=DATA>
            {script_safe(&page)}
        </script>
        <div id=ROOT>
            <PublicPage page />
        </div>
    };
    frame(assets, head.into_any(), body.into_any())
}

fn open_graph(property: &'static str, content: &str) -> impl IntoView + use<> {
    html::meta().attr("property", property).content(content.to_owned())
}

/// The whole document, after its doctype, for an address without a page. Says the same whether something private is there or nothing.
pub fn not_found_document(assets: &Assets) -> impl IntoView + use<> {
    let head = view! {
        {html::title().child("Page not found")}
        <meta name="robots" content="noindex" />
    };
    let body = view! {
        <main class="public lone">
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

/// The page as JSON that cannot end the script element it stands in, nor begin a comment in it.
fn script_safe(page: &StatusPage) -> String {
    serde_json::to_string(page).unwrap_or_default().replace('<', "\\u003c")
}

/// The element that holds the page, when the document is a public page.
pub fn page_element() -> Option<HtmlElement> {
    leptos::prelude::document().get_element_by_id(ROOT)?.dyn_into().ok()
}

/// The state the server drew the page from.
pub fn page_data() -> Option<StatusPage> {
    let text = leptos::prelude::document().get_element_by_id(DATA)?.text_content()?;
    serde_json::from_str(&text).ok()
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
