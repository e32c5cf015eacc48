//! Planned work: month by month, what stands in its way, and what holds a service meanwhile.

use super::{Incident, IncidentId, IncidentKind, Month, Service, ServiceId, ServiceStatus, StatusPage, Timestamp};

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

impl StatusPage {
    /// The planned maintenances, the next one first, under the months of the organization's calendar.
    #[must_use]
    pub fn planned_months(&self) -> Vec<(Month, Vec<IncidentId>)> {
        let mut months: Vec<(Month, Vec<IncidentId>)> = Vec::new();
        for planned in self.upcoming_maintenances() {
            let month = self.zone.day(planned.started_at).month();
            match months.last_mut() {
                Some((last, ids)) if *last == month => ids.push(planned.id),
                _ => months.push((month, vec![planned.id])),
            }
        }
        months
    }

    /// The incidents and maintenances that hold a service at its status, where its baseline is another (domain rule
    /// 3.1.2): setting the baseline changes nothing while they do. Only members know baselines.
    #[must_use]
    pub fn holders(&self, service: &Service) -> Vec<&Incident> {
        if service.baseline.is_none_or(|baseline| baseline == service.status) {
            return Vec::new();
        }
        let holds = |incident: &&Incident| {
            incident.services.iter().any(|said| said.id == service.id && said.status == service.status)
        };
        self.open_incidents().chain(self.maintenances_under_way()).filter(holds).collect()
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
    fn planned_work_stands_under_its_month_and_what_has_begun_does_not() {
        use IncidentStatus::{InProgress, Scheduled};
        let mut page = page_with(&["API"]);
        add(&mut page, 1, Scheduled, Some((31 * 24, 31 * 24 + 1)), &[0]);
        add(&mut page, 2, Scheduled, Some((20, 21)), &[0]);
        add(&mut page, 3, Scheduled, Some((10, 11)), &[0]);
        add(&mut page, 4, InProgress, Some((0, 1)), &[0]);
        let months: Vec<_> = page.planned_months().into_iter().map(|(month, ids)| (month.to_string(), ids)).collect();
        let id = |n| IncidentId::from_uuid(Uuid::from_u128(n));
        assert_eq!(months, [("1970-01".to_owned(), vec![id(3), id(2)]), ("1970-02".to_owned(), vec![id(1)])]);
    }

    #[test]
    fn rule_3_1_2_a_service_is_held_by_whatever_hides_its_baseline() {
        use IncidentStatus::{InProgress, Investigating, Monitoring, Resolved};
        use ServiceStatus::{Degraded, Operational};
        let mut page = page_with(&["API", "Web"]);
        add(&mut page, 1, Investigating, None, &[0]);
        add(&mut page, 2, Resolved, None, &[0]);
        add(&mut page, 3, InProgress, Some((0, 1)), &[0]);
        add(&mut page, 4, Monitoring, None, &[1]);
        let held = |baseline, status| {
            let service = Service { status, baseline, ..page.services[0].clone() };
            titles_of(&page.holders(&service))
        };
        assert_eq!(held(Some(Operational), Degraded), ["Work 1", "Work 3"]);
        assert_eq!(held(Some(Degraded), Degraded), [""; 0], "it would be so by itself");
        assert_eq!(held(None, Degraded), [""; 0], "visitors do not know");
    }

    fn titles_of(incidents: &[&Incident]) -> Vec<String> {
        incidents.iter().map(|incident| incident.title.clone()).collect()
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
