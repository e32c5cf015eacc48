//! The room of one incident or maintenance: its timeline and everything members can do about it, live.

mod composer;
mod details;
mod header;
mod maintenance;
mod postmortem;
mod presence;
mod preview;
mod room_form;
mod stepper;
mod updates;

use std::collections::BTreeMap;

use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use self::{
    composer::{Composer, ComposerState, FormKey},
    details::{DeleteIncident, IncidentDetails},
    header::Header,
    maintenance::MaintenanceSchedule,
    postmortem::Postmortem,
    preview::RoomPreview,
    updates::Updates,
};
use crate::{
    app::{
        components::action::FormAction,
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::layout::page::Page,
        server_fns,
    },
    model::{Code, Conflict, Error, Incident, IncidentId, IncidentRoom, Result, StatusPage, UserId, Zone},
};

/// The state of a room: the incident with what the page needs to show and change it.
#[derive(Clone, Copy)]
struct Room {
    /// The organization's page, live.
    page: Signal<StatusPage>,
    id: IncidentId,
    /// The server's last answer; `page` may have a newer version.
    known: RwSignal<Incident>,
    names: RwSignal<BTreeMap<UserId, String>>,
    /// The organization's time zone, with offsets since the incident began.
    zone: Memo<Zone>,
    /// The conflicts of a maintenance.
    conflicts: RwSignal<Vec<Conflict>>,
    /// The newest known version.
    incident: Memo<Incident>,
    /// Whether it has been deleted.
    is_gone: RwSignal<bool>,
}

impl Room {
    /// Opens the room with the server's first answer, and follows changes.
    fn enter(page: Signal<StatusPage>, first: IncidentRoom) -> Self {
        let IncidentRoom { incident, names, zone, conflicts } = first;
        let (id, known) = (incident.id, RwSignal::new(incident));
        let incident = Memo::new(move |_| {
            known.with(|known| page.with(|page| newest(page, known).cloned().unwrap_or_else(|| known.clone())))
        });
        let zone = Memo::new(move |_| page.with(|page| zone.unless_changed(&page.zone)));
        let (names, conflicts) = (RwSignal::new(names), RwSignal::new(conflicts));
        let room = Self { page, id, known, names, zone, conflicts, incident, is_gone: RwSignal::new(false) };
        room.notice_deletion();
        room.learn_names();
        room.follow_plan();
        room
    }

    /// Reloads the conflicts of a maintenance when its plan changes.
    fn follow_plan(self) {
        let plan = Memo::new(move |_| {
            self.incident.with(|incident| {
                let services: Vec<_> = incident.services.iter().map(|service| service.id).collect();
                (incident.is_maintenance(), incident.status, incident.window(), services)
            })
        });
        Effect::new(move |was_there: Option<()>| {
            let is_maintenance = plan.with(|(is_maintenance, ..)| *is_maintenance);
            if was_there.is_some() && is_maintenance {
                self.reload();
            }
        });
    }

    /// Reloads when the incident leaves the page: it was deleted, or has become too old to be on it.
    fn notice_deletion(self) {
        Effect::new(move |was_there: Option<bool>| {
            let is_there = self.page.with(|page| page.incident(self.id).is_some());
            if was_there == Some(true) && !is_there {
                self.reload();
            }
            is_there
        });
    }

    /// Reloads when an unknown author posts an update: events carry no names.
    fn learn_names(self) {
        Effect::new(move |_| {
            let has_unknown = self.incident.with(|incident| {
                let mut authors = incident.updates.iter().filter_map(|update| update.created_by);
                self.names.with_untracked(|names| authors.any(|author| !names.contains_key(&author)))
            });
            if has_unknown {
                self.reload();
            }
        });
    }

    /// Shows the answer to a form before the live feed delivers it.
    fn put(self, incident: Incident) {
        self.known.maybe_update(|known| {
            let is_newer = incident.version > known.version;
            if is_newer {
                *known = incident;
            }
            is_newer
        });
    }

    /// Shows each answer to a form, then calls `then` with its version.
    fn follow<F>(self, action: FormAction<F>, then: impl Fn(i64) + 'static)
    where
        F: ServerFn<Output = Incident, Error = Error> + 'static,
    {
        Effect::new(move |_| match action.answer() {
            Some(Ok(incident)) => {
                let version = incident.version;
                self.put(incident);
                then(version);
            }
            // The other member's change may not have arrived yet.
            Some(Err(error)) if matches!(error.code, Code::Conflict | Code::NotFound) => self.reload(),
            _ => {}
        });
    }

    /// Loads the room again.
    fn reload(self) {
        spawn_local(async move {
            match server_fns::room(self.id.to_string()).await {
                Ok(fresh) => {
                    // The room may have been left in the meantime.
                    _ = self.names.try_set(fresh.names);
                    _ = self.conflicts.try_set(fresh.conflicts);
                    if !self.known.is_disposed() {
                        self.put(fresh.incident);
                    }
                }
                Err(error) if error.code == Code::NotFound => _ = self.is_gone.try_set(true),
                Err(_) => {}
            }
        });
    }

    /// The page with this incident added if it is too old to be on it.
    fn whole_page(self) -> StatusPage {
        let mut page = self.page.get();
        page.put_incident(self.incident.get());
        page
    }

    /// The version on show.
    fn version(self) -> i64 {
        self.incident.with(|incident| incident.version)
    }

    /// An author's name.
    fn name_of(self, user: Option<UserId>) -> String {
        match user {
            None => "automatically".to_owned(),
            Some(id) => {
                self.names.with(|names| names.get(&id).map_or_else(|| "a former member".to_owned(), Clone::clone))
            }
        }
    }

    /// `incident` or `maintenance`.
    fn noun(self) -> &'static str {
        if self.incident.with(Incident::is_maintenance) { "maintenance" } else { "incident" }
    }
}

/// Calls `then` once the thing that a form was `sent` about is gone. The live feed may remove the form before its
/// answer arrives, so this runs in a view that outlives the form.
fn when_gone<T>(sent: RwSignal<Option<T>>, is_gone: impl Fn(&T) -> bool + 'static, then: impl Fn(T) + 'static)
where
    T: Clone + Send + Sync + 'static,
{
    Effect::new(move |_| {
        if let Some(thing) = sent.get().filter(|thing| is_gone(thing)) {
            sent.set(None);
            then(thing);
        }
    });
}

/// The incident on the page, if newer than `known`.
fn newest<'a>(page: &'a StatusPage, known: &Incident) -> Option<&'a Incident> {
    page.incident(known.id).filter(|live| live.version > known.version)
}

/// The page of the incident or maintenance with the id in the URL.
#[component]
pub fn IncidentRoomPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    // Blocking, so that an unknown id sets the status 404.
    let answer = Resource::new_blocking(move || id.get(), server_fns::room);
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
            Ok(first) => view! { <RoomContent room=Room::enter(board.page(), first) key /> }.into_any(),
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
