//! From rows to incidents, many at once.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Func},
};

use super::{
    super::store::{Scope, incident, incident_impact, incident_service, incident_update},
    aggregate::automations,
};
use crate::{
    model::{
        AffectedService, Impact, Incident, IncidentId, IncidentKind, IncidentStatus, IncidentUpdate, Postmortem,
        Result, ServiceId, Timestamp, maintenance_plan::ANNOUNCED_MS, uptime::Correction,
    },
    server::error::internal,
};

/// The most that one page shows of what is in force: as good as all, since statuses follow from it.
const IN_FORCE_MAX: u64 = 1_000;
/// The most of the drafts of each kind, and of what is planned.
const DRAFTS_MAX: u64 = 50;
const PLANNED_MAX: u64 = 50;
/// The most of each kind that was over lately: incidents, maintenances, and plans that were called off.
const PAST_MAX: u64 = 50;
const CALLED_OFF_MAX: u64 = 20;

/// The most text the public timeline holds, in characters; older incidents are left out where it would be more.
const TIMELINE_TEXT_MAX: usize = 4_000_000;

/// What a page shows of incidents and maintenances.
pub(in crate::server::domain) struct OfPage {
    pub incidents: Vec<Incident>,
    /// Of what was over by this instant something is missing.
    pub cut_at: Option<Timestamp>,
}

/// What a page shows: what is in force and planned, and what was over after `since`. Many of one kind take no other's
/// place.
pub(in crate::server::domain) async fn of_page(
    db: &impl ConnectionTrait,
    scope: Scope,
    since: Timestamp,
    with_drafts: bool,
) -> Result<OfPage> {
    use incident::Column;
    let public = || scope.find::<incident::Entity>().filter(Column::IsDraft.eq(false));
    let in_force = IncidentStatus::ALL.iter().copied().filter(|status| status.is_in_force());
    let in_force = newest_first(public().filter(Column::Status.is_in(in_force))).limit(IN_FORCE_MAX);
    let mut rows = in_force.all(db).await?;
    let planned = next_first(public().filter(Column::Status.eq(IncidentStatus::Scheduled))).limit(PLANNED_MAX);
    rows.extend(planned.all(db).await?);
    if with_drafts {
        let drafts = scope.find::<incident::Entity>().filter(Column::IsDraft.eq(true));
        let drafts = drafts.filter(Column::ResolvedAt.is_null());
        let incidents = newest_first(drafts.clone().filter(Column::Kind.eq(IncidentKind::Incident)));
        rows.extend(incidents.limit(DRAFTS_MAX).all(db).await?);
        let planned = next_first(drafts.filter(Column::Kind.eq(IncidentKind::Maintenance)));
        rows.extend(planned.limit(DRAFTS_MAX).all(db).await?);
    }
    let (past, cut_at) = past(db, || if with_drafts { scope.find() } else { public() }, since).await?;
    rows.extend(past);
    Ok(OfPage { incidents: assemble(db, scope, rows).await?, cut_at })
}

/// What was over after `since`, and by when something is missing of it. A called-off plan is none of what happened: where
/// there are too many, nothing is said of those left out.
async fn past(
    db: &impl ConnectionTrait,
    shown: impl Fn() -> Select<incident::Entity>,
    since: Timestamp,
) -> Result<(Vec<incident::Model>, Option<Timestamp>)> {
    use incident::Column;
    let over = || shown().filter(Column::ResolvedAt.gte(since)).order_by_desc(Column::ResolvedAt);
    let (mut all, mut cut_at) = (Vec::new(), None);
    for kind in IncidentKind::ALL {
        let rows = over().filter(Column::Kind.eq(*kind)).filter(lead().lte(0));
        let mut rows = rows.limit(PAST_MAX + 1).all(db).await?;
        if u64::try_from(rows.len()).is_ok_and(|length| length > PAST_MAX) {
            cut_at = Ord::max(cut_at, rows.pop().and_then(|row| row.resolved_at));
        }
        all.extend(rows);
    }
    let called_off = over().filter(lead().gt(0)).filter(lead().lt(ANNOUNCED_MS)).order_by_asc(Column::StartedAt);
    all.extend(called_off.limit(CALLED_OFF_MAX).all(db).await?);
    Ok((all, cut_at))
}

/// How long before its beginning something was over, in milliseconds: more than nothing is a plan that was called off.
fn lead() -> Expr {
    incident::Column::StartedAt.into_simple_expr().sub(incident::Column::ResolvedAt.into_simple_expr())
}

/// What happened, and plans that were announced, as [`Incident::was_never_announced`] has it.
pub(super) fn told() -> Condition {
    Condition::any().add(incident::Column::ResolvedAt.is_null()).add(lead().lt(ANNOUNCED_MS))
}

/// The newest incidents and maintenances that have begun by now and that visitors may see, for the public timeline.
pub(in crate::server::domain) async fn lately(
    db: &impl ConnectionTrait,
    scope: Scope,
    now: Timestamp,
    most: u64,
) -> Result<Vec<Incident>> {
    let shown = newest_first(scope.find()).filter(incident::Column::IsDraft.eq(false));
    let begun = shown.filter(incident::Column::StartedAt.lte(now)).filter(told());
    let rows = begun.limit(most).all(db).await?;
    let rows = within(db, scope, rows, TIMELINE_TEXT_MAX).await?;
    Ok(assemble(db, scope, rows).await?.into_iter().filter_map(Incident::for_public).collect())
}

/// As many of these, from the first on, as have at most so much text together.
async fn within(
    db: &impl ConnectionTrait,
    scope: Scope,
    rows: Vec<incident::Model>,
    most: usize,
) -> Result<Vec<incident::Model>> {
    use incident_update::{Column, Entity};
    let lengths = scope.find::<Entity>().filter(Column::IncidentId.is_in(rows.iter().map(|row| row.id)));
    let lengths = lengths.select_only().column(Column::IncidentId).column_as(text_length(), "length");
    let lengths: Vec<(IncidentId, i32)> = lengths.into_tuple().all(db).await?;
    let mut of_incident: BTreeMap<IncidentId, usize> = BTreeMap::new();
    for (id, length) in lengths {
        *of_incident.entry(id).or_default() += usize::try_from(length).unwrap_or(0);
    }
    let mut left = most;
    let affordable = rows.into_iter().map_while(|row| {
        left = left.checked_sub(of_incident.get(&row.id).copied().unwrap_or(0))?;
        Some(row)
    });
    Ok(affordable.collect())
}

/// How long an update's text is, in characters, with what it said before.
pub(super) fn text_length() -> Expr {
    use incident_update::Column;
    let length = |column: Column| Expr::from(Func::char_length(column.into_simple_expr()));
    length(Column::Message).add(length(Column::Html)).add(length(Column::Edits))
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
    let rows = rows.filter(incident_impact::Column::ToAt.gte(since)).all(db).await?;
    let corrections = rows
        .into_iter()
        .filter_map(|row| row.to_at.map(|until| Correction { from: row.from_at, until, status: row.status }));
    Ok(corrections.collect())
}

/// Newest beginning first, in the order of the index over it.
pub(super) fn newest_first(query: Select<incident::Entity>) -> Select<incident::Entity> {
    query.order_by_desc(incident::Column::StartedAt).order_by_desc(incident::Column::Id)
}

/// Earliest beginning first.
pub(super) fn next_first(query: Select<incident::Entity>) -> Select<incident::Entity> {
    query.order_by_asc(incident::Column::StartedAt).order_by_asc(incident::Column::Id)
}

/// Adds to each row what belongs to it, in two queries however many there are.
pub(in crate::server::domain) async fn assemble(
    db: &impl ConnectionTrait,
    scope: Scope,
    rows: Vec<incident::Model>,
) -> Result<Vec<Incident>> {
    let mut incidents = without_updates(db, scope, rows).await?;
    if incidents.is_empty() {
        return Ok(incidents);
    }
    let updates = scope.find::<incident_update::Entity>();
    let updates =
        updates.filter(incident_update::Column::IncidentId.is_in(incidents.iter().map(|incident| incident.id)));
    let mut of_incident: BTreeMap<IncidentId, Vec<IncidentUpdate>> = BTreeMap::new();
    for row in updates.all(db).await? {
        of_incident.entry(row.incident_id).or_default().push(update(row)?);
    }
    for incident in &mut incidents {
        incident.updates = of_incident.remove(&incident.id).unwrap_or_default();
        incident.sort();
        incident.description = incident.updates.last().map(|update| update.message.clone()).unwrap_or_default();
    }
    Ok(incidents)
}

/// Adds to each row the services that belong to it, for what needs nothing of what was said.
pub(super) async fn without_updates(
    db: &impl ConnectionTrait,
    scope: Scope,
    rows: Vec<incident::Model>,
) -> Result<Vec<Incident>> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let services = scope.find::<incident_service::Entity>();
    let services = services.filter(incident_service::Column::IncidentId.is_in(rows.iter().map(|row| row.id)));
    let services = services.order_by_asc(incident_service::Column::Position).all(db).await?;
    let mut of_incident: BTreeMap<IncidentId, Vec<AffectedService>> = BTreeMap::new();
    for row in services {
        of_incident.entry(row.incident_id).or_default().push(AffectedService {
            id: row.service_id,
            name: row.name,
            status: row.status,
            worst: row.worst,
        });
    }
    let incidents = rows.into_iter().map(|row| {
        let services = of_incident.remove(&row.id).unwrap_or_default();
        incident(row, services)
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

fn incident(row: incident::Model, services: Vec<AffectedService>) -> Incident {
    let automations = automations(&row);
    let impact = match row.kind {
        IncidentKind::Maintenance => Impact::Maintenance,
        IncidentKind::Incident => row.impact_override.unwrap_or(row.reached),
    };
    Incident {
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
        updates: Vec::new(),
    }
}
