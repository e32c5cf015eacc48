//! Backfilled incidents (domain rule 3.5) and incident templates.

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, impacts, incident_path, path_of, update_path},
    endpoints::path_to,
    fixtures::NOW,
};

/// An outage of 40 minutes three days ago, with additional fields.
fn past(service: &Value, more: Value) -> Value {
    let mut body = json!({
        "title": "Payments failed",
        "message": "A certificate had expired.",
        "started_at": "2026-11-20T09:00:00Z",
        "resolved_at": "2026-11-20T09:40:00Z",
        "services": impacts(&[(service, "major_outage")]),
    });
    for (field, value) in more.as_object().expect("an object") {
        body[field] = value.clone();
    }
    body
}

/// A service that was created a month ago.
async fn old_service() -> (TestApp, Team, Value) {
    let app = TestApp::at("2026-10-24T12:00:00Z").await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let later = TestApp::at(NOW).await;
    let team = team.at(&later).log_in_again().await;
    (later, team, service)
}

async fn uptime(team: &Team, service: &Value) -> Value {
    team.get(&format!("{}/uptime", path_of(service))).await.is(200)
}

#[tokio::test]
async fn rule_3_5_a_past_incident_is_listed_at_its_date_and_shows_when_it_was_added() {
    let (app, team, api) = old_service().await;
    team.open_incident(json!({"title": "Today"})).await;
    let added = team.open_incident(past(&api, json!({"notify": true}))).await;
    assert_eq!(
        (&added["status"], &added["impact"], &added["backfilled_at"]),
        (&json!("resolved"), &json!("critical"), &json!("2026-11-23T12:00:00.000Z"))
    );
    assert_eq!(
        (&added["started_at"], &added["resolved_at"]),
        (&json!("2026-11-20T09:00:00.000Z"), &json!("2026-11-20T09:40:00.000Z"))
    );
    let update = &added["updates"][0];
    assert_eq!(
        (&update["display_at"], &update["notify"]),
        (&json!("2026-11-20T09:40:00.000Z"), &json!(false)),
        "it notifies nobody"
    );
    assert_eq!(
        (&update["services"][0]["old_status"], &update["services"][0]["new_status"]),
        (&json!("major_outage"), &json!("operational"))
    );
    let titles: Vec<_> = team.incidents().await.iter().map(|incident| incident["title"].clone()).collect();
    assert_eq!(titles, ["Today", "Payments failed"]);
    let public = team.public("status").await["recent_incidents"][0].clone();
    assert_eq!(public["backfilled_at"], added["backfilled_at"], "visitors see it, too");
    let html = app.get(&format!("/public/{}", team.slug)).await.text;
    assert!(html.contains("Payments failed"));
}

#[tokio::test]
async fn rule_3_5_by_default_a_past_incident_changes_no_status_and_no_uptime() {
    let (_app, team, api) = old_service().await;
    let before = (team.services().await, team.history(&api).await, uptime(&team, &api).await);
    team.open_incident(past(&api, json!({}))).await;
    assert_eq!((team.services().await, team.history(&api).await, uptime(&team, &api).await), before);
    assert_eq!(before.2["percent"], 100.0);
}

#[tokio::test]
async fn rule_3_5_on_request_it_corrects_the_uptime_and_nothing_that_was_recorded() {
    let (_app, team, api) = old_service().await;
    let before = (team.services().await, team.history(&api).await);
    let added = team.open_incident(past(&api, json!({"correct_uptime": true}))).await;
    assert_eq!((team.services().await, team.history(&api).await), before);
    let hidden = json!({"correct_uptime": true, "is_draft": true, "started_at": "2026-11-18T09:00:00Z"});
    let hidden = team.open_incident(past(&api, hidden)).await;
    let corrected = uptime(&team, &api).await;
    let day =
        corrected["days"].as_array().expect("days").iter().find(|day| day["date"] == "2026-11-20").expect("listed");
    assert_eq!(day["major_outage_seconds"], 2400);
    assert_eq!(corrected["percent"], 99.91, "31 days with data");
    // A draft counts once it is published; a correction is deleted with its incident.
    team.update_incident(&hidden, json!({"is_draft": false})).await;
    assert!(uptime(&team, &api).await["percent"].as_f64() < Some(95.0));
    for incident in [added, hidden] {
        team.delete(&incident_path(&incident)).await.is(204);
    }
    assert_eq!(uptime(&team, &api).await["percent"], 100.0);
}

#[tokio::test]
async fn rule_3_5_a_correction_follows_changes_of_its_incident() {
    let (app, team, api) = old_service().await;
    let added = team.open_incident(past(&api, json!({"correct_uptime": true}))).await;
    let down = async || {
        let uptime = uptime(&team, &api).await;
        let days = uptime["days"].as_array().expect("days");
        let day = days.iter().find(|day| day["date"] == "2026-11-20").expect("listed");
        day["major_outage_seconds"].as_i64().expect("a number")
    };
    assert_eq!(down().await, 2400);
    team.update_incident(&added, json!({"started_at": "2026-11-20T08:50:00Z"})).await;
    assert_eq!(down().await, 3000);
    let end = &added["updates"][0];
    team.put(&update_path(end), json!({"display_at": "2026-11-20T10:00:00Z"})).await.is(200);
    assert_eq!(down().await, 4200);
    // After a reopening, changes are recorded as usual; the correction stays.
    team.post_update(&added, json!({"status": "investigating"})).await;
    app.pass(600);
    team.post_update(&added, json!({"status": "resolved"})).await;
    assert_eq!((down().await, uptime(&team, &api).await["days"][89]["major_outage_seconds"].clone()), (4200, json!(0)));
    team.update_incident(&added, json!({"services": []})).await;
    assert_eq!(down().await, 0);
}

#[tokio::test]
async fn rule_3_5_impossible_times_are_rejected() {
    let (_app, team, api) = old_service().await;
    let before = team.everything().await;
    for (more, fields) in [
        (json!({"resolved_at": "2026-11-20T08:00:00Z"}), &["resolved_at"][..]),
        (json!({"resolved_at": "2026-11-24T08:00:00Z"}), &["resolved_at"]),
        (json!({"started_at": null}), &["started_at"]),
        (json!({"started_at": "1999-01-01T00:00:00Z"}), &["started_at"]),
        (json!({"status": "monitoring"}), &["status"]),
        (json!({"resolved_at": null, "correct_uptime": true}), &["correct_uptime"]),
    ] {
        team.post("/api/incidents", past(&api, more)).await.refuses(400, fields);
    }
    let unknown = json!([{"id": "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000", "status": "degraded"}]);
    team.post("/api/incidents", past(&api, json!({"services": unknown}))).await.refuses(404, &["services"]);
    assert_eq!(team.everything().await, before);
}

#[tokio::test]
async fn templates_are_created_filled_in_replaced_and_deleted() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let slow = json!({
        "name": "  Slow answers ",
        "title": "{{services}}: slow",
        "message": "Since {{time}} on {{date}} at {{organization}}.",
        "services": impacts(&[(&api, "degraded")]),
    });
    let made = team.post("/api/templates", slow.clone()).await.is(201);
    assert_eq!(
        (&made["name"], &made["status"], &made["services"]),
        (&json!("Slow answers"), &json!("investigating"), &slow["services"])
    );
    let down =
        team.post("/api/templates", json!({"name": "Down", "title": "Down", "status": "identified"})).await.is(201);
    assert_eq!(team.get("/api/templates").await.is(200), json!([down, made]), "by name");
    let filled = team.browser().call(path_to("filled_template"), &[("id", id_of(&made))]).await.is(200);
    assert_eq!(
        (&filled["title"], &filled["message"]),
        (&json!("API: slow"), &json!("Since 12:00 UTC on 23 Nov 2026 at Acme."))
    );
    let path = format!("/api/templates/{}", id_of(&down));
    let replaced = team.put(&path, json!({"name": "Outage", "title": "Out"})).await.is(200);
    assert_eq!(
        (&replaced["id"], &replaced["title"], &replaced["status"]),
        (&down["id"], &json!("Out"), &json!("investigating"))
    );
    team.delete(&path).await.is(204);
    team.delete(&path).await.refuses(404, &[]);
    assert_eq!(team.get("/api/templates").await.is(200), json!([made]));
    let twice = impacts(&[(&api, "degraded"), (&api, "major_outage")]);
    for (body, fields) in [
        (json!({"name": "", "title": ""}), &["name", "title"][..]),
        (json!({"name": "x", "title": "x".repeat(300)}), &["title"]),
        (json!({"name": "x", "title": "x", "message": "x".repeat(30_000)}), &["message"]),
        (json!({"name": "x", "title": "x", "status": "scheduled"}), &["status"]),
        (json!({"name": "x", "title": "x", "services": twice}), &["services"]),
    ] {
        team.post("/api/templates", body).await.refuses(400, fields);
    }
    assert_eq!(team.get("/api/templates").await.is(200), json!([made]));
}

#[tokio::test]
async fn rule_3_9_old_times_use_the_offsets_of_their_date() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let mut browser = team.browser();
    browser.call(path_to("set_time_zone"), &[("time_zone", "Europe/Berlin")]).await.is(200);
    for (local, utc, shown) in [
        ("2024-07-10T14:00", "2024-07-10T12:00:00.000Z", "10 Jul 2024, 14:00"),
        ("2017-01-10T14:00", "2017-01-10T13:00:00.000Z", "10 Jan 2017, 14:00"),
    ] {
        let ended = local.replace("14:00", "15:00");
        let fields = [("title", "Long ago"), ("started_at", local), ("resolved_at", &ended)];
        let answer = browser.submit("/incidents/past", path_to("backfill_incident"), &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let room = answer.header("location").to_owned();
        let entered = team.get(&format!("/api{room}")).await.is(200);
        assert_eq!(entered["started_at"], utc);
        for path in [room.clone(), format!("/public/{}{room}", team.slug), "/incidents".to_owned()] {
            let html = browser.open(&path).await.text;
            assert!(html.contains(shown), "{shown} in {path}: {html}");
        }
        // The form shows the time as it was entered.
        assert!(browser.open(&room).await.text.contains(&format!("value=\"{local}\"")));
        let day = &local[..10];
        let found = browser.call(path_to("incidents"), &[("from", day), ("to", day)]).await.is(200);
        assert_eq!(found["items"].as_array().expect("a list").len(), 1);
    }
    let edge = json!({"title": "Edge", "started_at": "2024-07-10T22:30:00Z", "resolved_at": "2024-07-10T23:00:00Z"});
    team.open_incident(edge).await;
    let found = browser.call(path_to("incidents"), &[("from", "2024-07-11"), ("to", "2024-07-11")]).await.is(200);
    assert_eq!(found["items"][0]["title"], "Edge", "half past midnight there");
}
