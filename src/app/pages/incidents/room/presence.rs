//! Who else is in the room.

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use web_sys::UrlSearchParams;

use super::Room;
use crate::{
    app::server_fns::{Here, here},
    model::Code,
};

/// How often the server is told that somebody still is here.
const BEAT: Duration = Duration::from_secs(10);

/// The names of the others, announced when they change; nothing while one is alone.
#[component]
pub fn Presence(
    /// The room.
    room: Room,
) -> impl IntoView {
    let others = RwSignal::new(Vec::<String>::new());
    Effect::new(move |_| {
        say_here(room, others);
        let beat = set_interval_with_handle(move || say_here(room, others), BEAT);
        let parting = window_event_listener_untyped("pagehide", move |_| leave_with_the_page(room));
        on_cleanup(move || {
            if let Ok(beat) = beat {
                beat.clear();
            }
            parting.remove();
            let id = room.id.to_string();
            // Should it not arrive, the server forgets who stays silent.
            spawn_local(async move { _ = here(id, true).await });
        });
    });
    let named = move || others.with(|others| (!others.is_empty()).then(|| format!("Also here: {}", others.join(", "))));
    view! {
        <p class="presence meta" role="status">
            {named}
        </p>
    }
}

fn say_here(room: Room, others: RwSignal<Vec<String>>) {
    spawn_local(async move {
        match here(room.id.to_string(), false).await {
            Ok(names) => {
                // Whoever asked may have left by now.
                others.try_maybe_update(|others| (std::mem::replace(others, names.clone()) != names, ()));
            }
            Err(error) if error.code == Code::NotFound => _ = room.is_gone.try_set(true),
            // The next beat asks again.
            Err(_) => {}
        }
    });
}

/// Says good-bye while the page goes away, when no answer can be waited for.
fn leave_with_the_page(room: Room) {
    let Ok(farewell) = UrlSearchParams::new() else { return };
    farewell.append("id", &room.id.to_string());
    farewell.append("leaving", "true");
    // Should the browser refuse, the server forgets who stays silent.
    _ = window().navigator().send_beacon_with_opt_url_search_params(Here::url(), Some(&farewell));
}
