//! The pages for an address that has none.

use leptos::prelude::*;

use super::page::{LonePage, Page};
use crate::app::pages::services::service::HistoryAnswer;

/// Says that there is no such page and where to go on.
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

/// The same inside the frame, for an address whose thing is not there or was deleted meanwhile. Waits for the server's
/// word on it, which carries the status of the answer.
#[component]
pub fn Missing(
    /// The server's word.
    history: HistoryAnswer,
) -> impl IntoView {
    view! {
        <Page title="Service not found">
            <Suspense>{move || Suspend::new(async move { history.await.map(drop).ok() })}</Suspense>
            <div class="empty">
                <p>"This service doesn’t exist or has been deleted."</p>
                <p>
                    <a class="button" href="/services">
                        "All services"
                    </a>
                </p>
            </div>
        </Page>
    }
}
