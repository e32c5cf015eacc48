//! What people see: the team's application and the public page, for the server and the browser alike.
//!
//! Nothing here is chosen at compile time: code that needs a browser waits in effects and event handlers, which do not
//! run on the server. Only the bodies in `server_fns` may name the server.

mod components;
mod dashboard_state;
mod focus;
mod live;
mod pages;
pub mod public;
mod routes;
pub mod server_fns;
pub mod session;
mod shortcuts;

use leptos::prelude::*;
use leptos_meta::MetaTags;
use leptos_router::location::RequestUrl;
use wasm_bindgen::JsValue;
use web_sys::HtmlElement;

pub use self::routes::App;

/// The typeface, fetched before the stylesheet asks for it.
const FONT: &str = "/fonts/inter-latin.woff2";

/// The attribute of the team's documents that tells the page on show. Its address is another when it answers a form that
/// was sent without JavaScript.
const PAGE: &str = "data-page";

/// The addresses of the built client, which the server knows.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The stylesheet.
    pub css: String,
    /// The script that starts the client.
    pub boot: String,
}

/// Puts a view over the HTML the server sent. Given by the browser's front door, since the server's build has no such
/// function.
pub type Mount = fn(HtmlElement, Box<dyn FnOnce() -> AnyView>);

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

/// Brings the document to life: the public page or the team's application; a document that is neither stays as it is.
pub fn hydrate(mount: Mount) {
    let Some(root) = document().document_element() else { return };
    public::hydrate(mount);
    if let Some(page) = root.get_attribute(PAGE) {
        restore_address(&page);
        if let Some(body) = document().body() {
            mount(body, Box::new(|| view! { <App /> }.into_any()));
        }
    }
    // From here on, what needs the client may show and what stands in for it may go.
    root.set_class_name("alive");
}

/// A page's address inside the site.
fn full_path(path: &str, search: &str) -> String {
    if search.is_empty() { path.to_owned() } else { format!("{path}?{search}") }
}

/// A page that answers a refused form stands under the form's address; gives it back its own, so that the router finds
/// the page and reloading it works.
fn restore_address(page: &str) {
    let is_form = location().pathname().is_ok_and(|path| path.starts_with("/fn/"));
    if let (true, Ok(history)) = (is_form, window().history()) {
        // When the browser refuses, the address stays and the router shows its not-found page.
        _ = history.replace_state_with_url(&JsValue::NULL, "", Some(page));
    }
}
