//! What a change would do, before anybody makes it: the same rules that the server goes by, over a copy of the page.

use super::{
    AffectedService, Impact, Incident, IncidentId, IncidentKind, IncidentStatus, IncidentUpdate, ServiceImpact,
    ServiceStatus, StatusPage, Timestamp, UpdateId,
    status_transition::{DerivedStatus, StatusTransition, place_after},
};

/// An update that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewInput {
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

/// Why a service is impaired although the incident that named it is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StillImpaired {
    /// What ended it left it so.
    Said,
    /// Its own status is so.
    Own,
    /// Something else that goes on says so.
    Elsewhere,
}

impl StatusPage {
    /// The page as visitors would see it after this, and the incident on it.
    #[must_use]
    pub fn preview(&self, intent: &PreviewInput, now: Timestamp) -> (Self, Incident) {
        let (page, incident) = self.after(intent, now);
        (page.for_public(), incident)
    }

    /// The services of an incident that this would not let recover: the name of each, its status then, and why.
    #[must_use]
    pub fn remaining(&self, intent: &PreviewInput) -> Vec<(String, ServiceStatus, StillImpaired)> {
        let (page, incident) = self.after(intent, Timestamp::EPOCH);
        let remains = |service: &AffectedService| {
            let left = intent.services.iter().find(|said| said.id == service.id);
            let after = page.service(service.id).filter(|after| after.status != ServiceStatus::Operational)?;
            let why = match left {
                _ if after.baseline != Some(after.status) => StillImpaired::Elsewhere,
                Some(_) => StillImpaired::Said,
                None => StillImpaired::Own,
            };
            Some((after.name.clone(), after.status, why))
        };
        incident.services.iter().filter_map(remains).collect()
    }

    /// The page after this, as members see it.
    fn after(&self, intent: &PreviewInput, now: Timestamp) -> (Self, Incident) {
        let mut page = self.clone();
        let known = intent.incident.and_then(|id| self.incident(id)).cloned();
        let from = known.as_ref().filter(|known| !known.updates.is_empty()).map(|known| known.status);
        let mut said = intent.services.clone();
        if (StatusTransition { from, to: intent.status, said: &said }).is_after_the_end() {
            // Anything else is refused.
            said.retain(|said| said.status == ServiceStatus::Operational);
        }
        let step = StatusTransition { from, to: intent.status, said: &said };
        let incident = self.intended(known.unwrap_or_else(|| self.unwritten(intent, now)), intent, step, now);
        page.incidents.retain(|other| other.id != incident.id);
        page.incidents.push(incident.clone());
        page.sort();
        for left in step.left() {
            if let Some(service) = page.services.iter_mut().find(|service| service.id == left.id) {
                service.baseline = Some(left.status);
            }
        }
        let effective: Vec<ServiceStatus> = page.services.iter().map(|service| page.effective(service)).collect();
        for (service, status) in page.services.iter_mut().zip(effective) {
            if service.status != status {
                (service.status, service.status_since) = (status, now.max(service.status_since.plus_millis(1)));
            }
        }
        (page, incident)
    }

    fn unwritten(&self, intent: &PreviewInput, now: Timestamp) -> Incident {
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

    fn intended(
        &self,
        mut incident: Incident,
        intent: &PreviewInput,
        step: StatusTransition,
        now: Timestamp,
    ) -> Incident {
        // Over as it is entered, it tells how the services were, and its one word what they recovered from.
        let is_past = step.from.is_none() && step.ends();
        for said in step.said {
            if incident.services.iter().all(|service| service.id != said.id) {
                let name = self.service(said.id).map(|service| service.name.clone()).unwrap_or_default();
                let status = if is_past { said.status } else { ServiceStatus::Operational };
                incident.services.push(AffectedService { id: said.id, name, status, worst: status });
            }
        }
        let transitions =
            if is_past { StatusTransition { said: &[], ..step } } else { step }.take(&mut incident.services);
        if !step.to.has_ended() {
            for service in &mut incident.services {
                service.worst = service.worst.max(service.status);
            }
        }
        incident.is_draft = false;
        incident.service_id = incident.services.first().map(|service| service.id);
        incident.impact = match intent.kind {
            IncidentKind::Maintenance => Impact::Maintenance,
            IncidentKind::Incident => {
                let reached = if incident.impact_override.is_some() { Impact::None } else { incident.impact };
                let worst = incident.services.iter().map(|service| service.worst);
                let has_more = is_past || !step.to.has_ended();
                intent.impact.unwrap_or(if has_more { Impact::automatic(reached, worst) } else { reached })
            }
        };
        let display_at = place_after(incident.latest().map(|newest| newest.display_at), now);
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
                display_at,
                updated_at: now,
                services: transitions,
                edits: Vec::new(),
                notify: true,
            },
        );
        let told: Vec<_> = incident.updates.iter().rev().map(|update| (update.status, update.display_at)).collect();
        if let Some(course) = DerivedStatus::of(&told) {
            incident.status = course.status;
            (incident.monitoring_at, incident.resolved_at) = (course.monitoring_at, course.resolved_at);
            if incident.is_maintenance() {
                let began = course.began_at.or(incident.scheduled_start);
                incident.started_at = began.unwrap_or(incident.started_at);
            }
        }
        incident
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::tests::page_with;

    fn intent(page: &StatusPage, status: IncidentStatus, said: &[(usize, ServiceStatus)]) -> PreviewInput {
        PreviewInput {
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
        let resolving = PreviewInput { incident: Some(incident.id), ..intent(&held, IncidentStatus::Resolved, &[]) };
        let now = now.plus_seconds(60);
        let (resolved, incident) = held.preview(&resolving, now);
        assert_eq!(resolved.headline().description, "All Systems Operational");
        assert_eq!((incident.impact, incident.resolved_at), (Impact::Critical, Some(now)));

        let left = PreviewInput {
            incident: Some(incident.id),
            ..intent(&held, IncidentStatus::Resolved, &[(1, ServiceStatus::Degraded)])
        };
        assert_eq!(held.preview(&left, now).0.services[1].status, ServiceStatus::Degraded);
    }

    #[test]
    fn rule_3_4_5_what_the_end_does_not_let_recover_is_told_with_its_reason() {
        let mut page = page_with(&["API", "Checkout", "Search", "Mail"]);
        for (service, baseline) in page.services.iter_mut().zip([
            ServiceStatus::Operational,
            ServiceStatus::Degraded,
            ServiceStatus::Operational,
            ServiceStatus::MajorOutage,
        ]) {
            (service.baseline, service.status) = (Some(baseline), baseline);
        }
        let all = [0, 1, 2, 3].map(|n| (n, ServiceStatus::PartialOutage));
        let (_, mut other) = page.after(&intent(&page, IncidentStatus::Investigating, &all[2..3]), Timestamp::EPOCH);
        other.id = IncidentId::from_uuid(uuid::Uuid::from_u128(7));
        page.put_incident(other);
        let (page, incident) = page.after(&intent(&page, IncidentStatus::Investigating, &all), Timestamp::EPOCH);
        let remaining = |said: &[(usize, ServiceStatus)]| {
            let end = PreviewInput { incident: Some(incident.id), ..intent(&page, IncidentStatus::Resolved, said) };
            page.remaining(&end)
        };
        let line = |name: &str, status, why| (name.to_owned(), status, why);
        let (degraded, partial, major) =
            (ServiceStatus::Degraded, ServiceStatus::PartialOutage, ServiceStatus::MajorOutage);
        assert_eq!(
            remaining(&[(0, degraded)]),
            [
                line("API", degraded, StillImpaired::Said),
                line("Checkout", degraded, StillImpaired::Own),
                line("Search", partial, StillImpaired::Elsewhere),
                line("Mail", major, StillImpaired::Own),
            ]
        );
        // Named as operational, a service is so whatever it was by itself.
        let named = [(1, ServiceStatus::Operational), (3, ServiceStatus::Operational)];
        assert_eq!(remaining(&named), [line("Search", partial, StillImpaired::Elsewhere)]);
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
