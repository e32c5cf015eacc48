//! One incident inside a transaction: its rows, what follows from them, and how they are written back.

use std::collections::BTreeMap;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder};

use super::{
    super::{
        store::{incident, incident_service, incident_update},
        tx::Tx,
    },
    load,
};
use crate::model::{
    Audience, Automations, Cause, ClockAction, Code, DerivedStatus, Error, Event, Impact, Incident, IncidentId,
    IncidentKind, IncidentStatus, MaintenanceSchedule, Result, ServiceId, ServiceImpact, ServiceStatus, Timestamp,
    UserId, check::require_version,
};

/// An incident's rows while it is being changed.
pub(in crate::server::domain) struct LoadedIncident {
    pub row: incident::Model,
    pub services: Vec<incident_service::Model>,
    /// Oldest first by the time they stand at.
    pub updates: Vec<incident_update::Model>,
    /// What visitors saw before the change, if anything.
    was_public: bool,
    is_new: bool,
    /// Baselines that services are left with (domain rule 3.4.5).
    pub left: BTreeMap<ServiceId, ServiceStatus>,
}

impl LoadedIncident {
    pub fn new(row: incident::Model) -> Self {
        Self { row, services: Vec::new(), updates: Vec::new(), was_public: false, is_new: true, left: BTreeMap::new() }
    }

    /// Why effective statuses change with it.
    pub fn cause(&self) -> Cause {
        match self.row.kind {
            IncidentKind::Incident => Cause::Incident,
            IncidentKind::Maintenance => Cause::Maintenance,
        }
    }

    /// Whether what it says of services counts now.
    pub fn is_in_force(&self) -> bool {
        self.row.status.is_in_force() && !self.row.is_draft
    }

    pub fn service(&mut self, id: ServiceId) -> Option<&mut incident_service::Model> {
        self.services.iter_mut().find(|service| service.service_id == id)
    }

    /// Refuses a change that was made on another version.
    pub fn require_version(&self, version: Option<i64>) -> Result<()> {
        require_version(version, self.row.version)
    }

    /// What the clock has to know.
    pub fn clockwork(&self) -> Option<MaintenanceSchedule> {
        let row = &self.row;
        let (start, end) = row.scheduled_start.zip(row.scheduled_end)?;
        Some(MaintenanceSchedule {
            status: row.status,
            automations: automations(row),
            start,
            end,
            planned_at: row.planned_at.unwrap_or(row.created_at),
            is_reminded: row.is_reminded,
            is_draft: row.is_draft,
        })
    }

    /// What the clock must do by now.
    pub fn due(&self, now: Timestamp) -> Option<(Timestamp, ClockAction)> {
        self.clockwork()?.due(now)
    }

    pub fn set_automations(&mut self, automations: Automations) {
        let row = &mut self.row;
        (row.remind, row.auto_start, row.auto_end) = (automations.remind, automations.start, automations.end);
        (row.notify_start, row.notify_end) = (automations.notify_start, automations.notify_end);
    }

    /// Switches automations of what is there already: what is switched on now happens now at the earliest.
    pub fn switch(&mut self, automations: Automations, now: Timestamp) {
        let row = &mut self.row;
        let is_woken = match row.status {
            IncidentStatus::Scheduled => automations.start && !row.auto_start,
            IncidentStatus::InProgress | IncidentStatus::Verifying => automations.end && !row.auto_end,
            _ => false,
        };
        if is_woken {
            row.planned_at = Some(now);
        }
        self.set_automations(automations);
    }

    /// Lets what follows from the updates follow: the status is that of the newest by `display_at` (domain rule 3.4.2),
    /// the times are those of the first that said so (domain rule 3.4.4).
    pub fn derive(&mut self) {
        self.updates.sort_by_key(|update| (update.display_at, update.id));
        let told: Vec<_> = self.updates.iter().map(|update| (update.status, update.display_at)).collect();
        let Some(course) = DerivedStatus::of(&told) else { return };
        let row = &mut self.row;
        row.status = course.status;
        (row.monitoring_at, row.resolved_at) = (course.monitoring_at, course.resolved_at);
        if row.kind == IncidentKind::Maintenance {
            row.started_at = course.began_at.or(row.scheduled_start).unwrap_or(row.started_at);
        }
    }

    /// Raises the automatic impact to what the services have reached (domain rule 3.3.3).
    fn note_impact(&mut self) {
        let in_force = self.is_in_force();
        for service in &mut self.services {
            if in_force || self.row.status == IncidentStatus::Scheduled {
                service.worst = service.worst.max(service.status);
            }
        }
        if self.row.kind == IncidentKind::Incident && in_force {
            self.row.reached = Impact::automatic(self.row.reached, self.services.iter().map(|service| service.worst));
        }
    }
}

/// What the clock does for a maintenance.
pub(in crate::server::domain) fn automations(row: &incident::Model) -> Automations {
    Automations {
        remind: row.remind,
        start: row.auto_start,
        end: row.auto_end,
        notify_start: row.notify_start,
        notify_end: row.notify_end,
    }
}

fn unknown_service() -> Error {
    let fault = Error::field("services", "One of these services does not exist.");
    Error { code: Code::NotFound, ..fault }
}

impl Tx {
    /// An incident of this organization, to change it.
    pub(in crate::server::domain) async fn case(&self, id: IncidentId) -> Result<LoadedIncident> {
        let row = self.scope().find_id::<incident::Entity>(id).one(self.db()).await?;
        let row = row.ok_or_else(Error::not_found)?;
        let services = self.scope().find::<incident_service::Entity>();
        let services = services.filter(incident_service::Column::IncidentId.eq(id));
        let services = services.order_by_asc(incident_service::Column::Position).all(self.db()).await;
        let updates = self.scope().find::<incident_update::Entity>();
        let updates = updates.filter(incident_update::Column::IncidentId.eq(id)).all(self.db()).await;
        let mut updates = updates?;
        updates.sort_by_key(|update| (update.display_at, update.id));
        let was_public = !row.is_draft;
        Ok(LoadedIncident { row, services: services?, updates, was_public, is_new: false, left: BTreeMap::new() })
    }

    /// Refuses services that are not this organization's.
    pub(in crate::server::domain) async fn require_services(&self, said: &[ServiceImpact]) -> Result<()> {
        let known = self.services().await?;
        let all_known = said.iter().all(|said| known.iter().any(|service| service.id == said.id));
        if all_known { Ok(()) } else { Err(unknown_service()) }
    }

    /// Attaches services, or changes what is said of those that are attached (domain rules 3.4.3 and 3.4.8).
    pub(in crate::server::domain) async fn attach(
        &self,
        case: &mut LoadedIncident,
        said: &[ServiceImpact],
    ) -> Result<()> {
        let mut known = None;
        for ServiceImpact { id, status } in said {
            if let Some(service) = case.service(*id) {
                service.status = *status;
                continue;
            }
            if known.is_none() {
                known = Some(self.services().await?);
            }
            let service = known.iter().flatten().find(|service| service.id == *id).ok_or_else(unknown_service)?;
            case.services.push(incident_service::Model {
                org_id: case.row.org_id,
                incident_id: case.row.id,
                service_id: *id,
                name: service.name.clone(),
                status: *status,
                worst: ServiceStatus::Operational,
                // Behind the last: one that was taken away leaves a gap.
                position: case.services.iter().map(|row| row.position).max().map_or(0, |last| last + 1),
            });
        }
        Ok(())
    }

    /// Writes a case back: its services and what they suffer, its version, and the effective statuses that follow; then
    /// tells everybody.
    pub(in crate::server::domain) async fn settle_case(
        &mut self,
        mut case: LoadedIncident,
        by: Option<UserId>,
        at: Timestamp,
    ) -> Result<Incident> {
        case.note_impact();
        case.row.version += 1;
        case.row.updated_at = self.moment_after(case.row.updated_at);
        case.row.next_at = case.clockwork().and_then(|clockwork| clockwork.next()).map(|(at, _)| at);
        self.write(&case).await?;
        let touched = self.sync_impacts(&case, at).await?;
        self.sync_corrections(&case).await?;
        let released = touched.into_iter().map(|id| (id, None));
        let left = case.left.iter().map(|(id, status)| (*id, Some(*status)));
        let touched = released.chain(left).collect();
        self.settle(touched, case.cause(), by, at).await?;
        let incident = self.incident(case.row.id).await?;
        let event = Box::new(incident.clone());
        if case.is_new {
            self.emit(Event::IncidentCreated(event)).await?;
        } else if case.was_public {
            self.emit(Event::IncidentUpdated(event)).await?;
        } else {
            // Members have known the draft; to visitors it is new.
            self.emit_to(Audience::Members, Event::IncidentUpdated(event.clone())).await?;
            self.emit_to(Audience::Public, Event::IncidentCreated(event)).await?;
        }
        Ok(incident)
    }

    async fn write(&self, case: &LoadedIncident) -> Result<()> {
        let row = case.row.clone().into_active_model().reset_all();
        if case.is_new {
            incident::Entity::insert(row).exec_without_returning(self.db()).await?;
        } else {
            let update = self.scope().update_id::<incident::Entity>(case.row.id);
            update.set(row).exec(self.db()).await?;
        }
        let known = self.scope().find::<incident_service::Entity>();
        let known = known.filter(incident_service::Column::IncidentId.eq(case.row.id)).all(self.db()).await;
        let known = known?;
        for gone in known.iter().filter(|known| !case.services.iter().any(|s| s.service_id == known.service_id)) {
            let gone = gone.clone().into_active_model();
            gone.delete(self.db()).await?;
        }
        for service in &case.services {
            let row = service.clone().into_active_model().reset_all();
            match known.iter().find(|known| known.service_id == service.service_id) {
                Some(known) if known == service => {}
                Some(_) => {
                    let update = self.scope().update_id::<incident_service::Entity>(service.service_id);
                    let update = update.filter(incident_service::Column::IncidentId.eq(case.row.id));
                    update.set(row).exec(self.db()).await?;
                }
                None => {
                    incident_service::Entity::insert(row).exec_without_returning(self.db()).await?;
                }
            }
        }
        let known = self.scope().find::<incident_update::Entity>();
        let known = known.filter(incident_update::Column::IncidentId.eq(case.row.id)).all(self.db()).await;
        let known = known?;
        for gone in known.iter().filter(|known| !case.updates.iter().any(|update| update.id == known.id)) {
            gone.clone().into_active_model().delete(self.db()).await?;
        }
        for update in &case.updates {
            let row = update.clone().into_active_model().reset_all();
            match known.iter().find(|known| known.id == update.id) {
                Some(known) if known == update => {}
                Some(_) => {
                    let change = self.scope().update_id::<incident_update::Entity>(update.id);
                    change.set(row).exec(self.db()).await?;
                }
                None => {
                    incident_update::Entity::insert(row).exec_without_returning(self.db()).await?;
                }
            }
        }
        Ok(())
    }

    /// An incident as it is inside the transaction.
    pub(in crate::server::domain) async fn incident(&self, id: IncidentId) -> Result<Incident> {
        let row = self.scope().find_id::<incident::Entity>(id).one(self.db()).await?;
        let row = row.ok_or_else(Error::not_found)?;
        let incidents = load::assemble(self.db(), self.scope(), vec![row]).await?;
        incidents.into_iter().next().ok_or_else(Error::internal)
    }
}
