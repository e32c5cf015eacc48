//! Service statuses, the effective status of a service (domain rule 3.1.2) and the headline of a page (domain rule
//! 3.2).

use serde::Serialize;

use super::{Impact, wire::wire_enum};

wire_enum! {
    /// The status of a service, from best to worst (domain rule 3.1.1).
    #[derive(Default)]
    ServiceStatus {
        /// It works.
        #[default]
        Operational = "operational",
        /// It is under maintenance.
        UnderMaintenance = "under_maintenance",
        /// It works, but slowly or with errors.
        Degraded = "degraded",
        /// It fails for some users.
        PartialOutage = "partial_outage",
        /// It fails for most or all users.
        MajorOutage = "major_outage",
    }
}

impl ServiceStatus {
    /// The display name, the same everywhere.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Operational => "Operational",
            Self::UnderMaintenance => "Under Maintenance",
            Self::Degraded => "Degraded",
            Self::PartialOutage => "Partial Outage",
            Self::MajorOutage => "Major Outage",
        }
    }
}

wire_enum! {
    /// The cause of a status change (domain rule 3.1.4).
    Cause {
        /// A member set the baseline in the web interface.
        Manual = "manual",
        /// An update of an incident.
        Incident = "incident",
        /// A maintenance began or ended.
        Maintenance = "maintenance",
        /// Reserved for monitors; not used yet.
        Monitor = "monitor",
        /// A program set the baseline through the REST API.
        Api = "api",
        /// Reserved for imports; not used yet.
        Import = "import",
    }
}

wire_enum! {
    /// The role of a member in an organization.
    Role {
        /// Manages services, incidents and maintenances.
        Member = "member",
        /// Also manages the team and the organization.
        Admin = "admin",
    }
}

impl Role {
    /// The display name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Member => "Member",
            Self::Admin => "Admin",
        }
    }

    /// The role with its article.
    #[must_use]
    pub const fn article(self) -> &'static str {
        match self {
            Self::Member => "a member",
            Self::Admin => "an admin",
        }
    }
}

wire_enum! {
    /// The status of a whole page (domain rule 3.2).
    Indicator {
        /// Nothing is wrong.
        None = "none",
        /// Only maintenance.
        Maintenance = "maintenance",
        /// Something is impaired.
        Minor = "minor",
        /// Something is down.
        Major = "major",
        /// Everything is down.
        Critical = "critical",
    }
}

/// The layers that a service's effective status is derived from: baseline, incidents and maintenance. None overwrites
/// another (domain rule 3.1.2).
#[derive(Clone, Debug, Default)]
pub struct Layers<'a> {
    /// The status set by a member or through the API.
    pub baseline: ServiceStatus,
    /// The impact of each open incident on the service.
    pub incidents: &'a [ServiceStatus],
    /// The impact of a maintenance under way, which replaces the baseline.
    pub maintenance: Option<ServiceStatus>,
}

impl Layers<'_> {
    /// The effective status: the worst of the incidents and of the maintenance or, without one, the baseline (domain
    /// rule
    /// 3.1.2).
    #[must_use]
    pub fn effective(&self) -> ServiceStatus {
        let floor = self.maintenance.unwrap_or(self.baseline);
        self.incidents.iter().copied().fold(floor, ServiceStatus::max)
    }
}

/// The headline of a page: an indicator and a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Headline {
    /// The status of the page.
    pub indicator: Indicator,
    /// The headline text.
    #[schema(value_type = String, example = "All Systems Operational")]
    pub description: &'static str,
}

impl Default for Headline {
    fn default() -> Self {
        Self::of([])
    }
}

impl Headline {
    const fn new(indicator: Indicator, description: &'static str) -> Self {
        Self { indicator, description }
    }

    const EVERY: [Self; 7] = [
        Self::new(Indicator::Critical, "Major System Outage"),
        Self::new(Indicator::Major, "Partial System Outage"),
        Self::new(Indicator::Minor, "Minor Service Outage"),
        Self::new(Indicator::Minor, "Degraded System Service"),
        Self::new(Indicator::Minor, "Partially Degraded Service"),
        Self::new(Indicator::Maintenance, "Service Under Maintenance"),
        Self::new(Indicator::None, "All Systems Operational"),
    ];

    /// The headline of a page. It follows from the services; open incidents count only on a page without services
    /// (domain rule 3.2, rows 1 and 2).
    #[must_use]
    pub fn of_page(statuses: impl IntoIterator<Item = ServiceStatus>, open: &[Impact]) -> Self {
        let mut statuses = statuses.into_iter().peekable();
        if statuses.peek().is_some() {
            return Self::of(statuses);
        }
        let [major_system, partial_system, minor, .., operational] = Self::EVERY;
        match open.iter().max() {
            Some(Impact::Critical) => major_system,
            Some(Impact::Major) => partial_system,
            Some(Impact::Minor) => minor,
            _ => operational,
        }
    }

    /// The headline for the effective statuses of a page's services (domain rule 3.2, rows 1 and 3 to 10).
    #[must_use]
    pub fn of(statuses: impl IntoIterator<Item = ServiceStatus>) -> Self {
        let mut count = [0_usize; ServiceStatus::ALL.len()];
        let mut total = 0_usize;
        for status in statuses {
            count[status as usize] += 1;
            total += 1;
        }
        let some = |status: ServiceStatus| count[status as usize] > 0;
        let all = |status: ServiceStatus| total > 0 && count[status as usize] == total;
        let [major_system, partial_system, minor, degraded_system, degraded, maintenance, operational] = Self::EVERY;
        if all(ServiceStatus::MajorOutage) {
            major_system
        } else if some(ServiceStatus::MajorOutage) || all(ServiceStatus::PartialOutage) {
            partial_system
        } else if some(ServiceStatus::PartialOutage) {
            minor
        } else if all(ServiceStatus::Degraded) && total > 1 {
            degraded_system
        } else if some(ServiceStatus::Degraded) {
            degraded
        } else if some(ServiceStatus::UnderMaintenance) {
            maintenance
        } else {
            operational
        }
    }
}

#[cfg(test)]
mod tests {
    use ServiceStatus::{Degraded, MajorOutage, Operational, PartialOutage, UnderMaintenance};
    use proptest::{prelude::*, sample::select};

    use super::*;

    fn headline(statuses: &[(ServiceStatus, usize)]) -> (&'static str, &'static str) {
        let headline = Headline::of(statuses.iter().flat_map(|(status, n)| std::iter::repeat_n(*status, *n)));
        (headline.indicator.as_str(), headline.description)
    }

    #[test]
    fn rule_3_1_1_severity_rises_from_operational_to_major_outage() {
        assert!(Operational < UnderMaintenance && UnderMaintenance < Degraded);
        assert!(Degraded < PartialOutage && PartialOutage < MajorOutage);
    }

    #[test]
    fn rule_3_1_2_maintenance_replaces_the_baseline_but_an_incident_shows_through() {
        let layers = Layers { baseline: MajorOutage, incidents: &[], maintenance: Some(UnderMaintenance) };
        assert_eq!(layers.effective(), UnderMaintenance);
        assert_eq!(Layers { incidents: &[Degraded], ..layers.clone() }.effective(), Degraded);
        assert_eq!(Layers { incidents: &[Degraded], maintenance: None, ..layers }.effective(), MajorOutage);
    }

    #[test]
    fn rule_3_1_3_resolving_one_of_two_incidents_leaves_the_other_in_force() {
        let both = Layers { incidents: &[PartialOutage, MajorOutage], ..Layers::default() };
        assert_eq!(both.effective(), MajorOutage);
        assert_eq!(Layers { incidents: &[PartialOutage], ..both }.effective(), PartialOutage);
    }

    #[test]
    fn rule_3_2_every_row_of_the_table() {
        assert_eq!(headline(&[]), ("none", "All Systems Operational"));
        assert_eq!(headline(&[(MajorOutage, 3)]), ("critical", "Major System Outage"));
        assert_eq!(headline(&[(MajorOutage, 1), (Operational, 4)]), ("major", "Partial System Outage"));
        assert_eq!(headline(&[(PartialOutage, 2)]), ("major", "Partial System Outage"));
        assert_eq!(headline(&[(PartialOutage, 1), (Operational, 1)]), ("minor", "Minor Service Outage"));
        assert_eq!(headline(&[(Degraded, 2)]), ("minor", "Degraded System Service"));
        assert_eq!(headline(&[(Degraded, 1)]), ("minor", "Partially Degraded Service"));
        assert_eq!(headline(&[(Degraded, 2), (UnderMaintenance, 1)]), ("minor", "Partially Degraded Service"));
        assert_eq!(headline(&[(UnderMaintenance, 1), (Operational, 9)]), ("maintenance", "Service Under Maintenance"));
        assert_eq!(headline(&[(Operational, 5)]), ("none", "All Systems Operational"));
    }

    #[test]
    fn rule_3_2_row_2_incidents_count_on_a_page_without_services() {
        let of = |open: &[Impact]| Headline::of_page([], open).indicator;
        assert_eq!([of(&[]), of(&[Impact::None])], [Indicator::None, Indicator::None]);
        assert_eq!(of(&[Impact::Minor, Impact::Major]), Indicator::Major);
        assert_eq!(of(&[Impact::Critical]), Indicator::Critical);
        assert_eq!(Headline::of_page([Operational], &[Impact::Critical]).indicator, Indicator::None);
    }

    /// As published by large status pages.
    #[test]
    fn rule_3_2_matches_published_status_pages() {
        let with_rest = |list: &[(ServiceStatus, usize)], of: usize| {
            let rest = of - list.iter().map(|(_, n)| n).sum::<usize>();
            headline(&[list, &[(Operational, rest)]].concat())
        };
        assert_eq!(with_rest(&[(MajorOutage, 1), (PartialOutage, 1)], 18).0, "major");
        assert_eq!(with_rest(&[(MajorOutage, 5), (PartialOutage, 1)], 9), ("major", "Partial System Outage"));
        assert_eq!(with_rest(&[(PartialOutage, 2)], 105).0, "minor");
        assert_eq!(with_rest(&[(PartialOutage, 3)], 107).0, "minor");
        assert_eq!(with_rest(&[(Degraded, 2)], 24).0, "minor");
    }

    proptest! {
        #[test]
        fn the_effective_status_is_never_better_than_any_open_incident(
            baseline in select(ServiceStatus::ALL),
            incidents in prop::collection::vec(select(ServiceStatus::ALL), 0..5),
            maintenance in prop::option::of(select(ServiceStatus::ALL)),
        ) {
            let effective = Layers { baseline, incidents: &incidents, maintenance }.effective();
            prop_assert!(incidents.iter().all(|impact| effective >= *impact));
            if incidents.is_empty() {
                prop_assert_eq!(effective, maintenance.unwrap_or(baseline));
            }
        }

        #[test]
        fn the_headline_does_not_depend_on_order_and_never_improves_when_a_service_worsens(
            mut statuses in prop::collection::vec(select(ServiceStatus::ALL), 1..12), at in any::<prop::sample::Index>(),
        ) {
            let before = Headline::of(statuses.iter().copied());
            statuses.reverse();
            prop_assert_eq!(Headline::of(statuses.iter().copied()), before);
            let at = at.index(statuses.len());
            statuses[at] = MajorOutage;
            prop_assert!(Headline::of(statuses).indicator >= before.indicator);
        }
    }
}
