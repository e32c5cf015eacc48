//! What stands above everything else in a room: where the incident stands, since when, who is there, and whether
//! visitors see it.

use leptos::prelude::*;

use super::{
    Room,
    draft::{Draft, DraftHead},
    presence::Presence,
    when_gone,
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

/// The element that says that visitors see it now.
const SAID: &str = "published";

/// The way to the public page, once visitors see the incident there.
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
    let (publishing, said) = (RwSignal::new(None::<()>), RwSignal::new(""));
    when_gone(
        publishing,
        move |()| !is_draft.get(),
        move |()| {
            said.set("Published. Visitors see it now.");
            focus::lead_back(|| focus::by_id(SAID));
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
                <Unpublished room publishing />
            </Show>
            <p class="meta empty:absolute" role="status" id=SAID tabindex="-1">
                {said}
            </p>
            <Presence room />
        </div>
    }
}

/// How bad it is, since when, and until when.
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

/// That only members see it, and the button that changes this.
#[component]
fn Unpublished(room: Room, publishing: RwSignal<Option<()>>) -> impl IntoView {
    let action = FormAction::<PublishIncident>::new();
    let form = Form::new(action, "publish");
    let draft = Draft::new(room, action, form);
    view! {
        <ServerForm
            form
            class="card flex flex-wrap items-center justify-between gap-x-4 gap-y-2 px-4 py-2.5"
            on:submit=move |_| publishing.set(Some(()))
        >
            <p>
                <strong class="draft-badge">"Draft"</strong>
                " Only members see this, and it affects no service yet."
            </p>
            <DraftHead draft />
            <Submit form label="Publish" busy="Publishing…" />
        </ServerForm>
    }
}

/// The organization's zone, from when the incident began.
pub fn zone(room: Room) -> Signal<Zone> {
    room.zone.into()
}
