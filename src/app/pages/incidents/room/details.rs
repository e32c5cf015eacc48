//! Forms to edit an incident's title, impact and beginning, to detach services, and to delete it.

use leptos::prelude::*;

use super::{
    header::zone,
    room_form::{RoomForm, RoomFormHead},
    state::{Room, when_gone},
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            each::Each,
            field::{Field, Select},
            form::{Done, Form, FormHead, Submit},
            status::StatusIcon,
        },
        focus,
        pages::incidents::new::impact_choices,
        server_fns::{self, EditIncident},
    },
    model::{AffectedService, Impact, Incident, ServiceId, ServiceStatus},
};

/// The id of the element that confirms detaching.
const DETACHED_NOTICE: &str = "detached";

/// Title, impact and beginning, and the affected services.
#[component]
pub fn IncidentDetails(
    /// The room.
    room: Room,
) -> impl IntoView {
    view! {
        <section class="group">
            <h2>"Details"</h2>
            <EditIncidentForm room />
            <AttachedServices room />
        </section>
    }
}

#[component]
fn EditIncidentForm(room: Room) -> impl IntoView {
    let action = FormAction::<EditIncident>::new();
    let form = Form::new(action, "edit-incident");
    let room_form = RoomForm::new(room, action, form);
    let is_maintenance = room.incident.with_untracked(Incident::is_maintenance);
    let zone = zone(room);
    let first = room_form.begin_with(move || {
        room.incident.with(|incident| {
            let impact = incident.impact_override.map(|impact| impact.to_string()).unwrap_or_default();
            let began = zone.with(|zone| zone.field_value(incident.started_at));
            (incident.title.clone(), impact, began)
        })
    });
    view! {
        <ServerForm
            form
            class="card stack"
            novalidate=true
            on:input=move |_| room_form.touch()
        >
            <RoomFormHead room_form />
            {move || {
                let (_, (title, impact, began)) = first.get();
                let of_incident = move || {
                    view! {
                        <Select
                            form
                            name="impact"
                            label="Impact"
                            choices=Signal::stored(impact_choices())
                            value=impact
                            hint=|| "“Automatic” uses the worst status its services reached."
                        />
                        <input type="hidden" name="started_was" autocomplete="off" value=began.clone() />
                        <Field
                            form
                            name="started_at"
                            label="Began at"
                            kind="datetime-local"
                            value=began
                            hint=move || move || zone.with(|zone| format!("Time zone: {}. Can’t be after the first update.", zone.name))
                        />
                    }
                };
                view! {
                    <Field form name="title" label="Title" value=title />
                    {if is_maintenance {
                        view! { <input type="hidden" name="impact" value=Impact::Maintenance.as_str() /> }.into_any()
                    } else {
                        of_incident().into_any()
                    }}
                }
            }}
            <div class="actions">
                <Submit form label="Save details" busy="Saving…" class="button" />
                <Done form text="Saved." />
            </div>
        </ServerForm>
    }
}

/// The affected services, each with a button that detaches it.
#[component]
fn AttachedServices(room: Room) -> impl IntoView {
    let ids = Memo::new(move |_| {
        room.incident.with(|incident| incident.services.iter().map(|service| service.id).collect::<Vec<_>>())
    });
    let notice = RwSignal::new(String::new());
    let detaching = RwSignal::new(None::<(ServiceId, String)>);
    when_gone(
        detaching,
        move |(id, _)| ids.with(|ids| !ids.contains(id)),
        move |(_, name)| {
            notice.set(format!("{name} was detached. Its history doesn’t change."));
            focus::restore(|| focus::by_id(DETACHED_NOTICE));
        },
    );
    view! {
        <Show when=move || !ids.with(Vec::is_empty)>
            <h3 class="room-subhead" id="attached">
                "Services affected"
            </h3>
            <ul class="card rows" aria-labelledby="attached">
                <Each each=move || ids.get() key=|id| *id let:id>
                    <AttachedServiceRow room id detaching />
                </Each>
            </ul>
        </Show>
        <p class="meta" role="status" id=DETACHED_NOTICE tabindex="-1">
            {notice}
        </p>
    }
}

#[component]
fn AttachedServiceRow(room: Room, id: ServiceId, detaching: RwSignal<Option<(ServiceId, String)>>) -> impl IntoView {
    let action = FormAction::<server_fns::DetachService>::new();
    let form = Form::about_in(action, "detach", "service", id);
    let find =
        move || room.incident.with(|incident| incident.services.iter().find(|service| service.id == id).cloned());
    let service = Memo::new(move |last: Option<&Option<AffectedService>>| find().or_else(|| last.cloned().flatten()));
    let name = move || service.with(|service| service.as_ref().map(|service| service.name.clone()));
    let status = Signal::derive(move || service.with(|service| service.as_ref().map(|service| service.status)));
    room.follow(action, |_| {});
    view! {
        <li class="attached">
            <StatusIcon status=Signal::derive(move || status.get().unwrap_or_default()) />
            <span class="attached-name">
                <bdi>{name}</bdi>
                " "
                <span class="meta">{move || status.get().map(ServiceStatus::label)}</span>
            </span>
            <ServerForm
                form
                on:submit=move |_| detaching.set(Some((id, untrack(name).unwrap_or_default())))
            >
                <FormHead form />
                <input type="hidden" name="id" value=room.id.to_string() />
                <input type="hidden" name="service" value=id.to_string() />
                <input type="hidden" name="version" autocomplete="off" value=move || room.version().to_string() />
                <button type="submit" class="button" disabled=move || form.is_pending()>
                    "Detach"
                    <span class="sr-only">" " {name}</span>
                </button>
            </ServerForm>
        </li>
    }
}

/// The collapsed form that deletes the incident; its title must be typed to confirm.
#[component]
pub fn DeleteIncident(
    /// The room.
    room: Room,
) -> impl IntoView {
    let action = FormAction::<server_fns::DeleteIncident>::new();
    let form = Form::new(action, "delete-incident");
    let title = move || room.incident.with(|incident| incident.title.clone());
    view! {
        <details class="fold" open=form.is_typed()>
            <summary>{move || format!("Delete this {}", room.noun())}</summary>
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form />
                <input type="hidden" name="id" value=room.id.to_string() />
                <input type="hidden" name="version" autocomplete="off" value=move || room.version().to_string() />
                <p>"This also deletes all its updates and can’t be undone. To end it, resolve or cancel it instead."</p>
                <Field
                    form
                    name="confirm"
                    label="Type the title to confirm"
                    hint=move || view! { <strong dir="auto">{title}</strong> }
                />
                <div class="actions">
                    <Submit
                        form
                        label=if room.incident.with_untracked(Incident::is_maintenance) {
                            "Delete maintenance"
                        } else {
                            "Delete incident"
                        }
                        busy="Deleting…"
                        class="button button-danger"
                    />
                </div>
            </ServerForm>
        </details>
    }
}
