//! The public page as it will be once the update is posted, derived by the server's own rules.

use leptos::prelude::*;

use super::{composer::ComposerState, state::Room};
use crate::app::{components::time::reader_clock, pages::incidents::preview::rendered_markdown, public::PublicPreview};

/// The preview beside the composer, collapsed on small screens; needs JavaScript.
#[component]
pub fn RoomPreview(
    /// The room.
    room: Room,
    /// The composer's fields.
    writing: ComposerState,
) -> impl IntoView {
    let text = Memo::new(move |_| writing.text(room.incident.with(|incident| incident.status)));
    let html = rendered_markdown(text.into());
    let clock = reader_clock();
    let is_alive = Memo::new(move |_| clock.with(Option::is_some));
    let after = Memo::new(move |_| {
        let page = room.whole_page();
        let input = room.incident.with(|incident| writing.preview_input(incident, html.get()));
        // Before hydration it is not shown, so any time will do.
        let now = clock.get().unwrap_or(page.today);
        page.preview(&input, now)
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
                // Focusable, so that it can be scrolled by keyboard.
                <div id="room-preview" tabindex="0" data-open=move || is_open.get().to_string()>
                    <PublicPreview page incident />
                </div>
            </Show>
        </aside>
    }
}
