//! Applying events to the state of a page, and what is derived from it.

use proptest::{prelude::*, sample::select};
use uuid::Uuid;

use super::*;
use crate::model::{IncidentKind, OrganizationId, PreviewInput, Slug, UpdateId};

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
        epoch: 0,
        organization,
        zone: Zone::utc(),
        today: Timestamp::EPOCH,
        groups: Vec::new(),
        services,
        incidents: Vec::new(),
        cut_at: None,
        outage: None,
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

/// A page with an open incident of version 3 and two updates, the newer one first.
fn page_with_incident() -> (StatusPage, Incident) {
    let mut page = page_with(&["API"]);
    let input = PreviewInput {
        incident: None,
        kind: IncidentKind::Incident,
        title: "API fails".into(),
        status: IncidentStatus::Investigating,
        impact: None,
        message: "We look into it.".into(),
        html: String::new(),
        services: Vec::new(),
        window: None,
    };
    let mut incident = page.preview(&input, Timestamp::EPOCH).1;
    incident.version = 3;
    let mut update = incident.updates[0].clone();
    (update.id, update.display_at) = (update_id(1), Timestamp::from_millis(1));
    incident.updates.insert(0, update);
    page.put_incident(incident.clone());
    (page, incident)
}

fn update_id(n: u128) -> UpdateId {
    UpdateId::from_uuid(Uuid::from_u128(n))
}

/// The event of a change from version `base` to the next.
fn changed(seq: Seq, incident: &Incident, base: i64, updates: &[UpdateId], removed: Vec<UpdateId>) -> Frame {
    let incident = Incident { version: base + 1, ..incident.clone() };
    let change = IncidentChange::new(incident, base, |id| updates.contains(&id), removed);
    numbered(seq, Event::IncidentUpdated(Box::new(change)))
}

#[test]
fn a_change_of_an_incident_brings_its_head_and_the_updates_that_changed() {
    let (mut page, incident) = page_with_incident();
    let mut now = Incident { title: "API down".into(), ..incident.clone() };
    let mut new = now.updates[1].clone();
    (new.id, new.display_at) = (update_id(2), Timestamp::from_millis(2));
    now.updates[0].message = "Edited.".into();
    let gone = now.updates.pop().expect("two").id;
    now.updates.insert(0, new);
    let frame = changed(1, &now, 3, &[update_id(1), update_id(2)], vec![gone]);
    let Frame::Event(NumberedEvent { event: Event::IncidentUpdated(change), .. }) = &frame else { panic!() };
    assert_eq!((change.incident.updates.len(), change.updates.len()), (0, 2));
    assert!(!serde_json::to_value(&change.incident).expect("JSON").as_object().expect("a map").contains_key("updates"));
    assert_eq!(page.apply(frame), Applied::Changed);
    assert_eq!(page.incidents, [Incident { version: 4, ..now }]);
}

#[test]
fn a_change_from_another_version_requires_a_reload_unless_it_is_known() {
    let (page, incident) = page_with_incident();
    for (base, outcome) in [(2, Applied::Changed), (1, Applied::Changed), (4, Applied::Refetch)] {
        let mut page = page.clone();
        assert_eq!(page.apply(changed(1, &incident, base, &[], vec![])), outcome, "{base}");
        assert_eq!(page.incidents, std::slice::from_ref(&incident), "{base}");
    }
}

#[test]
fn a_change_of_an_incident_that_a_page_does_not_list_requires_no_reload() {
    let (mut listing, open) = page_with_incident();
    listing.today = Timestamp::EPOCH.plus_seconds(20 * 86_400);
    let page = StatusPage { incidents: Vec::new(), ..listing };
    let ended = |days: i64| Incident {
        status: IncidentStatus::Resolved,
        resolved_at: Some(Timestamp::EPOCH.plus_seconds(days * 86_400)),
        ..open.clone()
    };
    let cut = |days: i64| StatusPage { cut_at: Some(Timestamp::EPOCH.plus_seconds(days * 86_400)), ..page.clone() };
    for (n, (page, incident, outcome)) in [
        (page.clone(), open.clone(), Applied::Refetch),
        (page.clone(), ended(6), Applied::Refetch),
        (page.clone(), ended(5), Applied::Changed),
        (cut(8), ended(8), Applied::Changed),
        (cut(8), ended(9), Applied::Refetch),
    ]
    .into_iter()
    .enumerate()
    {
        let mut page = page;
        assert_eq!(page.apply(changed(1, &incident, 7, &[], vec![])), outcome, "{n}");
        let created = numbered(page.seq + 1, Event::IncidentCreated(Box::new(incident)));
        assert_eq!(page.apply(created), Applied::Changed);
        assert_eq!(page.incidents.len(), usize::from(outcome == Applied::Refetch), "{n}");
    }
}

#[test]
fn a_change_of_the_page_requires_a_reload() {
    let mut page = page_with(&["API"]);
    assert_eq!(page.apply(numbered(1, Event::PageUpdated {})), Applied::Refetch);
    assert_eq!(page.seq, 0);
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
    let next = numbered(page.seq + 1, Event::ServiceDeleted(gone.clone()));
    page.apply(next);
    page.put_known(gone);
    page.put_known(Service { name: "Site".into(), ..kept });
    let names: Vec<&str> = page.services.iter().map(|service| service.name.as_str()).collect();
    assert_eq!(names, ["Site"]);
}

#[test]
fn a_ping_ahead_of_the_state_reveals_a_lost_event() {
    let mut page = page_with(&[]);
    assert_eq!(page.apply(Frame::Control(Control::Hello { seq: 9, epoch: None })), Applied::Unchanged);
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
        changes in prop::collection::vec((0_usize..8, 0_usize..4, select(ServiceStatus::ALL)), 1..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..80),
    ) {
        let mut truth = page_with(&["a", "b", "c", "d"]);
        let mut client = truth.clone();
        let mut frames = Vec::new();
        for (n, (kind, which, status)) in (0_u8..).zip(changes) {
            let Some(event) = event_of(&truth, n, kind, which, status) else { continue };
            let frame = numbered(truth.seq + 1, event);
            prop_assert_eq!(truth.apply(frame.clone()), Applied::Changed);
            frames.push(frame);
        }
        for index in order {
            if frames.is_empty() {
                break;
            }
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

/// The `n`-th change: of a service, or of one of four incidents. None where there is nothing to change.
fn event_of(page: &StatusPage, n: u8, kind: usize, which: usize, status: ServiceStatus) -> Option<Event> {
    let id = IncidentId::from_uuid(Uuid::from_u128(which as u128));
    let known = page.incident(id).cloned();
    let change = |incident: Incident, changed: &[UpdateId], removed| {
        let (base, incident) = (incident.version, Incident { version: incident.version + 1, ..incident });
        let change = IncidentChange::new(incident, base, |id| changed.contains(&id), removed);
        Some(Event::IncidentUpdated(Box::new(change)))
    };
    match (kind, known) {
        (0, _) => {
            let service = page.services[which].clone();
            let updated_at = Timestamp::from_millis(n.into());
            Some(Event::ServiceUpdated(Service { status, updated_at, ..service }))
        }
        (1, Some(_)) => Some(Event::IncidentDeleted { id }),
        (_, None) => Some(Event::IncidentCreated(Box::new(Incident { id, ..page_with_incident().1 }))),
        (2, Some(incident)) => change(Incident { title: n.to_string(), ..incident }, &[], vec![]),
        (3, Some(mut incident)) if incident.updates.len() > 1 => {
            let gone = incident.updates.remove(which % incident.updates.len()).id;
            change(incident, &[], vec![gone])
        }
        (4, Some(mut incident)) => {
            let count = incident.updates.len();
            let edited = &mut incident.updates[which % count];
            edited.message = n.to_string();
            let edited = edited.id;
            change(incident, &[edited], vec![])
        }
        (_, Some(mut incident)) => {
            let mut update = incident.updates[0].clone();
            (update.id, update.display_at) = (update_id(1_000 + u128::from(n)), Timestamp::from_millis(n.into()));
            incident.updates.push(update.clone());
            incident.sort();
            change(incident, &[update.id], vec![])
        }
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
