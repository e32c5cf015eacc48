//! The faults of input about incidents, by field.

use super::*;
use crate::model::{NewUpdate, UpdatePatch};

const NOW: &str = "2026-11-23T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn incident() -> NewIncident {
    NewIncident { title: "Checkout is slow".into(), ..Default::default() }
}

fn window(start: &str, end: &str) -> NewIncident {
    NewIncident {
        incident_type: IncidentKind::Maintenance,
        starts_at: Some(at(start)),
        ends_at: Some(at(end)),
        ..incident()
    }
}

#[track_caller]
fn faults(new: NewIncident) -> Vec<String> {
    new.check(at(NOW)).map_or_else(|error| error.fields.into_keys().collect(), |_| Vec::new())
}

#[test]
fn rule_3_4_10_titles_end_at_255_and_messages_at_25_000_characters() {
    assert!(faults(NewIncident { title: "x".repeat(255), ..incident() }).is_empty());
    assert_eq!(faults(NewIncident { title: "x".repeat(300), ..incident() }), ["title"]);
    assert!(faults(NewIncident { message: Some("x".repeat(25_000)), ..incident() }).is_empty());
    assert_eq!(faults(NewIncident { message: Some("x".repeat(30_000)), ..incident() }), ["message"]);
}

#[test]
fn an_incident_has_no_status_or_window_of_a_maintenance() {
    assert_eq!(faults(NewIncident { status: Some(IncidentStatus::Scheduled), ..incident() }), ["status"]);
    assert_eq!(faults(NewIncident { starts_at: Some(at(NOW)), ..incident() }), ["starts_at"]);
    assert_eq!(faults(NewIncident { impact: Some(Impact::Maintenance), ..incident() }), ["impact"]);
    let mut window = window("2026-11-24T02:00:00Z", "2026-11-24T03:00:00Z");
    window.status = Some(IncidentStatus::Investigating);
    assert_eq!(faults(window), ["status"]);
}

#[test]
fn a_window_ends_after_it_starts_and_is_not_too_far_away() {
    assert!(faults(window("2026-11-24T02:00:00Z", "2026-11-24T03:00:00Z")).is_empty());
    assert_eq!(faults(window("2026-11-24T03:00:00Z", "2026-11-24T02:00:00Z")), ["ends_at"]);
    assert_eq!(faults(window("2026-11-24T02:00:00Z", "2026-11-24T02:00:00Z")), ["ends_at"]);
    assert_eq!(faults(window("2026-11-20T02:00:00Z", "2026-11-20T03:00:00Z")), ["ends_at"]);
    assert_eq!(faults(window("2029-11-24T02:00:00Z", "2029-11-24T03:00:00Z")), ["starts_at"]);
    assert_eq!(faults(window("2026-11-24T02:00:00Z", "9999-11-24T03:00:00Z")), ["ends_at"]);
    assert_eq!(
        faults(NewIncident { incident_type: IncidentKind::Maintenance, ..incident() }),
        ["ends_at", "starts_at"]
    );
}

#[test]
fn rule_3_5_a_past_incident_has_a_start_and_an_end_in_the_past() {
    let past =
        |start: &str, end: &str| NewIncident { started_at: Some(at(start)), resolved_at: Some(at(end)), ..incident() };
    let checked = past("2026-11-01T10:00:00Z", "2026-11-01T11:00:00Z").check(at(NOW)).expect("valid");
    assert_eq!(checked.status, Some(IncidentStatus::Resolved));
    assert_eq!(faults(past("2026-11-01T11:00:00Z", "2026-11-01T10:00:00Z")), ["resolved_at"]);
    assert_eq!(faults(past("2026-11-23T11:00:00Z", "2026-11-23T13:00:00Z")), ["resolved_at"]);
    assert_eq!(faults(past("0001-01-01T00:00:00Z", "2026-11-23T11:00:00Z")), ["started_at"]);
    assert_eq!(faults(NewIncident { resolved_at: Some(at(NOW)), ..incident() }), ["started_at"]);
    assert_eq!(faults(NewIncident { correct_uptime: true, ..incident() }), ["correct_uptime"]);
}

#[test]
fn bodies_with_description_and_service_id_are_accepted() {
    let id = "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e";
    let body = serde_json::json!({
        "title": "Down", "description": "It is down.", "impact": "major", "service_id": id, "incident_type": "incident",
    });
    let new: NewIncident = serde_json::from_value(body).expect("readable");
    let new = new.check(at(NOW)).expect("valid");
    assert_eq!((new.message.as_deref(), new.service_ids.len()), (Some("It is down."), 1));
    let both = NewIncident { message: Some("a".into()), description: Some("b".into()), ..incident() };
    assert_eq!(faults(both), ["description"]);
}

#[test]
fn a_service_is_listed_once() {
    let id = ServiceId::from_uuid(uuid::Uuid::from_u128(1));
    let twice = vec![ServiceImpact { id, status: ServiceStatus::Degraded }; 2];
    assert_eq!(faults(NewIncident { services: twice, ..incident() }), ["services"]);
    assert_eq!(faults(NewIncident { service_ids: vec![id, id], ..incident() }), ["service_ids"]);
}

#[test]
fn an_update_has_a_message_or_a_change() {
    assert!(NewUpdate::default().check(at(NOW)).is_err());
    assert!(NewUpdate { status: Some(IncidentStatus::Resolved), ..Default::default() }.check(at(NOW)).is_ok());
    let later =
        NewUpdate { message: Some("x".into()), display_at: Some(at("2026-11-23T12:00:01Z")), ..Default::default() };
    assert!(later.check(at(NOW)).expect_err("future").fields.contains_key("display_at"));
    assert!(UpdatePatch { message: Some("  ".into()), ..Default::default() }.check(at(NOW)).is_err());
}
