//! The state of a status page as one value, and how events change it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{
    Day, Epoch, Event, Frame, GroupId, Headline, Impact, Incident, IncidentChange, IncidentId, IncidentStatus, Layers,
    PagePart, PublicOrganization, Seq, Service, ServiceGroup, ServiceId, ServiceStatus, Timestamp, Zone,
    event::{Control, NumberedEvent},
};

/// How many past days a page lists.
pub const PAST_DAYS: u8 = 14;
/// How many days ahead the public page announces maintenances.
pub const AHEAD_DAYS: i64 = 7;
/// How many scheduled maintenances a page lists at most.
pub const SCHEDULED_MAX: usize = 50;

/// The state of a status page.
///
/// Every event after `seq` carries it forward: after the same events, all clients have the same state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusPage {
    /// The sequence number of the latest event that it contains.
    pub seq: Seq,
    /// The epoch of the sequence number.
    #[serde(default)]
    pub epoch: Epoch,
    /// The organization.
    pub organization: PublicOrganization,
    /// The organization's time zone, in the years around the present.
    pub zone: Zone,
    /// The start of the current day, in that zone.
    pub today: Timestamp,
    /// The groups, in their order.
    pub groups: Vec<ServiceGroup>,
    /// The services, in page order: ungrouped first, then group by group.
    pub services: Vec<Service>,
    /// Open, scheduled and recent incidents and maintenances, newest start first.
    pub incidents: Vec<Incident>,
    /// When there are more recent incidents than a page lists: the end of the latest one left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<Timestamp>,
    /// Set while the server cannot read its database: the state is the last one it knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
    /// What it contains if it is not the whole page: the page of a month, or of one incident. The client sets it.
    #[serde(skip)]
    pub part: Option<PagePart>,
}

/// How old a state is that the server cannot check, as its database is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Outage {
    /// When the state was last known to be right.
    pub as_of: Timestamp,
    /// When this was written.
    pub written_at: Timestamp,
}

/// The result of applying a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The state changed.
    Changed,
    /// The frame changed nothing.
    Unchanged,
    /// The frame does not continue this state: reload it.
    Refetch,
}

/// A group's heading (none for services without a group) and its services, in order.
pub type Section<'a> = (Option<&'a ServiceGroup>, Vec<&'a Service>);

impl StatusPage {
    /// Applies a frame. The next event is applied, an older one is ignored, and a gap requires a reload, so repeated or
    /// reordered frames are harmless. So does an event that does not continue the state: a change of an incident from
    /// another version than the page has.
    pub fn apply(&mut self, frame: Frame) -> Applied {
        match frame {
            Frame::Event(NumberedEvent { seq, .. }) if seq <= self.seq => Applied::Unchanged,
            Frame::Event(NumberedEvent { seq, event, .. }) if seq == self.seq + 1 => {
                if !self.carry(event) {
                    return Applied::Refetch;
                }
                self.seq = seq;
                Applied::Changed
            }
            Frame::Event(_) | Frame::Control(Control::Resync) => Applied::Refetch,
            // After `hello` the missed events follow; a `ping` ahead of the state means that one was lost.
            Frame::Control(Control::Ping { seq }) if seq > self.seq => Applied::Refetch,
            Frame::Control(Control::Hello { .. } | Control::Ping { .. }) => Applied::Unchanged,
        }
    }

    /// Adds or replaces a service, unless the page has a newer state of it.
    pub fn put(&mut self, service: Service) {
        if let Some(known) = self.services.iter_mut().find(|known| known.id == service.id) {
            if known.updated_at <= service.updated_at {
                *known = service;
            }
        } else {
            self.services.push(service);
        }
        self.sort();
    }

    /// As [`Self::put`], but only replaces: a service that is not on the page has been deleted.
    pub fn put_known(&mut self, service: Service) {
        if self.service(service.id).is_some() {
            self.put(service);
        }
    }

    /// Adds or replaces an incident, unless the page has a newer version of it.
    pub fn put_incident(&mut self, incident: Incident) {
        if let Some(known) = self.incidents.iter_mut().find(|known| known.id == incident.id) {
            if known.version <= incident.version {
                *known = incident;
            }
            self.sort();
        } else {
            self.put_incidents([incident]);
        }
    }

    /// Adds incidents that are not on the page.
    pub fn put_incidents(&mut self, incidents: impl IntoIterator<Item = Incident>) {
        self.incidents.extend(incidents);
        self.sort();
    }

    /// The incidents that are not resolved, newest first.
    pub fn open_incidents(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().filter(|incident| incident.is_active() && !incident.is_maintenance())
    }

    /// The maintenances under way, newest first.
    pub fn maintenances_under_way(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().filter(|incident| incident.is_active() && incident.is_maintenance())
    }

    /// The maintenances that have not begun, the next one first.
    #[must_use]
    pub fn upcoming_maintenances(&self) -> Vec<&Incident> {
        let mut upcoming: Vec<_> = self.incidents.iter().filter(|incident| incident.is_upcoming()).collect();
        upcoming.sort_by_key(|incident| (incident.scheduled_start, incident.id));
        upcoming
    }

    /// Those of [`Self::upcoming_maintenances`] that begin within [`AHEAD_DAYS`] days after `today`.
    #[must_use]
    pub fn announced_maintenances(&self, today: Timestamp) -> Vec<&Incident> {
        let horizon = today.plus_seconds((AHEAD_DAYS + 1) * 86_400);
        let mut upcoming = self.upcoming_maintenances();
        upcoming.retain(|incident| incident.scheduled_start.is_some_and(|start| start < horizon));
        upcoming
    }

    /// The drafts.
    pub fn drafts(&self) -> impl Iterator<Item = &Incident> {
        self.incidents.iter().filter(|incident| incident.is_draft)
    }

    /// The last [`PAST_DAYS`] days, newest first, each with the ended incidents that began on it. Those that began
    /// earlier are listed on the first day, and maintenances cancelled before they were announced on none.
    #[must_use]
    pub fn past_days(&self, today: Timestamp) -> Vec<(Day, Vec<&Incident>)> {
        let last = self.zone.day(today);
        let days: Vec<Day> =
            std::iter::successors(Some(last), |day| Some(day.previous())).take(PAST_DAYS.into()).collect();
        let first = days.last().copied().unwrap_or(last);
        let mut past: Vec<(Day, Vec<&Incident>)> = days.into_iter().map(|day| (day, Vec::new())).collect();
        for incident in &self.incidents {
            let Some(ended) = incident.resolved_at.filter(|_| !incident.is_draft) else { continue };
            if self.zone.day(ended) < first || incident.was_never_announced() {
                continue;
            }
            let day = self.zone.day(incident.started_at.min(ended)).max(first);
            if let Some((_, incidents)) = past.iter_mut().find(|(listed, _)| *listed == day) {
                incidents.push(incident);
            }
        }
        past
    }

    /// Whether ended incidents of this day were left out.
    #[must_use]
    pub fn is_cut(&self, day: Day) -> bool {
        self.cut_at.is_some_and(|cut| day <= self.zone.day(cut))
    }

    /// The incidents and maintenances that the public page shows.
    #[must_use]
    pub fn shown(&self, today: Timestamp) -> BTreeSet<IncidentId> {
        let present = self.open_incidents().chain(self.maintenances_under_way());
        let announced = self.announced_maintenances(today);
        let past = self.past_days(today).into_iter().flat_map(|(_, incidents)| incidents);
        present.chain(announced).chain(past).map(|incident| incident.id).collect()
    }

    /// The effective status of a service (domain rule 3.1.2). Without a baseline, which only members see, its current
    /// status is used instead.
    #[must_use]
    pub fn effective(&self, service: &Service) -> ServiceStatus {
        let impacts = |incidents: &mut dyn Iterator<Item = &Incident>| -> Vec<ServiceStatus> {
            let affected = incidents.filter_map(|one| one.services.iter().find(|known| known.id == service.id));
            affected.map(|known| known.status).collect()
        };
        let incidents = impacts(&mut self.open_incidents());
        // `operational` in a maintenance is no impact.
        let maintenance = impacts(&mut self.maintenances_under_way()).into_iter().max();
        let maintenance = maintenance.filter(|status| *status != ServiceStatus::Operational);
        let baseline = service.baseline.unwrap_or(service.status);
        Layers { baseline, incidents: &incidents, maintenance }.effective()
    }

    /// The page as visitors see it.
    #[must_use]
    pub fn for_public(mut self) -> Self {
        for service in &mut self.services {
            service.baseline = None;
        }
        self.incidents = self.incidents.into_iter().filter_map(Incident::for_public).collect();
        self
    }

    /// The incident or maintenance with this id.
    #[must_use]
    pub fn incident(&self, id: IncidentId) -> Option<&Incident> {
        self.incidents.iter().find(|incident| incident.id == id)
    }

    /// The services by group: those without a group first, then each group, empty ones included.
    #[must_use]
    pub fn sections(&self) -> Vec<Section<'_>> {
        let of = |group: Option<GroupId>| -> Vec<&Service> {
            self.services.iter().filter(|service| service.group_id == group).collect()
        };
        let ungrouped = of(None);
        let grouped = self.groups.iter().map(|group| (Some(group), of(Some(group.id))));
        std::iter::once((None, ungrouped)).filter(|(_, services)| !services.is_empty()).chain(grouped).collect()
    }

    /// A group's status: the worst of its services, none if it has none (domain rule 3.1.5).
    #[must_use]
    pub fn group_status(&self, id: GroupId) -> Option<ServiceStatus> {
        let within = self.services.iter().filter(|service| service.group_id == Some(id));
        within.map(|service| service.status).max()
    }

    /// The headline (domain rule 3.2).
    #[must_use]
    pub fn headline(&self) -> Headline {
        let open: Vec<Impact> = self.open_incidents().map(|incident| incident.impact).collect();
        Headline::of_page(self.services.iter().map(|service| service.status), &open)
    }

    /// When the headline's state began: the first time one of the services behind it got its status, or the last if all
    /// are operational; none without services.
    #[must_use]
    pub fn since(&self) -> Option<Timestamp> {
        let worst = self.services.iter().map(|service| service.status).max()?;
        let of_worst =
            self.services.iter().filter(|service| service.status == worst).map(|service| service.status_since);
        if worst == ServiceStatus::Operational { of_worst.max() } else { of_worst.min() }
    }

    /// The service with this id.
    #[must_use]
    pub fn service(&self, id: ServiceId) -> Option<&Service> {
        self.services.iter().find(|service| service.id == id)
    }

    /// Sorts everything into page order.
    pub fn sort(&mut self) {
        self.incidents.sort_by_key(|incident| std::cmp::Reverse((incident.started_at, incident.id)));
        self.groups.sort_by_key(|group| (group.position, group.id));
        let rank = |group: Option<GroupId>| {
            group.map_or(0, |id| 1 + self.groups.iter().position(|known| known.id == id).unwrap_or(usize::MAX - 1))
        };
        self.services.sort_by_key(|service| (rank(service.group_id), service.position, service.id));
    }

    /// Applies an event; returns whether it continues the state.
    fn carry(&mut self, event: Event) -> bool {
        match event {
            Event::ServiceCreated(service) | Event::ServiceUpdated(service) => {
                if self.part.is_none() {
                    self.put(service);
                }
            }
            Event::ServiceDeleted(service) => self.services.retain(|known| known.id != service.id),
            Event::IncidentCreated(incident) => {
                if self.lists(&incident) {
                    self.put_incident(*incident);
                }
            }
            Event::IncidentUpdated(change) => return self.change(*change),
            Event::IncidentDeleted { id } => self.incidents.retain(|known| known.id != id),
            Event::PageUpdated {} => return false,
        }
        true
    }

    /// Changes an incident, unless the page has the changed version or a newer one already.
    fn change(&mut self, change: IncidentChange) -> bool {
        let Some(known) = self.incidents.iter_mut().find(|known| known.id == change.incident.id) else {
            return !self.lists(&change.incident);
        };
        if known.version == change.base {
            change.apply(known);
            self.sort();
            return true;
        }
        known.version >= change.incident.version
    }

    /// Whether the page would list an incident. It leaves out what ended before its past days or before `cut_at`, and
    /// plans beyond the last of many; a part has its own incidents.
    fn lists(&self, incident: &Incident) -> bool {
        match (self.part, incident.resolved_at) {
            (Some(part), _) => part.holds(incident),
            (None, Some(end)) => end >= self.listed_since() && self.cut_at.is_none_or(|cut| end > cut),
            (None, None) if incident.status == IncidentStatus::Scheduled => {
                let earlier = self.incidents.iter().filter(|known| {
                    known.status == IncidentStatus::Scheduled && known.scheduled_start <= incident.scheduled_start
                });
                earlier.count() < SCHEDULED_MAX
            }
            (None, None) => true,
        }
    }

    /// When the past days begin whose ended incidents the page lists.
    #[must_use]
    pub fn listed_since(&self) -> Timestamp {
        self.today.plus_seconds(-86_400 * i64::from(PAST_DAYS))
    }
}

#[cfg(test)]
#[path = "page_tests.rs"]
pub(crate) mod tests;
