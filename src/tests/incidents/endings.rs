//! The end of incidents: services, postmortems and text limits (domain rule 3.4, R-70).

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, impacts, incident_path, path_of, update_path},
    database::connect,
    endpoints::path_to,
    fixtures::NOW,
};

async fn scene() -> (TestApp, Team, Value) {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    (app, team, api)
}

#[tokio::test]
async fn rule_3_4_5_after_the_end_no_service_is_affected() {
    let (app, team, api) = scene().await;
    let incident = team.open_incident(json!({"title": "Down", "services": impacts(&[(&api, "major_outage")])})).await;
    app.pass(60);
    team.post_update(&incident, json!({"status": "resolved"})).await;
    app.pass(60);
    let (before, path) = (team.everything().await, format!("{}/updates", incident_path(&incident)));
    for more in [json!({"status": "resolved"}), json!({"message": "Still slow."})] {
        let mut update = more;
        update["services"] = impacts(&[(&api, "degraded")]);
        team.post(&path, update).await.refuses(400, &["services"]);
    }
    assert_eq!(team.everything().await, before);
    let room = team.browser().open(&format!("/incidents/{}", id_of(&incident))).await.text;
    assert!(room.contains("It’s over and no longer affects services."));
    // A message alone is accepted, and records no change.
    assert_eq!(team.post_update(&incident, json!({"message": "Thank you."})).await["services"], Value::Null);
    // After a reopening it may affect services again.
    team.post_update(&incident, json!({"status": "investigating", "services": impacts(&[(&api, "degraded")])})).await;
    assert_eq!(team.status_of(&api).await, "degraded");
}

#[tokio::test]
async fn rule_3_4_5_a_service_named_operational_at_the_end_recovers_whatever_its_baseline() {
    let (app, team, api) = scene().await;
    let web = team.service("Web").await;
    for service in [&api, &web] {
        team.change(service, json!({"status": "degraded"})).await;
    }
    let services = impacts(&[(&api, "major_outage"), (&web, "major_outage")]);
    let incident = team.open_incident(json!({"title": "Down", "services": services})).await;
    app.pass(60);
    team.post_update(&incident, json!({"status": "resolved", "services": impacts(&[(&api, "operational")])})).await;
    let (api, web) = (team.get(&path_of(&api)).await.is(200), team.get(&path_of(&web)).await.is(200));
    assert_eq!((&api["status"], &api["baseline"]), (&json!("operational"), &json!("operational")));
    assert_eq!(
        (&web["status"], &web["baseline"]),
        (&json!("degraded"), &json!("degraded")),
        "a service that is not named keeps its baseline"
    );
    // While an incident is open, its updates change no baseline.
    let other = team.open_incident(json!({"title": "Slow", "services": impacts(&[(&web, "partial_outage")])})).await;
    team.post_update(&other, json!({"status": "monitoring", "services": impacts(&[(&web, "operational")])})).await;
    assert_eq!(team.status_of(&web).await, "degraded");
}

#[tokio::test]
async fn rule_3_4_1_a_postmortem_is_hidden_while_the_incident_is_open_again_and_can_be_unpublished() {
    let (app, team, _) = scene().await;
    let incident = team.open_incident(json!({"title": "Down"})).await;
    team.post_update(&incident, json!({"status": "resolved"})).await;
    team.update_incident(&incident, json!({"postmortem": "A full disk.", "publish_postmortem": true})).await;
    let seen = async || {
        let page = app.get(&format!("/public/{}/incidents/{}", team.slug, id_of(&incident))).await;
        page.text.contains("A full disk.") || team.public("timeline").await.to_string().contains("A full disk.")
    };
    assert!(seen().await);
    app.pass(60);
    team.post_update(&incident, json!({"status": "investigating"})).await;
    assert!(!seen().await, "hidden while the incident is open");
    let path = incident_path(&incident);
    for refused in [
        json!({"postmortem": "Another disk."}),
        json!({"publish_postmortem": true}),
        json!({"postmortem": "Another disk.", "publish_postmortem": false}),
    ] {
        team.put(&path, refused).await.refuses(400, &["postmortem"]);
    }
    app.pass(60);
    team.post_update(&incident, json!({"status": "resolved"})).await;
    assert!(seen().await, "resolved again, it is public again");
    team.post_update(&incident, json!({"status": "investigating"})).await;
    let mut browser = team.browser();
    let room = browser.open(&format!("/incidents/{}", id_of(&incident))).await.text;
    assert!(room.contains("Visitors won’t see the postmortem") && room.contains("Back to draft"));
    let fields = [("id", id_of(&incident)), ("withdraw", "on")];
    let withdrawn = browser.call(path_to("write_postmortem"), &fields).await.is(200);
    assert_eq!(
        (&withdrawn["postmortem"]["published_at"], &withdrawn["postmortem"]["body"]),
        (&Value::Null, &json!("A full disk."))
    );
    team.post_update(&incident, json!({"status": "resolved"})).await;
    assert!(!seen().await);
}

#[tokio::test]
async fn r_70_an_incident_at_its_text_limit_can_still_be_ended() {
    let (_app, team, _) = scene().await;
    let incident = team.open_incident(json!({"title": "Down"})).await;
    let (path, long) = (format!("{}/updates", incident_path(&incident)), "🔥".repeat(13_000));
    let mut updates = Vec::new();
    for _ in 0..5 {
        updates.push(team.post_update(&incident, json!({"message": long})).await);
    }
    let refused = team.post(&path, json!({"message": long})).await.refuses(400, &["message"]);
    assert!(refused["fields"]["message"].as_str().is_some_and(|why| why.contains("text limit")), "{refused}");
    // The edit history counts.
    team.put(&update_path(&updates[0]), json!({"message": "Short."})).await.is(200);
    team.put(&update_path(&updates[0]), json!({"message": long})).await.refuses(400, &["message"]);
    team.post_update(&incident, json!({"status": "resolved", "message": long})).await;
    team.post(&path, json!({"message": long})).await.refuses(400, &["message"]);
    for update in &updates[..2] {
        team.delete(&update_path(update)).await.is(204);
    }
    team.post_update(&incident, json!({"message": long})).await;
}

#[tokio::test]
async fn r_70_incidents_can_still_be_ended_at_the_limit_of_what_is_in_force() {
    let app = TestApp::alone_at(NOW).await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    let mut incidents = Vec::new();
    for n in 0..9 {
        incidents.push(team.open_incident(json!({"title": format!("Down {n}"), "message": "Long."})).await);
    }
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    let fill = async || {
        let grow = "UPDATE incident SET bytes = bytes + 130000 WHERE resolved_at IS NULL";
        db.execute_unprepared(grow).await.expect("written");
    };
    fill().await;
    let more = json!({"title": "Down again", "message": "More."});
    let refused = team.post("/api/incidents", more.clone()).await.refuses(400, &["message"]);
    let why = "have together reached their text limit";
    assert!(refused["fields"]["message"].as_str().is_some_and(|text| text.contains(why)), "{refused}");
    let path = format!("{}/updates", incident_path(&incidents[0]));
    team.post(&path, json!({"message": "More."})).await.refuses(400, &["message"]);
    // Resolved incidents, and other organizations, have room of their own.
    team.open_incident(json!({"title": "It was down", "message": "It was.", "status": "resolved"})).await;
    other.open_incident(more.clone()).await;
    for incident in &incidents {
        team.post_update(incident, json!({"status": "resolved", "message": "Over."})).await;
    }
    for n in 0..9 {
        team.open_incident(json!({"title": format!("Down again {n}"), "message": "Longer."})).await;
    }
    fill().await;
    team.post("/api/incidents", more).await.refuses(400, &["message"]);
    // An incident that is over does not count, until it is reopened.
    team.post_update(&incidents[0], json!({"status": "resolved", "message": "This is why."})).await;
    let updates = team.get(&incident_path(&incidents[1])).await.is(200)["updates"].clone();
    let refused = team.delete(&update_path(&updates[0])).await.refuses(400, &[]);
    assert!(refused["error"].as_str().is_some_and(|text| text.contains(why)), "{refused}");
    team.post(&format!("{}/updates", incident_path(&incidents[1])), json!({"status": "monitoring"}))
        .await
        .refuses(400, &["message"]);
}

#[tokio::test]
async fn r_70_the_last_fifty_edits_of_an_update_are_kept() {
    let (app, team, _) = scene().await;
    let incident = team.open_incident(json!({"title": "Down"})).await;
    let update = &incident["updates"][0];
    for n in 0..52 {
        app.pass(1);
        team.put(&update_path(update), json!({"message": format!("Text {n}.")})).await.is(200);
    }
    let now = team.incident(&incident).await;
    let edits = now["updates"][0]["edits"].as_array().expect("a list");
    assert_eq!((edits.len(), &edits[0]["message"], &edits[49]["message"]), (50, &json!("Text 50."), &json!("Text 1.")));
}

#[tokio::test]
async fn rule_3_12_updates_of_one_instant_keep_their_order() {
    let (_app, team, _) = scene().await;
    let incident = team.open_incident(json!({"title": "Down", "message": "0"})).await;
    for n in 1..6 {
        team.post_update(&incident, json!({"message": n.to_string()})).await;
    }
    let now = team.incident(&incident).await;
    let told: Vec<_> =
        now["updates"].as_array().expect("a list").iter().map(|update| update["message"].clone()).collect();
    assert_eq!(told, ["5", "4", "3", "2", "1", "0"]);
    assert_eq!(now["updates"][0]["display_at"], "2026-11-23T12:00:00.005Z", "no two updates share a display time");
}
