//! Applying events to the state of a page, and what is derived from it.

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
        time_zone: "UTC".into(),
    };
    let services = names.iter().enumerate().map(|(n, name)| service(n, name)).collect();
    StatusPage {
        seq: 0,
        organization,
        zone: Zone::utc(),
        today: Timestamp::EPOCH,
        groups: Vec::new(),
        services,
        incidents: Vec::new(),
        cut_at: None,
        part: None,
    }
}

fn service(n: usize, name: &str) -> Service {
    Service {
        id: ServiceId::from_uuid(Uuid::from_u128(100 + n as u128)),
        name: name.into(),
        description: String::new(),
        status: ServiceStatus::Operational,
        baseline: None,
        status_since: Timestamp::EPOCH,
        group_id: None,
        position: i32::try_from(n).expect("small"),
        organization_id: OrganizationId::from_uuid(Uuid::from_u128(1)),
        created_at: Timestamp::EPOCH,
        updated_at: Timestamp::EPOCH,
        version: 1,
    }
}

fn numbered(seq: Seq, event: Event) -> Frame {
    Frame::Event(NumberedEvent { seq, at: Timestamp::EPOCH, event })
}

#[test]
fn the_next_event_applies_an_old_one_is_ignored_and_a_gap_requires_a_reload() {
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
fn an_answer_about_a_deleted_service_does_not_bring_it_back() {
    let mut page = page_with(&["API", "Web"]);
    let (gone, kept) = (page.services[0].clone(), page.services[1].clone());
    page.apply(numbered(page.seq + 1, Event::ServiceDeleted(gone.clone())));
    page.put_known(gone);
    page.put_known(Service { name: "Site".into(), ..kept });
    let names: Vec<&str> = page.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["Site"]);
}

#[test]
fn a_ping_ahead_of_the_state_reveals_a_lost_event() {
    let mut page = page_with(&[]);
    assert_eq!(page.apply(Frame::Control(Control::Hello { seq: 9 })), Applied::Unchanged);
    assert_eq!(page.apply(Frame::Control(Control::Ping { seq: 0 })), Applied::Unchanged);
    assert_eq!(page.apply(Frame::Control(Control::Ping { seq: 1 })), Applied::Refetch);
    assert_eq!(page.apply(Frame::Control(Control::Resync)), Applied::Refetch);
}

#[test]
fn a_service_is_never_replaced_by_an_older_state() {
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
    /// However frames are repeated and shuffled, a client that reloads when required ends with the server's state.
    #[test]
    fn every_client_ends_with_the_same_state(
        changes in prop::collection::vec((0_usize..4, select(ServiceStatus::ALL)), 1..30),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let mut truth = page_with(&["a", "b", "c", "d"]);
        let mut client = truth.clone();
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
            if client.apply(index.get(&frames).clone()) == Applied::Refetch {
                client = truth.clone();
            }
        }
        for frame in frames {
            client.apply(frame);
        }
        prop_assert_eq!(client, truth);
    }
}

#[test]
fn rule_3_1_5_a_group_has_its_worst_status_and_does_not_count_in_the_headline() {
    let mut page = page_with(&["API", "Web", "Mail"]);
    let group = GroupId::from_uuid(Uuid::from_u128(7));
    assert_eq!(page.group_status(group), None);
    for (n, status) in [(0, ServiceStatus::Degraded), (1, ServiceStatus::MajorOutage)] {
        (page.services[n].group_id, page.services[n].status) = (Some(group), status);
    }
    assert_eq!(page.group_status(group), Some(ServiceStatus::MajorOutage));
    // One of three services is out. Were the group counted as one more, all of two would not be.
    assert_eq!(page.headline().description, "Partial System Outage");
    page.services.truncate(2);
    page.services[0].status = ServiceStatus::MajorOutage;
    assert_eq!(page.headline().description, "Major System Outage");
}
