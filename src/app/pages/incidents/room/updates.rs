//! The timeline with the author of each update and forms to edit and delete it.

use leptos::{html, prelude::*};

use super::{
    header::zone,
    room_form::{RoomForm, RoomFormHead},
    state::{Room, when_gone},
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Field, TextArea},
            form::{Form, FormHead, Submit},
            incident::Timeline,
        },
        focus, server_fns,
    },
    model::{IncidentUpdate, UpdateId},
};

const HEADING: &str = "updates";

/// The timeline.
#[component]
pub fn Updates(
    /// The room.
    room: Room,
) -> impl IntoView {
    let notice = RwSignal::new("");
    let deleting = RwSignal::new(None);
    let is_gone = move |id: &UpdateId| room.incident.with(|incident| incident.updates.iter().all(|it| it.id != *id));
    when_gone(deleting, is_gone, move |_| {
        notice.set("Deleted.");
        focus::restore(|| focus::by_id(HEADING));
    });
    let tools = Callback::new(move |update| view! { <UpdateTools room update notice deleting /> }.into_any());
    view! {
        <section class="group">
            <h2 id=HEADING tabindex="-1">
                "Timeline"
            </h2>
            <p class="meta" role="status">
                {notice}
            </p>
            <Timeline incident=room.incident zone=zone(room) tools />
        </section>
    }
}

/// The author of an update, and the forms to edit and delete it.
#[component]
fn UpdateTools(
    room: Room,
    update: Signal<IncidentUpdate>,
    notice: RwSignal<&'static str>,
    deleting: RwSignal<Option<UpdateId>>,
) -> impl IntoView {
    let author = move || match update.with(|update| update.created_by) {
        None => room.name_of(None),
        author => format!("by {}", room.name_of(author)),
    };
    let is_alone = move || room.incident.with(|incident| incident.updates.len() < 2);
    view! {
        <div class="update-tools mt-1 flex flex-wrap items-baseline gap-x-4">
            <p class="meta">{author}</p>
            <EditUpdateForm room update notice />
            <Show when=move || !is_alone()>
                <DeleteUpdateForm room update deleting />
            </Show>
        </div>
    }
}

/// The collapsed form that edits an update.
#[component]
fn EditUpdateForm(room: Room, update: Signal<IncidentUpdate>, notice: RwSignal<&'static str>) -> impl IntoView {
    let action = FormAction::<server_fns::EditUpdate>::new();
    let id = update.with_untracked(|update| update.id);
    let form = Form::about_in(action, "edit-update", "update_id", id);
    let fold = NodeRef::<html::Details>::new();
    let accepted = move || {
        notice.set("Saved. Earlier versions stay visible.");
        let is_reset = form.reset_after_submit();
        if is_reset {
            if let Some(fold) = fold.get_untracked() {
                fold.set_open(false);
            }
            let edit = form.id_of("edit");
            focus::advance(form.node, move || focus::by_id(&edit));
        }
        is_reset
    };
    let room_form = RoomForm::of(room, action, form, None, accepted);
    let zone = zone(room);
    let at = move || update.with(|update| zone.with(|zone| zone.field_value(update.display_at)));
    let first = room_form.begin_with(move || (update.with(|update| update.message.clone()), at()));
    view! {
        <details class="tool" open=form.is_typed() node_ref=fold>
            <summary id=form.id_of("edit")>"Edit"<span class="sr-only">" the update of " {move || update_time(room, update)}</span></summary>
            <ServerForm
                form
                class="card stack"
                novalidate=true
                on:input=move |_| room_form.touch()
                on:keydown=move |event| form.send_by_keys(&event)
            >
                <RoomFormHead room_form />
                <input type="hidden" name="update_id" value=id.to_string() />
                {move || {
                    let (_, (message, at)) = first.get();
                    view! {
                        <TextArea form name="message" label="Message" value=message rows=4 />
                        <input type="hidden" name="display_was" autocomplete="off" value=at.clone() />
                        <Field
                            form
                            name="display_at"
                            label="Shown at"
                            kind="datetime-local"
                            value=at
                            hint=move || {
                                move || zone.with(|zone| format!("Time zone: {}. The latest update sets the status.", zone.name))
                            }
                        />
                    }
                }}
                <Submit form label="Save update" busy="Saving…" />
            </ServerForm>
        </details>
    }
}

/// The collapsed form that deletes an update, so that it takes two steps.
#[component]
fn DeleteUpdateForm(room: Room, update: Signal<IncidentUpdate>, deleting: RwSignal<Option<UpdateId>>) -> impl IntoView {
    let action = FormAction::<server_fns::DeleteUpdate>::new();
    let id = update.with_untracked(|update| update.id);
    let form = Form::about_in(action, "delete-update", "update_id", id);
    room.follow(action, |_| {});
    view! {
        <details class="tool" open=form.is_typed()>
            <summary>"Delete"<span class="sr-only">" the update of " {move || update_time(room, update)}</span></summary>
            <ServerForm
                form
                class="card stack"
                on:submit=move |_| deleting.set(Some(id))
            >
                <FormHead form />
                <input type="hidden" name="id" value=room.id.to_string() />
                <input type="hidden" name="update_id" value=id.to_string() />
                <input type="hidden" name="version" autocomplete="off" value=move || room.version().to_string() />
                <p>"The status falls back to the latest remaining update. Service statuses stay as they are."</p>
                <Submit form label="Delete update" busy="Deleting…" class="button button-danger" />
            </ServerForm>
        </details>
    }
}

/// The time of an update, which identifies it to screen readers.
fn update_time(room: Room, update: Signal<IncidentUpdate>) -> String {
    update.with(|update| room.zone.with(|zone| zone.clock(update.display_at)))
}
