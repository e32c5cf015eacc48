//! The notice on a page whose state the server cannot check, as its database is away.

use leptos::prelude::*;

use super::incidents::zone_of;
use crate::{
    app::components::time::{Time, Wording},
    model::StatusPage,
};

/// The notice, with the time of the state and its age. Empty as long as the page is up to date; when it is again, that is
/// announced.
#[component]
pub fn OutageNotice(
    /// The page.
    page: Signal<StatusPage>,
) -> impl IntoView {
    let outage = Memo::new(move |_| page.with(|page| page.outage));
    let was_out = Memo::new(move |was: Option<&bool>| was.copied().unwrap_or_default() || outage.get().is_some());
    view! {
        // Its age changes every minute, which nobody wants to hear.
        {move || {
            outage
                .get()
                .map(|outage| {
                    view! {
                        <p class="outage">
                            "This page may be out of date. It shows the state of "
                            <Time
                                at=outage.as_of
                                wording=Wording::DateAndAgo
                                zone=zone_of(page)
                                written_at=outage.written_at
                            /> ". Newer changes cannot be read at the moment."
                        </p>
                    }
                })
        }}
        <div aria-live="polite">
            {move || {
                (outage.get().is_none() && was_out.get())
                    .then(|| view! { <p class="sr-only">"This page is up to date again."</p> })
            }}
        </div>
    }
}
