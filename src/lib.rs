//! Aldis: teams tell their users what works, live.
//!
//! Three rooms: [`model`] is what things are, [`app`] is what people see, [`server`] is what only the server knows.

#![recursion_limit = "256"]

pub mod app;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(test)]
mod tests;

/// The browser's front door: brings the page the server sent to life.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    app::hydrate(|element, view| leptos::mount::hydrate_from(element, view).forget());
}
