//! Presence: which other members are in the room.

use std::time::Duration;

use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use web_sys::UrlSearchParams;

use super::state::Room;
use crate::{
    app::server_fns::{Here, here},
    model::Code,
};

/// Interval between heartbeats.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);

/// The names of the other members, announced when they change; empty if there are none.
#[component]
pub fn Presence(
    /// The room.
    room: Room,
) -> impl IntoView {
    let others = RwSignal::new(Vec::<String>::new());
    Effect::new(move |_| {
        send_heartbeat(room, others);
        let interval = set_interval_with_handle(move || send_heartbeat(room, others), HEARTBEAT_INTERVAL);
        let on_pagehide = window_event_listener_untyped("pagehide", move |_| send_leave_beacon(room));
        on_cleanup(move || {
            if let Ok(interval) = interval {
                interval.clear();
            }
            on_pagehide.remove();
            let id = room.id.to_string();
            // If it does not arrive, the server times the member out.
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

fn send_heartbeat(room: Room, others: RwSignal<Vec<String>>) {
    spawn_local(async move {
        match here(room.id.to_string(), false).await {
            Ok(names) => {
                // The room may have been left in the meantime.
                others.try_maybe_update(|others| (std::mem::replace(others, names.clone()) != names, ()));
            }
            Err(error) if error.code == Code::NotFound => _ = room.is_gone.try_set(true),
            // The next heartbeat retries.
            Err(_) => {}
        }
    });
}

/// Reports leaving while the page unloads, when no answer can be awaited.
fn send_leave_beacon(room: Room) {
    let Ok(params) = UrlSearchParams::new() else { return };
    params.append("id", &room.id.to_string());
    params.append("leaving", "true");
    // If the browser refuses, the server times the member out.
    _ = window().navigator().send_beacon_with_opt_url_search_params(Here::url(), Some(&params));
}
