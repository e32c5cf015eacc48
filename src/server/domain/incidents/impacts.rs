//! Service impacts over time: the periods in which an incident affects a service, and corrections of the past.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::{
    super::{new_id, store::incident_impact, tx::Tx},
    aggregate::LoadedIncident,
};
use crate::model::{ImpactId, Result, ServiceId, ServiceStatus, Timestamp};

/// Ends the periods that no longer hold and begins new ones; returns the services whose impact changed.
pub(super) async fn sync_impacts(tx: &Tx, loaded: &LoadedIncident, at: Timestamp) -> Result<BTreeSet<ServiceId>> {
    let wanted: BTreeMap<ServiceId, ServiceStatus> = if loaded.is_in_force() {
        let impacts = loaded.services.iter().map(|service| (service.service_id, service.status));
        impacts.filter(|(_, status)| *status != ServiceStatus::Operational).collect()
    } else {
        BTreeMap::new()
    };
    let open = tx.scope().find::<incident_impact::Entity>();
    let open = open.filter(incident_impact::Column::IncidentId.eq(loaded.row.id));
    let open = open.filter(incident_impact::Column::ToAt.is_null()).all(tx.db()).await?;
    let mut kept = BTreeSet::new();
    let mut touched = BTreeSet::new();
    for impact in open {
        if wanted.get(&impact.service_id) == Some(&impact.status) {
            kept.insert(impact.service_id);
            continue;
        }
        touched.insert(impact.service_id);
        let ended = incident_impact::Model { to_at: Some(at.max(impact.from_at)), ..impact };
        let update = tx.scope().update_id::<incident_impact::Entity>(ended.id);
        update.set(ended.into_active_model().reset_all()).exec(tx.db()).await?;
    }
    for (service_id, status) in wanted.into_iter().filter(|(id, _)| !kept.contains(id)) {
        touched.insert(service_id);
        insert_impact(tx, loaded, service_id, status, (at, None), false).await?;
    }
    Ok(touched)
}

/// Records a period in which an incident affects a service.
pub(super) async fn insert_impact(
    tx: &Tx,
    loaded: &LoadedIncident,
    service_id: ServiceId,
    status: ServiceStatus,
    (from_at, to_at): (Timestamp, Option<Timestamp>),
    corrects_uptime: bool,
) -> Result<()> {
    incident_impact::Entity::insert(incident_impact::ActiveModel {
        org_id: Set(loaded.row.org_id),
        id: Set(ImpactId::from_uuid(new_id())),
        incident_id: Set(loaded.row.id),
        service_id: Set(service_id),
        kind: Set(loaded.row.kind),
        status: Set(status),
        from_at: Set(from_at),
        to_at: Set(to_at),
        corrects_uptime: Set(corrects_uptime),
    })
    .exec_without_returning(tx.db())
    .await?;
    Ok(())
}

/// Adjusts the uptime corrections of a backfilled incident to its beginning, its first end and its services (domain
/// rule
/// 3.5). After a reopening the first end stays, as status changes have been recorded since.
pub(super) async fn sync_corrections(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    let end = loaded.updates.iter().find(|update| update.status.has_ended()).map(|update| update.display_at);
    let (Some(_), Some(end)) = (loaded.row.backfilled_at, end) else { return Ok(()) };
    let rows = tx.scope().find::<incident_impact::Entity>();
    let rows = rows.filter(incident_impact::Column::IncidentId.eq(loaded.row.id));
    let rows = rows.filter(incident_impact::Column::CorrectsUptime.eq(true));
    for row in rows.all(tx.db()).await? {
        let wanted =
            incident_impact::Model { from_at: loaded.row.started_at.min(end), to_at: Some(end), ..row.clone() };
        if loaded.services.iter().all(|service| service.service_id != row.service_id) {
            row.into_active_model().delete(tx.db()).await?;
        } else if wanted != row {
            let update = tx.scope().update_id::<incident_impact::Entity>(row.id);
            update.set(wanted.into_active_model().reset_all()).exec(tx.db()).await?;
        }
    }
    Ok(())
}
