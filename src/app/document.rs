//! Parts that the HTML documents of the application and of the public pages share.

use leptos::prelude::AnyView;
use web_sys::HtmlElement;

/// The font, preloaded before the stylesheet requests it.
pub const FONT: &str = "/fonts/inter-latin.woff2";

/// URLs of the built client.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The stylesheet.
    pub css: String,
    /// The script that starts the client.
    pub boot: String,
}

/// Hydrates a view over the server's HTML. Passed in by the client crate, as the server's build has no such function.
pub type Mount = fn(HtmlElement, Box<dyn FnOnce() -> AnyView>);
