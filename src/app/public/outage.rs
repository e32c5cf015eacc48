//! The notice on a page whose state the server cannot check, as its database is away.

use leptos::prelude::*;

use super::incidents::zone_of;
use crate::{
    app::components::time::{Time, Wording},
    model::{Outage, StatusPage},
};

/// The notice, with the time of the state and its age. Empty as long as the page is up to date; when it is again, that is
/// announced.
#[component]
pub fn OutageNotice(
    /// The page.
    page: Signal<StatusPage>,
) -> impl IntoView {
    let outage = Memo::new(move |_| page.with(|page| page.outage));
    let is_back = is_back(outage);
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
            {move || is_back.get().then(|| view! { <p class="sr-only">"This page is up to date again."</p> })}
        </div>
    }
}

/// Whether the page is up to date after it was not.
fn is_back(outage: Memo<Option<Outage>>) -> Memo<bool> {
    let was_out = Memo::new(move |was: Option<&bool>| was.copied().unwrap_or_default() || outage.get().is_some());
    // First asked whether it was out: memos that nobody reads note nothing.
    Memo::new(move |_| was_out.get() && outage.get().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[test]
    fn a_page_is_back_only_after_an_outage() {
        Owner::new().with(|| {
            let outage = RwSignal::new(None);
            let is_back = is_back(Memo::new(move |_| outage.get()));
            for (now, expected) in [(None, false), (Some(1), false), (Some(2), false), (None, true), (Some(3), false)] {
                let as_of = Timestamp::EPOCH;
                outage.set(now.map(|minutes| Outage { as_of, written_at: as_of.plus_seconds(60 * minutes) }));
                assert_eq!(is_back.get_untracked(), expected, "{now:?}");
            }
        });
    }
}
