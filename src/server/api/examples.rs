//! An example for each response schema of the OpenAPI document. A test validates each against its schema.

use serde_json::{Value, json};
use utoipa::openapi::{OpenApi as Document, RefOr, Schema};

const ORGANIZATION: &str = "01936f3a-1f20-7a11-8c44-2d9b7e6f5a01";
const ADA: &str = "01936f3a-1f20-7a11-8c44-2d9b7e6f5a02";
const GROUP: &str = "01936f3d-5c00-7b2a-9e10-4f8a6c2d1b03";
const SERVICE: &str = "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e";
const INCIDENT: &str = "01936f52-77b0-7d4c-8f21-5a3e9c7b1d04";

/// Adds the examples to the schemas.
pub fn add(document: &mut Document) {
    let Some(components) = &mut document.components else { return };
    for (name, example) in all() {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(name) {
            object.example = Some(example);
        }
    }
}

fn all() -> [(&'static str, Value); 16] {
    [
        ("Account", json!({"user": user(), "organization": organization()})),
        ("ApiToken", token()),
        ("AuditEntry", entry()),
        ("Incident", incident()),
        ("IncidentUpdate", update()),
        ("Invitation", invitation()),
        ("PublicStatus", status()),
        ("Series", series()),
        ("Service", service()),
        ("ServiceGroup", group()),
        ("SignedIn", signed_in()),
        ("StatusChange", change()),
        ("TeamMember", member()),
        ("Template", template()),
        ("Timeline", json!({"status_changes": [change()], "incidents": [published(incident())]})),
        ("Uptime", uptime()),
    ]
}

fn organization() -> Value {
    json!({"id": ORGANIZATION, "name": "Acme", "slug": "acme", "created_at": "2026-11-02T09:00:00.000Z"})
}

fn user() -> Value {
    json!({
        "id": ADA,
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "role": "admin",
        "organization_id": ORGANIZATION,
        "created_at": "2026-11-02T09:00:00.000Z",
    })
}

fn signed_in() -> Value {
    json!({
        "access_token": "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.….…",
        "token_type": "Bearer",
        "expires_at": "2026-12-23T08:00:00.000Z",
        "user": user(),
        "organization": organization(),
    })
}

fn group() -> Value {
    json!({
        "id": GROUP,
        "name": "Payments",
        "position": 0,
        "organization_id": ORGANIZATION,
        "created_at": "2026-11-02T09:05:00.000Z",
        "updated_at": "2026-11-02T09:05:00.000Z",
    })
}

fn service() -> Value {
    json!({
        "id": SERVICE,
        "name": "Checkout",
        "description": "Card and invoice payments",
        "status": "partial_outage",
        "baseline": "operational",
        "status_since": "2026-11-23T08:12:00.000Z",
        "group_id": GROUP,
        "position": 0,
        "organization_id": ORGANIZATION,
        "created_at": "2026-11-02T09:10:00.000Z",
        "updated_at": "2026-11-23T08:12:00.000Z",
    })
}

fn change() -> Value {
    json!({
        "id": "01936f52-77b1-7e00-b1c9-6d2f8a4e3c05",
        "service_id": SERVICE,
        "old_status": "operational",
        "new_status": "partial_outage",
        "cause": "incident",
        "created_at": "2026-11-23T08:12:00.000Z",
    })
}

fn uptime() -> Value {
    json!({
        "percent": 99.98,
        "partial_outage_weight": 0.3,
        "days": [{
            "date": "2026-11-23",
            "has_data": true,
            "major_outage_seconds": 0,
            "partial_outage_seconds": 5400,
            "degraded_seconds": 600,
            "under_maintenance_seconds": 0,
        }],
    })
}

fn update() -> Value {
    json!({
        "id": "01936f5a-0c40-7f31-a2d8-7e1b9c5f4a06",
        "message": "A faulty deploy is being **rolled back**.",
        "html": "<p>A faulty deploy is being <strong>rolled back</strong>.</p>",
        "status": "identified",
        "incident_id": INCIDENT,
        "created_by": ADA,
        "created_at": "2026-11-23T08:30:00.000Z",
        "display_at": "2026-11-23T08:30:00.000Z",
        "updated_at": "2026-11-23T08:30:00.000Z",
        "services": [
            {"id": SERVICE, "name": "Checkout", "old_status": "major_outage", "new_status": "partial_outage"},
        ],
        "notify": true,
    })
}

fn incident() -> Value {
    json!({
        "id": INCIDENT,
        "incident_type": "incident",
        "title": "Elevated error rates on checkout",
        "description": "A faulty deploy is being **rolled back**.",
        "status": "identified",
        "impact": "critical",
        "service_id": SERVICE,
        "services": [{"id": SERVICE, "name": "Checkout", "status": "partial_outage", "worst": "major_outage"}],
        "organization_id": ORGANIZATION,
        "created_by": ADA,
        "created_at": "2026-11-23T08:12:00.000Z",
        "updated_at": "2026-11-23T08:30:00.000Z",
        "started_at": "2026-11-23T08:12:00.000Z",
        "monitoring_at": null,
        "resolved_at": null,
        "scheduled_start": null,
        "scheduled_end": null,
        "version": 2,
        "updates": [update()],
    })
}

/// An incident without the fields that only members see.
fn published(mut incident: Value) -> Value {
    let without = |value: &mut Value| _ = value.as_object_mut().and_then(|fields| fields.remove("created_by"));
    incident["updates"].as_array_mut().into_iter().flatten().for_each(without);
    without(&mut incident);
    incident
}

fn status() -> Value {
    let mut service = service();
    _ = service.as_object_mut().and_then(|fields| fields.remove("baseline"));
    json!({
        "organization": {"id": ORGANIZATION, "name": "Acme", "slug": "acme", "time_zone": "Europe/Berlin"},
        "page": {"indicator": "major", "description": "Partial System Outage"},
        "seq": 42,
        "zone": {
            "name": "Europe/Berlin",
            "shifts": [{"from": "2026-10-25T01:00:00.000Z", "offset": 3600, "abbreviation": "CET"}],
        },
        "today": "2026-11-22T23:00:00.000Z",
        "groups": [group()],
        "services": [service],
        "active_incidents": [published(incident())],
        "upcoming_maintenances": [],
        "recent_incidents": [],
    })
}

fn series() -> Value {
    json!({
        "id": "01936f60-2e90-7012-9b4e-8f3c1d6a5b07",
        "title": "Weekly certificate rotation",
        "rule": "FREQ=WEEKLY;COUNT=10",
        "first_start": "2027-03-02T02:00:00.000Z",
        "seconds": 900,
        "time_zone": "Europe/Berlin",
        "created_by": ADA,
        "ended_at": null,
    })
}

fn template() -> Value {
    json!({
        "id": "01936f61-4b70-7123-8a5f-9c2e0d7b6a08",
        "name": "Slow answers",
        "title": "{{services}}: elevated latency",
        "message": "Since {{time}} requests to {{services}} take longer than usual. We are looking into it.",
        "status": "investigating",
        "services": [{"id": SERVICE, "status": "degraded"}],
    })
}

fn member() -> Value {
    json!({
        "id": ADA,
        "email": "ada@example.com",
        "name": "Ada Lovelace",
        "role": "admin",
        "joined_at": "2026-11-02T09:00:00.000Z",
        "last_seen_at": "2026-11-23T08:30:00.000Z",
        "has_two_factor": true,
    })
}

fn invitation() -> Value {
    json!({
        "id": "01936f62-6c50-7234-b960-0d1f9e8a7b09",
        "email": "grace@example.com",
        "role": "member",
        "invited_by": ADA,
        "created_at": "2026-11-23T09:00:00.000Z",
        "expires_at": "2026-11-30T09:00:00.000Z",
    })
}

fn token() -> Value {
    json!({
        "id": "01936f63-8d30-7345-8a71-1e0a8f9b6c0a",
        "name": "Deploy pipeline",
        "hint": "aldis_4fQ2xZ7k",
        "scope": "write",
        "created_by": ADA,
        "created_at": "2026-11-23T09:10:00.000Z",
        "expires_at": null,
        "last_used_at": null,
    })
}

fn entry() -> Value {
    json!({
        "id": "01936f64-ae10-7456-9b82-2f1b7a0c5d0b",
        "created_at": "2026-11-23T08:12:00.000Z",
        "actor": {"kind": "user", "id": ADA, "name": "Ada Lovelace"},
        "action": "service_changed",
        "target": {"kind": "service", "id": SERVICE, "name": "Checkout"},
        "changes": {"status": {"from": "operational", "to": "partial_outage"}},
        "ip": "203.0.113.9",
        "request_id": "0d5c2a8e-5a0e-4f7f-9d0e-3b6c1a2f4e5d",
    })
}
