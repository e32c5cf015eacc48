//! The room of one incident or maintenance: everything said about it, and everything one can do about it, live for
//! everybody who is in it.

mod composer;
mod details;
mod draft;
mod header;
mod maintenance;
mod postmortem;
mod presence;
mod preview;
mod stepper;
mod updates;

use std::collections::BTreeMap;

use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use self::{
    composer::{Composer, FormKey, Writing},
    details::{DeleteIncident, Details},
    header::Header,
    maintenance::Planning,
    postmortem::Postmortem,
    preview::Preview,
    updates::Updates,
};
use crate::{
    app::{
        components::action::FormAction,
        dashboard_state::{DashboardState, Trouble, WhenLoaded},
        pages::layout::page::Page,
        server_fns,
    },
    model::{Code, Conflict, Error, Incident, IncidentId, IncidentRoom, Result, StatusPage, UserId, Zone},
};

/// One incident as its room shows it, and the ways to change that.
#[derive(Clone, Copy)]
struct Room {
    /// The organization's page, live.
    page: Signal<StatusPage>,
    id: IncidentId,
    /// What the server answered last; the board may know newer.
    known: RwSignal<Incident>,
    names: RwSignal<BTreeMap<UserId, String>>,
    /// The organization's zone, from when the incident began.
    zone: Memo<Zone>,
    /// What stands in the way of a maintenance.
    conflicts: RwSignal<Vec<Conflict>>,
    /// The incident as it is now.
    incident: Memo<Incident>,
    /// Whether it has been deleted meanwhile.
    is_gone: RwSignal<bool>,
}

impl Room {
    /// Enters the room with what the server said of it, and follows what happens.
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

    /// Another plan stands in the way of others: the server knows of which.
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

    /// What leaves the board was deleted, or has only grown too old for it: the server knows.
    fn notice_deletion(self) {
        Effect::new(move |was_there: Option<bool>| {
            let is_there = self.page.with(|page| page.incident(self.id).is_some());
            if was_there == Some(true) && !is_there {
                self.reload();
            }
            is_there
        });
    }

    /// Events carry no names: asks for those of people who write here for the first time.
    fn learn_names(self) {
        Effect::new(move |_| {
            let is_strange = self.incident.with(|incident| {
                let mut authors = incident.updates.iter().filter_map(|update| update.created_by);
                self.names.with_untracked(|names| authors.any(|author| !names.contains_key(&author)))
            });
            if is_strange {
                self.reload();
            }
        });
    }

    /// Shows what a form's answer says, before the line tells of it.
    fn put(self, incident: Incident) {
        self.known.maybe_update(|known| {
            let is_newer = incident.version > known.version;
            if is_newer {
                *known = incident;
            }
            is_newer
        });
    }

    /// Shows what the server answers to each sending of a form, and goes on with `then`, which is told the version.
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
            // What somebody else was faster with may not have arrived yet.
            Some(Err(error)) if matches!(error.code, Code::Conflict | Code::NotFound) => self.reload(),
            _ => {}
        });
    }

    /// Asks the server how it is.
    fn reload(self) {
        spawn_local(async move {
            match server_fns::room(self.id.to_string()).await {
                Ok(fresh) => {
                    // Whoever asked may have left by now.
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

    /// The page with this incident on it, however old it is.
    fn whole_page(self) -> StatusPage {
        let mut page = self.page.get();
        page.put_incident(self.incident.get());
        page
    }

    /// The version of what is shown, which whoever deletes something has looked at.
    fn version(self) -> i64 {
        self.incident.with(|incident| incident.version)
    }

    /// Who somebody is.
    fn name_of(self, user: Option<UserId>) -> String {
        match user {
            None => "automatically".to_owned(),
            Some(id) => {
                self.names.with(|names| names.get(&id).map_or_else(|| "a former member".to_owned(), Clone::clone))
            }
        }
    }

    /// What the sentences call it.
    fn noun(self) -> &'static str {
        if self.incident.with(Incident::is_maintenance) { "maintenance" } else { "incident" }
    }
}

/// Goes on with `then` once what a form was sent about is gone, and the form with it: the line may be quicker than the
/// answer, so whoever outlives the form has to watch.
fn when_gone<T>(sent: RwSignal<Option<T>>, is_gone: impl Fn(&T) -> bool + 'static, then: impl Fn(T) + 'static)
where
    T: Clone + Send + Sync + 'static,
{
    Effect::new(move |_| {
        if let Some(what) = sent.get().filter(|what| is_gone(what)) {
            sent.set(None);
            then(what);
        }
    });
}

/// The incident on the page, when that knows newer of it.
fn newest<'a>(page: &'a StatusPage, known: &Incident) -> Option<&'a Incident> {
    page.incident(known.id).filter(|live| live.version > known.version)
}

/// The page of the incident or the maintenance named in the address.
#[component]
pub fn IncidentRoomPage() -> impl IntoView {
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("id").unwrap_or_default());
    // Asked for before anything is drawn, so that an unknown id answers 404.
    let answer = Resource::new_blocking(move || id.get(), server_fns::room);
    let key = FormKey::new();
    view! {
        <WhenLoaded let:board>
            <Found board answer key />
        </WhenLoaded>
    }
}

#[component]
fn Found(board: DashboardState, answer: Resource<Result<IncidentRoom>>, key: FormKey) -> impl IntoView {
    move || {
        answer.get().map(|answer| match answer {
            Ok(first) => view! { <Content room=Room::enter(board.page(), first) key /> }.into_any(),
            Err(error) if error.code == Code::NotFound => view! { <Missing /> }.into_any(),
            Err(error) => view! { <Title text="Incident" /><Trouble error /> }.into_any(),
        })
    }
}

#[component]
fn Content(room: Room, key: FormKey) -> impl IntoView {
    let writing = Writing::new();
    let title = Signal::derive(move || room.incident.with(|incident| incident.title.clone()));
    let is_maintenance = room.incident.with_untracked(Incident::is_maintenance);
    view! {
        <Page title actions=move || view! { <header::Actions room /> }>
            <Gone room />
            <Header room />
            <div class="room">
                <Composer room writing key />
                <Preview room writing />
                <div class="room-rest">
                    <Updates room />
                    {is_maintenance.then(|| view! { <Planning room /> })}
                    <Postmortem room />
                    <Details room />
                    <DeleteIncident room />
                </div>
            </div>
        </Page>
    }
}

/// Says that there is nothing left to work on; what was being written stays to be copied.
#[component]
fn Gone(room: Room) -> impl IntoView {
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
fn Missing() -> impl IntoView {
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
