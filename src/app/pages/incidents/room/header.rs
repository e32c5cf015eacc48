//! The head of a room: status, times, affected services, presence, and whether it is published.

use leptos::prelude::*;

use super::{
    presence::Presence,
    room_form::{RoomForm, RoomFormHead},
    state::{Room, when_gone},
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            form::{Form, Submit},
            icon::Icon,
            incident::{AffectedChips, BackfilledNote, IncidentMark},
            time::{MaintenanceWindow, Time, Wording},
        },
        focus,
        server_fns::PublishIncident,
    },
    model::{Incident, Zone},
};

/// The id of the element that confirms publication.
const PUBLISHED_NOTICE: &str = "published";

/// A link to the public page, once the incident is published.
#[component]
pub fn Actions(
    /// The room.
    room: Room,
) -> impl IntoView {
    let page = room.page;
    let href = move || format!("/public/{}/incidents/{}", page.with(|page| page.organization.slug.clone()), room.id);
    view! {
        <Show when=move || !room.incident.with(|incident| incident.is_draft)>
            <a class="button" href=href rel="external">
                "View on public page"
                {Icon::Away.draw()}
            </a>
        </Show>
    }
}

/// Status, impact and times, the services, and who else is here.
#[component]
pub fn Header(
    /// The room.
    room: Room,
) -> impl IntoView {
    let incident = room.incident;
    let is_draft = Memo::new(move |_| incident.with(|incident| incident.is_draft));
    let (publishing, notice) = (RwSignal::new(None::<()>), RwSignal::new(""));
    when_gone(
        publishing,
        move |()| !is_draft.get(),
        move |()| {
            notice.set("Published. Visitors can see it now.");
            focus::restore(|| focus::by_id(PUBLISHED_NOTICE));
        },
    );
    view! {
        <div class="grid gap-2">
            <p class="room-state">
                <span role="status">
                    <IncidentMark incident />
                </span>
                <Facts room />
            </p>
            <MaintenanceWindow window=Signal::derive(move || incident.with(Incident::window)) zone=zone(room) />
            <BackfilledNote incident zone=zone(room) />
            <AffectedChips incident />
            <Show when=move || is_draft.get()>
                <DraftNotice room publishing />
            </Show>
            <p class="meta empty:absolute" role="status" id=PUBLISHED_NOTICE tabindex="-1">
                {notice}
            </p>
            <Presence room />
        </div>
    }
}

/// Impact, beginning and end.
#[component]
fn Facts(room: Room) -> impl IntoView {
    let incident = room.incident;
    let impact = Memo::new(move |_| incident.with(|incident| (!incident.is_maintenance()).then_some(incident.impact)));
    let began = Memo::new(move |_| {
        let has_begun = |incident: &Incident| incident.status.is_in_force() || incident.resolved_at.is_some();
        incident.with(|incident| has_begun(incident).then_some(incident.started_at))
    });
    let ended = Memo::new(move |_| incident.with(|incident| incident.resolved_at));
    let zone = zone(room);
    view! {
        {move || impact.get().map(|impact| view! { <span>"Impact: " {impact.label()}</span> })}
        {move || {
            began.get().map(|at| view! { <span>"Began " <Time at=Signal::stored(at) wording=Wording::DateAndAgo zone /></span> })
        }}
        {move || {
            ended.get().map(|at| view! { <span>"Ended " <Time at=Signal::stored(at) wording=Wording::DateAndAgo zone /></span> })
        }}
    }
}

/// The notice of a draft, with the button that publishes it.
#[component]
fn DraftNotice(room: Room, publishing: RwSignal<Option<()>>) -> impl IntoView {
    let action = FormAction::<PublishIncident>::new();
    let form = Form::new(action, "publish");
    let room_form = RoomForm::new(room, action, form);
    view! {
        <ServerForm
            form
            class="card flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 py-2.5"
            on:submit=move |_| publishing.set(Some(()))
        >
            <p>
                <strong class="draft-badge">"Draft"</strong>
                " Only members see this, and no service is affected yet."
            </p>
            <RoomFormHead room_form />
            <Submit form label="Publish" busy="Publishing…" />
        </ServerForm>
    }
}

/// The room's time zone.
pub fn zone(room: Room) -> Signal<Zone> {
    room.zone.into()
}
