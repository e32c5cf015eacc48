//! The schedule of a maintenance: window, conflicts, automations.

use leptos::prelude::*;

use super::{
    header::zone,
    room_form::{RoomForm, RoomFormHead},
    state::Room,
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

/// Conflicts, and the forms for window and automations while it has not ended.
#[component]
pub fn MaintenanceSchedule(
    /// The room.
    room: Room,
) -> impl IntoView {
    let has_ended = Memo::new(move |_| room.incident.with(|incident| incident.status.has_ended()));
    let is_of_series = Memo::new(move |_| room.incident.with(|incident| incident.series_id.is_some()));
    view! {
        <section class="group">
            <h2>"Schedule"</h2>
            <Show when=move || is_of_series.get()>
                <p class="hint mb-2">
                    "This window is part of a series. Publishing, rescheduling or cancelling it doesn’t affect the others. "
                    <a href="/maintenances">"All maintenance and series"</a>
                </p>
            </Show>
            <ConflictList room />
            <Show
                when=move || !has_ended.get()
                fallback=|| view! { <p class="hint">"This maintenance is over."</p> }
            >
                <div class="plan grid gap-4">
                    <RescheduleForm room />
                    <AutomationsForm room />
                </div>
            </Show>
        </section>
    }
}

/// Conflicts of its window, while it has not ended.
#[component]
fn ConflictList(room: Room) -> impl IntoView {
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
fn RescheduleForm(room: Room) -> impl IntoView {
    let action = FormAction::<server_fns::Reschedule>::new();
    let form = Form::new(action, "reschedule");
    let room_form = RoomForm::new(room, action, form);
    let zone = zone(room);
    let first = room_form.begin_with(move || {
        let (window, is_planned) =
            room.incident.with(|incident| (incident.window(), incident.status == IncidentStatus::Scheduled));
        window.map(|(start, end)| zone.with(|zone| (zone.field_value(start), zone.field_value(end), is_planned)))
    });
    let zone_name = move || move || zone.with(|zone| format!("Time zone: {}.", zone.name));
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
            on:input=move |_| room_form.touch()
        >
            <RoomFormHead room_form />
            {fields}
            <div class="actions">
                <Submit form label="Reschedule" busy="Rescheduling…" class="button" />
                <Done form text="Rescheduled." />
            </div>
        </ServerForm>
    }
}

#[component]
fn AutomationsForm(room: Room) -> impl IntoView {
    let action = FormAction::<SetAutomations>::new();
    let form = Form::new(action, "automations");
    let room_form = RoomForm::new(room, action, form);
    let first = room_form.begin_with(move || room.incident.with(|incident| incident.automations.unwrap_or_default()));
    // Subscribers cannot be notified yet: the form sends what is stored.
    let kept =
        |name, is_set: bool| is_set.then(|| view! { <input type="hidden" name=name autocomplete="off" value="on" /> });
    view! {
        <ServerForm
            form
            class="card stack"
            novalidate=true
            on:input=move |_| room_form.touch()
        >
            <RoomFormHead room_form />
            <fieldset class="ticks">
                <legend>"Automations"</legend>
                {move || {
                    let (_, set) = first.get();
                    view! {
                        <Checkbox form name="remind" label="Remind 60 minutes before" is_ticked=set.remind />
                        <Checkbox form name="start" label="Begin at the scheduled start" is_ticked=set.start />
                        <Checkbox form name="end" label="Complete at the scheduled end" is_ticked=set.end />
                        {kept("notify_start", set.notify_start)}
                        {kept("notify_end", set.notify_end)}
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
