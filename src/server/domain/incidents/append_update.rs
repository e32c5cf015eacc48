//! Appends an update to an incident; a resolving update releases its services.

use super::{
    super::{
        markdown, new_id,
        store::{incident_service, incident_update},
        tx::Tx,
    },
    aggregate::LoadedIncident,
    answers::{require_room, require_update_count},
};
use crate::{
    model::{
        AffectedService, Error, IncidentKind, IncidentStatus, Result, ServiceImpact, ServiceStatus, ServiceTransition,
        StatusTransition, Timestamp, UpdateId, UserId, incident_input::check_step, status_transition::next_display_at,
    },
    server::error::internal,
};

/// An update to append.
pub(in crate::server::domain) struct UpdateDraft {
    pub status: IncidentStatus,
    /// The default text of the status when absent.
    pub message: Option<String>,
    pub services: Option<Vec<ServiceImpact>>,
    /// Now when absent.
    pub display_at: Option<Timestamp>,
    /// The author; none for the scheduler.
    pub by: Option<UserId>,
    /// Whether subscribers are notified; for a draft, once it is published.
    pub notify: bool,
}

impl LoadedIncident {
    /// The display time of an update that is appended at this instant.
    pub fn display_time(&self, at: Timestamp) -> Timestamp {
        next_display_at(self.updates.last().map(|newest| newest.display_at), at)
    }

    /// Rejects a display time before the incident began, or before the maintenance was planned or, if that is earlier,
    /// was to start (domain rule 3.4.7).
    pub fn require_display_time(&self, at: Timestamp) -> Result<()> {
        let row = &self.row;
        let (first, why) = match row.kind {
            IncidentKind::Incident => (row.started_at, "An update cannot be dated before the incident began."),
            IncidentKind::Maintenance => (
                row.scheduled_start.map_or(row.created_at, |start| start.min(row.created_at)),
                "An update cannot be dated before the maintenance was scheduled.",
            ),
        };
        if at < first { Err(Error::field("display_at", why)) } else { Ok(()) }
    }

    /// Appends an update and derives the incident's status and service impacts (domain rules 3.4.2, 3.4.3 and 3.4.5).
    /// Nothing is written before [`LoadedIncident::save`].
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a service that is not this organization's.
    pub async fn append_update(&mut self, tx: &Tx, draft: UpdateDraft) -> Result<UpdateId> {
        let id = UpdateId::from_uuid(new_id());
        let display_at = draft.display_at.unwrap_or_else(|| self.display_time(tx.now()));
        let is_newest = self.updates.last().is_none_or(|newest| (display_at, id) > (newest.display_at, newest.id));
        let impacts = draft.services.unwrap_or_default();
        if !is_newest && !impacts.is_empty() {
            return Err(Error::field("services", "Only the latest update can change services."));
        }
        let from = (!self.updates.is_empty()).then_some(self.row.status);
        // The first update, and one earlier in the timeline, only need a status of the right kind.
        if (is_newest && from.is_some()) || draft.status.kind() != self.row.kind {
            check_step(self.row.status, draft.status)?;
        }
        let transition = StatusTransition { from, to: draft.status, impacts: &impacts };
        transition.check()?;
        let services = if is_newest { self.apply(tx, transition).await? } else { None };
        let message = draft.message.unwrap_or_else(|| draft.status.default_text().to_owned());
        let mut update = incident_update::Model {
            org_id: self.row.org_id,
            id,
            incident_id: self.row.id,
            status: draft.status,
            html: markdown::render(&message),
            message,
            render_version: markdown::RENDER_VERSION,
            created_by: draft.by,
            created_at: tx.now(),
            display_at,
            updated_at: tx.now(),
            notify: draft.notify,
            services: services.as_ref().map(serde_json::to_string).transpose().map_err(internal)?,
            edits: "[]".into(),
            bytes: 0,
        };
        update.measure();
        self.updates.push(update);
        self.derive_status();
        // At the limit an incident can still be ended, and the scheduler continues.
        if draft.by.is_some() && !(is_newest && transition.from.is_some() && transition.ends()) {
            require_update_count(self)?;
            require_room(tx, self, "message").await?;
        }
        if is_newest && !self.row.is_draft {
            self.baselines = transition.baselines().iter().map(|impact| (impact.id, impact.status)).collect();
        }
        Ok(id)
    }

    /// Attaches the services that the transition adds, and applies it to all.
    async fn apply(&mut self, tx: &Tx, transition: StatusTransition<'_>) -> Result<Option<Vec<ServiceTransition>>> {
        let is_attached = |impact: &&ServiceImpact| self.services.iter().any(|row| row.service_id == impact.id);
        let added = transition.impacts.iter().filter(|impact| !is_attached(impact));
        let added: Vec<_> =
            added.map(|impact| ServiceImpact { id: impact.id, status: ServiceStatus::Operational }).collect();
        self.attach(tx, &added).await?;
        let mut services: Vec<AffectedService> = self.services.iter().map(affected).collect();
        let transitions = transition.apply(&mut services);
        for (row, service) in self.services.iter_mut().zip(services) {
            row.status = service.status;
        }
        Ok(transitions)
    }
}

fn affected(row: &incident_service::Model) -> AffectedService {
    AffectedService { id: row.service_id, name: row.name.clone(), status: row.status, worst: row.worst }
}
