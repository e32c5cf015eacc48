//! The clock of maintenances: durable, exactly once across instances, and catching up in order after a downtime (domain
//! rule 3.6.3).
//!
//! What is due stands in the rows themselves (`next_at`). A lease lets one instance at a time look; that saves work, not
//! correctness: each step happens in a transaction that holds the organization, looks again and moves `next_at` on, so
//! that a second instance finds nothing left to do.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select, SqlErr,
};
use uuid::Uuid;

use super::{
    super::{
        System,
        audit::Actor,
        new_id,
        store::{incident, job_lease},
        tx::Tx,
        zones,
    },
    aggregate::LoadedIncident,
    append_update::UpdateDraft,
    audit_event,
};
use crate::{
    model::{
        Action, ClockAction, IncidentId, IncidentStatus, OrganizationId, Result, Timestamp,
        incident::Incident,
        maintenance::{REMINDER_LATE_SECONDS, REMINDER_TEXT},
    },
    server::error::internal,
};

/// The name of the lease.
const LEASE: &str = "maintenance_clock";
/// How long a lease lasts without being renewed, in seconds.
pub const LEASE_SECONDS: i64 = 20;

/// One instance's claim to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeaseHolder(Uuid);

impl Default for LeaseHolder {
    fn default() -> Self {
        Self(new_id())
    }
}

/// What became of an attempt to take a step.
enum Progress {
    /// It was taken.
    Taken,
    /// Another instance was faster, and something else is first now.
    Overtaken,
    /// Nothing is due after all.
    Nothing,
}

impl System {
    /// Does what is due for maintenances and their series, unless another instance does; tells how many steps were
    /// taken.
    ///
    /// # Errors
    /// When the database does not answer; what was done until then stays done.
    pub async fn run_scheduler(&self, holder: LeaseHolder) -> Result<usize> {
        let mut steps = 0;
        let mut tried = BTreeSet::new();
        loop {
            // One at a time: a step may bring the next one of the same window before all others.
            let (due, series) = (self.due(&tried).await?, self.due_series().await?);
            if (due.is_none() && series.is_empty()) || !self.hold(holder).await? {
                return Ok(steps);
            }
            if let Some((organization, id)) = due {
                match self.step(organization, id, &tried).await {
                    Ok(Progress::Taken) => steps += 1,
                    Ok(Progress::Overtaken) => {}
                    Ok(Progress::Nothing) => _ = tried.insert(id),
                    // One window that cannot be moved must not stop the others.
                    Err(error) => {
                        tracing::error!(%error, incident.id = %id, "a maintenance could not be moved on");
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

    /// Takes the next step of one maintenance, if it still is the organization's first that is due.
    async fn step(
        &self,
        organization: OrganizationId,
        id: IncidentId,
        tried: &BTreeSet<IncidentId>,
    ) -> Result<Progress> {
        let mut tx = Tx::begin(&self.domain, organization, Actor::system()).await?;
        // Who lost the lease while it waited here would find the same window due, but at a later step, and others before.
        if tx.first_due(tried).await? != Some(id) {
            return Ok(Progress::Overtaken);
        }
        let mut case = tx.case(id).await?;
        let Some((at, action)) = case.due(tx.now()) else { return Ok(Progress::Nothing) };
        if case.row.next_at.is_some_and(|next| next < at) {
            // The reminder is passed over; the start waits for its turn among all that is due.
            tx.note_due(&case, at).await?;
            tx.commit().await?;
            return Ok(Progress::Taken);
        }
        let row = &case.row;
        // After a downtime the end has come too: then it alone is told (domain rule 3.6.3).
        let ends_as_well = row.auto_end && row.scheduled_end.is_some_and(|end| end <= tx.now());
        let (status, message, notify) = match action {
            ClockAction::Remind => (IncidentStatus::Scheduled, Some(tx.reminder(row.scheduled_start, at)?), true),
            ClockAction::Start => (IncidentStatus::InProgress, None, row.notify_start && !ends_as_well),
            ClockAction::Complete => (IncidentStatus::Completed, None, row.notify_end),
        };
        let display_at = case.place(at);
        case.row.is_reminded = true;
        let word = UpdateDraft { status, message, services: None, display_at: Some(display_at), by: None, notify };
        tx.say(&mut case, word).await?;
        let incident: Incident = tx.settle_case(case, None, at).await?;
        tx.audit(audit_event(Action::UpdatePosted, &incident).setting("status", status));
        tx.commit().await?;
        tracing::info!(org.id = %organization, incident.id = %incident.id, ?action, planned = %at, "maintenance clock");
        Ok(Progress::Taken)
    }

    /// What was planned for the earliest instant that has come, except what was tried already.
    #[expect(
        clippy::disallowed_methods,
        reason = "the clock goes over all organizations; each is changed in its own scope"
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

    /// Takes or renews the lease; tells whether this instance has it.
    #[expect(clippy::disallowed_methods, reason = "the lease belongs to no organization")]
    async fn hold(&self, LeaseHolder(holder): LeaseHolder) -> Result<bool> {
        use job_lease::Column;
        let now = self.domain.clock().now();
        let until: Timestamp = now.plus_seconds(LEASE_SECONDS);
        let free = Condition::any().add(Column::Holder.eq(holder)).add(Column::Until.lte(now));
        let taken = job_lease::Entity::update_many()
            .set(job_lease::ActiveModel { holder: Set(holder), until: Set(until), ..Default::default() })
            .filter(Column::Name.eq(LEASE))
            .filter(free)
            .exec(self.domain.db())
            .await?;
        if taken.rows_affected > 0 {
            return Ok(true);
        }
        let lease = job_lease::Entity::find_by_id(LEASE).one(self.domain.db()).await?;
        if lease.is_some() {
            return Ok(false);
        }
        let first = job_lease::ActiveModel { name: Set(LEASE.to_owned()), holder: Set(holder), until: Set(until) };
        match job_lease::Entity::insert(first).exec_without_returning(self.domain.db()).await {
            Ok(_) => Ok(true),
            // Another instance was faster.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(false),
            Err(error) => Err(internal(error)),
        }
    }
}

impl Tx {
    /// The organization's own part of what is due, as [`System::due`] orders it.
    async fn first_due(&self, tried: &BTreeSet<IncidentId>) -> Result<Option<IncidentId>> {
        let due = first(self.scope().find(), self.now(), tried).one(self.db()).await?;
        Ok(due.map(|row| row.id))
    }

    /// What a reminder says that was due at an instant: how long it is until the start, or when that is, where the hour
    /// is no longer true.
    fn reminder(&self, start: Option<Timestamp>, due: Timestamp) -> Result<String> {
        match start.filter(|_| due.plus_seconds(REMINDER_LATE_SECONDS) < self.now()) {
            None => Ok(REMINDER_TEXT.to_owned()),
            Some(start) => {
                let zone = zones::zone(&self.organization().time_zone, start)?;
                Ok(format!("Maintenance will begin as scheduled on {}.", zone.human(start)))
            }
        }
    }

    /// Writes when the clock has to look at a maintenance next, and nothing else about it.
    async fn note_due(&self, case: &LoadedIncident, at: Timestamp) -> Result<()> {
        let update = self.scope().update_id::<incident::Entity>(case.row.id);
        let due = incident::ActiveModel { is_reminded: Set(true), next_at: Set(Some(at)), ..Default::default() };
        update.set(due).exec(self.db()).await?;
        Ok(())
    }
}

/// What is due by now, the earliest first.
fn first(query: Select<incident::Entity>, now: Timestamp, tried: &BTreeSet<IncidentId>) -> Select<incident::Entity> {
    query
        .filter(incident::Column::NextAt.lte(now))
        .filter(incident::Column::Id.is_not_in(tried.iter().copied()))
        .order_by_asc(incident::Column::NextAt)
        .order_by_asc(incident::Column::Id)
}
