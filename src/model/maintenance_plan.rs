//! Planned work: month by month, what stands in its way, and what holds a service meanwhile.

use serde::{Deserialize, Serialize};

use super::{
    Incident, IncidentId, IncidentKind, Month, Service, ServiceId, ServiceStatus, StatusPage, Timestamp, Zone,
    page::AHEAD_DAYS,
};

/// The most conflicts of one plan that are told.
pub const CONFLICTS_MAX: usize = 20;
/// How long before its start a plan is announced at the earliest, in milliseconds: that of a day counts from its
/// beginning.
pub const ANNOUNCED_MS: i64 = (AHEAD_DAYS + 1) * 86_400_000;

/// Something that concerns the same services as a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

/// Work on some services, planned or about to be.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// From when to when, once that is known.
    pub window: Option<(Timestamp, Timestamp)>,
    /// What is worked on.
    pub services: &'a [ServiceId],
    /// The maintenance itself, if it is there already.
    pub itself: Option<IncidentId>,
}

impl Plan<'_> {
    /// What it collides with among what is known: the maintenances of any of its services that are not over and overlap it,
    /// the next one first, then the open incidents that hold one of them; at most [`CONFLICTS_MAX`]. Windows that only
    /// touch do not overlap.
    #[must_use]
    pub fn conflicts(&self, known: &[Incident], now: Timestamp) -> Vec<Conflict> {
        let overlaps = |other: &&Incident| {
            let (Some((start, end)), Some((other_start, other_end))) = (self.window, other.occupied(now)) else {
                return false;
            };
            !other.status.has_ended() && start < other_end && other_start < end
        };
        let mut planned: Vec<_> = known
            .iter()
            .filter(|other| other.is_maintenance() && Some(other.id) != self.itself)
            .filter(overlaps)
            .collect();
        planned.sort_by_key(|other| (other.scheduled_start, other.id));
        let open = known.iter().filter(|other| other.is_active() && !other.is_maintenance());
        planned.into_iter().chain(open).filter_map(|other| shared(other, self.services)).take(CONFLICTS_MAX).collect()
    }
}

impl Incident {
    /// From when to when a maintenance is in the way of others: its window, and without an end once it is under way longer
    /// than that.
    #[must_use]
    pub fn occupied(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (start, end) = self.window()?;
        let is_late = self.status.is_in_force() && end <= now;
        Some((start, if is_late { Timestamp::from_millis(i64::MAX) } else { end }))
    }

    /// Whether it is a plan that was called off before the public page announced it: no part of what happened, except on
    /// its own page.
    #[must_use]
    pub fn was_never_announced(&self) -> bool {
        self.resolved_at.is_some_and(|ended| self.started_at.millis() - ended.millis() >= ANNOUNCED_MS)
    }
}

/// Plans, in order, under the months of the organization's calendar.
#[must_use]
pub fn by_month<'a>(planned: impl IntoIterator<Item = &'a Incident>, zone: &Zone) -> Vec<(Month, Vec<IncidentId>)> {
    let mut months: Vec<(Month, Vec<IncidentId>)> = Vec::new();
    for planned in planned {
        let month = zone.day(planned.started_at).month();
        match months.last_mut() {
            Some((last, ids)) if *last == month => ids.push(planned.id),
            _ => months.push((month, vec![planned.id])),
        }
    }
    months
}

impl StatusPage {
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
    use crate::model::{IncidentStatus, PreviewInput, ServiceImpact, page::tests::page_with};
    use uuid::Uuid;

    fn at(hour: i64) -> Timestamp {
        Timestamp::EPOCH.plus_seconds(hour * 3600)
    }

    /// Puts an incident, or a maintenance with a window, on the page.
    fn add(page: &mut StatusPage, n: u128, status: IncidentStatus, hours: Option<(i64, i64)>, services: &[usize]) {
        let said = |n: &usize| ServiceImpact { id: page.services[*n].id, status: ServiceStatus::Degraded };
        let intent = PreviewInput {
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
            let plan = Plan { window: Some((at(hours.0), at(hours.1))), services, itself: None };
            plan.conflicts(&page.incidents, at(6))
        };

        assert_eq!(titles(&with((6, 11), &ids)), ["Work 2", "Work 1"], "the next one first");
        assert_eq!(with((6, 11), &ids)[1].words(), "Overlaps on API and Web with");
        assert_eq!(titles(&with((7, 10), &ids)), [""; 0], "they only touch");
        assert_eq!(titles(&with((10, 11), &ids[2..])), [""; 0], "no service in common");
        let plan = Plan { window: None, services: &ids, itself: None };
        assert_eq!(titles(&plan.conflicts(&page.incidents, at(6))), [""; 0], "no window yet");
        let itself = Some(IncidentId::from_uuid(Uuid::from_u128(1)));
        let plan = Plan { window: Some((at(10), at(12))), itself, ..plan };
        assert_eq!(titles(&plan.conflicts(&page.incidents, at(6))), [""; 0]);
    }

    #[test]
    fn work_that_takes_longer_than_planned_is_in_the_way_until_it_is_over() {
        use IncidentStatus::{InProgress, Scheduled};
        let mut page = page_with(&["API"]);
        add(&mut page, 1, InProgress, Some((5, 7)), &[0]);
        add(&mut page, 2, Scheduled, Some((5, 7)), &[0]);
        let ids = [page.services[0].id];
        let plan = Plan { window: Some((at(100), at(101))), services: &ids, itself: None };
        assert_eq!(titles(&plan.conflicts(&page.incidents, at(6))), [""; 0], "it may end in time");
        assert_eq!(titles(&plan.conflicts(&page.incidents, at(7))), ["Work 1"]);
    }

    #[test]
    fn a_plan_called_off_long_before_its_time_was_never_announced() {
        let mut page = page_with(&["API"]);
        add(&mut page, 1, IncidentStatus::Cancelled, Some((8 * 24, 8 * 24 + 1)), &[0]);
        let plan = |ended: Option<i64>| Incident { resolved_at: ended.map(at), ..page.incidents[0].clone() };
        assert!(plan(Some(0)).was_never_announced());
        assert!(!plan(Some(1)).was_never_announced() && !plan(None).was_never_announced());
    }

    #[test]
    fn planned_work_stands_under_its_month() {
        use IncidentStatus::Scheduled;
        let mut page = page_with(&["API"]);
        add(&mut page, 1, Scheduled, Some((31 * 24, 31 * 24 + 1)), &[0]);
        add(&mut page, 2, Scheduled, Some((20, 21)), &[0]);
        add(&mut page, 3, Scheduled, Some((10, 11)), &[0]);
        let months = by_month(page.upcoming_maintenances(), &page.zone);
        let months: Vec<_> = months.into_iter().map(|(month, ids)| (month.to_string(), ids)).collect();
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
        let with =
            |services: &[ServiceId]| Plan { window: None, services, itself: None }.conflicts(&page.incidents, at(0));
        let conflicts = with(&ids);
        assert_eq!(titles(&conflicts), ["Work 1"]);
        assert_eq!(conflicts[0].words(), "Web suffers now from");
        assert!(with(&ids[..1]).is_empty());
    }
}
