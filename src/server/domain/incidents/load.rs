//! Loads incidents with their services and updates, many at once.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Func},
};

use super::super::store::{Scope, incident, incident_impact, incident_service, incident_update};
use crate::{
    model::{
        AffectedService, Automations, Error, Impact, Incident, IncidentId, IncidentKind, IncidentStatus,
        IncidentUpdate, Postmortem, Result, ServiceId, Timestamp, maintenance_plan::ANNOUNCED_MS, uptime::Correction,
    },
    server::error::internal,
};

/// The most incidents in force on one page: practically all, since statuses follow from them.
const IN_FORCE_MAX: u64 = 1_000;
/// The most drafts of each kind.
const DRAFTS_MAX: u64 = 50;
/// The most scheduled maintenances.
const SCHEDULED_MAX: u64 = 50;
/// The most recently ended incidents, and maintenances.
const PAST_MAX: u64 = 50;
/// The most recently cancelled plans.
const CANCELLED_MAX: u64 = 20;

/// The most text of the public timeline, in characters; the oldest incidents beyond it are left out.
const TIMELINE_TEXT_MAX: usize = 4_000_000;

/// The incidents and maintenances of a page.
pub(in crate::server::domain) struct PageIncidents {
    pub incidents: Vec<Incident>,
    /// When some that ended were left out, the end of the latest of them.
    pub cut_at: Option<Timestamp>,
}

/// Loads the incidents of a page: those in force, those scheduled, and those that ended after `since`. Each kind has a
/// limit of its own.
pub(in crate::server::domain) async fn page_incidents(
    db: &impl ConnectionTrait,
    scope: Scope,
    since: Timestamp,
    with_drafts: bool,
) -> Result<PageIncidents> {
    use incident::Column;
    let public = || scope.find::<incident::Entity>().filter(Column::IsDraft.eq(false));
    let in_force = IncidentStatus::ALL.iter().copied().filter(|status| status.is_in_force());
    let in_force = newest_first(public().filter(Column::Status.is_in(in_force))).limit(IN_FORCE_MAX);
    let mut rows = in_force.all(db).await?;
    let scheduled = next_first(public().filter(Column::Status.eq(IncidentStatus::Scheduled))).limit(SCHEDULED_MAX);
    rows.extend(scheduled.all(db).await?);
    if with_drafts {
        let drafts = scope.find::<incident::Entity>().filter(Column::IsDraft.eq(true));
        let drafts = drafts.filter(Column::ResolvedAt.is_null());
        let incidents = newest_first(drafts.clone().filter(Column::Kind.eq(IncidentKind::Incident)));
        rows.extend(incidents.limit(DRAFTS_MAX).all(db).await?);
        let maintenances = next_first(drafts.filter(Column::Kind.eq(IncidentKind::Maintenance)));
        rows.extend(maintenances.limit(DRAFTS_MAX).all(db).await?);
    }
    let (past, cut_at) = past(db, || if with_drafts { scope.find() } else { public() }, since).await?;
    rows.extend(past);
    Ok(PageIncidents { incidents: assemble(db, scope, rows).await?, cut_at })
}

/// Those that ended after `since`, and the end of the latest that was left out. Plans that were cancelled beforehand do
/// not count as left out.
async fn past(
    db: &impl ConnectionTrait,
    shown: impl Fn() -> Select<incident::Entity>,
    since: Timestamp,
) -> Result<(Vec<incident::Model>, Option<Timestamp>)> {
    use incident::Column;
    let ended = || shown().filter(Column::ResolvedAt.gte(since)).order_by_desc(Column::ResolvedAt);
    let (mut all, mut cut_at) = (Vec::new(), None);
    for kind in IncidentKind::ALL {
        let rows = ended().filter(Column::Kind.eq(*kind)).filter(lead_time().lte(0));
        let mut rows = rows.limit(PAST_MAX + 1).all(db).await?;
        if u64::try_from(rows.len()).is_ok_and(|length| length > PAST_MAX) {
            cut_at = Ord::max(cut_at, rows.pop().and_then(|row| row.resolved_at));
        }
        all.extend(rows);
    }
    let cancelled = ended().filter(lead_time().gt(0)).filter(lead_time().lt(ANNOUNCED_MS));
    all.extend(cancelled.order_by_asc(Column::StartedAt).limit(CANCELLED_MAX).all(db).await?);
    Ok((all, cut_at))
}

/// How long before its start it ended, in milliseconds; positive for a plan that was cancelled beforehand.
fn lead_time() -> Expr {
    incident::Column::StartedAt.into_simple_expr().sub(incident::Column::ResolvedAt.into_simple_expr())
}

/// Excludes plans that were cancelled before they were announced: the opposite of [`Incident::was_never_announced`].
pub(super) fn announced() -> Condition {
    Condition::any().add(incident::Column::ResolvedAt.is_null()).add(lead_time().lt(ANNOUNCED_MS))
}

/// Loads the newest incidents and maintenances that have begun, for the public timeline.
pub(in crate::server::domain) async fn timeline(
    db: &impl ConnectionTrait,
    scope: Scope,
    now: Timestamp,
    most: u64,
) -> Result<Vec<Incident>> {
    let shown = newest_first(scope.find()).filter(incident::Column::IsDraft.eq(false));
    let begun = shown.filter(incident::Column::StartedAt.lte(now)).filter(announced());
    let rows = begun.limit(most).all(db).await?;
    let rows = within_text_limit(db, scope, rows, TIMELINE_TEXT_MAX).await?;
    Ok(assemble(db, scope, rows).await?.into_iter().filter_map(Incident::for_public).collect())
}

/// The first of these rows whose text together is within the limit.
async fn within_text_limit(
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
    let fitting = rows.into_iter().map_while(|row| {
        left = left.checked_sub(of_incident.get(&row.id).copied().unwrap_or(0))?;
        Some(row)
    });
    Ok(fitting.collect())
}

/// The length of an update's text in characters, edit history included.
pub(super) fn text_length() -> Expr {
    use incident_update::Column;
    let length = |column: Column| Expr::from(Func::char_length(column.into_simple_expr()));
    length(Column::Message).add(length(Column::Html)).add(length(Column::Edits))
}

/// Loads the uptime corrections of a service that end after `since` (domain rule 3.5).
pub(in crate::server::domain) async fn corrections(
    db: &impl ConnectionTrait,
    scope: Scope,
    service: ServiceId,
    since: Timestamp,
) -> Result<Vec<Correction>> {
    let rows = scope.find::<incident_impact::Entity>().filter(incident_impact::Column::ServiceId.eq(service));
    let rows = rows.filter(incident_impact::Column::CorrectsUptime.eq(true));
    // Drafts count once they are published.
    let drafts = scope.find::<incident::Entity>().filter(incident::Column::IsDraft.eq(true));
    let drafts = drafts.select_only().column(incident::Column::Id).into_query();
    let rows = rows.filter(incident_impact::Column::IncidentId.not_in_subquery(drafts));
    let rows = rows.filter(incident_impact::Column::ToAt.gte(since)).all(db).await?;
    let corrections = rows
        .into_iter()
        .filter_map(|row| row.to_at.map(|until| Correction { from: row.from_at, until, status: row.status }));
    Ok(corrections.collect())
}

/// Orders by start, newest first, as the index does.
pub(super) fn newest_first(query: Select<incident::Entity>) -> Select<incident::Entity> {
    query.order_by_desc(incident::Column::StartedAt).order_by_desc(incident::Column::Id)
}

/// Orders by start, earliest first.
pub(super) fn next_first(query: Select<incident::Entity>) -> Select<incident::Entity> {
    query.order_by_asc(incident::Column::StartedAt).order_by_asc(incident::Column::Id)
}

/// The row of an incident of this organization.
///
/// # Errors
/// `not_found` when the organization has none with this id.
pub(super) async fn row(db: &impl ConnectionTrait, scope: Scope, id: IncidentId) -> Result<incident::Model> {
    scope.find_id::<incident::Entity>(id).one(db).await?.ok_or_else(Error::not_found)
}

/// An incident of this organization.
///
/// # Errors
/// `not_found` when the organization has none with this id.
pub(super) async fn incident(db: &impl ConnectionTrait, scope: Scope, id: IncidentId) -> Result<Incident> {
    let row = row(db, scope, id).await?;
    assemble(db, scope, vec![row]).await?.pop().ok_or_else(Error::internal)
}

/// Loads the services and updates of these rows, in two queries.
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

/// Loads the services of these rows, in one query.
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
        of_incident.entry(row.incident_id).or_default().push(affected(row));
    }
    let incidents = rows.into_iter().map(|row| {
        let services = of_incident.remove(&row.id).unwrap_or_default();
        assembled(row, services)
    });
    Ok(incidents.collect())
}

/// An incident from all its rows.
pub(super) fn from_rows(
    row: incident::Model,
    mut services: Vec<incident_service::Model>,
    updates: Vec<incident_update::Model>,
) -> Result<Incident> {
    services.sort_by_key(|service| service.position);
    let mut incident = assembled(row, services.into_iter().map(affected).collect());
    incident.updates = updates.into_iter().map(update).collect::<Result<_>>()?;
    incident.sort();
    incident.description = incident.updates.last().map(|update| update.message.clone()).unwrap_or_default();
    Ok(incident)
}

fn affected(row: incident_service::Model) -> AffectedService {
    AffectedService { id: row.service_id, name: row.name, status: row.status, worst: row.worst }
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

/// The automations of a maintenance.
pub(super) const fn automations(row: &incident::Model) -> Automations {
    Automations {
        remind: row.remind,
        start: row.auto_start,
        end: row.auto_end,
        notify_start: row.notify_start,
        notify_end: row.notify_end,
    }
}

fn assembled(row: incident::Model, services: Vec<AffectedService>) -> Incident {
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
