//! Opens incidents, schedules maintenances and enters incidents of the past.

use super::{
    super::{Member, tx::Tx},
    audit_events::audit_event,
    create::{capacity_reached, create_incident, remaining_capacity},
    load,
    maintenance::begin_series,
};
use crate::{
    model::{Action, Code, Error, Incident, IncidentId, NewIncident, Result, ServiceId},
    server::domain::idempotency::{IdempotencyKey, gone_since},
};

const OPERATION: &str = "open_incident";

impl Member {
    /// Opens an incident, enters one of the past, or schedules a maintenance. With a recurrence, begins a series and
    /// returns its first window. With a key that was used before, returns what was created then.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a service that is not this organization's; `conflict` for a
    /// key that was used for something else.
    pub async fn open_incident(&self, new: NewIncident, key: Option<IdempotencyKey>) -> Result<Incident> {
        self.open_incident_once(new, key).await.map(|(incident, _)| incident)
    }

    /// As [`Member::open_incident`]; also returns whether this is a replay of an earlier request.
    ///
    /// # Errors
    /// As [`Member::open_incident`].
    pub async fn open_incident_once(&self, new: NewIncident, key: Option<IdempotencyKey>) -> Result<(Incident, bool)> {
        let asked = new.clone();
        // Before the transaction, because others wait while it lasts.
        let plan = self.plan_series(&new).await;
        let mut tx = self.begin().await?;
        // Before the checks: what was valid then may be too late now.
        if let Some(made) = tx.created_before(key.as_ref(), OPERATION, &asked).await? {
            let incident = load::incident(tx.db(), tx.scope(), IncidentId::from_uuid(made)).await;
            return Ok((incident.map_err(gone_since)?, true));
        }
        let new = new.check(tx.now())?;
        if remaining_capacity(&tx).await? == 0 {
            return Err(capacity_reached());
        }
        require_named(&tx, &asked).await?;
        let incident = match plan? {
            Some(plan) => begin_series(&mut tx, &new, plan, self.user()).await?,
            None => create_incident(&mut tx, &new, Some(self.user()), None).await?,
        };
        tx.remember(key, OPERATION, &asked, incident.id.uuid()).await?;
        let audit_event = audit_event(Action::IncidentOpened, &incident).setting("status", incident.status);
        let audit_event = if incident.is_draft { audit_event.setting("is_draft", true) } else { audit_event };
        // The audit log marks a correction of the past (domain rule 3.5).
        tx.audit(if new.correct_uptime { audit_event.setting("correct_uptime", true) } else { audit_event });
        tx.commit().await?;
        Ok((incident, false))
    }
}

/// Rejects services that are not this organization's, by the field they were sent in.
async fn require_named(tx: &Tx, asked: &NewIncident) -> Result<()> {
    if asked.service_id.is_none() && asked.service_ids.is_empty() {
        return Ok(());
    }
    let known = tx.services().await?;
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
