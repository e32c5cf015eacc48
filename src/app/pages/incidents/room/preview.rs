//! What the public page will show once the update is posted: the same rules the server goes by, over the page at hand.

use leptos::prelude::*;

use super::{Room, composer::Writing};
use crate::app::{components::time::reader_clock, pages::incidents::consequences::rendered, public::PublicPreview};

/// The preview beside the composer, folded away on a phone. It needs the client: without it there is nothing to see.
#[component]
pub fn Preview(
    /// The room.
    room: Room,
    /// What is being written.
    writing: Writing,
) -> impl IntoView {
    let text = Memo::new(move |_| writing.text(room.incident.with(|incident| incident.status)));
    let html = rendered(text.into());
    let clock = reader_clock();
    let is_alive = Memo::new(move |_| clock.with(Option::is_some));
    let after = Memo::new(move |_| {
        let page = room.whole_page();
        let intent = room.incident.with(|incident| writing.intent(incident, html.get()));
        // Before the clock runs nobody looks.
        let now = clock.get().unwrap_or(page.today);
        page.preview(&intent, now)
    });
    let page = Signal::derive(move || after.with(|(page, _)| page.clone()));
    let incident = Signal::derive(move || after.with(|(_, incident)| Some(incident.clone())));
    let is_open = RwSignal::new(false);
    view! {
        <aside class="room-preview" aria-label="Preview">
            <Show when=move || is_alive.get()>
                <h2 class="room-preview-heading">"As visitors will see it"</h2>
                <button
                    type="button"
                    class="button room-preview-toggle"
                    aria-expanded=move || is_open.get().to_string()
                    aria-controls="room-preview"
                    on:click=move |_| is_open.update(|is_open| *is_open = !*is_open)
                >
                    "Preview the public page"
                </button>
                // It scrolls where it is longer than the window, and has no other stop for the keyboard.
                <div id="room-preview" tabindex="0" data-open=move || is_open.get().to_string()>
                    <PublicPreview page incident />
                </div>
            </Show>
        </aside>
    }
}
