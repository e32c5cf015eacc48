//! What incidents and maintenances say of services, and the effective statuses that follow (domain rules 3.1.2 to
//! 3.1.4).

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::{
    super::{
        new_id,
        store::{incident_impact, service},
        tx::Tx,
    },
    aggregate::LoadedIncident,
};
use crate::model::{Cause, Event, ImpactId, IncidentKind, Layers, Result, ServiceId, ServiceStatus, Timestamp, UserId};

/// What the open incidents and the maintenances under way say of services.
#[derive(Default)]
pub(in crate::server::domain) struct ReportedImpacts {
    incidents: BTreeMap<ServiceId, Vec<ServiceStatus>>,
    maintenance: BTreeMap<ServiceId, ServiceStatus>,
}

impl ReportedImpacts {
    fn effective(&self, id: ServiceId, baseline: ServiceStatus) -> ServiceStatus {
        let incidents = self.incidents.get(&id).map_or(&[][..], Vec::as_slice);
        Layers { baseline, incidents, maintenance: self.maintenance.get(&id).copied() }.effective()
    }
}

impl Tx {
    /// Lets the stretches in which an incident says something of a service be those that hold now; tells which services
    /// that concerns.
    pub(in crate::server::domain) async fn sync_impacts(
        &self,
        case: &LoadedIncident,
        at: Timestamp,
    ) -> Result<BTreeSet<ServiceId>> {
        let wanted: BTreeMap<ServiceId, ServiceStatus> = if case.is_in_force() {
            let said = case.services.iter().map(|service| (service.service_id, service.status));
            said.filter(|(_, status)| *status != ServiceStatus::Operational).collect()
        } else {
            BTreeMap::new()
        };
        let open = self.scope().find::<incident_impact::Entity>();
        let open = open.filter(incident_impact::Column::IncidentId.eq(case.row.id));
        let open = open.filter(incident_impact::Column::ToAt.is_null()).all(self.db()).await?;
        let mut held = BTreeSet::new();
        let mut touched = BTreeSet::new();
        for stretch in open {
            if wanted.get(&stretch.service_id) == Some(&stretch.status) {
                held.insert(stretch.service_id);
                continue;
            }
            touched.insert(stretch.service_id);
            let ended = incident_impact::Model { to_at: Some(at.max(stretch.from_at)), ..stretch };
            let update = self.scope().update_id::<incident_impact::Entity>(ended.id);
            update.set(ended.into_active_model().reset_all()).exec(self.db()).await?;
        }
        for (service_id, status) in wanted.into_iter().filter(|(id, _)| !held.contains(id)) {
            touched.insert(service_id);
            self.insert_impact(case, service_id, status, (at, None), false).await?;
        }
        Ok(touched)
    }

    /// Writes down a stretch in which an incident says something of a service.
    pub(in crate::server::domain) async fn insert_impact(
        &self,
        case: &LoadedIncident,
        service_id: ServiceId,
        status: ServiceStatus,
        (from_at, to_at): (Timestamp, Option<Timestamp>),
        corrects_uptime: bool,
    ) -> Result<()> {
        incident_impact::Entity::insert(incident_impact::ActiveModel {
            org_id: Set(case.row.org_id),
            id: Set(ImpactId::from_uuid(new_id())),
            incident_id: Set(case.row.id),
            service_id: Set(service_id),
            kind: Set(case.row.kind),
            status: Set(status),
            from_at: Set(from_at),
            to_at: Set(to_at),
            corrects_uptime: Set(corrects_uptime),
        })
        .exec_without_returning(self.db())
        .await?;
        Ok(())
    }

    /// Lets what was entered of the past count from when it began until it ended, for the services it still names
    /// (domain rule 3.5). Opened again, its end of then stays: from there on statuses were written as they changed.
    pub(in crate::server::domain) async fn sync_corrections(&self, case: &LoadedIncident) -> Result<()> {
        let end = case.updates.iter().find(|update| update.status.has_ended()).map(|update| update.display_at);
        let (Some(_), Some(end)) = (case.row.backfilled_at, end) else { return Ok(()) };
        let rows = self.scope().find::<incident_impact::Entity>();
        let rows = rows.filter(incident_impact::Column::IncidentId.eq(case.row.id));
        let rows = rows.filter(incident_impact::Column::CorrectsUptime.eq(true));
        for row in rows.all(self.db()).await? {
            let right =
                incident_impact::Model { from_at: case.row.started_at.min(end), to_at: Some(end), ..row.clone() };
            if case.services.iter().all(|service| service.service_id != row.service_id) {
                row.into_active_model().delete(self.db()).await?;
            } else if right != row {
                let update = self.scope().update_id::<incident_impact::Entity>(row.id);
                update.set(right.into_active_model().reset_all()).exec(self.db()).await?;
            }
        }
        Ok(())
    }

    /// What is said of these services now.
    pub(in crate::server::domain) async fn said_of(&self, ids: &BTreeSet<ServiceId>) -> Result<ReportedImpacts> {
        let mut said = ReportedImpacts::default();
        if ids.is_empty() {
            return Ok(said);
        }
        let open = self.scope().find::<incident_impact::Entity>();
        let open = open.filter(incident_impact::Column::ServiceId.is_in(ids.iter().copied()));
        let open = open.filter(incident_impact::Column::ToAt.is_null()).all(self.db()).await?;
        for stretch in open {
            match stretch.kind {
                IncidentKind::Incident => {
                    said.incidents.entry(stretch.service_id).or_default().push(stretch.status);
                }
                IncidentKind::Maintenance => {
                    let worst = said.maintenance.entry(stretch.service_id).or_default();
                    *worst = (*worst).max(stretch.status);
                }
            }
        }
        Ok(said)
    }

    /// A service's effective status with this baseline (domain rule 3.1.2).
    pub(in crate::server::domain) async fn effective(
        &self,
        id: ServiceId,
        baseline: ServiceStatus,
    ) -> Result<ServiceStatus> {
        Ok(self.said_of(&BTreeSet::from([id])).await?.effective(id, baseline))
    }

    /// Derives the effective status of these services anew, some from another baseline; each change is written down once
    /// and told (domain rule 3.1.4).
    pub(in crate::server::domain) async fn settle(
        &mut self,
        touched: BTreeMap<ServiceId, Option<ServiceStatus>>,
        cause: Cause,
        by: Option<UserId>,
        at: Timestamp,
    ) -> Result<()> {
        if touched.is_empty() {
            return Ok(());
        }
        let ids: BTreeSet<ServiceId> = touched.keys().copied().collect();
        let said = self.said_of(&ids).await?;
        let rows = self.scope().find::<service::Entity>();
        let rows = rows.filter(service::Column::Id.is_in(ids)).filter(service::Column::DeletedAt.is_null());
        for before in rows.all(self.db()).await? {
            let mut after = before.clone();
            after.baseline = touched.get(&before.id).copied().flatten().unwrap_or(before.baseline);
            after.status = said.effective(after.id, after.baseline);
            if after == before {
                continue;
            }
            after.updated_at = self.moment_after(before.updated_at);
            if after.status != before.status {
                // Changes of one service are written in the order they were made, whatever instant was planned.
                after.status_since = at.max(before.status_since.plus_millis(1));
                self.record_status_change(&before, &after, cause, by).await?;
            }
            self.save(&after).await?;
            self.emit(Event::ServiceUpdated(after.into())).await?;
        }
        Ok(())
    }
}
