//! Series of maintenances: their windows are made ahead of time, each once (domain rule 3.6.9).

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};

use super::{
    super::{
        Member, System, Viewer,
        audit::{Actor, AuditEvent},
        new_id,
        store::{Scope, incident, maintenance_series},
        tx::Tx,
    },
    append_update::UpdateDraft,
    open::{no_room, services_of},
    recurrence,
};
use crate::{
    model::{
        Action, Automations, Error, Incident, IncidentKind, IncidentStatus, NewIncident, OrganizationId, Result,
        Series, SeriesId, ServiceImpact, Timestamp, UserId,
    },
    server::error::internal,
};

/// How far ahead windows are made, in seconds: 60 days.
const AHEAD_SECONDS: i64 = 60 * 86_400;
/// When a series is looked at again that could not be carried on, in seconds: an hour.
const AGAIN_SECONDS: i64 = 3_600;
/// When a series is looked at again for whose windows there was no room, in seconds: a day.
const FULL_SECONDS: i64 = 86_400;
/// The most series that may go on at a time in one organization: the clock looks after each.
const SERIES_MAX: u64 = 50;
/// The most windows made at once.
const MAX_OCCURRENCES: usize = 30;

impl Viewer {
    /// The series that go on, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
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
    /// Ends a series: its windows that have not begun are cancelled, and drafts, which nobody has seen, deleted.
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
            if row.is_draft {
                tx.delete(row.id, Some(self.user())).await?;
                continue;
            }
            let mut case = tx.case(row.id).await?;
            let word = UpdateDraft {
                status: IncidentStatus::Cancelled,
                message: None,
                services: None,
                display_at: None,
                by: Some(self.user()),
                notify: false,
            };
            tx.say(&mut case, word).await?;
            let now = tx.now();
            tx.settle_case(case, Some(self.user()), now).await?;
        }
        tx.commit().await
    }
}

impl Tx {
    /// Begins a series and makes its first windows; returns the first.
    pub(super) async fn begin_series(&mut self, new: &NewIncident, rule: &str, by: UserId) -> Result<Incident> {
        let (start, end) = new.starts_at.zip(new.ends_at).ok_or_else(Error::internal)?;
        self.require_series_room().await?;
        let time_zone = self.organization().time_zone.clone();
        let rule = recurrence::check(rule, start, &time_zone)?;
        let said: Vec<ServiceImpact> = services_of(new);
        self.require_services(&said).await?;
        let row = maintenance_series::Model {
            org_id: self.organization().id,
            id: SeriesId::from_uuid(new_id()),
            title: new.title.clone(),
            message: new.message.clone().unwrap_or_default(),
            services: serde_json::to_string(&said).map_err(internal)?,
            automations: serde_json::to_string(&new.automations.unwrap_or_default()).map_err(internal)?,
            is_draft: new.is_draft,
            rule,
            first_start: start,
            seconds: (end.millis() - start.millis()) / 1000,
            time_zone,
            created_by: Some(by),
            created_at: self.now(),
            ended_at: None,
            last_start: None,
            next_at: None,
        };
        let change = row.clone().into_active_model().reset_all();
        maintenance_series::Entity::insert(change).exec_without_returning(self.db()).await?;
        let mut made = self.make_windows(row, true).await?;
        if made.is_empty() {
            return Err(Error::field("recurrence", "This rule never happens."));
        }
        Ok(made.swap_remove(0))
    }

    /// Refuses one more series than may go on at a time.
    async fn require_series_room(&self) -> Result<()> {
        let going_on = self.scope().find::<maintenance_series::Entity>();
        let going_on = going_on.filter(maintenance_series::Column::EndedAt.is_null());
        if going_on.count(self.db()).await? < SERIES_MAX {
            return Ok(());
        }
        let why = format!("An organization can have at most {SERIES_MAX} series at a time. End one of them first.");
        Err(Error::field("recurrence", why))
    }

    /// Makes the windows of a series that are within reach and not there yet. Where there is no room for them, somebody who
    /// has asked for them is refused; the clock leaves it at those there is room for.
    async fn make_windows(&mut self, row: maintenance_series::Model, is_asked: bool) -> Result<Vec<Incident>> {
        let horizon = self.now().plus_seconds(AHEAD_SECONDS).max(row.first_start);
        let after = row.last_start;
        let mut starts =
            recurrence::occurrences(&row.rule, row.first_start, &row.time_zone, after, horizon, MAX_OCCURRENCES);
        let room = self.room().await?;
        let is_full = starts.len() > room;
        if is_full && is_asked {
            return Err(no_room());
        }
        starts.truncate(room);
        let services: Vec<ServiceImpact> = serde_json::from_str(&row.services).map_err(internal)?;
        let automations: Automations = serde_json::from_str(&row.automations).map_err(internal)?;
        let present: Vec<_> = self.services().await?.into_iter().map(|service| service.id).collect();
        let mut made = Vec::new();
        for start in &starts {
            let end = start.plus_seconds(row.seconds);
            // A window that was over before it could be made did not happen.
            if end <= self.now() || self.has_window(row.id, *start).await? {
                continue;
            }
            let new = NewIncident {
                title: row.title.clone(),
                message: Some(row.message.clone()).filter(|message| !message.is_empty()),
                incident_type: IncidentKind::Maintenance,
                status: Some(IncidentStatus::Scheduled),
                starts_at: Some(*start),
                ends_at: Some(end),
                services: services.iter().copied().filter(|said| present.contains(&said.id)).collect(),
                automations: Some(automations),
                is_draft: row.is_draft,
                // The series is one plan: only its first window announces it.
                notify: Some(row.last_start.is_none() && made.is_empty()),
                ..Default::default()
            };
            made.push(self.open(&new, row.created_by, Some((row.id, *start))).await?);
        }
        let last_start = starts.last().copied().or(row.last_start);
        let (next_at, ended_at) = if is_full {
            tracing::warn!(series.id = %row.id, "there is no room for more windows of a series");
            (Some(self.now().plus_seconds(FULL_SECONDS)), None)
        } else {
            self.goes_on(&row, last_start)
        };
        let mut change = row.into_active_model();
        (change.last_start, change.next_at, change.ended_at) = (Set(last_start), Set(next_at), Set(ended_at));
        change.update(self.db()).await?;
        Ok(made)
    }

    /// When to look at a series again whose windows have been made up to one, and when it ended, if nothing follows and
    /// that one is over.
    fn goes_on(
        &self,
        row: &maintenance_series::Model,
        last_start: Option<Timestamp>,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        let last = last_start.unwrap_or(row.first_start);
        let over = last.plus_seconds(row.seconds);
        match recurrence::next(&row.rule, row.first_start, &row.time_zone, last) {
            Some(next) => (Some(next.plus_seconds(-AHEAD_SECONDS).max(self.now())), None),
            None if over > self.now() => (Some(over), None),
            None => (None, Some(over)),
        }
    }

    /// Deletes the drafts of a series that were over before anybody published them or did anything else to them.
    async fn drop_missed(&mut self, series: SeriesId) -> Result<()> {
        use incident::Column;
        let missed = self.scope().find::<incident::Entity>().filter(Column::SeriesId.eq(series));
        let missed = missed.filter(Column::IsDraft.eq(true)).filter(Column::Version.eq(1));
        let missed = missed.filter(Column::Status.eq(IncidentStatus::Scheduled));
        let missed = missed.filter(Column::ScheduledEnd.lte(self.now())).all(self.db()).await?;
        for row in missed {
            self.delete(row.id, None).await?;
        }
        Ok(())
    }

    async fn has_window(&self, series: SeriesId, start: Timestamp) -> Result<bool> {
        let known = self.scope().find::<incident::Entity>().filter(incident::Column::SeriesId.eq(series));
        let known = known.filter(incident::Column::OccurrenceAt.eq(start)).one(self.db()).await;
        Ok(known?.is_some())
    }
}

impl System {
    /// Makes the windows that have come within reach, series by series; tells how many.
    pub(super) async fn extend(&self, due: Vec<(OrganizationId, SeriesId)>) -> Result<usize> {
        let mut made = 0;
        for (organization, id) in due {
            match self.extend_one(organization, id).await {
                Ok(windows) => made += windows,
                // One series that cannot go on must not stop the others.
                Err(error) => {
                    tracing::error!(%error, series.id = %id, "a series could not be carried on");
                    self.put_off(organization, id).await?;
                }
            }
        }
        Ok(made)
    }

    async fn extend_one(&self, organization: OrganizationId, id: SeriesId) -> Result<usize> {
        let mut tx = Tx::begin(&self.domain, organization, Actor::system()).await?;
        let row = tx.scope().find_id::<maintenance_series::Entity>(id).one(tx.db()).await?;
        // Another instance may have been faster.
        let Some(row) = row.filter(|row| row.next_at.is_some_and(|at| at <= tx.now())) else { return Ok(0) };
        let audit_event = AuditEvent::new(Action::SeriesExtended).on("series", row.id, &row.title);
        tx.drop_missed(row.id).await?;
        let made = tx.make_windows(row, false).await?.len();
        if made > 0 {
            tx.audit(audit_event.setting("windows", made));
        }
        tx.commit().await?;
        Ok(made)
    }

    /// Looks at a series again later.
    async fn put_off(&self, organization: OrganizationId, id: SeriesId) -> Result<()> {
        let later = self.domain.clock().now().plus_seconds(AGAIN_SECONDS);
        let change = maintenance_series::ActiveModel { next_at: Set(Some(later)), ..Default::default() };
        let update = Scope::of(organization).update_id::<maintenance_series::Entity>(id);
        let update = update.filter(maintenance_series::Column::NextAt.is_not_null());
        update.set(change).exec(self.domain.db()).await?;
        Ok(())
    }

    /// The series whose next windows may have come within reach.
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock goes over all organizations; each is changed in its own scope"
    )]
    pub(super) async fn due_series(&self) -> Result<Vec<(OrganizationId, SeriesId)>> {
        let due = maintenance_series::Entity::find()
            .filter(maintenance_series::Column::NextAt.lte(self.domain.clock().now()))
            .order_by_asc(maintenance_series::Column::NextAt)
            .limit(100)
            .all(self.domain.db())
            .await?;
        Ok(due.into_iter().map(|row| (row.org_id, row.id)).collect())
    }
}
