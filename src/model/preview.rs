//! What a change would do, before anybody makes it: the same rules that the server goes by, over a copy of the page.

use super::{
    AffectedService, Impact, Incident, IncidentId, IncidentKind, IncidentStatus, IncidentUpdate, ServiceImpact,
    ServiceStatus, StatusPage, Timestamp, UpdateId, incident::ServiceTransition,
};

/// An update that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The incident it is for; none while that is being written too.
    pub incident: Option<IncidentId>,
    /// What kind of thing it is.
    pub kind: IncidentKind,
    /// The title.
    pub title: String,
    /// The status after it.
    pub status: IncidentStatus,
    /// The impact somebody chose.
    pub impact: Option<Impact>,
    /// The message, as Markdown.
    pub message: String,
    /// The message, as safe HTML.
    pub html: String,
    /// The services and what would be said of them.
    pub services: Vec<ServiceImpact>,
    /// A maintenance's window.
    pub window: Option<(Timestamp, Timestamp)>,
}

/// The id of what does not exist yet.
const NOBODY: uuid::Uuid = uuid::Uuid::max();

impl StatusPage {
    /// The page as visitors would see it after this, and the incident on it.
    #[must_use]
    pub fn preview(&self, intent: &Intent, now: Timestamp) -> (Self, Incident) {
        let mut page = self.clone();
        let known = intent.incident.and_then(|id| self.incident(id)).cloned();
        let incident = self.intended(known.unwrap_or_else(|| self.unwritten(intent, now)), intent, now);
        page.incidents.retain(|other| other.id != incident.id);
        page.incidents.push(incident.clone());
        page.sort();
        // What ends it leaves its services as the message says, or recovered (domain rule 3.4.5).
        if intent.status.has_ended() {
            for left in intent.services.iter().filter(|left| left.status != ServiceStatus::Operational) {
                if let Some(service) = page.services.iter_mut().find(|service| service.id == left.id) {
                    service.baseline = Some(left.status);
                }
            }
        }
        let effective: Vec<ServiceStatus> = page.services.iter().map(|service| page.effective(service)).collect();
        for (service, status) in page.services.iter_mut().zip(effective) {
            if service.status != status {
                (service.status, service.status_since) = (status, now);
            }
        }
        (page.for_public(), incident)
    }

    fn unwritten(&self, intent: &Intent, now: Timestamp) -> Incident {
        Incident {
            id: IncidentId::from_uuid(NOBODY),
            incident_type: intent.kind,
            title: intent.title.clone(),
            description: intent.message.clone(),
            status: intent.status,
            impact: Impact::None,
            impact_override: None,
            service_id: None,
            services: Vec::new(),
            organization_id: self.organization.id,
            created_by: None,
            created_at: now,
            updated_at: now,
            started_at: intent.window.map_or(now, |(start, _)| start),
            monitoring_at: None,
            resolved_at: None,
            scheduled_start: intent.window.map(|(start, _)| start),
            scheduled_end: intent.window.map(|(_, end)| end),
            automations: None,
            series_id: None,
            backfilled_at: None,
            is_draft: false,
            version: 0,
            postmortem: None,
            updates: Vec::new(),
        }
    }

    fn intended(&self, mut incident: Incident, intent: &Intent, now: Timestamp) -> Incident {
        let mut transitions = Vec::new();
        for said in &intent.services {
            let name = self.service(said.id).map(|service| service.name.clone());
            let known = incident.services.iter_mut().find(|service| service.id == said.id);
            let old_status = known.as_ref().map_or(ServiceStatus::Operational, |service| service.status);
            let name = known.as_ref().map(|service| service.name.clone()).or(name).unwrap_or_default();
            match known {
                Some(service) => {
                    service.status = said.status;
                    service.worst = service.worst.max(said.status);
                }
                None => incident.services.push(AffectedService {
                    id: said.id,
                    name: name.clone(),
                    status: said.status,
                    worst: said.status,
                }),
            }
            transitions.push(ServiceTransition { id: said.id, name, old_status, new_status: said.status });
        }
        incident.is_draft = false;
        incident.status = intent.status;
        incident.impact = match intent.kind {
            IncidentKind::Maintenance => Impact::Maintenance,
            IncidentKind::Incident => {
                let reached = if incident.impact_override.is_some() { Impact::None } else { incident.impact };
                let automatic = Impact::automatic(reached, incident.services.iter().map(|service| service.worst));
                intent.impact.unwrap_or(automatic)
            }
        };
        if intent.status.has_ended() {
            incident.resolved_at = Some(now);
        } else {
            incident.resolved_at = None;
        }
        incident.updates.insert(
            0,
            IncidentUpdate {
                id: UpdateId::from_uuid(NOBODY),
                message: intent.message.clone(),
                html: intent.html.clone(),
                status: intent.status,
                incident_id: incident.id,
                created_by: None,
                created_at: now,
                display_at: now,
                updated_at: now,
                services: (!transitions.is_empty()).then_some(transitions),
                edits: Vec::new(),
                notify: true,
            },
        );
        incident
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::tests::page_with;

    fn intent(page: &StatusPage, status: IncidentStatus, said: &[(usize, ServiceStatus)]) -> Intent {
        Intent {
            incident: None,
            kind: status.kind(),
            title: "Checkout fails".into(),
            status,
            impact: None,
            message: "We look into it.".into(),
            html: "<p>We look into it.</p>".into(),
            services: said
                .iter()
                .map(|(n, status)| ServiceImpact { id: page.services[*n].id, status: *status })
                .collect(),
            window: None,
        }
    }

    #[test]
    fn the_consequences_of_opening_and_resolving_are_those_of_the_rules() {
        let page = page_with(&["API", "Checkout"]);
        let now = Timestamp::from_millis(1_000);
        let opening = intent(&page, IncidentStatus::Investigating, &[(1, ServiceStatus::MajorOutage)]);
        let (opened, incident) = page.preview(&opening, now);
        assert_eq!(opened.headline().description, "Partial System Outage");
        assert_eq!((incident.impact, incident.updates[0].message.as_str()), (Impact::Critical, "We look into it."));

        let mut held = opened.clone();
        for service in &mut held.services {
            service.baseline = Some(ServiceStatus::Operational);
        }
        let resolving = Intent { incident: Some(incident.id), ..intent(&held, IncidentStatus::Resolved, &[]) };
        let (resolved, incident) = held.preview(&resolving, now);
        assert_eq!(resolved.headline().description, "All Systems Operational");
        assert_eq!((incident.impact, incident.resolved_at), (Impact::Critical, Some(now)));

        let left = Intent {
            incident: Some(incident.id),
            ..intent(&held, IncidentStatus::Resolved, &[(1, ServiceStatus::Degraded)])
        };
        assert_eq!(held.preview(&left, now).0.services[1].status, ServiceStatus::Degraded);
    }

    #[test]
    fn rule_3_6_6_a_plan_has_the_impact_maintenance_and_changes_no_status() {
        let page = page_with(&["API"]);
        let plan = intent(&page, IncidentStatus::Scheduled, &[(0, ServiceStatus::UnderMaintenance)]);
        let (after, incident) = page.preview(&plan, Timestamp::EPOCH);
        assert_eq!(after.services[0].status, ServiceStatus::Operational);
        assert_eq!((incident.impact, after.upcoming_maintenances().len()), (Impact::Maintenance, 1));
    }
}
