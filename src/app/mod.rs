//! The user interface: the team's application and the public page, rendered on the server and hydrated in the browser.
//!
//! The code is the same for both: whatever needs a browser runs in effects and event handlers, which do not run on the
//! server. Only the bodies in `server_fns` may name the server.

mod components;
mod dashboard_state;
mod document;
mod focus;
mod live;
mod page_url;
mod pages;
pub mod public;
mod resource;
mod routes;
pub mod server_fns;
pub mod session;
mod shortcuts;

use leptos::prelude::*;
use leptos_meta::MetaTags;
use leptos_router::location::RequestUrl;
use wasm_bindgen::JsValue;

use self::{document::FONT, page_url::full_path};
pub use self::{
    document::{Assets, Mount},
    routes::App,
};

/// The attribute with the URL of the page on show. The document's own URL differs if it answers a form sent without
/// JavaScript.
const PAGE: &str = "data-page";

/// The HTML document of the team's application.
pub fn shell(assets: Assets) -> impl IntoView {
    let Assets { css, boot } = assets;
    let page = use_context::<RequestUrl>().and_then(|url| url.parse().ok());
    let page = page.map(|url| full_path(url.path(), url.search()));
    view! {
        <!DOCTYPE html>
        <html lang="en" data-page=page>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="preload" href=FONT r#as="font" type="font/woff2" crossorigin="anonymous" />
                <link rel="stylesheet" href=css />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <script type="module" src=boot></script>
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// Hydrates the public page or the team's application; leaves other documents as they are.
pub fn hydrate(mount: Mount) {
    let Some(root) = document().document_element() else { return };
    public::hydrate(mount);
    if let Some(page) = root.get_attribute(PAGE) {
        restore_address(&page);
        if let Some(body) = document().body() {
            mount(body, Box::new(|| view! { <App /> }.into_any()));
        }
    }
    // CSS: shows what needs the client and hides its fallbacks.
    root.set_class_name("alive");
}

/// Restores the page's own URL after a refused form, which is answered under the form's URL, so that routing and
/// reloading work.
fn restore_address(page: &str) {
    let is_form = location().pathname().is_ok_and(|path| path.starts_with("/fn/"));
    if let (true, Ok(history)) = (is_form, window().history()) {
        // If the browser refuses, the router shows the not-found page.
        _ = history.replace_state_with_url(&JsValue::NULL, "", Some(page));
    }
}
