//! What only a maintenance has: its window, and what the clock does by itself.

use leptos::prelude::*;

use super::{
    Room,
    draft::{Draft, DraftHead},
    header::zone,
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field},
            form::{Done, Form, Submit},
        },
        pages::maintenance::new::ConflictHint,
        server_fns::{self, SetAutomations},
    },
    model::IncidentStatus,
};

/// When it is planned, while that can change, and the automations.
#[component]
pub fn Planning(
    /// The room.
    room: Room,
) -> impl IntoView {
    let has_ended = Memo::new(move |_| room.incident.with(|incident| incident.status.has_ended()));
    let is_of_series = Memo::new(move |_| room.incident.with(|incident| incident.series_id.is_some()));
    view! {
        <section class="group">
            <h2>"Plan"</h2>
            <Show when=move || is_of_series.get()>
                <p class="hint mb-2">
                    "This is one of a series. Publishing, moving or cancelling it leaves the others as they are. "
                    <a href="/maintenances">"All maintenances and series"</a>
                </p>
            </Show>
            <InTheWay room />
            <Show
                when=move || !has_ended.get()
                fallback=|| view! { <p class="hint">"It is over: nothing is planned any more."</p> }
            >
                <div class="plan grid gap-4">
                    <Reschedule room />
                    <Automatic room />
                </div>
            </Show>
        </section>
    }
}

/// What its window collides with, while it is not over.
#[component]
fn InTheWay(room: Room) -> impl IntoView {
    let conflicts = Memo::new(move |_| {
        let has_ended = room.incident.with(|incident| incident.status.has_ended());
        if has_ended { Vec::new() } else { room.conflicts.get() }
    });
    view! {
        <div class="empty:absolute" role="status">
            {move || {
                let zone = room.zone;
                conflicts.get().into_iter().map(|conflict| view! { <ConflictHint conflict zone /> }).collect_view()
            }}
        </div>
    }
}

#[component]
fn Reschedule(room: Room) -> impl IntoView {
    let action = FormAction::<server_fns::Reschedule>::new();
    let form = Form::new(action, "reschedule");
    let draft = Draft::new(room, action, form);
    let zone = zone(room);
    let first = draft.begin_with(move || {
        let (window, is_planned) =
            room.incident.with(|incident| (incident.window(), incident.status == IncidentStatus::Scheduled));
        window.map(|(start, end)| zone.with(|zone| (zone.field_value(start), zone.field_value(end), is_planned)))
    });
    let zone_name = move || move || zone.with(|zone| format!("In {}.", zone.name));
    let fields = move || {
        let (_, Some((starts, ends, is_planned))) = first.get() else { return ().into_any() };
        let start = move || {
            view! {
                <input type="hidden" name="starts_was" autocomplete="off" value=starts.clone() />
                <Field form name="starts" label="Starts" kind="datetime-local" value=starts hint=zone_name />
            }
        };
        view! {
            {is_planned.then(start)}
            <input type="hidden" name="ends_was" autocomplete="off" value=ends.clone() />
            <Field form name="ends" label="Ends" kind="datetime-local" value=ends hint=zone_name />
        }
        .into_any()
    };
    view! {
        <ServerForm
            form
            class="card stack"
            novalidate=true
            on:input=move |_| draft.touch()
        >
            <DraftHead draft />
            {fields}
            <div class="actions">
                <Submit form label="Reschedule" busy="Moving…" class="button" />
                <Done form text="Moved." />
            </div>
        </ServerForm>
    }
}

#[component]
fn Automatic(room: Room) -> impl IntoView {
    let action = FormAction::<SetAutomations>::new();
    let form = Form::new(action, "automations");
    let draft = Draft::new(room, action, form);
    let first = draft.begin_with(move || room.incident.with(|incident| incident.automations.unwrap_or_default()));
    view! {
        <ServerForm
            form
            class="card stack"
            novalidate=true
            on:input=move |_| draft.touch()
        >
            <DraftHead draft />
            <fieldset class="ticks">
                <legend>"By itself"</legend>
                {move || {
                    let (_, set) = first.get();
                    view! {
                        <Checkbox form name="remind" label="Remind 60 minutes before" is_ticked=set.remind />
                        <Checkbox form name="start" label="Begin at the planned start" is_ticked=set.start />
                        <Checkbox form name="end" label="Complete at the planned end" is_ticked=set.end />
                        <Checkbox form name="notify_start" label="Tell subscribers when it begins" is_ticked=set.notify_start />
                        <Checkbox form name="notify_end" label="Tell subscribers when it ends" is_ticked=set.notify_end />
                    }
                }}
            </fieldset>
            <div class="actions">
                <Submit form label="Save automations" busy="Saving…" class="button" />
                <Done form text="Saved." />
            </div>
        </ServerForm>
    }
}
