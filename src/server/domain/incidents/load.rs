//! Loads incidents with their services and updates, many at once.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, SubQueryStatement},
};

use super::{
    super::store::{Scope, incident, incident_impact, incident_service, incident_update},
    answers::{
        budget::{Budget, EXCERPT_MAX},
        excerpts::{ends, excerpts},
        size::{Pick, Size},
    },
};
use crate::{
    model::{
        AffectedService, Automations, Error, Impact, Incident, IncidentId, IncidentKind, IncidentUpdate, Postmortem,
        Result, ServiceId, ServiceTransition, Timestamp, UpdateId, maintenance_plan::ANNOUNCED_MS, uptime::Correction,
    },
    server::error::internal,
};

/// The most updates that are looked at to cut incidents: more than one incident, or all in force, should ever have.
const CUT_MAX: u64 = 20_000;

/// How long before its start it ended, in milliseconds; positive for a plan that was cancelled beforehand.
fn lead_time() -> Expr {
    incident::Column::StartedAt.into_simple_expr().sub(incident::Column::ResolvedAt.into_simple_expr())
}

/// Matches what ended after it had begun.
pub(super) fn had_begun() -> Expr {
    lead_time().lte(0)
}

/// Matches plans that were cancelled beforehand, after they were announced.
pub(super) fn called_off() -> Condition {
    Condition::all().add(lead_time().gt(0)).add(lead_time().lt(ANNOUNCED_MS))
}

/// Excludes plans that were cancelled before they were announced: the opposite of [`Incident::was_never_announced`].
pub(super) fn announced() -> Condition {
    Condition::any().add(incident::Column::ResolvedAt.is_null()).add(lead_time().lt(ANNOUNCED_MS))
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
    // Drafts count once they are published. To list them, all incidents would be read.
    let own = incident::Column::Id.into_simple_expr().eq(incident_impact::Column::IncidentId.into_simple_expr());
    let drafts = scope.find::<incident::Entity>().filter(own.and(incident::Column::IsDraft.eq(true)));
    let drafts = drafts.select_only().column_as(incident::Column::Id.count(), "drafts");
    let rows = rows.filter(Expr::from(SubQueryStatement::from(drafts.into_query())).eq(0));
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

/// An incident of this organization, cut to its newest updates if it is beyond its limit.
///
/// # Errors
/// `not_found` when the organization has none with this id.
pub(super) async fn incident(db: &impl ConnectionTrait, scope: Scope, id: IncidentId) -> Result<Incident> {
    let row = row(db, scope, id).await?;
    let pick = Size::of_row(&row).pick();
    with_updates(db, scope, vec![row], &[pick]).await?.pop().ok_or_else(Error::internal)
}

/// Loads these incidents, in their order, in a few queries.
pub(super) async fn picked(db: &impl ConnectionTrait, scope: Scope, picks: &[Pick]) -> Result<Vec<Incident>> {
    let rows = rows(db, scope, picks.iter().map(|pick| pick.id)).await?;
    with_updates(db, scope, rows, picks).await
}

/// Loads these incidents without updates, in their order.
pub(super) async fn heads(
    db: &impl ConnectionTrait,
    scope: Scope,
    ids: impl IntoIterator<Item = IncidentId>,
) -> Result<Vec<Incident>> {
    without_updates(db, scope, rows(db, scope, ids).await?).await
}

/// Loads these incidents by the first and the newest update, whose messages are excerpts, and whether there is a
/// postmortem.
pub(super) async fn outlines(
    db: &impl ConnectionTrait,
    scope: Scope,
    ids: impl IntoIterator<Item = IncidentId>,
) -> Result<Vec<Incident>> {
    let mut incidents = heads(db, scope, ids).await?;
    let ends = ends(db, scope, incidents.iter().map(|incident| incident.id)).await?;
    let shown: BTreeSet<UpdateId> = ends.values().flat_map(|ends| [ends.first, ends.newest]).collect();
    let mut updates = by_incident(excerpts(db, scope, shown.into_iter().collect()).await?);
    for incident in &mut incidents {
        give(incident, updates.remove(&incident.id).unwrap_or_default());
        let newest = incident.latest().map(|update| update.display_at);
        incident.cut_at = newest.filter(|_| ends.get(&incident.id).is_some_and(|ends| ends.count > 2));
        if let Some(postmortem) = &mut incident.postmortem {
            (postmortem.body, postmortem.html) = Default::default();
        }
    }
    Ok(incidents)
}

/// The rows of these incidents, in their order.
async fn rows(
    db: &impl ConnectionTrait,
    scope: Scope,
    ids: impl IntoIterator<Item = IncidentId>,
) -> Result<Vec<incident::Model>> {
    let ids: Vec<IncidentId> = ids.into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let rows = scope.find::<incident::Entity>().filter(incident::Column::Id.is_in(ids.iter().copied())).all(db).await?;
    let mut rows: BTreeMap<IncidentId, incident::Model> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.into_iter().filter_map(|id| rows.remove(&id)).collect())
}

/// Loads the services of these rows, and as many updates as they have room for.
async fn with_updates(
    db: &impl ConnectionTrait,
    scope: Scope,
    rows: Vec<incident::Model>,
    picks: &[Pick],
) -> Result<Vec<Incident>> {
    use incident_update::Column;
    let room = |row: &incident::Model| picks.iter().find(|pick| pick.id == row.id)?.room;
    let rooms = rows.iter().filter_map(|row| Some((row.id, room(row)? - row.head_bytes - EXCERPT_MAX))).collect();
    let mut cuts = cuts(db, scope, &rooms).await?;
    let mut incidents = without_updates(db, scope, rows).await?;
    if incidents.is_empty() {
        return Ok(incidents);
    }
    let whole: Vec<_> = incidents.iter().map(|incident| incident.id).filter(|id| !cuts.contains_key(id)).collect();
    let kept: Vec<_> = cuts.values().flat_map(|cut| cut.kept.iter().copied()).collect();
    // Without an empty list, for which a planner would read all rows.
    let whole = (!whole.is_empty()).then(|| Column::IncidentId.is_in(whole));
    let kept = (!kept.is_empty()).then(|| Column::Id.is_in(kept));
    let mut updates = Vec::new();
    if whole.is_some() || kept.is_some() {
        let wanted = Condition::any().add_option(whole).add_option(kept);
        updates = scope.find::<incident_update::Entity>().filter(wanted).all(db).await?;
    }
    let mut updates = by_incident(updates.into_iter().map(update).collect::<Result<Vec<_>>>()?);
    let ends = if cuts.is_empty() { BTreeMap::new() } else { ends(db, scope, cuts.keys().copied()).await? };
    let excerpted = cuts.values().filter_map(|cut| cut.excerpt).chain(ends.values().map(|ends| ends.first));
    let excerpted: BTreeSet<UpdateId> = excerpted.collect();
    let mut excerpted = by_incident(excerpts(db, scope, excerpted.into_iter().collect()).await?);
    for incident in &mut incidents {
        let mut own = updates.remove(&incident.id).unwrap_or_default();
        let Some(cut) = cuts.remove(&incident.id) else {
            give(incident, own);
            continue;
        };
        let excerpted = excerpted.remove(&incident.id).unwrap_or_default();
        let first = excerpted.iter().find(|update| ends.get(&incident.id).is_some_and(|ends| ends.first == update.id));
        let description = first.map(|first| first.message.clone()).unwrap_or_default();
        own.extend(excerpted.into_iter().filter(|update| cut.excerpt == Some(update.id)));
        give(incident, own);
        incident.description = description;
        incident.cut_at = if cut.has_others { cut.at.or(Some(incident.updated_at)) } else { None };
    }
    Ok(incidents)
}

/// What of an incident that does not fit is kept.
#[derive(Default)]
struct Cut {
    /// The newest updates that fit.
    kept: Vec<UpdateId>,
    /// The newest one, if only an excerpt of it fits.
    excerpt: Option<UpdateId>,
    /// The time of the oldest of them.
    at: Option<Timestamp>,
    is_done: bool,
    /// Whether there are others.
    has_others: bool,
}

/// Which updates of incidents fit into the room for them. Reads sizes only, from the index.
async fn cuts(
    db: &impl ConnectionTrait,
    scope: Scope,
    rooms: &BTreeMap<IncidentId, i64>,
) -> Result<BTreeMap<IncidentId, Cut>> {
    if rooms.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sizes: Vec<(IncidentId, UpdateId, Timestamp, i64)> = sizes(scope, rooms).into_tuple().all(db).await?;
    let is_all = u64::try_from(sizes.len()).is_ok_and(|length| length < CUT_MAX);
    let cut = || Cut { has_others: !is_all, ..Cut::default() };
    let mut cuts: BTreeMap<IncidentId, Cut> = rooms.keys().map(|id| (*id, cut())).collect();
    let mut rooms: BTreeMap<_, _> = rooms.iter().map(|(id, room)| (*id, Budget::of(*room))).collect();
    for (incident, id, at, bytes) in sizes {
        let Some((cut, room)) = cuts.get_mut(&incident).zip(rooms.get_mut(&incident)) else { continue };
        if cut.is_done {
            continue;
        }
        if room.take(bytes) {
            cut.kept.push(id);
        } else if cut.at.is_none() && room.take(EXCERPT_MAX) {
            cut.excerpt = Some(id);
        } else {
            (cut.is_done, cut.has_others) = (true, true);
            continue;
        }
        cut.at = Some(at);
    }
    Ok(cuts)
}

/// The updates of incidents with their sizes, newest first.
fn sizes(scope: Scope, incidents: &BTreeMap<IncidentId, i64>) -> Select<incident_update::Entity> {
    use incident_update::Column;
    let of = scope.find::<incident_update::Entity>().filter(Column::IncidentId.is_in(incidents.keys().copied()));
    let of = of.select_only().columns([Column::IncidentId, Column::Id, Column::DisplayAt, Column::Bytes]);
    of.order_by_desc(Column::DisplayAt).order_by_desc(Column::Id).limit(CUT_MAX)
}

fn by_incident(updates: Vec<IncidentUpdate>) -> BTreeMap<IncidentId, Vec<IncidentUpdate>> {
    let mut of_incident: BTreeMap<IncidentId, Vec<IncidentUpdate>> = BTreeMap::new();
    for update in updates {
        of_incident.entry(update.incident_id).or_default().push(update);
    }
    of_incident
}

/// Gives an incident its updates, and the first message as description.
fn give(incident: &mut Incident, updates: Vec<IncidentUpdate>) {
    incident.updates = updates;
    incident.sort();
    incident.description = incident.updates.last().map(|update| update.message.clone()).unwrap_or_default();
}

/// Loads the services of these rows, in one query.
async fn without_updates(db: &impl ConnectionTrait, scope: Scope, rows: Vec<incident::Model>) -> Result<Vec<Incident>> {
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
    let services: Option<Vec<ServiceTransition>> =
        row.services.as_deref().map(serde_json::from_str).transpose().map_err(internal)?;
    // Older versions recorded services that did not change as well.
    let changed = services.into_iter().flatten().filter(|service| service.old_status != service.new_status);
    let services = Some(changed.collect::<Vec<_>>()).filter(|services| !services.is_empty());
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
        cut_at: None,
        updates: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use migration::{Migrator, MigratorTrait};
    use sea_orm::{DbBackend, Statement};
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::OrganizationId,
        tests::support::database::{connect, sqlite_url},
    };

    #[tokio::test]
    async fn sizes_are_read_from_the_index_alone() {
        let db = connect(&sqlite_url("sizes.db")).await;
        Migrator::up(&db, None).await.expect("migrated");
        let scope = Scope::of(OrganizationId::from_uuid(Uuid::from_u128(1)));
        let incidents = (1..3).map(|n| (IncidentId::from_uuid(Uuid::from_u128(n)), 0)).collect();
        let sql = sizes(scope, &incidents).build(DbBackend::Sqlite).to_string();
        let plan = Statement::from_string(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"));
        let plan = db.query_all_raw(plan).await.expect("a plan");
        let steps: Vec<String> = plan.iter().map(|row| row.try_get("", "detail").expect("text")).collect();
        assert!(steps[0].contains("COVERING INDEX incident_update_by_size"), "{steps:?}");
    }
}
