//! The state of an organization's services as one value, and how an event changes it.

use serde::{Deserialize, Serialize};

use super::{
    Event, Frame, GroupId, Headline, PublicOrganization, Seq, Service, ServiceGroup, ServiceId, ServiceStatus,
    Timestamp,
    event::{Control, NumberedEvent},
};

/// Everything a page shows, with the number of the last event it contains.
///
/// The server sends one, and every event after it carries it forward: after the same events each holder has the same
/// value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusPage {
    /// The number of the newest event this state contains.
    pub seq: Seq,
    /// Whose page it is.
    pub organization: PublicOrganization,
    /// The groups, in their order.
    pub groups: Vec<ServiceGroup>,
    /// The services, in page order: ungrouped first, then group by group.
    pub services: Vec<Service>,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// The state moved forward.
    Changed,
    /// The frame said nothing new.
    Unchanged,
    /// The frame does not follow on this state: reload it.
    Refetch,
}

/// A group's heading (none for services without a group) and its services, in order.
pub type Section<'a> = (Option<&'a ServiceGroup>, Vec<&'a Service>);

impl StatusPage {
    /// Carries the state forward by one frame. The next number applies, an old one is ignored, a gap asks for a reload,
    /// so frames out of order or twice do no harm.
    pub fn apply(&mut self, frame: Frame) -> Applied {
        match frame {
            Frame::Event(NumberedEvent { seq, .. }) if seq <= self.seq => Applied::Unchanged,
            Frame::Event(NumberedEvent { seq, event, .. }) if seq == self.seq + 1 => {
                self.carry(event);
                self.seq = seq;
                Applied::Changed
            }
            Frame::Event(_) | Frame::Control(Control::Resync) => Applied::Refetch,
            // After `hello` the missed events follow; a `ping` ahead of us means one was lost on the way.
            Frame::Control(Control::Ping { seq }) if seq > self.seq => Applied::Refetch,
            Frame::Control(Control::Hello { .. } | Control::Ping { .. }) => Applied::Unchanged,
        }
    }

    /// Puts a service in its place, unless a newer state of it is already here.
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

    /// The services under their headings: those without a group first, then each group, empty ones too.
    #[must_use]
    pub fn sections(&self) -> Vec<Section<'_>> {
        let of = |group: Option<GroupId>| -> Vec<&Service> {
            self.services.iter().filter(|service| service.group_id == group).collect()
        };
        let loose = of(None);
        let grouped = self.groups.iter().map(|group| (Some(group), of(Some(group.id))));
        std::iter::once((None, loose)).filter(|(_, services)| !services.is_empty()).chain(grouped).collect()
    }

    /// The page's one sentence (domain rule 3.2).
    #[must_use]
    pub fn headline(&self) -> Headline {
        Headline::of(self.services.iter().map(|service| service.status))
    }

    /// When the state last changed for the worse or the better: the newest status among the services that explain the
    /// headline, or nothing when there is no service.
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

    /// Brings services and groups into page order.
    pub fn sort(&mut self) {
        self.groups.sort_by_key(|group| (group.position, group.id));
        let rank = |group: Option<GroupId>| {
            group.map_or(0, |id| 1 + self.groups.iter().position(|known| known.id == id).unwrap_or(usize::MAX - 1))
        };
        self.services.sort_by_key(|service| (rank(service.group_id), service.position, service.id));
    }

    fn carry(&mut self, event: Event) {
        match event {
            Event::ServiceCreated(service) | Event::ServiceUpdated(service) => self.put(service),
            Event::ServiceDeleted(service) => self.services.retain(|known| known.id != service.id),
            Event::PageUpdated(page) => *self = *page,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::{prelude::*, sample::select};
    use uuid::Uuid;

    use super::*;
    use crate::model::{OrganizationId, Slug};

    pub(crate) fn page_with(names: &[&str]) -> StatusPage {
        let organization_id = OrganizationId::from_uuid(Uuid::from_u128(1));
        let organization = PublicOrganization {
            id: organization_id,
            name: "Acme".into(),
            slug: Slug::unreserved("acme").expect("slug"),
        };
        let services = names.iter().enumerate().map(|(n, name)| service(n, name)).collect();
        StatusPage { seq: 0, organization, groups: Vec::new(), services }
    }

    fn service(n: usize, name: &str) -> Service {
        Service {
            id: ServiceId::from_uuid(Uuid::from_u128(100 + n as u128)),
            name: name.into(),
            description: String::new(),
            status: ServiceStatus::Operational,
            status_since: Timestamp::EPOCH,
            group_id: None,
            position: i32::try_from(n).expect("small"),
            organization_id: OrganizationId::from_uuid(Uuid::from_u128(1)),
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
        }
    }

    fn numbered(seq: Seq, event: Event) -> Frame {
        Frame::Event(NumberedEvent { seq, at: Timestamp::EPOCH, event })
    }

    #[test]
    fn the_next_event_applies_an_old_one_is_ignored_and_a_gap_asks_for_a_reload() {
        let mut page = page_with(&["API", "Web"]);
        let mut down = page.services[0].clone();
        down.status = ServiceStatus::MajorOutage;
        assert_eq!(page.apply(numbered(1, Event::ServiceUpdated(down.clone()))), Applied::Changed);
        assert_eq!(page.headline().description, "Partial System Outage");
        assert_eq!(page.apply(numbered(1, Event::ServiceDeleted(down.clone()))), Applied::Unchanged);
        assert_eq!(page.apply(numbered(3, Event::ServiceDeleted(down.clone()))), Applied::Refetch);
        assert_eq!(page.services.len(), 2);
        assert_eq!(page.apply(numbered(2, Event::ServiceDeleted(down))), Applied::Changed);
        assert_eq!((page.services.len(), page.seq), (1, 2));
    }

    #[test]
    fn a_ping_ahead_of_the_state_betrays_a_lost_event() {
        let mut page = page_with(&[]);
        assert_eq!(page.apply(Frame::Control(Control::Hello { seq: 9 })), Applied::Unchanged);
        assert_eq!(page.apply(Frame::Control(Control::Ping { seq: 0 })), Applied::Unchanged);
        assert_eq!(page.apply(Frame::Control(Control::Ping { seq: 1 })), Applied::Refetch);
        assert_eq!(page.apply(Frame::Control(Control::Resync)), Applied::Refetch);
    }

    #[test]
    fn a_state_already_shown_is_never_replaced_by_an_older_one() {
        let mut page = page_with(&["API"]);
        let mut newer = page.services[0].clone();
        (newer.status, newer.updated_at) = (ServiceStatus::Degraded, Timestamp::from_millis(5));
        let older = page.services[0].clone();
        page.put(newer.clone());
        page.put(older);
        assert_eq!(page.services, [newer]);
    }

    #[test]
    fn the_headline_is_dated_by_the_first_service_that_went_wrong() {
        let mut page = page_with(&["API", "Web", "Mail"]);
        assert_eq!(page.since(), Some(Timestamp::EPOCH));
        for (n, at) in [(0, 30), (1, 20)] {
            page.services[n].status = ServiceStatus::MajorOutage;
            page.services[n].status_since = Timestamp::from_millis(at);
        }
        assert_eq!(page.since(), Some(Timestamp::from_millis(20)));
        assert_eq!(page_with(&[]).since(), None);
    }

    proptest! {
        /// However frames are repeated and shuffled, a holder that reloads when told to ends with the sender's state.
        #[test]
        fn every_holder_ends_with_the_same_state(
            changes in prop::collection::vec((0_usize..4, select(ServiceStatus::ALL)), 1..30),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let mut truth = page_with(&["a", "b", "c", "d"]);
            let mut holder = truth.clone();
            let mut frames = Vec::new();
            for (n, (which, status)) in changes.into_iter().enumerate() {
                let mut service = truth.services[which].clone();
                service.status = status;
                service.updated_at = Timestamp::from_millis(i64::try_from(n).expect("small"));
                let frame = numbered(truth.seq + 1, Event::ServiceUpdated(service));
                prop_assert_eq!(truth.apply(frame.clone()), Applied::Changed);
                frames.push(frame);
            }
            for index in order {
                if holder.apply(index.get(&frames).clone()) == Applied::Refetch {
                    holder = truth.clone();
                }
            }
            for frame in frames {
                holder.apply(frame);
            }
            prop_assert_eq!(holder, truth);
        }
    }
}
