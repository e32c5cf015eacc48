//! The room of one incident or maintenance: its timeline and everything members can do about it, live.

mod composer;
mod details;
mod header;
mod maintenance;
mod postmortem;
mod presence;
mod preview;
mod room_form;
mod state;
mod stepper;
mod updates;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use self::{
    composer::{Composer, ComposerState, FormKey},
    details::{DeleteIncident, IncidentDetails},
    header::Header,
    maintenance::MaintenanceSchedule,
    postmortem::Postmortem,
    preview::RoomPreview,
    state::Room,
    updates::Updates,
};
use crate::{
    app::{
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::{Resource, blocking_resource},
        server_fns,
    },
    model::{Code, Incident, IncidentRoom, Result},
};

/// The page of the incident or maintenance with the id in the URL.
#[component]
pub fn IncidentRoomPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    // Blocking, so that an unknown id sets the status 404.
    let answer = blocking_resource(move || id.get(), server_fns::room);
    let key = FormKey::new();
    view! {
        <WhenLoaded let:board>
            <RoomOrError board answer key />
        </WhenLoaded>
    }
}

#[component]
fn RoomOrError(board: DashboardState, answer: Resource<Result<IncidentRoom>>, key: FormKey) -> impl IntoView {
    move || {
        answer.get().map(|answer| match answer {
            Ok(first) => view! { <RoomContent room=Room::enter(board, first) key /> }.into_any(),
            Err(error) if error.code == Code::NotFound => view! { <IncidentNotFound /> }.into_any(),
            Err(error) => view! { <Title text="Incident" /><LoadError error /> }.into_any(),
        })
    }
}

#[component]
fn RoomContent(room: Room, key: FormKey) -> impl IntoView {
    let writing = ComposerState::new();
    let title = Signal::derive(move || room.incident.with(|incident| incident.title.clone()));
    let is_maintenance = room.incident.with_untracked(Incident::is_maintenance);
    view! {
        <Page title actions=move || view! { <header::Actions room /> }>
            <DeletedNotice room />
            <Header room />
            <div class="room">
                <Composer room writing key />
                <RoomPreview room writing />
                <div class="room-rest">
                    <Updates room />
                    {is_maintenance.then(|| view! { <MaintenanceSchedule room /> })}
                    <Postmortem room />
                    <IncidentDetails room />
                    <DeleteIncident room />
                </div>
            </div>
        </Page>
    }
}

/// Shown once the incident is deleted; unsent text stays, so that it can be copied.
#[component]
fn DeletedNotice(room: Room) -> impl IntoView {
    let list = move || if room.noun() == "incident" { "/incidents" } else { "/maintenances" };
    view! {
        <div role="alert">
            <Show when=move || room.is_gone.get()>
                <div class="changed">
                    <p>
                        <strong>{move || format!("This {} has been deleted.", room.noun())}</strong>
                        " You can no longer post updates."
                    </p>
                    <p>
                        <a class="button" href=list>
                            "Back to the list"
                        </a>
                    </p>
                </div>
            </Show>
        </div>
    }
}

#[component]
fn IncidentNotFound() -> impl IntoView {
    view! {
        <Page title="Incident not found">
            <div class="empty">
                <p>"This incident or maintenance doesn’t exist or has been deleted."</p>
                <p class="actions">
                    <a class="button" href="/incidents">
                        "All incidents"
                    </a>
                    <a class="button" href="/maintenances">
                        "All maintenance"
                    </a>
                </p>
            </div>
        </Page>
    }
}
