//! Service impacts over time: the periods in which an incident affects a service, and corrections of the past.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, QueryFilter};

use super::{
    super::{
        new_id,
        store::{VALUES_MAX, incident, incident_impact, upsert},
        tx::Tx,
    },
    aggregate::LoadedIncident,
};
use crate::model::{ImpactId, IncidentId, Result, ServiceId, ServiceImpact, ServiceStatus, Timestamp};

/// Ends the periods that no longer hold and begins new ones; returns the services whose impact changed.
pub(super) async fn sync_impacts(tx: &Tx, loaded: &LoadedIncident, at: Timestamp) -> Result<BTreeSet<ServiceId>> {
    let wanted: BTreeMap<ServiceId, ServiceStatus> = if loaded.is_in_force() {
        let impacts = loaded.services.iter().map(|service| (service.service_id, service.status));
        impacts.filter(|(_, status)| *status != ServiceStatus::Operational).collect()
    } else {
        BTreeMap::new()
    };
    let open = if loaded.stored.is_some() { open_impacts(tx, loaded.row.id).await? } else { Vec::new() };
    let (kept, ended): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|impact| wanted.get(&impact.service_id) == Some(&impact.status));
    let kept: BTreeSet<ServiceId> = kept.into_iter().map(|impact| impact.service_id).collect();
    let ended =
        ended.into_iter().map(|impact| incident_impact::Model { to_at: Some(at.max(impact.from_at)), ..impact });
    let begun = wanted.into_iter().filter(|(id, _)| !kept.contains(id));
    let begun = begun.map(|(id, status)| impact_row(&loaded.row, ServiceImpact { id, status }, (at, None), false));
    let changed: Vec<_> = ended.chain(begun).collect();
    let touched = changed.iter().map(|impact| impact.service_id).collect();
    upsert(tx.db(), changed, [incident_impact::Column::ToAt]).await?;
    Ok(touched)
}

/// The periods of an incident that have not ended.
pub(super) async fn open_impacts(tx: &Tx, id: IncidentId) -> Result<Vec<incident_impact::Model>> {
    let open = tx.scope().find::<incident_impact::Entity>().filter(incident_impact::Column::IncidentId.eq(id));
    Ok(open.filter(incident_impact::Column::ToAt.is_null()).all(tx.db()).await?)
}

/// A period in which an incident affects a service.
pub(super) fn impact_row(
    incident: &incident::Model,
    impact: ServiceImpact,
    (from_at, to_at): (Timestamp, Option<Timestamp>),
    corrects_uptime: bool,
) -> incident_impact::Model {
    incident_impact::Model {
        org_id: incident.org_id,
        id: ImpactId::from_uuid(new_id()),
        incident_id: incident.id,
        service_id: impact.id,
        kind: incident.kind,
        status: impact.status,
        from_at,
        to_at,
        corrects_uptime,
    }
}

/// Adjusts the uptime corrections of a backfilled incident to its beginning, its first end and its services (domain
/// rule
/// 3.5). After a reopening the first end stays, as status changes have been recorded since.
pub(super) async fn sync_corrections(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    use incident_impact::Column;
    let end = loaded.updates.iter().find(|update| update.status.has_ended()).map(|update| update.display_at);
    let (Some(_), Some(end), Some(_)) = (loaded.row.backfilled_at, end, &loaded.stored) else { return Ok(()) };
    let rows = tx.scope().find::<incident_impact::Entity>().filter(Column::IncidentId.eq(loaded.row.id));
    let rows = rows.filter(Column::CorrectsUptime.eq(true)).all(tx.db()).await?;
    let attached: BTreeSet<ServiceId> = loaded.services.iter().map(|service| service.service_id).collect();
    let (kept, detached): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| attached.contains(&row.service_id));
    let detached: Vec<ImpactId> = detached.into_iter().map(|row| row.id).collect();
    for ids in detached.chunks(VALUES_MAX) {
        let gone = tx.scope().delete::<incident_impact::Entity>().filter(Column::Id.is_in(ids.iter().copied()));
        gone.exec(tx.db()).await?;
    }
    let (from_at, to_at) = (loaded.row.started_at.min(end), Some(end));
    let moved = kept.into_iter().filter(|row| (row.from_at, row.to_at) != (from_at, to_at));
    let moved = moved.map(|row| incident_impact::Model { from_at, to_at, ..row }).collect();
    Ok(upsert(tx.db(), moved, [Column::FromAt, Column::ToAt]).await?)
}
