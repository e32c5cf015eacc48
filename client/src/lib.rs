//! Entry point of the browser: the interface, dashboard and public pages, as one WebAssembly module.

use wasm_bindgen::prelude::wasm_bindgen;

/// Hydrates the page that the server rendered.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    aldis::app::hydrate(|element, view| leptos::mount::hydrate_from(element, view).forget());
}
