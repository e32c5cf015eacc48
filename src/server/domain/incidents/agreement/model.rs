//! The model: simple enough to be believed. It shares the product's words and none of its rules: the tables of domain
//! rules 3.1 to 3.4 and 3.6 are written out here once more.

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
/// Domain rule 3.3.1: from least to worst, as far as incidents have them.
const IMPACTS: &[Impact] = &[Impact::None, Minor, Major, Critical];
/// Domain rule 3.4.1: the states of an incident.
pub const OF_INCIDENTS: &[IncidentStatus] = &[Investigating, Identified, Monitoring, Resolved];
/// Domain rule 3.6.1: the states of a maintenance.
pub const OF_MAINTENANCES: &[IncidentStatus] = &[Scheduled, InProgress, Verifying, Completed, Cancelled];

/// Domain rule 3.6.1: where a maintenance goes from where. An incident goes anywhere (domain rule 3.4.1), and whatever
/// stands may be said again.
const STEPS: [(IncidentStatus, &[IncidentStatus]); 5] = [
    (Scheduled, &[Scheduled, InProgress, Cancelled]),
    (InProgress, &[InProgress, Verifying, Completed, Cancelled]),
    (Verifying, &[Verifying, InProgress, Completed, Cancelled]),
    (Completed, &[Completed]),
    (Cancelled, &[Cancelled]),
];

/// Whether something in this state may be said to be in that one.
pub fn may_become(from: IncidentStatus, to: IncidentStatus) -> bool {
    match STEPS.iter().find(|(status, _)| *status == from) {
        Some((_, next)) => next.contains(&to),
        None => OF_INCIDENTS.contains(&to),
    }
}

/// Whether something in this state is over.
pub fn is_over(status: IncidentStatus) -> bool {
    [Resolved, Completed, Cancelled].contains(&status)
}

/// Whether what something in this state says of services holds (domain rules 3.1.2 and 3.4.6).
fn holds(status: IncidentStatus) -> bool {
    [Investigating, Identified, Monitoring, InProgress, Verifying].contains(&status)
}

/// The place of something in a table.
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

/// The believable model: everything in plain maps, derived anew from scratch after each step.
#[derive(Default)]
pub struct Model {
    pub now: i64,
    pub services: BTreeMap<usize, ServiceStatus>,
    pub things: Vec<Thing>,
    pub effective: BTreeMap<usize, ServiceStatus>,
    pub rows: BTreeMap<usize, Vec<(ServiceStatus, ServiceStatus)>>,
}

pub struct Thing {
    pub kind: IncidentKind,
    pub is_draft: bool,
    pub is_deleted: bool,
    pub said: Vec<IncidentStatus>,
    pub map: BTreeMap<usize, ServiceStatus>,
    pub reached: Impact,
    pub window: (i64, i64),
}

impl Thing {
    pub fn status(&self) -> IncidentStatus {
        *self.said.last().expect("something was said")
    }

    fn counts(&self) -> bool {
        !self.is_draft && !self.is_deleted && holds(self.status())
    }
}

impl Model {
    pub fn settle(&mut self) {
        for thing in self.things.iter_mut().filter(|thing| thing.counts()) {
            // The worst ever reached (domain rule 3.3.3).
            let said = thing.map.values().map(|said| impact_of(*said)).chain([thing.reached]);
            thing.reached = said.max_by_key(|impact| rank(IMPACTS, impact)).expect("one at least");
        }
        for (service, baseline) in &self.services {
            let said = |kind: IncidentKind| {
                let of_kind = self.things.iter().filter(move |thing| thing.kind == kind && thing.counts());
                of_kind.filter_map(|thing| thing.map.get(service).copied())
            };
            // Domain rule 3.1.2. A maintenance that says "operational" of a service says nothing of it.
            let maintenance = worst(said(IncidentKind::Maintenance).filter(|status| *status != Operational));
            let floor = maintenance.unwrap_or(*baseline);
            let now = worst(said(IncidentKind::Incident).chain([floor])).expect("one at least");
            let was = self.effective.insert(*service, now).unwrap_or(now);
            if was != now {
                self.rows.entry(*service).or_default().push((was, now));
            }
        }
    }

    pub fn say(&mut self, which: usize, status: IncidentStatus, map: &Map) {
        let thing = &mut self.things[which];
        let was = thing.status();
        thing.said.push(status);
        thing.map.extend(map.iter().copied());
        if is_over(status) {
            thing.map.values_mut().for_each(|said| *said = Operational);
            if !is_over(was) && !thing.is_draft {
                for (service, left) in map {
                    self.services.entry(*service).and_modify(|baseline| *baseline = *left);
                }
            }
        }
        self.settle();
    }

    /// What the clock does until `now`, earliest first.
    pub fn run_scheduler(&mut self) {
        loop {
            let due = self.things.iter().enumerate().filter(|(_, thing)| !thing.is_draft && !thing.is_deleted);
            let due = due.filter_map(|(n, thing)| match thing.status() {
                Scheduled => Some((thing.window.0, n, InProgress)),
                InProgress | Verifying => Some((thing.window.1, n, Completed)),
                _ => None,
            });
            let Some((_, n, status)) = due.filter(|(at, ..)| *at <= self.now).min() else { return };
            self.say(n, status, &Vec::new());
        }
    }

    /// Domain rule 3.2: the first row that fits, its indicator and its words.
    pub fn headline(&self) -> (&'static str, &'static str) {
        let of = |status: ServiceStatus| self.effective.values().filter(|shown| **shown == status).count();
        let all = self.effective.len();
        let open = self.things.iter().filter(|thing| thing.kind == IncidentKind::Incident && thing.counts());
        let impact = open.map(|thing| thing.reached).max_by_key(|impact| rank(IMPACTS, impact));
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
