//! The browser's front door: the whole interface, team pages and public pages, as one WebAssembly module.

use wasm_bindgen::prelude::wasm_bindgen;

/// Brings the page the server sent to life.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    aldis::app::hydrate(|element, view| leptos::mount::hydrate_from(element, view).forget());
}
