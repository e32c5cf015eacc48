//! The page for unknown URLs.

use leptos::prelude::*;

use super::page::LonePage;

/// Shown for unknown URLs.
#[component]
pub fn NotFound() -> impl IntoView {
    view! {
        <LonePage title="Page not found">
            <p>"We couldn’t find this page. The address may be wrong, or the page may have been moved or deleted."</p>
            <p class="actions">
                <a class="button button-primary" href="/dashboard">
                    "Overview"
                </a>
                <a class="button" href="/">
                    "About Aldis"
                </a>
            </p>
        </LonePage>
    }
}
