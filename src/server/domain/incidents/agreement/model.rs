//! The model: simple enough to be believed.

use std::collections::BTreeMap;

use super::Map;
use crate::model::{Headline, Impact, IncidentKind, IncidentStatus, ServiceStatus};

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
        !self.is_draft && !self.is_deleted && self.status().is_in_force()
    }
}

impl Model {
    pub fn settle(&mut self) {
        for thing in self.things.iter_mut().filter(|thing| thing.counts()) {
            thing.reached = Impact::automatic(thing.reached, thing.map.values().copied());
        }
        for (service, baseline) in &self.services {
            let said = |kind: IncidentKind| {
                let of_kind = self.things.iter().filter(move |thing| thing.kind == kind && thing.counts());
                of_kind.filter_map(|thing| thing.map.get(service).copied())
            };
            // A maintenance that says "operational" of a service says nothing of it.
            let worked_on = said(IncidentKind::Maintenance).filter(|status| *status != ServiceStatus::Operational);
            let floor = worked_on.max().unwrap_or(*baseline);
            let now = said(IncidentKind::Incident).max().map_or(floor, |worst| worst.max(floor));
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
        if status.has_ended() {
            thing.map.values_mut().for_each(|said| *said = ServiceStatus::Operational);
            if !was.has_ended() && !thing.is_draft {
                for (service, left) in map {
                    self.services.entry(*service).and_modify(|baseline| *baseline = *left);
                }
            }
        }
        self.settle();
    }

    /// What the clock does until `now`, earliest first.
    pub fn run_clock(&mut self) {
        loop {
            let due = self.things.iter().enumerate().filter(|(_, thing)| !thing.is_draft && !thing.is_deleted);
            let due = due.filter_map(|(n, thing)| match thing.status() {
                IncidentStatus::Scheduled => Some((thing.window.0, n, IncidentStatus::InProgress)),
                IncidentStatus::InProgress | IncidentStatus::Verifying => {
                    Some((thing.window.1, n, IncidentStatus::Completed))
                }
                _ => None,
            });
            let Some((_, n, status)) = due.filter(|(at, ..)| *at <= self.now).min() else { return };
            self.say(n, status, &Vec::new());
        }
    }

    pub fn headline(&self) -> Headline {
        let open = self.things.iter().filter(|thing| thing.kind == IncidentKind::Incident && thing.counts());
        Headline::of_page(self.effective.values().copied(), &open.map(|thing| thing.reached).collect::<Vec<_>>())
    }
}
