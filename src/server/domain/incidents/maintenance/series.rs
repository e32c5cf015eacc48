//! Series of recurring maintenances, whose windows are made ahead of time, each once (domain rule 3.6.9).

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::recurrence;
use crate::{
    model::{
        Action, Automations, Error, Incident, IncidentKind, IncidentStatus, NewIncident, OrganizationId, Result,
        Series, SeriesId, ServiceImpact, Timestamp, UserId,
    },
    server::{
        domain::{
            Member, System, Viewer,
            audit::{Actor, AuditEvent},
            identity::people::organization_row,
            incidents::{
                aggregate::{LoadedIncident, require_services},
                append_update::UpdateDraft,
                create::{capacity_reached, create_incident, impacts_of, remaining_capacity},
            },
            new_id,
            store::{Scope, incident, maintenance_series},
            tx::Tx,
        },
        error::internal,
    },
};

/// How far ahead windows are made, in seconds: 60 days.
const AHEAD_SECONDS: i64 = 60 * 86_400;
/// When a series that failed is tried again, in seconds: an hour.
const RETRY_SECONDS: i64 = 3_600;
/// When a series is tried again after the organization's capacity was used up, in seconds: a day.
const FULL_RETRY_SECONDS: i64 = 86_400;
/// The most active series of one organization.
const SERIES_MAX: u64 = 50;
/// The most windows made at once.
const MAX_OCCURRENCES: usize = 30;

/// A checked rule and its next starts, worked out before the transaction that uses them.
pub(in crate::server::domain::incidents) struct SeriesPlan {
    rule: String,
    time_zone: String,
    starts: Vec<Timestamp>,
}

/// The starts after the last window made: those of one run, and the one after them.
fn next_starts(rule: &str, first_start: Timestamp, time_zone: &str, after: Option<Timestamp>) -> Vec<Timestamp> {
    recurrence::occurrences(rule, first_start, time_zone, after, MAX_OCCURRENCES + 1)
}

impl Viewer {
    /// The active series, newest first.
    pub async fn series(&self) -> Result<Vec<Series>> {
        let rows = self.scope().find::<maintenance_series::Entity>();
        let rows = rows.filter(maintenance_series::Column::EndedAt.is_null());
        let rows = rows.order_by_desc(maintenance_series::Column::Id).all(self.db()).await?;
        let series = rows.into_iter().map(|row| Series {
            id: row.id,
            title: row.title,
            rule: row.rule,
            first_start: row.first_start,
            seconds: row.seconds,
            time_zone: row.time_zone,
            is_draft: row.is_draft,
            created_by: row.created_by,
            ended_at: row.ended_at,
        });
        Ok(series.collect())
    }
}

impl Member {
    /// Checks the rule of a series and works out its starts; none when a rule or a start is missing.
    ///
    /// # Errors
    /// `invalid` for the rule.
    pub(in crate::server::domain::incidents) async fn plan_series(
        &self,
        new: &NewIncident,
    ) -> Result<Option<SeriesPlan>> {
        let Some((rule, start)) = new.recurrence.as_ref().zip(new.starts_at) else { return Ok(None) };
        let time_zone = organization_row(self.db(), self.organization()).await?.time_zone;
        let rule = recurrence::check(rule, start, &time_zone)?;
        let starts = next_starts(&rule, start, &time_zone, None);
        Ok(Some(SeriesPlan { rule, time_zone, starts }))
    }

    /// Ends a series: cancels its windows that have not begun, and deletes those that are drafts.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn end_series(&self, id: SeriesId) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = self.scope().find_id::<maintenance_series::Entity>(id).one(tx.db()).await?;
        let row = row.filter(|row| row.ended_at.is_none()).ok_or_else(Error::not_found)?;
        tx.audit(AuditEvent::new(Action::SeriesEnded).on("series", row.id, &row.title));
        let mut change = row.into_active_model();
        (change.ended_at, change.next_at) = (Set(Some(tx.now())), Set(None));
        change.update(tx.db()).await?;
        let planned = self.scope().find::<incident::Entity>().filter(incident::Column::SeriesId.eq(id));
        let planned = planned.filter(incident::Column::Status.eq(IncidentStatus::Scheduled));
        let planned = planned.order_by_asc(incident::Column::ScheduledStart).all(tx.db()).await?;
        for row in planned {
            let mut window = LoadedIncident::load(&tx, row.id).await?;
            if row.is_draft {
                window.delete(&mut tx, Some(self.user())).await?;
                continue;
            }
            let draft = UpdateDraft {
                status: IncidentStatus::Cancelled,
                message: None,
                services: None,
                display_at: None,
                by: Some(self.user()),
                notify: false,
            };
            window.append_update(&tx, draft).await?;
            let now = tx.now();
            window.save(&mut tx, Some(self.user()), now).await?;
        }
        tx.commit().await
    }
}

/// Begins a series and makes its first windows; returns the first.
pub(in crate::server::domain::incidents) async fn begin_series(
    tx: &mut Tx,
    new: &NewIncident,
    plan: SeriesPlan,
    by: UserId,
) -> Result<Incident> {
    let (start, end) = new.starts_at.zip(new.ends_at).ok_or_else(Error::internal)?;
    require_series_limit(tx).await?;
    let impacts: Vec<ServiceImpact> = impacts_of(new);
    require_services(tx, &impacts).await?;
    let row = maintenance_series::Model {
        org_id: tx.organization().id,
        id: SeriesId::from_uuid(new_id()),
        title: new.title.clone(),
        message: new.message.clone().unwrap_or_default(),
        services: serde_json::to_string(&impacts).map_err(internal)?,
        automations: serde_json::to_string(&new.automations.unwrap_or_default()).map_err(internal)?,
        is_draft: new.is_draft,
        rule: plan.rule,
        first_start: start,
        seconds: (end.millis() - start.millis()) / 1000,
        time_zone: plan.time_zone,
        created_by: Some(by),
        created_at: tx.now(),
        ended_at: None,
        last_start: None,
        next_at: None,
    };
    let change = row.clone().into_active_model().reset_all();
    maintenance_series::Entity::insert(change).exec_without_returning(tx.db()).await?;
    let mut made = make_windows(tx, row, &plan.starts, true).await?;
    if made.is_empty() {
        return Err(Error::field("recurrence", "This rule never occurs."));
    }
    Ok(made.swap_remove(0))
}

/// Rejects more active series than an organization may have.
async fn require_series_limit(tx: &Tx) -> Result<()> {
    let active = tx.scope().find::<maintenance_series::Entity>();
    let active = active.filter(maintenance_series::Column::EndedAt.is_null());
    if active.count(tx.db()).await? < SERIES_MAX {
        return Ok(());
    }
    let why = format!("Your organization has reached its limit of {SERIES_MAX} active series. End one of them first.");
    Err(Error::field("recurrence", why))
}

/// Makes those of the next windows of a series that start within [`AHEAD_SECONDS`]. Beyond the organization's capacity
/// a request is rejected, while the scheduler makes as many as fit.
async fn make_windows(
    tx: &mut Tx,
    row: maintenance_series::Model,
    next: &[Timestamp],
    is_requested: bool,
) -> Result<Vec<Incident>> {
    let horizon = tx.now().plus_seconds(AHEAD_SECONDS).max(row.first_start);
    let (starts, later) = next.split_at(next.partition_point(|start| *start <= horizon).min(MAX_OCCURRENCES));
    let capacity = remaining_capacity(tx).await?;
    let is_full = starts.len() > capacity;
    if is_full && is_requested {
        return Err(capacity_reached());
    }
    let starts = &starts[..starts.len().min(capacity)];
    let services: Vec<ServiceImpact> = serde_json::from_str(&row.services).map_err(internal)?;
    let automations: Automations = serde_json::from_str(&row.automations).map_err(internal)?;
    let present: Vec<_> = tx.services().await?.into_iter().map(|service| service.id).collect();
    let mut made = Vec::new();
    for start in starts {
        let end = start.plus_seconds(row.seconds);
        // A window that ended before it was made did not happen.
        if end <= tx.now() || has_window(tx, row.id, *start).await? {
            continue;
        }
        let new = NewIncident {
            title: row.title.clone(),
            message: Some(row.message.clone()).filter(|message| !message.is_empty()),
            incident_type: IncidentKind::Maintenance,
            status: Some(IncidentStatus::Scheduled),
            starts_at: Some(*start),
            ends_at: Some(end),
            services: services.iter().copied().filter(|impact| present.contains(&impact.id)).collect(),
            automations: Some(automations),
            is_draft: row.is_draft,
            // Only the first window announces the series.
            notify: Some(row.last_start.is_none() && made.is_empty()),
            ..Default::default()
        };
        made.push(create_incident(tx, &new, row.created_by, Some((row.id, *start))).await?);
    }
    let last_start = starts.last().copied().or(row.last_start);
    let (next_at, ended_at) = if is_full {
        tracing::warn!(series.id = %row.id, "the limit of incidents is reached; no windows were created");
        (Some(tx.now().plus_seconds(FULL_RETRY_SECONDS)), None)
    } else {
        next_run(tx, &row, last_start, later.first().copied())
    };
    let mut change = row.into_active_model();
    (change.last_start, change.next_at, change.ended_at) = (Set(last_start), Set(next_at), Set(ended_at));
    change.update(tx.db()).await?;
    Ok(made)
}

/// When a series is due again, given the last window made and the next start; or when it ended, if that was its last
/// and is over.
fn next_run(
    tx: &Tx,
    row: &maintenance_series::Model,
    last_start: Option<Timestamp>,
    next: Option<Timestamp>,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let end = last_start.unwrap_or(row.first_start).plus_seconds(row.seconds);
    match next {
        Some(next) => (Some(next.plus_seconds(-AHEAD_SECONDS).max(tx.now())), None),
        None if end > tx.now() => (Some(end), None),
        None => (None, Some(end)),
    }
}

/// Deletes the windows of a series that ended as untouched drafts.
async fn delete_missed_drafts(tx: &mut Tx, series: SeriesId) -> Result<()> {
    use incident::Column;
    let missed = tx.scope().find::<incident::Entity>().filter(Column::SeriesId.eq(series));
    let missed = missed.filter(Column::IsDraft.eq(true)).filter(Column::Version.eq(1));
    let missed = missed.filter(Column::Status.eq(IncidentStatus::Scheduled));
    let missed = missed.filter(Column::ScheduledEnd.lte(tx.now())).all(tx.db()).await?;
    for row in missed {
        LoadedIncident::load(tx, row.id).await?.delete(tx, None).await?;
    }
    Ok(())
}

async fn has_window(tx: &Tx, series: SeriesId, start: Timestamp) -> Result<bool> {
    let known = tx.scope().find::<incident::Entity>().filter(incident::Column::SeriesId.eq(series));
    let known = known.filter(incident::Column::OccurrenceAt.eq(start)).one(tx.db()).await;
    Ok(known?.is_some())
}

impl System {
    /// Makes the next windows of these series; returns how many.
    pub(super) async fn extend(&self, due: Vec<(OrganizationId, SeriesId)>) -> Result<usize> {
        let mut made = 0;
        for (organization, id) in due {
            match self.extend_one(organization, id).await {
                Ok(windows) => made += windows,
                // One series that fails does not stop the others.
                Err(error) => {
                    tracing::error!(%error, series.id = %id, "the next windows of a series could not be created");
                    self.postpone(organization, id).await?;
                }
            }
        }
        Ok(made)
    }

    async fn extend_one(&self, organization: OrganizationId, id: SeriesId) -> Result<usize> {
        let find = || Scope::of(organization).find_id::<maintenance_series::Entity>(id);
        let Some(known) = find().one(self.domain.db()).await? else { return Ok(0) };
        let starts = next_starts(&known.rule, known.first_start, &known.time_zone, known.last_start);
        let mut tx = Tx::begin(&self.domain, organization, Actor::system()).await?;
        let row = find().one(tx.db()).await?.filter(|row| *row == known);
        // Another instance may have been faster, or somebody has ended the series.
        let Some(row) = row.filter(|row| row.next_at.is_some_and(|at| at <= tx.now())) else { return Ok(0) };
        let audit_event = AuditEvent::new(Action::SeriesExtended).on("series", row.id, &row.title);
        delete_missed_drafts(&mut tx, row.id).await?;
        let made = make_windows(&mut tx, row, &starts, false).await?.len();
        if made > 0 {
            tx.audit(audit_event.setting("windows", made));
        }
        tx.commit().await?;
        Ok(made)
    }

    /// Makes a series due again later.
    async fn postpone(&self, organization: OrganizationId, id: SeriesId) -> Result<()> {
        let later = self.domain.clock().now().plus_seconds(RETRY_SECONDS);
        let change = maintenance_series::ActiveModel { next_at: Set(Some(later)), ..Default::default() };
        let update = Scope::of(organization).update_id::<maintenance_series::Entity>(id);
        let update = update.filter(maintenance_series::Column::NextAt.is_not_null());
        let tx = self.domain.begin(organization).await?;
        update.set(change).exec(&tx).await?;
        Ok(tx.commit().await?)
    }

    /// The series that are due, the one that waits longest first. An organization has few
    /// ([`SERIES_MAX`]), and all are listed, so that none hides those of others.
    #[expect(
        clippy::disallowed_methods,
        reason = "the scheduler works for all organizations; each is changed in its own scope"
    )]
    pub(super) async fn due_series(&self, now: Timestamp) -> Result<Vec<(OrganizationId, SeriesId)>> {
        use maintenance_series::Column;
        let due = maintenance_series::Entity::find()
            .filter(Column::NextAt.lte(now))
            .order_by_asc(Column::NextAt)
            .select_only()
            .columns([Column::OrgId, Column::Id])
            .into_tuple()
            .all(self.domain.db())
            .await;
        Ok(due?)
    }
}
