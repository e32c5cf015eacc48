//! From rows to incidents, many at once.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select};

use super::{
    super::store::{Scope, incident, incident_impact, incident_service, incident_update},
    case::automations,
};
use crate::{
    model::{
        AffectedService, Impact, Incident, IncidentId, IncidentKind, IncidentUpdate, Postmortem, Result, ServiceId,
        Timestamp, uptime::Correction,
    },
    server::error::internal,
};

/// The most of each kind that one page shows: open, planned, and over lately.
const OPEN_MAX: u64 = 100;
const PLANNED_MAX: u64 = 50;
const PAST_MAX: u64 = 50;

/// What a page shows: what is open and planned, and what was over after `since`.
pub(in crate::server::domain) async fn of_page(
    db: &impl ConnectionTrait,
    scope: Scope,
    since: Timestamp,
    with_drafts: bool,
) -> Result<Vec<Incident>> {
    let shown = || {
        let all: Select<incident::Entity> = scope.find();
        if with_drafts { all } else { all.filter(incident::Column::IsDraft.eq(false)) }
    };
    let open = shown().filter(incident::Column::ResolvedAt.is_null());
    let mut rows = newest_first(open.clone().filter(incident::Column::Kind.eq(IncidentKind::Incident)))
        .limit(OPEN_MAX)
        .all(db)
        .await
        .map_err(internal)?;
    let planned = open.filter(incident::Column::Kind.eq(IncidentKind::Maintenance));
    let planned = planned.order_by_asc(incident::Column::ScheduledStart).limit(PLANNED_MAX);
    rows.extend(planned.all(db).await.map_err(internal)?);
    let past = shown().filter(incident::Column::ResolvedAt.gte(since));
    let past = past.order_by_desc(incident::Column::ResolvedAt).limit(PAST_MAX);
    rows.extend(past.all(db).await.map_err(internal)?);
    assemble(db, scope, rows).await
}

/// The newest incidents and maintenances that visitors may see, for the public timeline.
pub(in crate::server::domain) async fn lately(
    db: &impl ConnectionTrait,
    scope: Scope,
    most: u64,
) -> Result<Vec<Incident>> {
    let shown = newest_first(scope.find()).filter(incident::Column::IsDraft.eq(false));
    let rows = shown.limit(most).all(db).await.map_err(internal)?;
    Ok(assemble(db, scope, rows).await?.into_iter().filter_map(Incident::for_public).collect())
}

/// What was entered afterwards about a service and counts in its uptime, as far as it lasted after `since` (domain rule
/// 3.5).
pub(in crate::server::domain) async fn corrections(
    db: &impl ConnectionTrait,
    scope: Scope,
    service: ServiceId,
    since: Timestamp,
) -> Result<Vec<Correction>> {
    let rows = scope.find::<incident_impact::Entity>().filter(incident_impact::Column::ServiceId.eq(service));
    let rows = rows.filter(incident_impact::Column::CorrectsUptime.eq(true));
    // A draft says nothing to anybody yet.
    let drafts = scope.find::<incident::Entity>().filter(incident::Column::IsDraft.eq(true));
    let drafts = drafts.select_only().column(incident::Column::Id).into_query();
    let rows = rows.filter(incident_impact::Column::IncidentId.not_in_subquery(drafts));
    let rows = rows.filter(incident_impact::Column::ToAt.gte(since)).all(db).await.map_err(internal)?;
    let corrections = rows
        .into_iter()
        .filter_map(|row| row.to_at.map(|until| Correction { from: row.from_at, until, status: row.status }));
    Ok(corrections.collect())
}

/// Newest beginning first, in the order of the index over it.
pub(super) fn newest_first(query: Select<incident::Entity>) -> Select<incident::Entity> {
    query.order_by_desc(incident::Column::StartedAt).order_by_desc(incident::Column::Id)
}

/// Adds to each row what belongs to it, in two queries however many there are.
pub(in crate::server::domain) async fn assemble(
    db: &impl ConnectionTrait,
    scope: Scope,
    rows: Vec<incident::Model>,
) -> Result<Vec<Incident>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<IncidentId> = rows.iter().map(|row| row.id).collect();
    let services = scope.find::<incident_service::Entity>();
    let services = services.filter(incident_service::Column::IncidentId.is_in(ids.iter().copied()));
    let services = services.order_by_asc(incident_service::Column::Position).all(db).await.map_err(internal)?;
    let updates = scope.find::<incident_update::Entity>();
    let updates = updates.filter(incident_update::Column::IncidentId.is_in(ids)).all(db).await.map_err(internal)?;

    let mut of_incident: BTreeMap<IncidentId, (Vec<AffectedService>, Vec<IncidentUpdate>)> = BTreeMap::new();
    for row in services {
        of_incident.entry(row.incident_id).or_default().0.push(AffectedService {
            id: row.service_id,
            name: row.name,
            status: row.status,
            worst: row.worst,
        });
    }
    for row in updates {
        of_incident.entry(row.incident_id).or_default().1.push(update(row)?);
    }
    let incidents = rows.into_iter().map(|row| {
        let (services, updates) = of_incident.remove(&row.id).unwrap_or_default();
        incident(row, services, updates)
    });
    Ok(incidents.collect())
}

fn update(row: incident_update::Model) -> Result<IncidentUpdate> {
    let services = row.services.as_deref().map(serde_json::from_str).transpose().map_err(internal)?;
    Ok(IncidentUpdate {
        id: row.id,
        message: row.message,
        html: row.html,
        status: row.status,
        incident_id: row.incident_id,
        created_by: row.created_by,
        created_at: row.created_at,
        display_at: row.display_at,
        updated_at: row.updated_at,
        services,
        edits: serde_json::from_str(&row.edits).map_err(internal)?,
        notify: row.notify,
    })
}

fn incident(row: incident::Model, services: Vec<AffectedService>, updates: Vec<IncidentUpdate>) -> Incident {
    let automations = automations(&row);
    let impact = match row.kind {
        IncidentKind::Maintenance => Impact::Maintenance,
        IncidentKind::Incident => row.impact_override.unwrap_or(row.reached),
    };
    let mut incident = Incident {
        id: row.id,
        incident_type: row.kind,
        title: row.title,
        description: String::new(),
        status: row.status,
        impact,
        impact_override: row.impact_override,
        service_id: services.first().map(|service| service.id),
        services,
        organization_id: row.org_id,
        created_by: row.created_by,
        created_at: row.created_at,
        updated_at: row.updated_at,
        started_at: row.started_at,
        monitoring_at: row.monitoring_at,
        resolved_at: row.resolved_at,
        scheduled_start: row.scheduled_start,
        scheduled_end: row.scheduled_end,
        automations: (row.kind == IncidentKind::Maintenance).then_some(automations),
        series_id: row.series_id,
        backfilled_at: row.backfilled_at,
        is_draft: row.is_draft,
        version: row.version,
        postmortem: row.postmortem.map(|body| Postmortem {
            body,
            html: row.postmortem_html.unwrap_or_default(),
            published_at: row.postmortem_at,
        }),
        updates,
    };
    incident.sort();
    incident.description = incident.updates.last().map(|update| update.message.clone()).unwrap_or_default();
    incident
}
