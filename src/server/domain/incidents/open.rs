//! Opens incidents and plans maintenances.

use sea_orm::PaginatorTrait;

use super::{
    super::{Member, new_id, store::incident, tx::Tx},
    aggregate::LoadedIncident,
    append_update::UpdateDraft,
    audit_event,
};
use crate::{
    model::{
        Action, Automations, Code, Error, Impact, Incident, IncidentId, IncidentKind, IncidentStatus, NewIncident,
        Result, SeriesId, ServiceId, ServiceImpact, ServiceStatus, Timestamp, UserId,
    },
    server::{
        domain::idempotency::{IdempotencyKey, gone_since},
        error::internal,
    },
};

const OPERATION: &str = "open_incident";
/// The most incidents and maintenances an organization may have: lists and pages are measured with 100 000. The
/// tests have no time for so many.
const INCIDENTS_MAX: u64 = if cfg!(test) { 2_000 } else { 200_000 };

impl Member {
    /// Opens an incident, enters one of the past, or plans a maintenance; with a recurrence the whole series, of which
    /// the first window is returned. With a key that was used before, returns what was made then.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a service that is not this organization's; `conflict` for a
    /// key that was used for something else.
    pub async fn open_incident(&self, new: NewIncident, key: Option<IdempotencyKey>) -> Result<Incident> {
        self.open_incident_once(new, key).await.map(|(incident, _)| incident)
    }

    /// As [`Member::open_incident`], and tells whether this was made before.
    ///
    /// # Errors
    /// As [`Member::open_incident`].
    pub async fn open_incident_once(&self, new: NewIncident, key: Option<IdempotencyKey>) -> Result<(Incident, bool)> {
        let asked = new.clone();
        let mut tx = self.begin().await?;
        // Before anything else: what was right then may be too late now.
        if let Some(made) = tx.created_before(key.as_ref(), OPERATION, &asked).await? {
            return Ok((tx.incident(IncidentId::from_uuid(made)).await.map_err(gone_since)?, true));
        }
        let new = new.check(tx.now())?;
        if tx.room().await? == 0 {
            return Err(no_room());
        }
        tx.require_named(&asked).await?;
        let incident = match &new.recurrence {
            Some(rule) => tx.begin_series(&new, rule, self.user()).await?,
            None => tx.open(&new, Some(self.user()), None).await?,
        };
        tx.remember(key, OPERATION, &asked, incident.id.uuid()).await?;
        let audit_event = audit_event(Action::IncidentOpened, &incident).setting("status", incident.status);
        let audit_event = if incident.is_draft { audit_event.setting("is_draft", true) } else { audit_event };
        // Domain rule 3.5: a correction of the past is told apart.
        tx.audit(if new.correct_uptime { audit_event.setting("correct_uptime", true) } else { audit_event });
        tx.commit().await?;
        Ok((incident, false))
    }
}

impl Tx {
    /// Refuses services that are not this organization's, by the field they were sent in.
    async fn require_named(&self, asked: &NewIncident) -> Result<()> {
        if asked.service_id.is_none() && asked.service_ids.is_empty() {
            return Ok(());
        }
        let known = self.services().await?;
        let is_known = |id: &ServiceId| known.iter().any(|service| service.id == *id);
        let fault = |field, why| Err(Error { code: Code::NotFound, ..Error::field(field, why) });
        if !asked.service_id.iter().all(is_known) {
            return fault("service_id", "This service does not exist.");
        }
        if !asked.service_ids.iter().all(is_known) {
            return fault("service_ids", "One of these services does not exist.");
        }
        Ok(())
    }

    /// How many more incidents and maintenances there may be.
    pub(in crate::server::domain) async fn room(&self) -> Result<usize> {
        let count = self.scope().find::<incident::Entity>().count(self.db()).await?;
        usize::try_from(INCIDENTS_MAX.saturating_sub(count)).map_err(internal)
    }

    /// Opens what was checked.
    pub(in crate::server::domain) async fn open(
        &mut self,
        new: &NewIncident,
        by: Option<UserId>,
        occurrence: Option<(SeriesId, Timestamp)>,
    ) -> Result<Incident> {
        let status = new.status.unwrap_or(match new.incident_type {
            IncidentKind::Incident => IncidentStatus::Investigating,
            IncidentKind::Maintenance => IncidentStatus::Scheduled,
        });
        let mut case = LoadedIncident::new(self.row_of(new, status, by, occurrence));
        case.set_automations(new.automations.unwrap_or_default());
        let said = services_of(new);
        let mut word = UpdateDraft {
            status,
            message: new.message.clone(),
            services: None,
            display_at: new.resolved_at,
            by,
            notify: new.notify.unwrap_or(true) && new.resolved_at.is_none(),
        };
        if status.has_ended() {
            self.note_past(&mut case, &said).await?;
        } else {
            word.services = Some(said);
        }
        self.say(&mut case, word).await?;
        if let Some((from, _)) = new.started_at.zip(new.resolved_at) {
            case.row.started_at = from;
            case.row.backfilled_at = Some(self.now());
        }
        let now = self.now();
        let correction = new.correct_uptime.then(|| case.row.started_at.min(now)).zip(case.row.resolved_at);
        let id = case.row.id;
        let incident = self.settle_case(case, by, now).await?;
        if let Some((from, to)) = correction {
            let case = self.case(id).await?;
            for service in services_of(new).iter().filter(|said| said.status != ServiceStatus::Operational) {
                self.insert_impact(&case, service.id, service.status, (from, Some(to)), true).await?;
            }
        }
        Ok(incident)
    }

    /// Notes how services were, in an incident that is over as it is entered. Its one update, which ends it, tells what
    /// they recovered from.
    async fn note_past(&self, case: &mut LoadedIncident, said: &[ServiceImpact]) -> Result<()> {
        self.attach(case, said).await?;
        for service in &mut case.services {
            service.worst = service.status;
        }
        case.row.reached = Impact::automatic(Impact::None, said.iter().map(|said| said.status));
        Ok(())
    }

    fn row_of(
        &self,
        new: &NewIncident,
        status: IncidentStatus,
        created_by: Option<UserId>,
        occurrence: Option<(SeriesId, Timestamp)>,
    ) -> incident::Model {
        let automations = Automations::default();
        incident::Model {
            org_id: self.organization().id,
            id: IncidentId::from_uuid(new_id()),
            kind: new.incident_type,
            title: new.title.clone(),
            status,
            reached: Impact::None,
            impact_override: new.impact.filter(|_| new.incident_type == IncidentKind::Incident),
            is_draft: new.is_draft,
            started_at: new.starts_at.or(new.started_at).unwrap_or(self.now()),
            monitoring_at: None,
            resolved_at: None,
            backfilled_at: None,
            created_at: self.now(),
            created_by,
            updated_at: self.now(),
            version: 0,
            scheduled_start: new.starts_at,
            scheduled_end: new.ends_at,
            planned_at: new.starts_at.map(|_| self.now()),
            is_reminded: false,
            remind: automations.remind,
            auto_start: automations.start,
            auto_end: automations.end,
            notify_start: automations.notify_start,
            notify_end: automations.notify_end,
            next_at: None,
            series_id: occurrence.map(|(series, _)| series),
            occurrence_at: occurrence.map(|(_, at)| at),
            postmortem: None,
            postmortem_html: None,
            postmortem_at: None,
        }
    }
}

/// Why there can be no more of them.
pub(in crate::server::domain) fn no_room() -> Error {
    Error::invalid(format!(
        "An organization can have at most {INCIDENTS_MAX} incidents and maintenances. Delete old ones."
    ))
}

/// What a body says of services: those only named are concerned without a change of their status, and worked on in a
/// maintenance.
pub(in crate::server::domain) fn services_of(new: &NewIncident) -> Vec<ServiceImpact> {
    let plain = match new.incident_type {
        IncidentKind::Incident => ServiceStatus::Operational,
        IncidentKind::Maintenance => ServiceStatus::UnderMaintenance,
    };
    let named = new.service_ids.iter().filter(|id| !new.services.iter().any(|said| said.id == **id));
    new.services.iter().copied().chain(named.map(|id| ServiceImpact { id: *id, status: plain })).collect()
}
