//! What stands in the way of a planned window: other work on the same services, and what is broken already.

use super::{Incident, IncidentId, IncidentKind, ServiceId, ServiceStatus, StatusPage, Timestamp};

/// Something that concerns the same services as a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The incident or maintenance.
    pub with: IncidentId,
    /// Which of both it is.
    pub kind: IncidentKind,
    /// Its title.
    pub title: String,
    /// Its window, if it is a maintenance.
    pub window: Option<(Timestamp, Timestamp)>,
    /// The names of the services they share.
    pub services: Vec<String>,
}

impl Conflict {
    /// As a sentence about the window, up to its title: `Overlaps on API and Web with`.
    #[must_use]
    pub fn words(&self) -> String {
        let services = listed(&self.services);
        match self.kind {
            IncidentKind::Maintenance => format!("Overlaps on {services} with"),
            IncidentKind::Incident => format!("{services} suffers now from"),
        }
    }
}

impl StatusPage {
    /// What a window on these services collides with: the maintenances of any of them that are not over and overlap it,
    /// the next one first, then the open incidents that hold one of them. Windows that only touch do not overlap.
    #[must_use]
    pub fn conflicts(
        &self,
        window: Option<(Timestamp, Timestamp)>,
        services: &[ServiceId],
        except: Option<IncidentId>,
    ) -> Vec<Conflict> {
        let overlaps = |other: &&Incident| {
            let (Some((start, end)), Some((other_start, other_end))) = (window, other.window()) else { return false };
            !other.status.has_ended() && start < other_end && other_start < end
        };
        let mut planned: Vec<_> = self
            .incidents
            .iter()
            .filter(|other| other.is_maintenance() && Some(other.id) != except)
            .filter(overlaps)
            .collect();
        planned.sort_by_key(|other| (other.scheduled_start, other.id));
        planned.into_iter().chain(self.open_incidents()).filter_map(|other| shared(other, services)).collect()
    }
}

/// The conflict with another thing, if it concerns one of these services.
fn shared(other: &Incident, services: &[ServiceId]) -> Option<Conflict> {
    let kind = other.incident_type;
    let concerns = |status| kind == IncidentKind::Maintenance || status != ServiceStatus::Operational;
    let both = other.services.iter().filter(|service| services.contains(&service.id) && concerns(service.status));
    let services: Vec<_> = both.map(|service| service.name.clone()).collect();
    let conflict = Conflict { with: other.id, kind, title: other.title.clone(), window: other.window(), services };
    (!conflict.services.is_empty()).then_some(conflict)
}

/// Names as people list them: `API, Web and Mail`.
#[must_use]
pub fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentStatus, Intent, ServiceImpact, page::tests::page_with};
    use uuid::Uuid;

    fn at(hour: i64) -> Timestamp {
        Timestamp::EPOCH.plus_seconds(hour * 3600)
    }

    /// Puts an incident, or a maintenance with a window, on the page.
    fn add(page: &mut StatusPage, n: u128, status: IncidentStatus, hours: Option<(i64, i64)>, services: &[usize]) {
        let said = |n: &usize| ServiceImpact { id: page.services[*n].id, status: ServiceStatus::Degraded };
        let intent = Intent {
            incident: None,
            kind: status.kind(),
            title: format!("Work {n}"),
            status,
            impact: None,
            message: String::new(),
            html: String::new(),
            services: services.iter().map(said).collect(),
            window: hours.map(|(start, end)| (at(start), at(end))),
        };
        let (_, mut incident) = page.preview(&intent, at(0));
        incident.id = IncidentId::from_uuid(Uuid::from_u128(n));
        page.put_incident(incident);
    }

    fn titles(conflicts: &[Conflict]) -> Vec<&str> {
        conflicts.iter().map(|conflict| conflict.title.as_str()).collect()
    }

    #[test]
    fn windows_conflict_when_they_overlap_on_a_common_service() {
        use IncidentStatus::{Completed, InProgress, Scheduled};
        let mut page = page_with(&["API", "Web", "Mail"]);
        add(&mut page, 1, Scheduled, Some((10, 12)), &[0, 1]);
        add(&mut page, 2, InProgress, Some((5, 7)), &[0]);
        add(&mut page, 3, Completed, Some((5, 12)), &[0, 1, 2]);
        let ids: Vec<_> = page.services.iter().map(|service| service.id).collect();
        let with = |hours: (i64, i64), services: &[ServiceId]| {
            page.conflicts(Some((at(hours.0), at(hours.1))), services, None)
        };

        assert_eq!(titles(&with((6, 11), &ids)), ["Work 2", "Work 1"], "the next one first");
        assert_eq!(with((6, 11), &ids)[1].words(), "Overlaps on API and Web with");
        assert_eq!(titles(&with((7, 10), &ids)), [""; 0], "they only touch");
        assert_eq!(titles(&with((10, 11), &ids[2..])), [""; 0], "no service in common");
        assert_eq!(titles(&page.conflicts(None, &ids, None)), [""; 0], "no window yet");
        let itself = page.conflicts(Some((at(10), at(12))), &ids, Some(IncidentId::from_uuid(Uuid::from_u128(1))));
        assert_eq!(titles(&itself), [""; 0]);
    }

    #[test]
    fn a_service_in_an_open_incident_conflicts_at_any_time() {
        use IncidentStatus::{Investigating, Resolved};
        let mut page = page_with(&["API", "Web"]);
        add(&mut page, 1, Investigating, None, &[1]);
        add(&mut page, 2, Resolved, None, &[0]);
        let ids: Vec<_> = page.services.iter().map(|service| service.id).collect();
        let conflicts = page.conflicts(None, &ids, None);
        assert_eq!(titles(&conflicts), ["Work 1"]);
        assert_eq!(conflicts[0].words(), "Web suffers now from");
        assert!(page.conflicts(None, &ids[..1], None).is_empty());
    }
}
