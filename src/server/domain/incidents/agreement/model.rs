//! The independent model. It shares the product's types and none of its rules: domain rules 3.1 to 3.4 and 3.6 are
//! written out here once more.

use std::collections::BTreeMap;

use super::Map;
use crate::model::{Impact, IncidentKind, IncidentStatus, ServiceStatus};

use Impact::{Critical, Major, Minor};
use IncidentStatus::{
    Cancelled, Completed, Identified, InProgress, Investigating, Monitoring, Resolved, Scheduled, Verifying,
};
use ServiceStatus::{Degraded, MajorOutage, Operational, PartialOutage, UnderMaintenance};

/// Domain rule 3.1.1: from best to worst.
pub const SEVERITY: &[ServiceStatus] = &[Operational, UnderMaintenance, Degraded, PartialOutage, MajorOutage];
/// Domain rule 3.3.1: from least to worst.
const IMPACTS: &[Impact] = &[Impact::None, Minor, Major, Critical];
/// Domain rule 3.4.1: the statuses of an incident.
pub const INCIDENT_STATUSES: &[IncidentStatus] = &[Investigating, Identified, Monitoring, Resolved];
/// Domain rule 3.6.1: the statuses of a maintenance.
pub const MAINTENANCE_STATUSES: &[IncidentStatus] = &[Scheduled, InProgress, Verifying, Completed, Cancelled];

/// Domain rule 3.6.1: the statuses that may follow each status of a maintenance, itself included. Of an incident any
/// may (domain rule 3.4.1).
const STEPS: [(IncidentStatus, &[IncidentStatus]); 5] = [
    (Scheduled, &[Scheduled, InProgress, Cancelled]),
    (InProgress, &[InProgress, Verifying, Completed, Cancelled]),
    (Verifying, &[Verifying, InProgress, Completed, Cancelled]),
    (Completed, &[Completed]),
    (Cancelled, &[Cancelled]),
];

/// Whether a status may follow another.
pub fn may_become(from: IncidentStatus, to: IncidentStatus) -> bool {
    match STEPS.iter().find(|(status, _)| *status == from) {
        Some((_, next)) => next.contains(&to),
        None => INCIDENT_STATUSES.contains(&to),
    }
}

/// Whether the incident has ended.
pub fn has_ended(status: IncidentStatus) -> bool {
    [Resolved, Completed, Cancelled].contains(&status)
}

/// Whether service impacts are in force (domain rules 3.1.2 and 3.4.6).
fn is_in_force(status: IncidentStatus) -> bool {
    [Investigating, Identified, Monitoring, InProgress, Verifying].contains(&status)
}

/// The index of a value in a table.
fn rank<T: PartialEq>(table: &[T], of: &T) -> usize {
    table.iter().position(|entry| entry == of).expect("in the table")
}

fn worst(statuses: impl Iterator<Item = ServiceStatus>) -> Option<ServiceStatus> {
    statuses.max_by_key(|status| rank(SEVERITY, status))
}

/// Domain rule 3.3.2.
fn impact_of(status: ServiceStatus) -> Impact {
    match status {
        MajorOutage => Critical,
        PartialOutage => Major,
        Degraded => Minor,
        Operational | UnderMaintenance => Impact::None,
    }
}

/// The model: plain maps, derived from scratch after each step.
#[derive(Default)]
pub struct Model {
    pub now: i64,
    pub services: BTreeMap<usize, ServiceStatus>,
    pub incidents: Vec<ModelIncident>,
    pub effective: BTreeMap<usize, ServiceStatus>,
    pub rows: BTreeMap<usize, Vec<(ServiceStatus, ServiceStatus)>>,
}

pub struct ModelIncident {
    pub kind: IncidentKind,
    pub is_draft: bool,
    pub is_deleted: bool,
    pub statuses: Vec<IncidentStatus>,
    pub map: BTreeMap<usize, ServiceStatus>,
    pub reached: Impact,
    pub window: (i64, i64),
}

impl ModelIncident {
    pub fn status(&self) -> IncidentStatus {
        *self.statuses.last().expect("an update")
    }

    fn counts(&self) -> bool {
        !self.is_draft && !self.is_deleted && is_in_force(self.status())
    }
}

impl Model {
    pub fn settle(&mut self) {
        for incident in self.incidents.iter_mut().filter(|incident| incident.counts()) {
            // The worst ever reached (domain rule 3.3.3).
            let impacts = incident.map.values().map(|status| impact_of(*status)).chain([incident.reached]);
            incident.reached = impacts.max_by_key(|impact| rank(IMPACTS, impact)).expect("one at least");
        }
        for (service, baseline) in &self.services {
            let impacts = |kind: IncidentKind| {
                let of_kind = self.incidents.iter().filter(move |known| known.kind == kind && known.counts());
                of_kind.filter_map(|known| known.map.get(service).copied())
            };
            // Domain rule 3.1.2. `operational` in a maintenance is no impact.
            let maintenance = worst(impacts(IncidentKind::Maintenance).filter(|status| *status != Operational));
            let floor = maintenance.unwrap_or(*baseline);
            let now = worst(impacts(IncidentKind::Incident).chain([floor])).expect("one at least");
            let was = self.effective.insert(*service, now).unwrap_or(now);
            if was != now {
                self.rows.entry(*service).or_default().push((was, now));
            }
        }
    }

    pub fn post(&mut self, which: usize, status: IncidentStatus, map: &Map) {
        let incident = &mut self.incidents[which];
        let was = incident.status();
        incident.statuses.push(status);
        incident.map.extend(map.iter().copied());
        if has_ended(status) {
            incident.map.values_mut().for_each(|impact| *impact = Operational);
            if !has_ended(was) && !incident.is_draft {
                for (service, status) in map {
                    self.services.entry(*service).and_modify(|baseline| *baseline = *status);
                }
            }
        }
        self.settle();
    }

    /// The due steps of the scheduler, earliest first.
    pub fn run_scheduler(&mut self) {
        loop {
            let due = self.incidents.iter().enumerate().filter(|(_, known)| !known.is_draft && !known.is_deleted);
            let due = due.filter_map(|(n, known)| match known.status() {
                Scheduled => Some((known.window.0, n, InProgress)),
                InProgress | Verifying => Some((known.window.1, n, Completed)),
                _ => None,
            });
            let Some((_, n, status)) = due.filter(|(at, ..)| *at <= self.now).min() else { return };
            self.post(n, status, &Vec::new());
        }
    }

    /// Domain rule 3.2: indicator and headline of the first row that matches.
    pub fn headline(&self) -> (&'static str, &'static str) {
        let of = |status: ServiceStatus| self.effective.values().filter(|shown| **shown == status).count();
        let all = self.effective.len();
        let open = self.incidents.iter().filter(|known| known.kind == IncidentKind::Incident && known.counts());
        let impact = open.map(|known| known.reached).max_by_key(|impact| rank(IMPACTS, impact));
        match () {
            // Rows 1 and 2.
            () if all == 0 => match impact {
                Some(Critical) => ("critical", "Major System Outage"),
                Some(Major) => ("major", "Partial System Outage"),
                Some(Minor) => ("minor", "Minor Service Outage"),
                _ => ("none", "All Systems Operational"),
            },
            () if of(MajorOutage) == all => ("critical", "Major System Outage"),
            () if of(MajorOutage) >= 1 => ("major", "Partial System Outage"),
            () if of(PartialOutage) == all => ("major", "Partial System Outage"),
            () if of(PartialOutage) >= 1 => ("minor", "Minor Service Outage"),
            () if of(Degraded) == all && all > 1 => ("minor", "Degraded System Service"),
            () if of(Degraded) >= 1 => ("minor", "Partially Degraded Service"),
            () if of(UnderMaintenance) >= 1 => ("maintenance", "Service Under Maintenance"),
            () => ("none", "All Systems Operational"),
        }
    }
}
