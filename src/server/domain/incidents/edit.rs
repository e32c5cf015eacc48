//! Edits an incident, except for its updates; deletes it.

use super::{
    super::{Member, markdown, store::incident, tx::Tx, zones},
    aggregate::LoadedIncident,
    answers::require_room,
    append_update::UpdateDraft,
    audit_events::audit_event,
    load,
};
use crate::model::{
    Action, Check, Error, Incident, IncidentId, IncidentKind, IncidentPatch, IncidentStatus, Result, ServiceId,
    ServiceStatus, Timestamp, incident_input::check_window, status_transition::NO_IMPACT_AFTER_END,
};

impl Member {
    /// Applies a patch. Rescheduling a maintenance posts an update (domain rule 3.6.8).
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for an incident or service that is not this organization's;
    /// `conflict` when the version is not the current one.
    pub async fn update_incident(&self, id: IncidentId, patch: IncidentPatch) -> Result<Incident> {
        let patch = patch.check(self.domain.clock().now())?;
        let mut tx = self.begin().await?;
        let mut incident = LoadedIncident::load(&tx, id).await?;
        incident.require_version(patch.version)?;
        let (before, services) = (incident.row.clone(), incident.services.clone());
        let was = load::incident(tx.db(), tx.scope(), id).await?;
        if let Some(title) = patch.title {
            incident.row.title = title;
        }
        if let Some(impact) = patch.impact {
            require_kind(&incident, IncidentKind::Incident, "impact")?;
            incident.row.impact_override = impact;
        }
        if let Some(at) = patch.started_at {
            set_started_at(&mut incident, at)?;
        }
        if let Some(automations) = patch.automations {
            require_kind(&incident, IncidentKind::Maintenance, "automations")?;
            incident.change_automations(automations, tx.now());
        }
        if let Some(impacts) = patch.services {
            incident.services.retain(|service| impacts.iter().any(|impact| impact.id == service.service_id));
            incident.attach(&tx, &impacts).await?;
            if incident.row.status.has_ended()
                && impacts.iter().any(|impact| impact.status != ServiceStatus::Operational)
            {
                return Err(Error::field("services", NO_IMPACT_AFTER_END));
            }
        }
        set_postmortem(&mut incident, patch.postmortem, patch.publish_postmortem, tx.now())?;
        // Rescheduled before it is published: visitors have not seen the window of a draft.
        self.reschedule(&tx, &mut incident, patch.starts_at, patch.ends_at).await?;
        if let Some(is_draft) = patch.is_draft {
            set_draft(&mut incident, is_draft, tx.now())?;
        }
        if incident.row == before && incident.services == services {
            return Ok(was);
        }
        incident.measure();
        if incident.row.bytes > before.bytes || incident.row.is_draft != before.is_draft {
            let field = grown(&before, &incident.row);
            require_room(&tx, &mut incident, field).await?;
        }
        let now = tx.now();
        let incident = incident.save(&mut tx, Some(self.user()), now).await?;
        tx.audit(audit_event(Action::IncidentChanged, &incident).changing(&was, &incident));
        tx.commit().await?;
        Ok(incident)
    }

    /// Detaches a service from an incident. Its status changes and its uptime stay (domain rule 3.4.8).
    ///
    /// # Errors
    /// `not_found` when the incident does not affect it; `conflict` when the version is not the current one.
    pub async fn detach_service(&self, id: IncidentId, service: ServiceId, version: Option<i64>) -> Result<Incident> {
        let mut tx = self.begin().await?;
        let mut incident = LoadedIncident::load(&tx, id).await?;
        incident.require_version(version)?;
        let index = incident.services.iter().position(|row| row.service_id == service).ok_or_else(Error::not_found)?;
        let gone = incident.services.remove(index);
        let now = tx.now();
        let incident = incident.save(&mut tx, Some(self.user()), now).await?;
        tx.audit(audit_event(Action::IncidentChanged, &incident).setting("detached", gone.name));
        tx.commit().await?;
        Ok(incident)
    }

    /// Deletes an incident or a maintenance with its updates, and releases its services.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id; `conflict` when the version is not the current one.
    pub async fn delete_incident(&self, id: IncidentId, version: Option<i64>) -> Result<()> {
        let mut tx = self.begin().await?;
        let incident = LoadedIncident::load(&tx, id).await?;
        incident.require_version(version)?;
        let incident = incident.delete(&mut tx, Some(self.user())).await?;
        tx.audit(audit_event(Action::IncidentDeleted, &incident));
        tx.commit().await
    }

    /// Deletes an incident after a person has typed its title to confirm; returns its kind.
    ///
    /// # Errors
    /// `invalid` when the title differs; otherwise as [`Member::delete_incident`].
    pub async fn delete_incident_confirmed(
        &self,
        id: IncidentId,
        confirm: &str,
        version: Option<i64>,
    ) -> Result<IncidentKind> {
        let incident = self.incident(id).await?;
        if confirm.trim() != incident.title {
            return Err(Error::field("confirm", format!("Type “{}” to confirm the deletion.", incident.title)));
        }
        self.delete_incident(id, version).await?;
        Ok(incident.incident_type)
    }

    /// Moves the window of a maintenance, arms its reminder again and posts an update (domain rule 3.6.8).
    async fn reschedule(
        &self,
        tx: &Tx,
        incident: &mut LoadedIncident,
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
    ) -> Result<()> {
        if starts_at.is_none() && ends_at.is_none() {
            return Ok(());
        }
        require_kind(incident, IncidentKind::Maintenance, if starts_at.is_some() { "starts_at" } else { "ends_at" })?;
        let Some((old_start, old_end)) = incident.row.scheduled_start.zip(incident.row.scheduled_end) else {
            return Err(Error::internal());
        };
        let (start, end) = (starts_at.unwrap_or(old_start), ends_at.unwrap_or(old_end));
        if (start, end) == (old_start, old_end) {
            return Ok(());
        }
        if incident.row.status.has_ended() {
            return Err(Error::field("ends_at", "This maintenance has ended. Schedule a new one."));
        }
        if start != old_start && incident.row.status != IncidentStatus::Scheduled {
            return Err(Error::field("starts_at", "This maintenance has begun, so only its end can be moved."));
        }
        let mut check = Check::default();
        check_window(&mut check, start, end, tx.now());
        check.finish()?;
        (incident.row.scheduled_start, incident.row.scheduled_end) = (Some(start), Some(end));
        if incident.row.status == IncidentStatus::Scheduled {
            incident.row.is_reminded = false;
            incident.row.planned_at = Some(tx.now());
        }
        if incident.row.is_draft {
            incident.derive_status();
            return Ok(());
        }
        let zone = zones::zone(&tx.organization().time_zone, start)?;
        let message = if incident.row.status == IncidentStatus::Scheduled {
            format!("This maintenance has been rescheduled to {}.", zone.human_window(start, end))
        } else {
            format!("This maintenance is now scheduled to end on {}.", zone.human(end))
        };
        let draft = UpdateDraft {
            status: incident.row.status,
            message: Some(message),
            services: None,
            display_at: None,
            by: Some(self.user()),
            notify: true,
        };
        incident.append_update(tx, draft).await.map(drop)
    }
}

/// The field that made an incident larger.
fn grown(before: &incident::Model, after: &incident::Model) -> &'static str {
    if after.is_draft != before.is_draft {
        "is_draft"
    } else if after.postmortem != before.postmortem {
        "postmortem"
    } else if after.title != before.title {
        "title"
    } else {
        "services"
    }
}

fn require_kind(incident: &LoadedIncident, kind: IncidentKind, field: &str) -> Result<()> {
    if incident.row.kind == kind {
        return Ok(());
    }
    let article = if kind == IncidentKind::Incident { "an" } else { "a" };
    Err(Error::field(field, format!("Only {article} {kind} has this field.")))
}

/// Corrects when an incident began, at the latest at its first update (domain rule 3.4.7).
fn set_started_at(incident: &mut LoadedIncident, at: Timestamp) -> Result<()> {
    require_kind(incident, IncidentKind::Incident, "started_at")?;
    if incident.updates.first().is_some_and(|first| at > first.display_at) {
        return Err(Error::field("started_at", "An incident cannot begin after its first update."));
    }
    incident.row.started_at = at;
    Ok(())
}

/// Writes, publishes or unpublishes a postmortem. While the incident is open it can only be unpublished (domain rule
/// 3.4.1).
fn set_postmortem(
    incident: &mut LoadedIncident,
    body: Option<String>,
    publish: Option<bool>,
    now: Timestamp,
) -> Result<()> {
    if body.is_none() && publish.is_none() {
        return Ok(());
    }
    require_kind(incident, IncidentKind::Incident, "postmortem")?;
    let row = &mut incident.row;
    let is_unpublished = body.is_none() && publish == Some(false) && row.postmortem.is_some();
    if row.status != IncidentStatus::Resolved && !is_unpublished {
        return Err(Error::field("postmortem", "Resolve the incident before you write a postmortem."));
    }
    if let Some(body) = body {
        row.postmortem_html = (!body.is_empty()).then(|| markdown::render(&body));
        row.postmortem = Some(body).filter(|body| !body.is_empty());
    }
    match publish {
        Some(true) if row.postmortem.is_none() => {
            return Err(Error::field("postmortem", "Write the postmortem before you publish it."));
        }
        Some(true) => row.postmortem_at = row.postmortem_at.or(Some(now)),
        Some(false) => row.postmortem_at = None,
        None => {}
    }
    if row.postmortem.is_none() {
        row.postmortem_at = None;
    }
    Ok(())
}

/// Publishes a draft. A published incident cannot become a draft again.
fn set_draft(incident: &mut LoadedIncident, is_draft: bool, now: Timestamp) -> Result<()> {
    if is_draft && !incident.row.is_draft {
        return Err(Error::field(
            "is_draft",
            "This is public and cannot become a draft again. Delete it, or resolve it with an update.",
        ));
    }
    if is_draft || !incident.row.is_draft {
        return Ok(());
    }
    if let Some((start, end)) = incident.row.scheduled_start.zip(incident.row.scheduled_end)
        && incident.row.status == IncidentStatus::Scheduled
    {
        let mut check = Check::default();
        check_window(&mut check, start, end, now);
        check.finish()?;
        incident.row.planned_at = Some(now);
    }
    for update in &mut incident.updates {
        // Edits of a draft are not public.
        "[]".clone_into(&mut update.edits);
        update.measure();
    }
    incident.row.is_draft = false;
    Ok(())
}
