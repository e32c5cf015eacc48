//! The maintenance scheduler, which starts and ends maintenances at their planned times like cron (domain rule 3.6.3).
//!
//! Due steps are stored in the rows (`next_at`), each step is taken exactly once across instances, and after a downtime
//! the missed ones are taken in order. A lease lets one instance at a time run it. That only saves work: each step
//! locks the organization, checks again what is due and moves `next_at` on, so a second instance finds nothing left to
//! do.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, SqlErr,
};
use uuid::Uuid;

use crate::{
    model::{
        Action, IncidentId, IncidentStatus, OrganizationId, Result, ScheduledStep, Timestamp,
        maintenance::{REMINDER_LATE_SECONDS, REMINDER_TEXT},
    },
    server::domain::{
        System,
        audit::Actor,
        incidents::{aggregate::LoadedIncident, append_update::UpdateDraft, audit_events::audit_event},
        new_id,
        store::{Lane, incident, job_lease},
        tx::Tx,
        zones,
    },
};

/// The name of the lease in its row.
const LEASE: &str = "maintenance_clock";
/// How long a lease lasts unless it is renewed, in seconds.
pub const LEASE_SECONDS: i64 = 20;

/// The holder of the lease: the one instance that runs the scheduler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseHolder(Uuid);

impl Default for LeaseHolder {
    fn default() -> Self {
        Self(new_id())
    }
}

/// The outcome of an attempt to take a step.
enum Progress {
    /// It was taken.
    Taken,
    /// Another instance was faster, and another maintenance is first now.
    Overtaken,
    /// Nothing is due.
    Nothing,
}

impl System {
    /// Takes the due steps of maintenances and makes the due windows of series, unless another instance holds the
    /// lease; returns how many steps and windows. After an error, those before it are committed.
    pub async fn run_scheduler(&self, holder: LeaseHolder) -> Result<usize> {
        let mut steps = 0;
        let mut tried = BTreeSet::new();
        loop {
            // One at a time: the next step of the same maintenance may be due before all others.
            let (due, series) = (self.due(&tried).await?, self.due_series().await?);
            if (due.is_none() && series.is_empty()) || !self.hold(holder).await? {
                return Ok(steps);
            }
            if let Some((organization, id)) = due {
                match self.step(organization, id, &tried).await {
                    Ok(Progress::Taken) => steps += 1,
                    Ok(Progress::Overtaken) => {}
                    Ok(Progress::Nothing) => _ = tried.insert(id),
                    // One maintenance that fails does not stop the others.
                    Err(error) => {
                        tracing::error!(%error, incident.id = %id, "a scheduled step of a maintenance failed");
                        tried.insert(id);
                    }
                }
            } else {
                let made = self.extend(series).await?;
                if made == 0 {
                    return Ok(steps);
                }
                steps += made;
            }
        }
    }

    /// Takes the next step of a maintenance, if it is still the first that is due in the organization.
    async fn step(
        &self,
        organization: OrganizationId,
        id: IncidentId,
        tried: &BTreeSet<IncidentId>,
    ) -> Result<Progress> {
        let mut tx = Tx::begin(&self.domain, organization, Actor::system()).await?;
        // An instance that lost the lease while it waited for the lock may find the maintenance due at a later step,
        // with others before it.
        if first_due(&tx, tried).await? != Some(id) {
            return Ok(Progress::Overtaken);
        }
        let mut incident = LoadedIncident::load(&tx, id).await?;
        let Some((at, step)) = incident.due(tx.now()) else { return Ok(Progress::Nothing) };
        if incident.row.next_at.is_some_and(|next| next < at) {
            // The reminder is skipped; the start waits for its turn among the due steps.
            skip_reminder(&tx, &incident, at).await?;
            tx.commit().await?;
            return Ok(Progress::Taken);
        }
        let row = &incident.row;
        // When the end is due too, after a downtime, only the end notifies (domain rule 3.6.3).
        let ends_as_well = row.auto_end && row.scheduled_end.is_some_and(|end| end <= tx.now());
        let (status, message, notify) = match step {
            ScheduledStep::Remind => (IncidentStatus::Scheduled, Some(reminder(&tx, row.scheduled_start, at)?), true),
            ScheduledStep::Start => (IncidentStatus::InProgress, None, row.notify_start && !ends_as_well),
            ScheduledStep::Complete => (IncidentStatus::Completed, None, row.notify_end),
        };
        let display_at = Some(incident.display_time(at));
        incident.row.is_reminded = true;
        let draft = UpdateDraft { status, message, services: None, display_at, by: None, notify };
        incident.append_update(&tx, draft).await?;
        let incident = incident.save(&mut tx, None, at).await?;
        tx.audit(audit_event(Action::UpdatePosted, &incident).setting("status", status));
        tx.commit().await?;
        tracing::info!(org.id = %organization, incident.id = %incident.id, ?step, planned = %at, "step taken");
        Ok(Progress::Taken)
    }

    /// The maintenance with the earliest due step, except those tried already.
    #[expect(
        clippy::disallowed_methods,
        reason = "the scheduler works for all organizations; each is changed in its own scope"
    )]
    async fn due(&self, tried: &BTreeSet<IncidentId>) -> Result<Option<(OrganizationId, IncidentId)>> {
        let due = first(incident::Entity::find(), self.domain.clock().now(), tried)
            .select_only()
            .columns([incident::Column::OrgId, incident::Column::Id])
            .into_tuple()
            .one(self.domain.db())
            .await;
        Ok(due?)
    }

    /// Takes or renews the lease; returns whether this instance holds it.
    #[expect(clippy::disallowed_methods, reason = "the lease belongs to no organization")]
    async fn hold(&self, LeaseHolder(holder): LeaseHolder) -> Result<bool> {
        use job_lease::Column;
        let now = self.domain.clock().now();
        let until: Timestamp = now.plus_seconds(LEASE_SECONDS);
        let free = Condition::any().add(Column::Holder.eq(holder)).add(Column::Until.lte(now));
        let tx = self.domain.begin(Lane::System).await?;
        let taken = job_lease::Entity::update_many()
            .set(job_lease::ActiveModel { holder: Set(holder), until: Set(until), ..Default::default() })
            .filter(Column::Name.eq(LEASE))
            .filter(free)
            .exec(&tx)
            .await?;
        let is_taken = taken.rows_affected > 0;
        if is_taken || job_lease::Entity::find_by_id(LEASE).one(&tx).await?.is_some() {
            tx.commit().await?;
            return Ok(is_taken);
        }
        let first = job_lease::ActiveModel { name: Set(LEASE.to_owned()), holder: Set(holder), until: Set(until) };
        match job_lease::Entity::insert(first).exec_without_returning(&tx).await {
            Ok(_) => Ok(tx.commit().await.map(|()| true)?),
            // Another instance was faster.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// The organization's maintenance with the earliest due step, in the order of [`System::due`].
async fn first_due(tx: &Tx, tried: &BTreeSet<IncidentId>) -> Result<Option<IncidentId>> {
    let due = first(tx.scope().find(), tx.now(), tried).one(tx.db()).await?;
    Ok(due.map(|row| row.id))
}

/// The text of a reminder: 60 minutes, or the start where the reminder is late.
fn reminder(tx: &Tx, start: Option<Timestamp>, due: Timestamp) -> Result<String> {
    match start.filter(|_| due.plus_seconds(REMINDER_LATE_SECONDS) < tx.now()) {
        None => Ok(REMINDER_TEXT.to_owned()),
        Some(start) => {
            let zone = zones::zone(&tx.organization().time_zone, start)?;
            Ok(format!("Maintenance will begin as scheduled on {}.", zone.human(start)))
        }
    }
}

/// Sets when the next step is due, and changes nothing else.
async fn skip_reminder(tx: &Tx, incident: &LoadedIncident, at: Timestamp) -> Result<()> {
    let update = tx.scope().update_id::<incident::Entity>(incident.row.id);
    let due = incident::ActiveModel { is_reminded: Set(true), next_at: Set(Some(at)), ..Default::default() };
    update.set(due).exec(tx.db()).await?;
    Ok(())
}

/// Due by now and not tried yet, earliest first.
fn first(query: Select<incident::Entity>, now: Timestamp, tried: &BTreeSet<IncidentId>) -> Select<incident::Entity> {
    query
        .filter(incident::Column::NextAt.lte(now))
        .filter(incident::Column::Id.is_not_in(tried.iter().copied()))
        .order_by_asc(incident::Column::NextAt)
        .order_by_asc(incident::Column::Id)
}
