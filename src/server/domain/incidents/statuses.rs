//! Effective service statuses, derived from baselines, incidents and maintenances (domain rules 3.1.2 to 3.1.4).

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, QueryFilter};

use super::super::{
    store::{incident_impact, service},
    tx::Tx,
};
use crate::model::{Cause, Event, IncidentKind, Layers, Result, ServiceId, ServiceStatus, Timestamp, UserId};

/// The service impacts of open incidents and of maintenances under way.
#[derive(Default)]
struct ReportedImpacts {
    incidents: BTreeMap<ServiceId, Vec<ServiceStatus>>,
    maintenance: BTreeMap<ServiceId, ServiceStatus>,
}

impl ReportedImpacts {
    /// The impacts on these services now.
    async fn load(tx: &Tx, ids: &BTreeSet<ServiceId>) -> Result<Self> {
        let mut reported = Self::default();
        if ids.is_empty() {
            return Ok(reported);
        }
        let open = tx.scope().find::<incident_impact::Entity>();
        let open = open.filter(incident_impact::Column::ServiceId.is_in(ids.iter().copied()));
        let open = open.filter(incident_impact::Column::ToAt.is_null()).all(tx.db()).await?;
        for impact in open {
            match impact.kind {
                IncidentKind::Incident => {
                    reported.incidents.entry(impact.service_id).or_default().push(impact.status);
                }
                IncidentKind::Maintenance => {
                    let worst = reported.maintenance.entry(impact.service_id).or_default();
                    *worst = (*worst).max(impact.status);
                }
            }
        }
        Ok(reported)
    }

    fn effective(&self, id: ServiceId, baseline: ServiceStatus) -> ServiceStatus {
        let incidents = self.incidents.get(&id).map_or(&[][..], Vec::as_slice);
        Layers { baseline, incidents, maintenance: self.maintenance.get(&id).copied() }.effective()
    }
}

/// A service's effective status with this baseline (domain rule 3.1.2).
pub(in crate::server::domain) async fn effective_status(
    tx: &Tx,
    id: ServiceId,
    baseline: ServiceStatus,
) -> Result<ServiceStatus> {
    Ok(ReportedImpacts::load(tx, &BTreeSet::from([id])).await?.effective(id, baseline))
}

/// Recomputes the effective status of these services, some with a new baseline; records and emits each change (domain
/// rule 3.1.4).
pub(in crate::server::domain) async fn recompute_statuses(
    tx: &mut Tx,
    services: BTreeMap<ServiceId, Option<ServiceStatus>>,
    cause: Cause,
    by: Option<UserId>,
    at: Timestamp,
) -> Result<()> {
    if services.is_empty() {
        return Ok(());
    }
    let ids: BTreeSet<ServiceId> = services.keys().copied().collect();
    let reported = ReportedImpacts::load(tx, &ids).await?;
    let rows = tx.scope().find::<service::Entity>();
    let rows = rows.filter(service::Column::Id.is_in(ids)).filter(service::Column::DeletedAt.is_null());
    for before in rows.all(tx.db()).await? {
        let mut after = before.clone();
        after.baseline = services.get(&before.id).copied().flatten().unwrap_or(before.baseline);
        after.status = reported.effective(after.id, after.baseline);
        if after == before {
            continue;
        }
        after.updated_at = tx.moment_after(before.updated_at);
        if after.status != before.status {
            // The changes of one service keep the order in which they were made, whatever their planned times.
            after.status_since = at.max(before.status_since.plus_millis(1));
            tx.record_status_change(&before, &after, cause, by).await?;
        }
        tx.save(&after).await?;
        tx.emit(Event::ServiceUpdated(after.into()))?;
    }
    Ok(())
}
