//! Planning of maintenances: conflicts, the calendar by month, and what holds a service at its status.

use serde::{Deserialize, Serialize};

use super::{
    Incident, IncidentId, IncidentKind, Month, Service, ServiceId, ServiceStatus, StatusPage, Timestamp, Zone,
    page::AHEAD_DAYS,
};

/// The most conflicts listed for one plan.
pub const CONFLICTS_MAX: usize = 20;
/// How long before its start a maintenance is announced at the earliest, in milliseconds: it counts from the beginning
/// of a day.
pub const ANNOUNCED_MS: i64 = (AHEAD_DAYS + 1) * 86_400_000;

/// A conflict: another maintenance, or an open incident, on the same services as a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// The other incident or maintenance.
    pub with: IncidentId,
    /// Incident or maintenance.
    pub kind: IncidentKind,
    /// Its title.
    pub title: String,
    /// Its window, if it is a maintenance.
    pub window: Option<(Timestamp, Timestamp)>,
    /// The names of the services they share.
    pub services: Vec<String>,
}

impl Conflict {
    /// The beginning of a sentence that the other one's title ends: `Overlaps on API and Web with`.
    #[must_use]
    pub fn describe(&self) -> String {
        let services = join_names(&self.services);
        match self.kind {
            IncidentKind::Maintenance => format!("Overlaps on {services} with"),
            IncidentKind::Incident => format!("Open incident on {services}:"),
        }
    }
}

/// A maintenance that is planned, or being planned.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// Its start and end, once they are known.
    pub window: Option<(Timestamp, Timestamp)>,
    /// The services under maintenance.
    pub services: &'a [ServiceId],
    /// Its id, unless it is new.
    pub itself: Option<IncidentId>,
}

impl Plan<'_> {
    /// Its conflicts among the candidates: maintenances on any of its services that have not ended and overlap it, the
    /// next one first, then open incidents that affect one of them; at most [`CONFLICTS_MAX`]. Windows that only touch
    /// do not overlap.
    #[must_use]
    pub fn conflicts(&self, candidates: &[Incident], now: Timestamp) -> Vec<Conflict> {
        let overlaps = |other: &&Incident| {
            let (Some((start, end)), Some((other_start, other_end))) = (self.window, other.occupied(now)) else {
                return false;
            };
            !other.status.has_ended() && start < other_end && other_start < end
        };
        let mut planned: Vec<_> = candidates
            .iter()
            .filter(|other| other.is_maintenance() && Some(other.id) != self.itself)
            .filter(overlaps)
            .collect();
        planned.sort_by_key(|other| (other.scheduled_start, other.id));
        let open = candidates.iter().filter(|other| other.is_active() && !other.is_maintenance());
        planned.into_iter().chain(open).filter_map(|other| shared(other, self.services)).take(CONFLICTS_MAX).collect()
    }
}

impl Incident {
    /// The period in which a maintenance conflicts with others: its window, without an end once it is overdue.
    #[must_use]
    pub fn occupied(&self, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let (start, end) = self.window()?;
        let is_late = self.status.is_in_force() && end <= now;
        Some((start, if is_late { Timestamp::from_millis(i64::MAX) } else { end }))
    }

    /// Whether it was cancelled before the public page announced it. Such a maintenance is shown on its own page only.
    #[must_use]
    pub fn was_never_announced(&self) -> bool {
        self.resolved_at.is_some_and(|ended| self.started_at.millis() - ended.millis() >= ANNOUNCED_MS)
    }
}

/// Groups scheduled maintenances by month, in order.
#[must_use]
pub fn by_month<'a>(scheduled: impl IntoIterator<Item = &'a Incident>, zone: &Zone) -> Vec<(Month, Vec<IncidentId>)> {
    let mut months: Vec<(Month, Vec<IncidentId>)> = Vec::new();
    for maintenance in scheduled {
        let month = zone.day(maintenance.started_at).month();
        match months.last_mut() {
            Some((last, ids)) if *last == month => ids.push(maintenance.id),
            _ => months.push((month, vec![maintenance.id])),
        }
    }
    months
}

impl StatusPage {
    /// The incidents and maintenances that hold a service at a status other than its baseline (domain rule 3.1.2):
    /// while they do, setting the baseline does not show. Only members see baselines.
    #[must_use]
    pub fn holders(&self, service: &Service) -> Vec<&Incident> {
        if service.baseline.is_none_or(|baseline| baseline == service.status) {
            return Vec::new();
        }
        let holds = |incident: &&Incident| {
            incident.services.iter().any(|known| known.id == service.id && known.status == service.status)
        };
        self.open_incidents().chain(self.maintenances_under_way()).filter(holds).collect()
    }
}

/// The conflict with another incident or maintenance, if it affects one of these services.
fn shared(other: &Incident, services: &[ServiceId]) -> Option<Conflict> {
    let kind = other.incident_type;
    let affects = |status| kind == IncidentKind::Maintenance || status != ServiceStatus::Operational;
    let both = other.services.iter().filter(|service| services.contains(&service.id) && affects(service.status));
    let services: Vec<_> = both.map(|service| service.name.clone()).collect();
    let conflict = Conflict { with: other.id, kind, title: other.title.clone(), window: other.window(), services };
    (!conflict.services.is_empty()).then_some(conflict)
}

/// Joins names: `API, Web and Mail`.
#[must_use]
pub fn join_names(names: &[String]) -> String {
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

    /// Adds an incident, or a maintenance with a window, to the page.
    fn add(page: &mut StatusPage, n: u128, status: IncidentStatus, hours: Option<(i64, i64)>, services: &[usize]) {
        let impact = |n: &usize| ServiceImpact { id: page.services[*n].id, status: ServiceStatus::Degraded };
        let input = PreviewInput {
            incident: None,
            kind: status.kind(),
            title: format!("Work {n}"),
            status,
            impact: None,
            message: String::new(),
            html: String::new(),
            services: services.iter().map(impact).collect(),
            window: hours.map(|(start, end)| (at(start), at(end))),
        };
        let (_, mut incident) = page.preview(&input, at(0));
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
        assert_eq!(with((6, 11), &ids)[1].describe(), "Overlaps on API and Web with");
        assert_eq!(titles(&with((7, 10), &ids)), [""; 0], "they only touch");
        assert_eq!(titles(&with((10, 11), &ids[2..])), [""; 0], "no service in common");
        let plan = Plan { window: None, services: &ids, itself: None };
        assert_eq!(titles(&plan.conflicts(&page.incidents, at(6))), [""; 0], "no window yet");
        let itself = Some(IncidentId::from_uuid(Uuid::from_u128(1)));
        let plan = Plan { window: Some((at(10), at(12))), itself, ..plan };
        assert_eq!(titles(&plan.conflicts(&page.incidents, at(6))), [""; 0]);
    }

    #[test]
    fn an_overdue_maintenance_conflicts_until_it_ends() {
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
    fn a_maintenance_cancelled_long_before_its_start_was_never_announced() {
        let mut page = page_with(&["API"]);
        add(&mut page, 1, IncidentStatus::Cancelled, Some((8 * 24, 8 * 24 + 1)), &[0]);
        let plan = |ended: Option<i64>| Incident { resolved_at: ended.map(at), ..page.incidents[0].clone() };
        assert!(plan(Some(0)).was_never_announced());
        assert!(!plan(Some(1)).was_never_announced() && !plan(None).was_never_announced());
    }

    #[test]
    fn maintenances_are_grouped_by_month() {
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
    fn rule_3_1_2_a_service_is_held_by_what_hides_its_baseline() {
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
        assert_eq!(held(Some(Degraded), Degraded), [""; 0], "its baseline is the same");
        assert_eq!(held(None, Degraded), [""; 0], "visitors do not see baselines");
    }

    fn titles_of(incidents: &[&Incident]) -> Vec<String> {
        incidents.iter().map(|incident| incident.title.clone()).collect()
    }

    #[test]
    fn an_open_incident_on_a_service_conflicts_at_any_time() {
        use IncidentStatus::{Investigating, Resolved};
        let mut page = page_with(&["API", "Web"]);
        add(&mut page, 1, Investigating, None, &[1]);
        add(&mut page, 2, Resolved, None, &[0]);
        let ids: Vec<_> = page.services.iter().map(|service| service.id).collect();
        let with =
            |services: &[ServiceId]| Plan { window: None, services, itself: None }.conflicts(&page.incidents, at(0));
        let conflicts = with(&ids);
        assert_eq!(titles(&conflicts), ["Work 1"]);
        assert_eq!(conflicts[0].describe(), "Open incident on Web:");
        assert!(with(&ids[..1]).is_empty());
    }
}
