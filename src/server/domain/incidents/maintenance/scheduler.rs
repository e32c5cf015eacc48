//! The maintenance scheduler, which starts and ends maintenances at their planned times like cron (domain rule 3.6.3).
//!
//! Due steps are stored in the rows (`next_at`), each step is taken exactly once across instances, and after a downtime
//! the missed ones are taken in order. Organizations take turns, so that one with many due steps does not delay the
//! others. A lease lets one instance at a time run it. That only saves work: each step locks the organization, checks
//! again what is due and moves `next_at` on, so a second instance finds nothing left to do.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect, SqlErr};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    model::{
        Action, IncidentId, IncidentStatus, OrganizationId, Result, ScheduledStep, SeriesId, Timestamp,
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

/// The most steps taken in one organization before the next has its turn.
const STEPS_PER_ROUND: usize = 5;
/// The most series extended in one organization before the next has its turn.
const SERIES_PER_ROUND: usize = 2;
/// The time after which the next organization has its turn, even if it took fewer steps.
const TIME_PER_ROUND: Duration = Duration::from_secs(1);

/// A maintenance among those of its organization: by its due step, earliest first.
type Position = (Timestamp, IncidentId);

/// The outcome of an attempt to take a step.
enum Progress {
    /// It was taken.
    Taken,
    /// It could not be taken; those after it may be.
    Passed(Position),
    /// Nothing is due in the organization.
    Nothing,
}

/// One run of the scheduler: what is left out, as it cannot be done now.
#[derive(Default)]
pub struct SchedulerRun {
    /// The last maintenance of an organization that failed.
    passed: BTreeMap<OrganizationId, Position>,
    /// Organizations in which no other step can be taken.
    finished: BTreeSet<OrganizationId>,
    /// Series that were due and got no window.
    idle: BTreeSet<SeriesId>,
}

impl System {
    /// Takes the due steps of maintenances and makes the due windows of series, unless another instance holds the
    /// lease; returns how many steps and windows. After an error, those before it are committed. Calls `after_round`
    /// after each round over the organizations.
    pub async fn run_scheduler(&self, holder: LeaseHolder, after_round: impl Fn() + Send) -> Result<usize> {
        let (mut run, mut steps) = (SchedulerRun::default(), 0);
        while let Some(taken) = self.run_round(holder, &mut run).await? {
            steps += taken;
            after_round();
        }
        Ok(steps)
    }

    /// Gives each organization in which something is due its turn: a few steps, or a few series once it has no due
    /// steps. Returns how many steps and windows, or `None` once nothing is left or another instance holds the lease.
    pub async fn run_round(&self, holder: LeaseHolder, run: &mut SchedulerRun) -> Result<Option<usize>> {
        let now = self.domain.database_now().await?;
        let mut stepping = self.due_organizations(now).await?;
        stepping.retain(|(organization, _)| !run.finished.contains(organization));
        let mut extending = self.due_series(now).await?;
        let busy: BTreeSet<_> = stepping.iter().map(|(organization, _)| *organization).collect();
        let mut turns: BTreeMap<OrganizationId, usize> = BTreeMap::new();
        extending.retain(|(organization, id)| {
            let is_candidate = !run.idle.contains(id) && !busy.contains(organization);
            let turn = turns.entry(*organization).or_default();
            *turn += usize::from(is_candidate);
            is_candidate && *turn <= SERIES_PER_ROUND
        });
        if stepping.is_empty() && extending.is_empty() {
            return Ok(None);
        }
        let mut taken = 0;
        for (organization, due) in stepping {
            let most = usize::try_from(due).unwrap_or(0).clamp(1, STEPS_PER_ROUND);
            match self.step_organization(holder, organization, most, run).await? {
                Some(steps) => taken += steps,
                None => return Ok(None),
            }
        }
        for (organization, id) in extending {
            if self.hold(holder).await?.is_none() {
                return Ok(None);
            }
            let made = self.extend(vec![(organization, id)]).await?;
            if made == 0 {
                run.idle.insert(id);
            } else {
                // A new window may be due already.
                run.finished.remove(&organization);
            }
            taken += made;
        }
        Ok(Some(taken))
    }

    /// One organization's turn, of at most so many steps; returns how many were taken, or `None` if another instance
    /// holds the lease.
    async fn step_organization(
        &self,
        holder: LeaseHolder,
        organization: OrganizationId,
        most: usize,
        run: &mut SchedulerRun,
    ) -> Result<Option<usize>> {
        let (began, mut taken) = (Instant::now(), 0);
        for _ in 0..most {
            // One at a time: the next step of the same maintenance may be due before all others.
            let Some(now) = self.hold(holder).await? else { return Ok(None) };
            match self.step(organization, now, run.passed.get(&organization).copied()).await {
                Ok(Progress::Taken) => taken += 1,
                Ok(Progress::Passed(position)) => _ = run.passed.insert(organization, position),
                Ok(Progress::Nothing) => {
                    run.finished.insert(organization);
                    break;
                }
                // One organization that fails does not stop the others.
                Err(error) => {
                    tracing::error!(%error, org.id = %organization, "the scheduler failed in an organization");
                    run.finished.insert(organization);
                    break;
                }
            }
            if began.elapsed() >= TIME_PER_ROUND {
                break;
            }
        }
        Ok(Some(taken))
    }

    /// Takes the organization's first due step after `passed`.
    async fn step(&self, organization: OrganizationId, now: Timestamp, passed: Option<Position>) -> Result<Progress> {
        let mut tx = Tx::begin(&self.domain, organization, Actor::system()).await?;
        tx.pretend(now);
        // Under the organization's lock: another instance may have been faster.
        let Some((id, next_at)) = first_due(&tx, passed).await? else { return Ok(Progress::Nothing) };
        match take_step(tx, id).await {
            Ok(true) => Ok(Progress::Taken),
            Ok(false) => Ok(Progress::Passed((next_at, id))),
            // One maintenance that fails does not stop the others.
            Err(error) => {
                tracing::error!(%error, incident.id = %id, "a scheduled step of a maintenance failed");
                Ok(Progress::Passed((next_at, id)))
            }
        }
    }

    /// The organizations in which steps are due, and how many; the one that waits longest first.
    #[expect(
        clippy::disallowed_methods,
        reason = "the scheduler works for all organizations; each is changed in its own scope"
    )]
    async fn due_organizations(&self, now: Timestamp) -> Result<Vec<(OrganizationId, i64)>> {
        use incident::Column;
        let due = incident::Entity::find()
            .filter(Column::NextAt.lte(now))
            .select_only()
            .column(Column::OrgId)
            .column_as(Column::Id.count(), "due")
            .group_by(Column::OrgId)
            .order_by_asc(Column::NextAt.min())
            .into_tuple()
            .all(self.domain.db())
            .await;
        Ok(due?)
    }

    /// Takes or renews the lease; returns the time if this instance holds it. Both are the database's time, so that an
    /// instance whose clock is wrong neither keeps the lease nor takes a step early.
    #[expect(clippy::disallowed_methods, reason = "the lease belongs to no organization")]
    async fn hold(&self, LeaseHolder(holder): LeaseHolder) -> Result<Option<Timestamp>> {
        use job_lease::Column;
        let now = self.domain.database_now().await?;
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
            return Ok(is_taken.then_some(now));
        }
        let first = job_lease::ActiveModel { name: Set(LEASE.to_owned()), holder: Set(holder), until: Set(until) };
        match job_lease::Entity::insert(first).exec_without_returning(&tx).await {
            Ok(_) => Ok(tx.commit().await.map(|()| Some(now))?),
            // Another instance was faster.
            Err(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The organization's maintenance with the earliest due step after `passed`, and when that step is due.
async fn first_due(tx: &Tx, passed: Option<Position>) -> Result<Option<(IncidentId, Timestamp)>> {
    use incident::Column;
    let mut due = tx.scope().find::<incident::Entity>().filter(Column::NextAt.lte(tx.now()));
    if let Some((at, id)) = passed {
        let same = Condition::all().add(Column::NextAt.eq(at)).add(Column::Id.gt(id));
        due = due.filter(Condition::any().add(Column::NextAt.gt(at)).add(same));
    }
    let due = due.order_by_asc(Column::NextAt).order_by_asc(Column::Id);
    let due = due.select_only().columns([Column::Id, Column::NextAt]).into_tuple().one(tx.db()).await;
    Ok(due?)
}

/// Takes the next step of a maintenance, if one is due, and commits.
async fn take_step(mut tx: Tx, id: IncidentId) -> Result<bool> {
    let mut incident = LoadedIncident::load(&tx, id).await?;
    let Some((at, step)) = incident.due(tx.now()) else { return Ok(false) };
    if incident.row.next_at.is_some_and(|next| next < at) {
        // The reminder is skipped; the start waits for its turn among the due steps.
        skip_reminder(&tx, &incident, at).await?;
        tx.commit().await?;
        return Ok(true);
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
    let organization = tx.organization().id;
    let incident = incident.save(&mut tx, None, at).await?;
    tx.audit(audit_event(Action::UpdatePosted, &incident).setting("status", status));
    tx.commit().await?;
    tracing::info!(org.id = %organization, incident.id = %incident.id, ?step, planned = %at, "step taken");
    Ok(true)
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
