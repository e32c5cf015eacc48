//! The state of a room, which its components share.

use std::collections::BTreeMap;

use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};

use crate::{
    app::{components::action::FormAction, dashboard_state::DashboardState, server_fns},
    model::{Code, Conflict, Error, Incident, IncidentId, IncidentRoom, StatusPage, UserId, Zone},
};

/// The state of a room: the incident with what the page needs to show and change it.
#[derive(Clone, Copy)]
pub struct Room {
    board: DashboardState,
    /// The organization's page, live.
    pub page: Signal<StatusPage>,
    pub id: IncidentId,
    /// The server's last answer; `page` may have a newer version.
    known: RwSignal<Incident>,
    names: RwSignal<BTreeMap<UserId, String>>,
    /// The organization's time zone, with offsets since the incident began.
    pub zone: Memo<Zone>,
    /// The conflicts of a maintenance.
    pub conflicts: RwSignal<Vec<Conflict>>,
    /// The newest known version.
    pub incident: Memo<Incident>,
    /// Whether it has been deleted.
    pub is_gone: RwSignal<bool>,
}

impl Room {
    /// Opens the room with the server's first answer, and follows changes.
    pub fn enter(board: DashboardState, first: IncidentRoom) -> Self {
        let page = board.page();
        let IncidentRoom { incident, names, zone, conflicts } = first;
        let (id, known) = (incident.id, RwSignal::new(incident));
        let incident = Memo::new(move |_| {
            known.with(|known| page.with(|page| newest(page, known).cloned().unwrap_or_else(|| known.clone())))
        });
        let zone = Memo::new(move |_| page.with(|page| zone.unless_changed(&page.zone)));
        let (names, conflicts) = (RwSignal::new(names), RwSignal::new(conflicts));
        let room = Self { board, page, id, known, names, zone, conflicts, incident, is_gone: RwSignal::new(false) };
        room.stay_on_page();
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

    /// Adds the incident to the page if it is too old to be on it, so that live events keep it up to date. When it
    /// leaves the page, reloads: it was deleted, or the page was loaded again.
    fn stay_on_page(self) {
        Effect::new(move |was_there: Option<bool>| {
            let is_there = self.page.with(|page| page.incident(self.id).is_some());
            match was_there {
                None if !is_there => self.board.follow(self.known.get_untracked()),
                Some(true) if !is_there => self.reload(),
                _ => {}
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
    pub fn follow<F>(self, action: FormAction<F>, then: impl Fn(i64) + 'static)
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
                        if self.page.with_untracked(|page| page.incident(self.id).is_none()) {
                            self.board.follow(fresh.incident.clone());
                        }
                        self.put(fresh.incident);
                    }
                }
                Err(error) if error.code == Code::NotFound => _ = self.is_gone.try_set(true),
                Err(_) => {}
            }
        });
    }

    /// The page with this incident added if it is too old to be on it.
    pub fn whole_page(self) -> StatusPage {
        let mut page = self.page.get();
        page.put_incident(self.incident.get());
        page
    }

    /// The version on show.
    pub fn version(self) -> i64 {
        self.incident.with(|incident| incident.version)
    }

    /// An author's name.
    pub fn name_of(self, user: Option<UserId>) -> String {
        match user {
            None => "automatically".to_owned(),
            Some(id) => {
                self.names.with(|names| names.get(&id).map_or_else(|| "a former member".to_owned(), Clone::clone))
            }
        }
    }

    /// `incident` or `maintenance`.
    pub fn noun(self) -> &'static str {
        if self.incident.with(Incident::is_maintenance) { "maintenance" } else { "incident" }
    }
}

/// Calls `then` once the thing that a form was `sent` about is gone. The live feed may remove the form before its
/// answer arrives, so this runs in a view that outlives the form.
pub fn when_gone<T>(sent: RwSignal<Option<T>>, is_gone: impl Fn(&T) -> bool + 'static, then: impl Fn(T) + 'static)
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
