//! Preview of an update: the public page as it would be, by the same rules as on the server.

use super::{
    AffectedService, Impact, Incident, IncidentId, IncidentKind, IncidentStatus, IncidentUpdate, ServiceImpact,
    ServiceStatus, StatusPage, Timestamp, UpdateId,
    status_transition::{DerivedStatus, StatusTransition, next_display_at},
};

/// The input of a preview: an update that is being written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewInput {
    /// The incident; none for a new one.
    pub incident: Option<IncidentId>,
    /// Incident or maintenance.
    pub kind: IncidentKind,
    /// The title.
    pub title: String,
    /// The status after the update.
    pub status: IncidentStatus,
    /// The impact that a member chose.
    pub impact: Option<Impact>,
    /// The message, as Markdown.
    pub message: String,
    /// The message, as safe HTML.
    pub html: String,
    /// The service impacts of the update.
    pub services: Vec<ServiceImpact>,
    /// A maintenance's window.
    pub window: Option<(Timestamp, Timestamp)>,
}

/// The id of an incident or update that does not exist yet.
const NEW_ID: uuid::Uuid = uuid::Uuid::max();

/// Why a service stays impaired after its incident has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StillImpaired {
    /// The ending update leaves it with this status.
    Update,
    /// Its baseline has this status.
    Baseline,
    /// Another incident or maintenance affects it.
    Other,
}

impl StatusPage {
    /// The page as visitors would see it after the update, and the incident on it.
    #[must_use]
    pub fn preview(&self, input: &PreviewInput, now: Timestamp) -> (Self, Incident) {
        let (page, incident) = self.after(input, now);
        (page.for_public(), incident)
    }

    /// The services that would stay impaired after the update: name, status and reason.
    #[must_use]
    pub fn still_impaired(&self, input: &PreviewInput) -> Vec<(String, ServiceStatus, StillImpaired)> {
        let (page, incident) = self.after(input, Timestamp::EPOCH);
        let reason = |service: &AffectedService| {
            let set = input.services.iter().find(|impact| impact.id == service.id);
            let after = page.service(service.id).filter(|after| after.status != ServiceStatus::Operational)?;
            let why = match set {
                _ if after.baseline != Some(after.status) => StillImpaired::Other,
                Some(_) => StillImpaired::Update,
                None => StillImpaired::Baseline,
            };
            Some((after.name.clone(), after.status, why))
        };
        incident.services.iter().filter_map(reason).collect()
    }

    /// The page after the update, as members see it.
    fn after(&self, input: &PreviewInput, now: Timestamp) -> (Self, Incident) {
        let mut page = self.clone();
        let known = input.incident.and_then(|id| self.incident(id)).cloned();
        let from = known.as_ref().filter(|known| !known.updates.is_empty()).map(|known| known.status);
        let mut impacts = input.services.clone();
        if (StatusTransition { from, to: input.status, impacts: &impacts }).is_after_the_end() {
            // The server rejects anything else.
            impacts.retain(|impact| impact.status == ServiceStatus::Operational);
        }
        let transition = StatusTransition { from, to: input.status, impacts: &impacts };
        let incident = known.unwrap_or_else(|| self.new_incident(input, now));
        let incident = self.updated(incident, input, transition, now);
        page.incidents.retain(|other| other.id != incident.id);
        page.incidents.push(incident.clone());
        page.sort();
        for impact in transition.baselines() {
            if let Some(service) = page.services.iter_mut().find(|service| service.id == impact.id) {
                service.baseline = Some(impact.status);
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

    fn new_incident(&self, input: &PreviewInput, now: Timestamp) -> Incident {
        Incident {
            id: IncidentId::from_uuid(NEW_ID),
            incident_type: input.kind,
            title: input.title.clone(),
            description: input.message.clone(),
            status: input.status,
            impact: Impact::None,
            impact_override: None,
            service_id: None,
            services: Vec::new(),
            organization_id: self.organization.id,
            created_by: None,
            created_at: now,
            updated_at: now,
            started_at: input.window.map_or(now, |(start, _)| start),
            monitoring_at: None,
            resolved_at: None,
            scheduled_start: input.window.map(|(start, _)| start),
            scheduled_end: input.window.map(|(_, end)| end),
            automations: None,
            series_id: None,
            backfilled_at: None,
            is_draft: false,
            version: 0,
            postmortem: None,
            cut_at: None,
            updates: Vec::new(),
        }
    }

    /// The incident after the update.
    fn updated(
        &self,
        mut incident: Incident,
        input: &PreviewInput,
        transition: StatusTransition,
        now: Timestamp,
    ) -> Incident {
        // Opened as resolved, its one update records what the services recovered from.
        let is_past = transition.from.is_none() && transition.ends();
        for impact in transition.impacts {
            if incident.services.iter().all(|service| service.id != impact.id) {
                let name = self.service(impact.id).map(|service| service.name.clone()).unwrap_or_default();
                let status = if is_past { impact.status } else { ServiceStatus::Operational };
                incident.services.push(AffectedService { id: impact.id, name, status, worst: status });
            }
        }
        let recorded = if is_past { StatusTransition { impacts: &[], ..transition } } else { transition };
        let recorded = recorded.apply(&mut incident.services);
        if !transition.to.has_ended() {
            for service in &mut incident.services {
                service.worst = service.worst.max(service.status);
            }
        }
        incident.is_draft = false;
        incident.service_id = incident.services.first().map(|service| service.id);
        incident.impact = match input.kind {
            IncidentKind::Maintenance => Impact::Maintenance,
            IncidentKind::Incident => {
                let reached = if incident.impact_override.is_some() { Impact::None } else { incident.impact };
                let worst = incident.services.iter().map(|service| service.worst);
                let has_more = is_past || !transition.to.has_ended();
                input.impact.unwrap_or(if has_more { Impact::automatic(reached, worst) } else { reached })
            }
        };
        let display_at = next_display_at(incident.latest().map(|newest| newest.display_at), now);
        incident.updates.insert(
            0,
            IncidentUpdate {
                id: UpdateId::from_uuid(NEW_ID),
                message: input.message.clone(),
                html: input.html.clone(),
                status: input.status,
                incident_id: incident.id,
                created_by: None,
                created_at: now,
                display_at,
                updated_at: now,
                services: recorded,
                edits: Vec::new(),
                notify: true,
            },
        );
        let updates: Vec<_> = incident.updates.iter().rev().map(|update| (update.status, update.display_at)).collect();
        if let Some(derived) = DerivedStatus::of(&updates) {
            incident.status = derived.status;
            (incident.monitoring_at, incident.resolved_at) = (derived.monitoring_at, derived.resolved_at);
            if incident.is_maintenance() {
                let began = derived.began_at.or(incident.scheduled_start);
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

    fn input(page: &StatusPage, status: IncidentStatus, impacts: &[(usize, ServiceStatus)]) -> PreviewInput {
        PreviewInput {
            incident: None,
            kind: status.kind(),
            title: "Checkout fails".into(),
            status,
            impact: None,
            message: "We look into it.".into(),
            html: "<p>We look into it.</p>".into(),
            services: impacts
                .iter()
                .map(|(n, status)| ServiceImpact { id: page.services[*n].id, status: *status })
                .collect(),
            window: None,
        }
    }

    #[test]
    fn a_preview_follows_the_rules_of_opening_and_resolving() {
        let page = page_with(&["API", "Checkout"]);
        let now = Timestamp::from_millis(1_000);
        let opening = input(&page, IncidentStatus::Investigating, &[(1, ServiceStatus::MajorOutage)]);
        let (opened, incident) = page.preview(&opening, now);
        assert_eq!(opened.headline().description, "Partial System Outage");
        assert_eq!((incident.impact, incident.updates[0].message.as_str()), (Impact::Critical, "We look into it."));

        let mut held = opened.clone();
        for service in &mut held.services {
            service.baseline = Some(ServiceStatus::Operational);
        }
        let resolving = PreviewInput { incident: Some(incident.id), ..input(&held, IncidentStatus::Resolved, &[]) };
        let now = now.plus_seconds(60);
        let (resolved, incident) = held.preview(&resolving, now);
        assert_eq!(resolved.headline().description, "All Systems Operational");
        assert_eq!((incident.impact, incident.resolved_at), (Impact::Critical, Some(now)));

        let left = PreviewInput {
            incident: Some(incident.id),
            ..input(&held, IncidentStatus::Resolved, &[(1, ServiceStatus::Degraded)])
        };
        assert_eq!(held.preview(&left, now).0.services[1].status, ServiceStatus::Degraded);
    }

    #[test]
    fn rule_3_4_5_services_that_stay_impaired_are_listed_with_the_reason() {
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
        let (_, mut other) = page.after(&input(&page, IncidentStatus::Investigating, &all[2..3]), Timestamp::EPOCH);
        other.id = IncidentId::from_uuid(uuid::Uuid::from_u128(7));
        page.put_incident(other);
        let (page, incident) = page.after(&input(&page, IncidentStatus::Investigating, &all), Timestamp::EPOCH);
        let still_impaired = |impacts: &[(usize, ServiceStatus)]| {
            let end = PreviewInput { incident: Some(incident.id), ..input(&page, IncidentStatus::Resolved, impacts) };
            page.still_impaired(&end)
        };
        let line = |name: &str, status, why| (name.to_owned(), status, why);
        let (degraded, partial, major) =
            (ServiceStatus::Degraded, ServiceStatus::PartialOutage, ServiceStatus::MajorOutage);
        assert_eq!(
            still_impaired(&[(0, degraded)]),
            [
                line("API", degraded, StillImpaired::Update),
                line("Checkout", degraded, StillImpaired::Baseline),
                line("Search", partial, StillImpaired::Other),
                line("Mail", major, StillImpaired::Baseline),
            ]
        );
        // Named as operational, a service recovers whatever its baseline was.
        let named = [(1, ServiceStatus::Operational), (3, ServiceStatus::Operational)];
        assert_eq!(still_impaired(&named), [line("Search", partial, StillImpaired::Other)]);
    }

    #[test]
    fn rule_3_6_6_a_scheduled_maintenance_has_the_impact_maintenance_and_changes_no_status() {
        let page = page_with(&["API"]);
        let plan = input(&page, IncidentStatus::Scheduled, &[(0, ServiceStatus::UnderMaintenance)]);
        let (after, incident) = page.preview(&plan, Timestamp::EPOCH);
        assert_eq!(after.services[0].status, ServiceStatus::Operational);
        assert_eq!((incident.impact, after.upcoming_maintenances().len()), (Impact::Maintenance, 1));
    }
}
