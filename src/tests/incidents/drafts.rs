//! What visitors may see of incidents: drafts, people, edit history.

use serde_json::{Value, json};

use crate::tests::support::{
    app::{TestApp, unique},
    clients::{Team, id_of, impacts, incident_path, update_path},
    endpoints::path_to,
    fixtures::NOW,
};

/// The public REST responses, as text.
async fn seen(team: &Team) -> String {
    format!("{} {}", team.public("status").await, team.public("timeline").await)
}

#[tokio::test]
async fn a_draft_is_private_until_it_is_published() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let (before, canary) = (seen(&team).await, unique("canary"));
    let services = impacts(&[(&api, "major_outage")]);
    let draft =
        team.open_incident(json!({"title": canary, "message": canary, "is_draft": true, "services": services})).await;
    assert_eq!(draft["is_draft"], true);
    team.post_update(&draft, json!({"message": format!("{canary} again")})).await;
    assert_eq!(seen(&team).await, before, "unchanged");
    assert_eq!(team.status_of(&api).await, "operational");
    assert_eq!(team.incidents().await, [team.incident(&draft).await]);
    app.pass(60);
    let published = team.update_incident(&draft, json!({"is_draft": false})).await;
    assert_eq!(published.get("is_draft"), None);
    assert_eq!(team.status_of(&api).await, "major_outage");
    assert_eq!(team.history(&api).await[0]["created_at"], "2026-11-23T12:01:00.000Z", "from now on, not from before");
    assert_eq!(team.public("status").await["active_incidents"][0]["title"], json!(canary));
    team.put(&incident_path(&draft), json!({"is_draft": true})).await.refuses(400, &["is_draft"]);
}

#[tokio::test]
async fn no_scheduled_step_is_taken_for_a_draft() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let draft = json!({
        "title": "Upgrade",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T14:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
        "service_ids": [id_of(&api)],
        "is_draft": true,
    });
    let late = team.open_incident(draft.clone()).await;
    let draft = team.open_incident(draft).await;
    app.pass(3600 + 1800);
    assert_eq!(app.tick().await, 0);
    let published = team.update_incident(&draft, json!({"is_draft": false})).await;
    assert_eq!(published["status"], "scheduled");
    // Published within the hour, it gets no reminder (domain rule 3.6.8).
    app.pass(1800);
    assert_eq!(app.tick().await, 1);
    assert_eq!(team.incident(&draft).await["status"], "in_progress");
    app.pass(7200);
    app.tick().await;
    // A window that has ended cannot be published.
    team.put(&incident_path(&late), json!({"is_draft": false})).await.refuses(400, &["ends_at"]);
    assert_eq!(team.incident(&late).await["status"], "scheduled");
}

#[tokio::test]
async fn edits_of_a_draft_stay_private() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let canary = unique("canary");
    let draft = team.open_incident(json!({"title": "Down", "message": canary, "is_draft": true})).await;
    let opening = draft["updates"][0].clone();
    app.pass(60);
    let edited = team.put(&update_path(&opening), json!({"message": "Payments fail."})).await.is(200);
    assert_eq!(edited.get("edits"), None);
    let second = team.post_update(&draft, json!({"message": format!("{canary} again")})).await;
    team.put(&update_path(&second), json!({"message": "We look into it."})).await.is(200);
    let port = app.listen().await;
    let mut visitor = port.public_feed(&team, None).await;
    let seq = visitor.hello().await;
    team.update_incident(&draft, json!({"is_draft": false})).await;
    let frame = visitor.event(seq + 1).await;
    let page = app.get(&format!("/public/{}/incidents/{}", team.slug, id_of(&draft))).await;
    let text = format!("{frame} {} {}", page.text, seen(&team).await);
    assert!(text.contains("Payments fail.") && text.contains("We look into it."));
    assert!(!text.contains(&canary), "{text}");
    // After publication, the edit history is public.
    team.put(&update_path(&opening), json!({"message": "Some payments fail."})).await.is(200);
    assert!(seen(&team).await.contains("Payments fail."));
}

#[tokio::test]
async fn rule_3_11_2_whether_a_draft_notifies_is_decided_when_it_is_written() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for wish in [true, false] {
        let draft = team.open_incident(json!({"title": "Down", "is_draft": true, "notify": wish})).await;
        team.post_update(&draft, json!({"message": "More.", "notify": !wish})).await;
        let published = team.update_incident(&draft, json!({"is_draft": false})).await;
        let notify: Vec<_> = [1, 0].map(|n: usize| published["updates"][n]["notify"].clone()).to_vec();
        assert_eq!(notify, [json!(wish), json!(!wish)]);
    }
}

#[tokio::test]
async fn a_draft_maintenance_can_be_rescheduled_and_published_in_one_request() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let draft = json!({
        "title": "Upgrade",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T14:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
        "is_draft": true,
    });
    let draft = team.open_incident(draft).await;
    // Its old window has ended.
    app.pass(4 * 3600);
    let moved = json!({
        "is_draft": false,
        "starts_at": "2026-11-24T14:00:00Z",
        "ends_at": "2026-11-24T15:00:00Z",
    });
    let published = team.update_incident(&draft, moved).await;
    assert_eq!(published["scheduled_start"], "2026-11-24T14:00:00.000Z");
    assert_eq!(published["updates"].as_array().expect("a list").len(), 1, "nobody knew the old window");
    assert_eq!(team.public("status").await["upcoming_maintenances"][0]["id"], draft["id"]);
}

#[tokio::test]
async fn a_deleted_draft_leaves_no_trace() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let (before, draft) = (seen(&team).await, team.open_incident(json!({"title": "Never", "is_draft": true})).await);
    team.delete(&incident_path(&draft)).await.is(204);
    assert_eq!(seen(&team).await, before);
    assert_eq!(team.incidents().await, [] as [Value; 0]);
}

#[tokio::test]
async fn rule_3_12_public_answers_contain_no_person_and_nothing_internal() {
    let app = TestApp::at(NOW).await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    let api = team.service("API").await;
    let services = impacts(&[(&api, "degraded")]);
    let incident = team.open_incident(json!({"title": "Down", "impact": "minor", "services": services})).await;
    let window = json!({
        "title": "Upgrade",
        "incident_type": "maintenance",
        "starts_at": "2026-11-24T14:00:00Z",
        "ends_at": "2026-11-24T15:00:00Z",
        "recurrence": "FREQ=WEEKLY;COUNT=2",
    });
    team.open_incident(window).await;
    team.change(&api, json!({"status": "partial_outage"})).await;
    let update = team.post_update(&incident, json!({"message": "Secret mistake.", "status": "resolved"})).await;
    team.put(&update_path(&update), json!({"message": "Corrected."})).await.is(200);
    team.update_incident(&incident, json!({"postmortem": "Unpublished words."})).await;
    let canary = unique("canary");
    other.open_incident(json!({"title": canary})).await;
    let text = seen(&team).await;
    for secret in [
        team.email.as_str(),
        "Lovelace",
        id_of(&team.user),
        "created_by",
        "changed_by",
        "impact_override",
        "automations",
        "series_id",
        "baseline",
        "Unpublished words.",
        &canary,
        id_of(&other.organization),
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for shown in ["Down", "Upgrade", "Corrected.", "Secret mistake."] {
        assert!(text.contains(shown), "{shown}: the edit history is public");
    }
}

#[tokio::test]
async fn the_edit_history_of_an_update_is_public() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let incident = team.open_incident(json!({"title": "Down"})).await;
    let update = team.post_update(&incident, json!({"message": "One *fish*.", "notify": true})).await;
    assert_eq!(update.get("edits"), None);
    app.pass(60);
    team.put(&update_path(&update), json!({"message": "Two fish."})).await.is(200);
    app.pass(60);
    let edited = team.put(&update_path(&update), json!({"message": "Red fish."})).await.is(200);
    let edits = edited["edits"].as_array().expect("a list");
    let told: Vec<_> = edits.iter().map(|edit| (edit["message"].as_str(), edit["edited_at"].as_str())).collect();
    assert_eq!(
        told,
        [
            (Some("Two fish."), Some("2026-11-23T12:02:00.000Z")),
            (Some("One *fish*."), Some("2026-11-23T12:01:00.000Z")),
        ]
    );
    assert!(edits[1]["html"].as_str().is_some_and(|html| html.contains("<em>fish</em>")), "{edits:?}");
    assert_eq!((&edited["created_at"], &edited["display_at"]), (&update["created_at"], &update["display_at"]));
    assert_eq!(edited["updated_at"], "2026-11-23T12:02:00.000Z");
    let public = team.public("status").await["active_incidents"][0]["updates"][0].clone();
    assert_eq!(public["edits"], edited["edits"]);
    // A new display time is not an edit of the message.
    let moved = team.put(&update_path(&update), json!({"display_at": "2026-11-23T12:00:30Z"})).await.is(200);
    assert_eq!(moved["edits"], edited["edits"]);
}

#[tokio::test]
async fn rule_3_12_a_message_becomes_safe_html() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let message = "**Bold** <script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)>\n\n- one";
    let incident = team.open_incident(json!({"title": "<script>", "message": message})).await;
    assert_eq!(incident["description"], json!(message), "the source is unchanged");
    let html = incident["updates"][0]["html"].as_str().expect("text");
    assert!(html.contains("<strong>Bold</strong>") && html.contains("<li>one</li>"), "{html}");
    for harm in ["<script", "javascript:", "<img"] {
        assert!(!html.contains(harm), "{harm} in {html}");
    }
}

#[tokio::test]
async fn rule_3_9_times_are_utc_with_milliseconds_whatever_their_offset() {
    let app = TestApp::at("2026-11-23T12:00:00.123Z").await;
    let team = app.register("Acme").await;
    let incident = team.open_incident(json!({"title": "Down", "started_at": "2026-11-23T12:30:00.5+01:00"})).await;
    assert_eq!(incident["started_at"], "2026-11-23T11:30:00.500Z");
    assert_eq!(incident["created_at"], "2026-11-23T12:00:00.123Z");
    let set = team.browser().call(path_to("set_time_zone"), &[("time_zone", "Europe/Berlin")]).await;
    assert_eq!(set.status, 200, "{}", set.text);
    let page = team.public("status").await;
    assert_eq!(page["active_incidents"][0]["started_at"], "2026-11-23T11:30:00.500Z");
    assert_eq!(
        (&page["organization"]["time_zone"], &page["zone"]["name"]),
        (&json!("Europe/Berlin"), &json!("Europe/Berlin"))
    );
    assert_eq!(page["today"], "2026-11-22T23:00:00.000Z", "days are those of the page zone");
}
