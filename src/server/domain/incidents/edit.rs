//! Changes everything about an incident but its updates; deletes it.

use std::collections::BTreeSet;

use sea_orm::{ActiveModelTrait, ColumnTrait, IntoActiveModel, QueryFilter};

use super::{
    super::{Member, markdown, store::incident_impact, tx::Tx, zones},
    aggregate::LoadedIncident,
    append_update::UpdateDraft,
    audit_event,
};
use crate::model::{
    Action, Check, Error, Event, Incident, IncidentId, IncidentKind, IncidentPatch, IncidentStatus, Result, ServiceId,
    Timestamp, UserId, incident_input::check_window, status_transition::OVER,
};

impl Member {
    /// Changes what the patch holds. A new plan of a maintenance is told in an update of its own (domain rule 3.6.8).
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for an incident or service that is not this organization's;
    /// `conflict` when the version is not the present one.
    pub async fn update_incident(&self, id: IncidentId, patch: IncidentPatch) -> Result<Incident> {
        let patch = patch.check(self.domain.clock().now())?;
        let mut tx = self.begin().await?;
        let mut case = tx.case(id).await?;
        case.require_version(patch.version)?;
        let (before, services, was) = (case.row.clone(), case.services.clone(), tx.incident(id).await?);
        if let Some(title) = patch.title {
            case.row.title = title;
        }
        if let Some(impact) = patch.impact {
            require_kind(&case, IncidentKind::Incident, "impact")?;
            case.row.impact_override = impact;
        }
        if let Some(at) = patch.started_at {
            set_beginning(&mut case, at)?;
        }
        if let Some(automations) = patch.automations {
            require_kind(&case, IncidentKind::Maintenance, "automations")?;
            case.switch(automations, tx.now());
        }
        if let Some(said) = patch.services {
            case.services.retain(|service| said.iter().any(|said| said.id == service.service_id));
            tx.attach(&mut case, &said).await?;
            if case.row.status.has_ended()
                && said.iter().any(|said| said.status != crate::model::ServiceStatus::Operational)
            {
                return Err(Error::field("services", OVER));
            }
        }
        set_postmortem(&mut case, patch.postmortem, patch.publish_postmortem, tx.now())?;
        // A draft is moved before it is published: visitors never knew the window it had.
        self.replan(&mut tx, &mut case, patch.starts_at, patch.ends_at).await?;
        if let Some(is_draft) = patch.is_draft {
            set_draft(&mut case, is_draft, tx.now())?;
        }
        if case.row == before && case.services == services {
            return tx.incident(id).await;
        }
        let now = tx.now();
        let incident = tx.settle_case(case, Some(self.user()), now).await?;
        tx.audit(audit_event(Action::IncidentChanged, &incident).changing(&was, &incident));
        tx.commit().await?;
        Ok(incident)
    }

    /// Takes a service out of an incident. What it suffered stays written (domain rule 3.4.8).
    ///
    /// # Errors
    /// `not_found` when the incident does not affect it; `conflict` when the version is not the present one.
    pub async fn detach_service(&self, id: IncidentId, service: ServiceId, version: Option<i64>) -> Result<Incident> {
        let mut tx = self.begin().await?;
        let mut case = tx.case(id).await?;
        case.require_version(version)?;
        let place = case.services.iter().position(|row| row.service_id == service).ok_or_else(Error::not_found)?;
        let gone = case.services.remove(place);
        let now = tx.now();
        let incident = tx.settle_case(case, Some(self.user()), now).await?;
        tx.audit(audit_event(Action::IncidentChanged, &incident).setting("detached", gone.name));
        tx.commit().await?;
        Ok(incident)
    }

    /// Deletes an incident or a maintenance with everything said about it; services it held are released.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id; `conflict` when the version is not the present one.
    pub async fn delete_incident(&self, id: IncidentId, version: Option<i64>) -> Result<()> {
        let mut tx = self.begin().await?;
        tx.case(id).await?.require_version(version)?;
        let incident = tx.delete(id, Some(self.user())).await?;
        tx.audit(audit_event(Action::IncidentDeleted, &incident));
        tx.commit().await
    }

    /// Deletes an incident after a person has repeated its title; tells what it was.
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
            return Err(Error::field(
                "confirm",
                format!("Type “{}” to confirm that it should be deleted.", incident.title),
            ));
        }
        self.delete_incident(id, version).await?;
        Ok(incident.incident_type)
    }

    /// Moves a maintenance, re-arms its reminder and says so once (domain rule 3.6.8).
    async fn replan(
        &self,
        tx: &mut Tx,
        case: &mut LoadedIncident,
        starts_at: Option<Timestamp>,
        ends_at: Option<Timestamp>,
    ) -> Result<()> {
        if starts_at.is_none() && ends_at.is_none() {
            return Ok(());
        }
        require_kind(case, IncidentKind::Maintenance, if starts_at.is_some() { "starts_at" } else { "ends_at" })?;
        let Some((old_start, old_end)) = case.row.scheduled_start.zip(case.row.scheduled_end) else {
            return Err(Error::internal());
        };
        let (start, end) = (starts_at.unwrap_or(old_start), ends_at.unwrap_or(old_end));
        if (start, end) == (old_start, old_end) {
            return Ok(());
        }
        if case.row.status.has_ended() {
            return Err(Error::field("ends_at", "This maintenance is over. Schedule a new one."));
        }
        if start != old_start && case.row.status != IncidentStatus::Scheduled {
            return Err(Error::field("starts_at", "This maintenance has begun: only its end can be moved."));
        }
        let mut check = Check::default();
        check_window(&mut check, start, end, tx.now());
        check.finish()?;
        (case.row.scheduled_start, case.row.scheduled_end) = (Some(start), Some(end));
        if case.row.status == IncidentStatus::Scheduled {
            case.row.is_reminded = false;
            case.row.planned_at = Some(tx.now());
        }
        if case.row.is_draft {
            case.derive();
            return Ok(());
        }
        let zone = zones::zone(&tx.organization().time_zone, start)?;
        let message = if case.row.status == IncidentStatus::Scheduled {
            format!("This maintenance has been rescheduled to {}.", zone.human_window(start, end))
        } else {
            format!("This maintenance is now planned to end on {}.", zone.human(end))
        };
        let word = UpdateDraft {
            status: case.row.status,
            message: Some(message),
            services: None,
            display_at: None,
            by: Some(self.user()),
            notify: true,
        };
        tx.say(case, word).await.map(drop)
    }
}

impl Tx {
    /// Deletes an incident with everything said about it, and tells everybody; returns what it was.
    pub(super) async fn delete(&mut self, id: IncidentId, by: Option<UserId>) -> Result<Incident> {
        let case = self.case(id).await?;
        let incident = self.incident(id).await?;
        let open = self.scope().find::<incident_impact::Entity>().filter(incident_impact::Column::IncidentId.eq(id));
        let open = open.filter(incident_impact::Column::ToAt.is_null()).all(self.db()).await?;
        let held: BTreeSet<ServiceId> = open.iter().map(|stretch| stretch.service_id).collect();
        case.row.clone().into_active_model().delete(self.db()).await?;
        let touched = held.into_iter().map(|id| (id, None)).collect();
        let now = self.now();
        self.settle(touched, case.cause(), by, now).await?;
        self.emit(Event::IncidentDeleted(Box::new(incident.clone()))).await?;
        Ok(incident)
    }
}

fn require_kind(case: &LoadedIncident, kind: IncidentKind, field: &str) -> Result<()> {
    if case.row.kind == kind {
        return Ok(());
    }
    let article = if kind == IncidentKind::Incident { "an" } else { "a" };
    Err(Error::field(field, format!("Only {article} {kind} has this.")))
}

/// Sets when an incident began, at the latest at its first update (domain rule 3.4.7).
fn set_beginning(case: &mut LoadedIncident, at: Timestamp) -> Result<()> {
    require_kind(case, IncidentKind::Incident, "started_at")?;
    if case.updates.first().is_some_and(|first| at > first.display_at) {
        return Err(Error::field("started_at", "It began at the latest when the first update was posted."));
    }
    case.row.started_at = at;
    Ok(())
}

/// Writes down what was learned, once it is over (domain rule 3.4.1). Open again, it can only be taken back.
fn set_postmortem(
    case: &mut LoadedIncident,
    body: Option<String>,
    publish: Option<bool>,
    now: Timestamp,
) -> Result<()> {
    if body.is_none() && publish.is_none() {
        return Ok(());
    }
    require_kind(case, IncidentKind::Incident, "postmortem")?;
    let row = &mut case.row;
    let is_withdrawal = body.is_none() && publish == Some(false) && row.postmortem.is_some();
    if row.status != IncidentStatus::Resolved && !is_withdrawal {
        return Err(Error::field("postmortem", "Resolve the incident first: a postmortem looks back."));
    }
    if let Some(body) = body {
        row.postmortem_html = (!body.is_empty()).then(|| markdown::render(&body));
        row.postmortem = Some(body).filter(|body| !body.is_empty());
    }
    match publish {
        Some(true) if row.postmortem.is_none() => {
            return Err(Error::field("postmortem", "Write something before you publish it."));
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

/// Publishes a draft. What visitors have seen does not become a draft again.
fn set_draft(case: &mut LoadedIncident, is_draft: bool, now: Timestamp) -> Result<()> {
    if is_draft && !case.row.is_draft {
        return Err(Error::field("is_draft", "Visitors have seen this. Delete it, or resolve it with an update."));
    }
    if is_draft || !case.row.is_draft {
        return Ok(());
    }
    if let Some((start, end)) = case.row.scheduled_start.zip(case.row.scheduled_end)
        && case.row.status == IncidentStatus::Scheduled
    {
        let mut check = Check::default();
        check_window(&mut check, start, end, now);
        check.finish()?;
        case.row.planned_at = Some(now);
    }
    for update in &mut case.updates {
        // What it said before was said to nobody.
        "[]".clone_into(&mut update.edits);
    }
    case.row.is_draft = false;
    Ok(())
}
