//! Series of maintenances: drafts, end and limits (domain rule 3.6.9).

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, incident_path},
    database::{connect, literal},
    fixtures::NOW,
};

/// A series of one-hour windows from tomorrow on.
fn rotation(rule: &str) -> Value {
    json!({
        "title": "Rotation",
        "incident_type": "maintenance",
        "starts_at": "2026-11-24T03:00:00Z",
        "ends_at": "2026-11-24T04:00:00Z",
        "recurrence": rule,
    })
}

async fn series(team: &Team) -> Vec<Value> {
    team.get("/api/maintenance-series").await.is(200).as_array().expect("a list").clone()
}

/// The windows, the first one first.
async fn windows(team: &Team) -> Vec<Value> {
    let all = team.get("/api/incidents?type=maintenance&limit=100").await.is(200);
    let mut all = all.as_array().expect("a list").clone();
    all.sort_by_key(|window| window["scheduled_start"].to_string());
    all
}

#[tokio::test]
async fn the_windows_of_a_draft_series_stay_drafts_until_each_is_published() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let mut new = rotation("FREQ=WEEKLY");
    new["is_draft"] = json!(true);
    let first = team.open_incident(new).await;
    assert_eq!(series(&team).await[0]["is_draft"], true);
    team.update_incident(&first, json!({"is_draft": false})).await;
    let before = windows(&team).await.len();
    for _ in 0..15 {
        app.pass(86_400);
        app.tick().await;
    }
    let team = team.log_in_again().await;
    let all = windows(&team).await;
    assert_eq!(all.len(), before + 2 - 1, "two were made, and one ended unpublished and was deleted");
    assert!(all[1..].iter().all(|window| window["is_draft"] == true), "{all:?}");
    assert_eq!((&all[0]["status"], &all[1]["status"]), (&json!("completed"), &json!("scheduled")));
    assert_eq!(team.public("status").await["upcoming_maintenances"], json!([]));
    assert!(team.browser().open("/maintenances").await.text.contains("Drafts · "), "the list of series says so");

    team.delete(&format!("/api/maintenance-series/{}", id_of(&series(&team).await[0]))).await.is(204);
    assert_eq!(windows(&team).await.len(), 1, "drafts are deleted, not cancelled");
}

#[tokio::test]
async fn a_series_ends_once_its_last_window_is_over() {
    for rule in ["FREQ=DAILY;COUNT=2", "FREQ=DAILY;UNTIL=20261125"] {
        let app = TestApp::alone_at(NOW).await;
        let team = app.register("Acme").await;
        team.open_incident(rotation(rule)).await;
        app.pass(39 * 3_600);
        app.tick().await;
        assert_eq!(series(&team).await.len(), 1, "the last window of {rule} begins just now: it can still be ended");
        app.pass(3_600);
        app.tick().await;
        assert_eq!(series(&team).await, [] as [Value; 0], "{rule}");
        assert!(windows(&team).await.iter().all(|window| window["status"] == "completed"));
        assert_eq!(app.tick().await, 0);
    }
}

#[tokio::test]
async fn r_70_an_organization_has_a_limit_of_active_series() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for _ in 0..50 {
        team.open_incident(rotation("FREQ=YEARLY")).await;
    }
    team.post("/api/incidents", rotation("FREQ=YEARLY")).await.refuses(400, &["recurrence"]);
    team.delete(&format!("/api/maintenance-series/{}", id_of(&series(&team).await[0]))).await.is(204);
    team.open_incident(rotation("FREQ=YEARLY")).await;
}

/// Inserts this many incidents directly into the database.
async fn fill(app: &TestApp, team: &Team, most: usize) {
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    let backend = db.get_database_backend();
    let org = literal(backend, id_of(&team.organization));
    let row = |n: usize| {
        let id = literal(backend, &Uuid::from_u128(n as u128 + 1).to_string());
        format!(
            "({org}, {id}, 'incident', 'Old', 'resolved', 'none', FALSE, 1, 2, 1, 2, 1, FALSE, TRUE, TRUE, TRUE, TRUE, TRUE)"
        )
    };
    let rows: Vec<_> = (0..most).map(row).collect();
    for rows in rows.chunks(500) {
        let sql = format!(
            "INSERT INTO incident (org_id, id, kind, title, status, reached, is_draft, started_at, resolved_at, created_at, \
             updated_at, version, is_reminded, remind, auto_start, auto_end, notify_start, notify_end) VALUES {}",
            rows.join(", ")
        );
        db.execute_unprepared(&sql).await.expect("inserted");
    }
}

#[tokio::test]
async fn r_70_a_series_makes_no_windows_beyond_the_limit_of_incidents() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let first = team.open_incident(rotation("FREQ=WEEKLY")).await;
    let begun = windows(&team).await.len();
    fill(&app, &team, 2_000 - begun - 1).await;
    team.post("/api/incidents", rotation("FREQ=DAILY")).await.refuses(400, &[]);
    assert_eq!(
        (series(&team).await.len(), windows(&team).await.len()),
        (1, begun),
        "the rejected request left nothing"
    );
    for _ in 0..15 {
        app.pass(86_400);
        app.tick().await;
    }
    let team = team.log_in_again().await;
    assert_eq!(windows(&team).await.len(), begun + 1, "one of two windows fitted");
    team.post("/api/incidents", json!({"title": "One more"})).await.refuses(400, &[]);
    team.delete(&incident_path(&first)).await.is(204);
    app.pass(86_400);
    app.tick().await;
    assert_eq!(windows(&team).await.len(), begun + 1, "the other follows below the limit");
}
