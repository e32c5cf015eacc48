//! Updates of incidents: statuses, services, times and corrections (domain rule 3.4).

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, impacts, incident_path, path_of, update_path},
    fixtures::NOW,
};

/// An organization with a service and an open incident that degrades it.
struct Scene {
    app: TestApp,
    team: Team,
    api: Value,
    incident: Value,
}

impl Scene {
    async fn open() -> Self {
        let app = TestApp::at(NOW).await;
        let team = app.register("Acme").await;
        let api = team.service("API").await;
        let services = impacts(&[(&api, "degraded")]);
        let incident = team.open_incident(json!({"title": "Slow", "message": "Looking.", "services": services})).await;
        Self { app, team, api, incident }
    }

    /// Posts an update a minute later.
    async fn post_update(&self, update: Value) -> Value {
        self.app.pass(60);
        self.team.post_update(&self.incident, update).await
    }

    async fn now(&self) -> Value {
        self.team.incident(&self.incident).await
    }
}

fn messages(incident: &Value) -> Vec<&str> {
    let updates = incident["updates"].as_array().expect("a list");
    updates.iter().map(|update| update["message"].as_str().expect("text")).collect()
}

#[tokio::test]
async fn rule_3_4_1_an_incident_moves_forward_and_back_and_reopens() {
    let scene = Scene::open().await;
    for status in
        ["monitoring", "investigating", "resolved", "identified", "resolved", "investigating", "identified", "resolved"]
    {
        assert_eq!(scene.post_update(json!({"status": status})).await["status"], status);
        assert_eq!(scene.now().await["status"], status);
    }
    // It may also be opened in any status.
    for status in ["identified", "monitoring", "resolved"] {
        assert_eq!(scene.team.open_incident(json!({"title": "x", "status": status})).await["status"], status);
    }
}

#[tokio::test]
async fn rule_3_4_1_a_postmortem_is_written_after_the_end_and_public_once_it_is_published() {
    let scene = Scene::open().await;
    let (team, path) = (&scene.team, incident_path(&scene.incident));
    team.put(&path, json!({"postmortem": "Too early."})).await.refuses(400, &["postmortem"]);
    scene.post_update(json!({"status": "resolved"})).await;
    team.put(&path, json!({"publish_postmortem": true})).await.refuses(400, &["postmortem"]);
    let written = team.update_incident(&scene.incident, json!({"postmortem": "## Why\n\nA *full* disk."})).await;
    assert_eq!(written["postmortem"]["published_at"], Value::Null);
    assert_eq!(written["status"], "resolved", "the status is unchanged");
    let shown = async || team.public("status").await["recent_incidents"][0].get("postmortem").cloned();
    assert_eq!(shown().await, None);
    scene.app.pass(60);
    let published = team.update_incident(&scene.incident, json!({"publish_postmortem": true})).await;
    assert_eq!(published["postmortem"]["published_at"], "2026-11-23T12:02:00.000Z");
    let public = shown().await.expect("public");
    assert_eq!(public, published["postmortem"]);
    assert!(public["html"].as_str().is_some_and(|html| html.contains("<em>full</em>")), "{public}");
    // Edited, it keeps its date; emptied, it is removed.
    scene.app.pass(60);
    let corrected = team.update_incident(&scene.incident, json!({"postmortem": "A full disk."})).await;
    assert_eq!(corrected["postmortem"]["published_at"], "2026-11-23T12:02:00.000Z");
    assert_eq!(team.update_incident(&scene.incident, json!({"postmortem": ""})).await.get("postmortem"), None);
    assert_eq!(shown().await, None);
}

#[tokio::test]
async fn rule_3_4_2_the_status_is_that_of_the_newest_update_by_display_time() {
    let scene = Scene::open().await;
    scene.app.pass(3600);
    let identified = scene.post_update(json!({"status": "identified", "message": "Found."})).await;
    // Posted later but dated earlier, it does not change the status.
    let earlier = json!({"status": "monitoring", "message": "Tried.", "display_at": "2026-11-23T12:30:00Z"});
    let tried = scene.post_update(earlier).await;
    let now = scene.now().await;
    assert_eq!(now["status"], "identified");
    assert_eq!(messages(&now), ["Found.", "Tried.", "Looking."], "domain rule 3.12: not in the order of writing");
    assert_eq!(now["description"], "Looking.");
    assert_eq!(now["monitoring_at"], "2026-11-23T12:30:00.000Z");
    // Moved to the top, it sets the status, until it is deleted.
    scene.team.put(&update_path(&tried), json!({"display_at": "2026-11-23T13:01:30Z"})).await.is(200);
    let now = scene.now().await;
    assert_eq!((&now["status"], messages(&now)), (&json!("monitoring"), vec!["Tried.", "Found.", "Looking."]));
    scene.team.delete(&update_path(&tried)).await.is(204);
    assert_eq!(scene.now().await["status"], "identified");
    scene.team.delete(&update_path(&identified)).await.is(204);
    let now = scene.now().await;
    assert_eq!((&now["status"], messages(&now)), (&json!("investigating"), vec!["Looking."]));
    scene.team.delete(&update_path(&now["updates"][0])).await.refuses(400, &[]);
}

#[tokio::test]
async fn rule_3_4_2_an_update_may_keep_the_status_and_nothing_but_an_update_changes_it() {
    let scene = Scene::open().await;
    scene.post_update(json!({"status": "identified"})).await;
    let update = scene.post_update(json!({"message": "No news."})).await;
    assert_eq!(update["status"], "identified");
    scene.team.put(&incident_path(&scene.incident), json!({"status": "resolved"})).await.refuses(400, &["status"]);
    scene.team.put(&update_path(&update), json!({"status": "resolved"})).await.refuses(400, &["status"]);
    assert_eq!(scene.now().await["status"], "identified");
}

#[tokio::test]
async fn rule_3_4_3_an_update_records_old_and_new_status_of_the_services_that_changed() {
    let scene = Scene::open().await;
    let web = scene.team.service("Web").await;
    let step = |service: &Value, old: &str, new: &str| json!({"id": service["id"], "name": service["name"], "old_status": old, "new_status": new});
    let opening = scene.incident["updates"][0]["services"].clone();
    assert_eq!(opening, json!([step(&scene.api, "operational", "degraded")]));
    assert_eq!(scene.post_update(json!({"message": "No news."})).await["services"], Value::Null);
    let wider = scene.post_update(json!({"services": impacts(&[(&web, "partial_outage")])})).await;
    assert_eq!(
        wider["services"],
        json!([step(&web, "operational", "partial_outage")]),
        "services that are not named keep their status"
    );
    let same = scene.post_update(json!({"message": "Still.", "services": impacts(&[(&web, "partial_outage")])})).await;
    assert_eq!(same["services"], Value::Null);
    assert_eq!(scene.team.status_of(&scene.api).await, "degraded");
    let end = scene.post_update(json!({"status": "resolved"})).await;
    assert_eq!(
        end["services"],
        json!([step(&scene.api, "degraded", "operational"), step(&web, "partial_outage", "operational")])
    );
}

#[tokio::test]
async fn rule_3_4_4_the_first_monitoring_and_the_end_are_recorded_and_reopening_clears_the_end() {
    let scene = Scene::open().await;
    let times = async || {
        let now = scene.now().await;
        (now["monitoring_at"].clone(), now["resolved_at"].clone())
    };
    assert_eq!(times().await, (Value::Null, Value::Null));
    scene.post_update(json!({"status": "monitoring"})).await;
    scene.post_update(json!({"status": "identified"})).await;
    scene.post_update(json!({"status": "monitoring"})).await;
    let first = json!("2026-11-23T12:01:00.000Z");
    assert_eq!(times().await, (first.clone(), Value::Null));
    scene.post_update(json!({"status": "resolved"})).await;
    assert_eq!(times().await, (first.clone(), json!("2026-11-23T12:04:00.000Z")));
    // An update after the end does not move the end.
    scene.post_update(json!({"message": "Thank you for your patience."})).await;
    assert_eq!(times().await, (first.clone(), json!("2026-11-23T12:04:00.000Z")));
    scene.post_update(json!({"status": "investigating"})).await;
    assert_eq!(times().await, (first.clone(), Value::Null));
    scene.post_update(json!({"status": "resolved"})).await;
    assert_eq!(times().await, (first, json!("2026-11-23T12:07:00.000Z")));
}

#[tokio::test]
async fn rule_3_4_5_resolving_releases_every_impact_in_the_same_transaction() {
    let scene = Scene::open().await;
    let web = scene.team.service("Web").await;
    scene.post_update(json!({"services": impacts(&[(&web, "major_outage")])})).await;
    let port = scene.app.listen().await;
    let mut visitor = port.public_feed(&scene.team, None).await;
    let seq = visitor.hello().await;
    scene.post_update(json!({"status": "resolved"})).await;
    // One transaction, the services first.
    for n in 1..=2 {
        assert_eq!(visitor.event(seq + n).await["data"]["status"], "operational");
    }
    assert_eq!(visitor.event(seq + 3).await["data"]["incident"]["status"], "resolved");
    for service in [&scene.api, &web] {
        assert_eq!(scene.team.status_of(service).await, "operational");
        let history = scene.team.history(service).await;
        assert_eq!(history[0]["created_at"], scene.now().await["resolved_at"]);
    }
}

#[tokio::test]
async fn rule_3_4_5_a_service_named_at_the_end_keeps_its_impact_as_baseline() {
    let scene = Scene::open().await;
    let web = scene.team.service("Web").await;
    scene.post_update(json!({"services": impacts(&[(&web, "major_outage")])})).await;
    let history = scene.team.history(&scene.api).await;
    let kept = impacts(&[(&scene.api, "degraded")]);
    let end = scene.post_update(json!({"status": "resolved", "services": kept})).await;
    assert_eq!(end["services"].as_array().map(Vec::len), Some(1), "the other one changes: {end}");
    assert_eq!(end["services"][0]["new_status"], "operational");
    let api = scene.team.get(&path_of(&scene.api)).await.is(200);
    assert_eq!((&api["status"], &api["baseline"]), (&json!("degraded"), &json!("degraded")));
    assert_eq!(scene.team.status_of(&web).await, "operational");
    assert_eq!(scene.team.history(&scene.api).await, history, "its status never changed");
    // From now on the baseline counts, not the incident.
    scene.team.change(&scene.api, json!({"status": "operational"})).await;
    assert_eq!(scene.team.status_of(&scene.api).await, "operational");
}

#[tokio::test]
async fn rule_3_4_5_an_incident_opened_as_resolved_records_the_recovery_and_affects_nothing() {
    let scene = Scene::open().await;
    let web = scene.team.service("Web").await;
    let body = json!({"title": "Blip", "status": "resolved", "services": impacts(&[(&web, "major_outage")])});
    let blip = scene.team.open_incident(body).await;
    assert_eq!((&blip["impact"], blip.get("backfilled_at")), (&json!("critical"), None));
    assert_eq!(
        (&blip["services"][0]["status"], &blip["services"][0]["worst"]),
        (&json!("operational"), &json!("major_outage"))
    );
    let step = &blip["updates"][0]["services"][0];
    assert_eq!((&step["old_status"], &step["new_status"]), (&json!("major_outage"), &json!("operational")));
    assert_eq!(
        (&blip["resolved_at"], &blip["updates"][0]["notify"]),
        (&json!("2026-11-23T12:00:00.000Z"), &json!(true))
    );
    let web = scene.team.get(&path_of(&web)).await.is(200);
    assert_eq!((&web["status"], &web["baseline"]), (&json!("operational"), &json!("operational")));
    assert_eq!(scene.team.history(&web).await, [] as [Value; 0]);
}

#[tokio::test]
async fn rule_3_4_6_monitoring_by_itself_releases_nothing() {
    let scene = Scene::open().await;
    scene.post_update(json!({"status": "monitoring"})).await;
    assert_eq!(scene.team.status_of(&scene.api).await, "degraded");
    assert_eq!(scene.now().await["services"][0]["status"], "degraded");
}

#[tokio::test]
async fn rule_3_4_7_the_start_can_be_corrected_up_to_the_first_update_and_created_at_never() {
    let scene = Scene::open().await;
    let path = incident_path(&scene.incident);
    let earlier = scene.team.update_incident(&scene.incident, json!({"started_at": "2026-11-23T11:20:00Z"})).await;
    assert_eq!(earlier["started_at"], "2026-11-23T11:20:00.000Z");
    assert_eq!(earlier["created_at"], "2026-11-23T12:00:00.000Z");
    scene.team.update_incident(&scene.incident, json!({"started_at": "2026-11-23T12:00:00Z"})).await;
    scene.app.pass(600);
    let late = json!({"started_at": "2026-11-23T12:00:00.001Z"});
    scene.team.put(&path, late).await.refuses(400, &["started_at"]);
    for field in ["created_at", "resolved_at", "updated_at", "id", "organization_id", "created_by", "incident_type"] {
        scene.team.put(&path, json!({field: "2026-11-23T11:00:00Z"})).await.refuses(400, &[field]);
    }
    let update = &scene.incident["updates"][0];
    let moved = scene.team.put(&update_path(update), json!({"display_at": "2026-11-23T12:05:00Z"})).await.is(200);
    assert_eq!(moved["display_at"], "2026-11-23T12:05:00.000Z");
    assert_eq!(moved["created_at"], update["created_at"]);
    scene.team.put(&update_path(update), json!({"created_at": NOW})).await.refuses(400, &["created_at"]);
    let before = json!({"display_at": "2026-11-23T11:59:59Z"});
    scene.team.put(&update_path(update), before.clone()).await.refuses(400, &["display_at"]);
    let mut new = before;
    new["message"] = json!("Earlier than it all.");
    scene.team.post(&format!("{path}/updates"), new).await.refuses(400, &["display_at"]);
}

#[tokio::test]
async fn rule_3_4_8_services_are_attached_and_detached_and_their_history_stays() {
    let scene = Scene::open().await;
    let web = scene.team.service("Web").await;
    scene.post_update(json!({"services": impacts(&[(&web, "major_outage")])})).await;
    assert_eq!(scene.team.status_of(&web).await, "major_outage");
    scene.app.pass(540);
    let now = scene
        .team
        .update_incident(&scene.incident, json!({"services": impacts(&[(&scene.api, "partial_outage")])}))
        .await;
    assert_eq!(now["services"].as_array().expect("a list").len(), 1);
    assert_eq!(
        (scene.team.status_of(&web).await, scene.team.status_of(&scene.api).await),
        ("operational".into(), "partial_outage".into())
    );
    let suffered = scene.team.history(&web).await;
    let told: Vec<_> = suffered.iter().map(|change| change["new_status"].as_str().expect("a word")).collect();
    assert_eq!(told, ["operational", "major_outage"]);
    let uptime = scene.team.get(&format!("{}/uptime", path_of(&web))).await.is(200);
    assert_eq!(uptime["days"][89]["major_outage_seconds"], 540);
    // The update that attached it is unchanged.
    assert_eq!(scene.now().await["updates"][0]["services"][0]["new_status"], "major_outage");
    scene.post_update(json!({"services": impacts(&[(&web, "degraded")])})).await;
    assert_eq!(scene.team.status_of(&web).await, "degraded", "and it can be attached again");
    // A service that is attached again comes last.
    scene.team.update_incident(&scene.incident, json!({"services": impacts(&[(&web, "degraded")])})).await;
    scene.post_update(json!({"services": impacts(&[(&scene.api, "degraded")])})).await;
    let now = scene.now().await;
    let names: Vec<_> = now["services"].as_array().expect("a list").iter().map(|listed| &listed["name"]).collect();
    assert_eq!(names, ["Web", "API"]);
}

#[tokio::test]
async fn rule_3_4_9_a_deleted_service_keeps_its_name_in_past_and_open_incidents() {
    let scene = Scene::open().await;
    let web = scene.team.service("Web").await;
    let past = scene.team.open_incident(json!({"title": "Past", "services": impacts(&[(&web, "major_outage")])})).await;
    scene.team.post_update(&past, json!({"status": "resolved"})).await;
    scene.post_update(json!({"services": impacts(&[(&web, "degraded")])})).await;
    scene.team.delete(&path_of(&web)).await.is(204);
    for incident in [scene.team.incident(&past).await, scene.now().await] {
        let services = incident["services"].as_array().expect("a list");
        assert!(services.iter().any(|known| known["id"] == web["id"] && known["name"] == "Web"), "{incident}");
    }
    // The recorded change stays, and the incident continues without it.
    let end = scene.post_update(json!({"status": "resolved"})).await;
    assert_eq!(scene.now().await["updates"][1]["services"][0]["name"], "Web");
    assert_eq!(end["status"], "resolved");
    let listed = scene.team.get(&format!("/api/incidents?service={}", id_of(&web))).await.is(200);
    assert_eq!(listed.as_array().expect("a list").len(), 2);
}

#[tokio::test]
async fn rule_3_4_11_an_update_without_a_message_gets_the_default_text() {
    let scene = Scene::open().await;
    for (status, text) in [
        ("investigating", "We are currently investigating this issue."),
        ("identified", "The issue has been identified and a fix is being implemented."),
        ("monitoring", "A fix has been implemented and we are monitoring the results."),
        ("resolved", "This incident has been resolved."),
    ] {
        assert_eq!(scene.post_update(json!({"status": status})).await["message"], text);
        assert_eq!(scene.post_update(json!({"status": status, "message": "  "})).await["message"], text);
        let opened = scene.team.open_incident(json!({"title": "x", "status": status})).await;
        assert_eq!((&opened["description"], &opened["updates"][0]["message"]), (&json!(text), &json!(text)));
    }
}
