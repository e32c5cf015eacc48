//! The incident aggregate: one incident's rows inside a transaction, loaded to be changed.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, QueryFilter, QueryOrder};

use super::{
    super::{
        store::{incident, incident_service, incident_update},
        tx::Tx,
    },
    load,
};
use crate::model::{
    Automations, Cause, Code, DerivedStatus, Error, Impact, IncidentId, IncidentKind, IncidentStatus,
    MaintenanceSchedule, Result, ScheduledStep, ServiceId, ServiceImpact, ServiceStatus, Timestamp,
    check::require_version,
};

/// An incident or a maintenance with its affected services and updates, while it is being changed.
pub(in crate::server::domain) struct LoadedIncident {
    pub row: incident::Model,
    pub services: Vec<incident_service::Model>,
    /// Oldest first by display time.
    pub updates: Vec<incident_update::Model>,
    /// The rows as they are stored; none for a new incident.
    pub(super) stored: Option<StoredRows>,
    /// New baselines of services, set by an update that ends the incident (domain rule 3.4.5).
    pub baselines: BTreeMap<ServiceId, ServiceStatus>,
}

/// The rows of an incident as they are stored.
pub(super) struct StoredRows {
    pub row: incident::Model,
    pub services: Vec<incident_service::Model>,
    pub updates: Vec<incident_update::Model>,
}

impl LoadedIncident {
    pub fn new(row: incident::Model) -> Self {
        let (services, updates, baselines) = (Vec::new(), Vec::new(), BTreeMap::new());
        Self { row, services, updates, stored: None, baselines }
    }

    /// Loads an incident of this organization.
    ///
    /// # Errors
    /// `not_found` when the organization has none with this id.
    pub async fn load(tx: &Tx, id: IncidentId) -> Result<Self> {
        let row = load::row(tx.db(), tx.scope(), id).await?;
        let services = tx.scope().find::<incident_service::Entity>();
        let services = services.filter(incident_service::Column::IncidentId.eq(id));
        let services = services.order_by_asc(incident_service::Column::Position).all(tx.db()).await?;
        let updates = tx.scope().find::<incident_update::Entity>();
        let mut updates = updates.filter(incident_update::Column::IncidentId.eq(id)).all(tx.db()).await?;
        updates.sort_by_key(|update| (update.display_at, update.id));
        let stored = Some(StoredRows { row: row.clone(), services: services.clone(), updates: updates.clone() });
        Ok(Self { row, services, updates, stored, baselines: BTreeMap::new() })
    }

    /// The cause that status changes of its services are recorded with.
    pub fn cause(&self) -> Cause {
        match self.row.kind {
            IncidentKind::Incident => Cause::Incident,
            IncidentKind::Maintenance => Cause::Maintenance,
        }
    }

    /// Whether its service impacts count now.
    pub fn is_in_force(&self) -> bool {
        self.row.status.is_in_force() && !self.row.is_draft
    }

    pub fn service(&mut self, id: ServiceId) -> Option<&mut incident_service::Model> {
        self.services.iter_mut().find(|service| service.service_id == id)
    }

    /// Rejects a change that was made on another version.
    pub fn require_version(&self, version: Option<i64>) -> Result<()> {
        require_version(version, self.row.version)
    }

    /// The schedule of a maintenance.
    pub fn schedule(&self) -> Option<MaintenanceSchedule> {
        let row = &self.row;
        let (start, end) = row.scheduled_start.zip(row.scheduled_end)?;
        Some(MaintenanceSchedule {
            status: row.status,
            automations: load::automations(row),
            start,
            end,
            planned_at: row.planned_at.unwrap_or(row.created_at),
            is_reminded: row.is_reminded,
            is_draft: row.is_draft,
        })
    }

    /// The step that is due, with its time.
    pub fn due(&self, now: Timestamp) -> Option<(Timestamp, ScheduledStep)> {
        self.schedule()?.due(now)
    }

    pub fn set_automations(&mut self, automations: Automations) {
        let row = &mut self.row;
        (row.remind, row.auto_start, row.auto_end) = (automations.remind, automations.start, automations.end);
        (row.notify_start, row.notify_end) = (automations.notify_start, automations.notify_end);
    }

    /// Changes the automations of an existing maintenance. A step that is switched on happens now at the earliest.
    pub fn change_automations(&mut self, automations: Automations, now: Timestamp) {
        let row = &mut self.row;
        let is_switched_on = match row.status {
            IncidentStatus::Scheduled => automations.start && !row.auto_start,
            IncidentStatus::InProgress | IncidentStatus::Verifying => automations.end && !row.auto_end,
            _ => false,
        };
        if is_switched_on {
            row.planned_at = Some(now);
        }
        self.set_automations(automations);
    }

    /// Derives status and times from the updates: the status is that of the newest by `display_at` (domain rule 3.4.2),
    /// the times are those of the first update with the status (domain rule 3.4.4).
    pub fn derive_status(&mut self) {
        self.updates.sort_by_key(|update| (update.display_at, update.id));
        let updates: Vec<_> = self.updates.iter().map(|update| (update.status, update.display_at)).collect();
        let Some(derived) = DerivedStatus::of(&updates) else { return };
        let row = &mut self.row;
        row.status = derived.status;
        (row.monitoring_at, row.resolved_at) = (derived.monitoring_at, derived.resolved_at);
        if row.kind == IncidentKind::Maintenance {
            row.started_at = derived.began_at.or(row.scheduled_start).unwrap_or(row.started_at);
        }
    }

    /// Raises the automatic impact to the worst that the services have reached (domain rule 3.3.3).
    pub(super) fn raise_impact(&mut self) {
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

    /// Attaches services, or changes the impact on those that are attached (domain rules 3.4.3 and 3.4.8).
    pub async fn attach(&mut self, tx: &Tx, impacts: &[ServiceImpact]) -> Result<()> {
        let mut known = None;
        // After the last one, as detaching a service leaves a gap.
        let mut position = self.services.iter().map(|row| row.position).max().map_or(0, |last| last + 1);
        for ServiceImpact { id, status } in impacts {
            if let Some(service) = self.service(*id) {
                service.status = *status;
                continue;
            }
            if known.is_none() {
                known = Some(service_names(tx).await?);
            }
            let name = known.as_ref().and_then(|known| known.get(id)).ok_or_else(unknown_service)?;
            self.services.push(incident_service::Model {
                org_id: self.row.org_id,
                incident_id: self.row.id,
                service_id: *id,
                name: name.clone(),
                status: *status,
                worst: ServiceStatus::Operational,
                position,
            });
            position += 1;
        }
        Ok(())
    }
}

/// The names of this organization's services.
async fn service_names(tx: &Tx) -> Result<BTreeMap<ServiceId, String>> {
    Ok(tx.services().await?.into_iter().map(|service| (service.id, service.name)).collect())
}

/// Rejects services that are not this organization's.
pub(super) async fn require_services(tx: &Tx, impacts: &[ServiceImpact]) -> Result<()> {
    let known = service_names(tx).await?;
    if impacts.iter().all(|impact| known.contains_key(&impact.id)) { Ok(()) } else { Err(unknown_service()) }
}

fn unknown_service() -> Error {
    let fault = Error::field("services", "One of these services does not exist.");
    Error { code: Code::NotFound, ..fault }
}
