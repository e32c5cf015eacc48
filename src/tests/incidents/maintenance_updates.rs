//! Updates of maintenances, and their corrections (domain rules 3.4 and 3.6).

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, impacts, incident_path, update_path},
    fixtures::NOW,
};

/// A maintenance of one service from 14:00 to 15:00, two hours from now.
async fn planned() -> (TestApp, Team, Value, Value) {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let window = json!({
        "title": "Upgrade",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T14:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
        "service_id": id_of(&api),
    });
    let window = team.open_incident(window).await;
    (app, team, api, window)
}

#[tokio::test]
async fn rule_3_6_1_no_update_is_deleted_or_moved_so_that_a_maintenance_takes_a_step_back() {
    let (app, team, _, window) = planned().await;
    app.pass(60);
    let begun = team.post_update(&window, json!({"status": "in_progress"})).await;
    team.delete(&update_path(&begun)).await.refuses(400, &[]);
    app.pass(60);
    let verifying = team.post_update(&window, json!({"status": "verifying"})).await;
    team.delete(&update_path(&verifying)).await.is(204);
    assert_eq!(team.incident(&window).await["status"], "in_progress", "verifying may go back to in progress");
    app.pass(60);
    let end = team.post_update(&window, json!({"status": "completed"})).await;
    let before = team.incident(&window).await;
    let refused = team.delete(&update_path(&end)).await.refuses(400, &[]);
    assert!(refused["error"].as_str().is_some_and(|why| why.contains("completed")), "{refused}");
    team.put(&update_path(&end), json!({"display_at": "2026-11-23T12:00:30Z"})).await.refuses(400, &["display_at"]);
    assert_eq!(team.incident(&window).await, before);
    // Its message can be edited, and updates after the end can be deleted.
    team.put(&update_path(&end), json!({"message": "All done."})).await.is(200);
    app.pass(60);
    let thanks = team.post_update(&window, json!({"message": "Thank you."})).await;
    team.delete(&update_path(&thanks)).await.is(204);
    app.pass(4 * 3600);
    assert_eq!(app.tick().await, 0);
    assert_eq!(team.incident(&window).await["status"], "completed");
}

#[tokio::test]
async fn rule_3_6_1_a_cancelled_maintenance_stays_cancelled_and_gets_no_step() {
    let (app, team, api, window) = planned().await;
    app.pass(60);
    let end = team.post_update(&window, json!({"status": "cancelled"})).await;
    team.delete(&update_path(&end)).await.refuses(400, &[]);
    app.pass(2 * 3600);
    assert_eq!(app.tick().await, 0);
    assert_eq!(team.status_of(&api).await, "operational");
}

#[tokio::test]
async fn rule_3_4_3_cancelling_records_a_change_only_if_the_maintenance_has_begun() {
    let (app, team, api, window) = planned().await;
    let other = json!({
        "title": "Another",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T14:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
        "service_id": id_of(&api),
    });
    let other = team.open_incident(other).await;
    app.pass(60);
    assert_eq!(team.post_update(&window, json!({"status": "cancelled"})).await["services"], Value::Null);
    team.post_update(&other, json!({"status": "in_progress"})).await;
    let end = team.post_update(&other, json!({"status": "cancelled"})).await;
    let step = &end["services"][0];
    assert_eq!((&step["old_status"], &step["new_status"]), (&json!("under_maintenance"), &json!("operational")));
    assert_eq!(team.history(&api).await.len(), 2);
}

#[tokio::test]
async fn rule_3_6_1_after_its_end_a_maintenance_affects_no_service() {
    let (app, team, api, window) = planned().await;
    app.pass(60);
    team.post_update(&window, json!({"status": "in_progress"})).await;
    team.post_update(&window, json!({"status": "completed"})).await;
    let path = format!("{}/updates", incident_path(&window));
    let late = json!({"message": "Hm.", "services": impacts(&[(&api, "degraded")])});
    team.post(&path, late).await.refuses(400, &["services"]);
    assert_eq!(team.status_of(&api).await, "operational");
}

#[tokio::test]
async fn rule_3_4_7_no_update_is_dated_before_the_maintenance_was_planned() {
    let (app, team, api, window) = planned().await;
    app.pass(600);
    let (path, update) = (format!("{}/updates", incident_path(&window)), &window["updates"][0]);
    let early = json!({"message": "Earlier.", "display_at": "2026-11-23T11:59:59Z"});
    team.post(&path, early).await.refuses(400, &["display_at"]);
    team.put(&update_path(update), json!({"display_at": "1999-01-01T00:00:00Z"})).await.refuses(400, &["display_at"]);
    team.put(&update_path(update), json!({"display_at": "2026-11-23T11:00:00Z"})).await.refuses(400, &["display_at"]);
    team.put(&update_path(update), json!({"display_at": "2026-11-23T12:05:00Z"})).await.is(200);
    // In a maintenance created after its start, updates may be dated to the start.
    let running = json!({
        "title": "Running",
        "incident_type": "maintenance",
        "status": "in_progress",
        "starts_at": "2026-11-23T11:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
        "service_id": id_of(&api),
    });
    let running = team.open_incident(running).await;
    let begun = &running["updates"][0];
    team.put(&update_path(begun), json!({"display_at": "2026-11-23T11:00:00Z"})).await.is(200);
    assert_eq!(team.incident(&running).await["started_at"], "2026-11-23T11:00:00.000Z");
}

#[tokio::test]
async fn rule_3_12_updates_of_the_scheduler_share_no_display_time() {
    let (app, team, _, window) = planned().await;
    let running = json!({
        "title": "Overdue",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T11:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
    });
    let running = team.open_incident(running).await;
    app.tick().await;
    let now = team.incident(&running).await;
    let stand: Vec<_> =
        now["updates"].as_array().expect("a list").iter().map(|update| update["display_at"].clone()).collect();
    assert_eq!(stand, ["2026-11-23T12:00:00.001Z", "2026-11-23T12:00:00.000Z"]);
    assert_eq!(team.incident(&window).await["status"], "scheduled");
}
