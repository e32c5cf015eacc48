//! The history of a service's status: one row per change, newest first, in pages.

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, path_of},
    endpoints::path_to,
};

#[tokio::test]
async fn a_change_of_status_writes_one_row_with_author_and_cause() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    app.pass(60);
    team.change(&service, json!({"status": "degraded", "name": "Gateway"})).await;
    let history = team.history(&service).await;
    let [change] = history.as_slice() else { panic!("{history:?}") };
    let fields: Vec<_> = change.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["cause", "changed_by", "created_at", "id", "new_status", "old_status", "service_id"]);
    assert_eq!((&change["old_status"], &change["new_status"]), (&json!("operational"), &json!("degraded")));
    assert_eq!(change["cause"], "api");
    assert_eq!(change["changed_by"], team.user["id"]);
    assert_eq!(change["service_id"], service["id"]);
    assert_eq!(change["created_at"], "2026-03-01T12:01:00.000Z");
    // The same status, or any other field, writes nothing.
    for patch in
        [json!({"status": "degraded"}), json!({"name": "API"}), json!({"position": 5}), json!({"description": "x"})]
    {
        team.change(&service, patch).await;
    }
    assert_eq!(team.history(&service).await, history);
}

#[tokio::test]
async fn a_change_through_the_web_interface_is_manual() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let fields = [("id", id_of(&service)), ("status", "major_outage")];
    let answer = team.browser().call(path_to("set_service_status"), &fields).await.is(200);
    assert_eq!(answer["status"], "major_outage");
    let history = team.history(&service).await;
    assert_eq!(history.len(), 1);
    assert_eq!((&history[0]["cause"], &history[0]["changed_by"]), (&json!("manual"), &team.user["id"]));
    let page = team.browser().call(path_to("service_history"), &[("id", id_of(&service))]).await.is(200);
    assert_eq!(page["entries"][0]["changed_by_name"], "Ada Lovelace");
    assert_eq!(page["entries"][0]["change"], history[0]);
}

#[tokio::test]
async fn the_public_timeline_shows_changes_without_their_authors() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let (api, web) = (team.service("API").await, team.service("Web").await);
    for (service, status) in [(&api, "degraded"), (&web, "major_outage"), (&api, "operational")] {
        app.pass(60);
        team.change(service, json!({"status": status})).await;
    }
    let timeline = team.public("timeline").await;
    assert_eq!(timeline["incidents"], json!([]));
    let changes = timeline["status_changes"].as_array().expect("a list");
    let told: Vec<_> = changes.iter().map(|change| (&change["service_id"], &change["new_status"])).collect();
    let (operational, major, degraded) = (json!("operational"), json!("major_outage"), json!("degraded"));
    assert_eq!(told, [(&api["id"], &operational), (&web["id"], &major), (&api["id"], &degraded)]);
    assert!(changes.iter().all(|change| change.get("changed_by").is_none()));
    for document in ["timeline", "status"] {
        let text = team.public(document).await.to_string();
        for secret in [team.email.as_str(), "Lovelace", id_of(&team.user), "changed_by"] {
            assert!(!text.contains(secret), "{document}: {secret}");
        }
    }
}

/// A service whose status changed at each full minute, from 1 to `count`.
async fn busy_service(app: &TestApp, count: usize) -> (Team, Value) {
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    for status in ["degraded", "operational"].into_iter().cycle().take(count) {
        app.pass(60);
        team.change(&service, json!({"status": status})).await;
    }
    (team, service)
}

fn minutes(changes: &Value) -> Vec<String> {
    let changes = changes.as_array().expect("a list");
    changes.iter().map(|change| change["created_at"].as_str().expect("an instant")[14..16].to_owned()).collect()
}

#[tokio::test]
async fn a_history_range_includes_both_ends() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let (team, service) = busy_service(&app, 5).await;
    for (query, expected) in [
        ("", &["05", "04", "03", "02", "01"][..]),
        ("from=2026-03-01T12:03:00Z", &["05", "04", "03"]),
        ("to=2026-03-01T12:03:00Z", &["03", "02", "01"]),
        ("from=2026-03-01T12:02:00Z&to=2026-03-01T12:04:00Z", &["04", "03", "02"]),
        ("from=2026-03-01T13:02:30%2B01:00&to=2026-03-01T12:03:59.999Z", &["03"]),
        ("from=2026-03-01T12:04:00Z&to=2026-03-01T12:02:00Z", &[]),
        ("from=2027-01-01T00:00:00Z", &[]),
    ] {
        let answer = team.get(&format!("{}/history?{query}", path_of(&service))).await.is(200);
        assert_eq!(minutes(&answer), expected, "{query}");
    }
}

#[tokio::test]
async fn a_history_comes_in_pages_that_keep_their_range() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let (team, service) = busy_service(&app, 9).await;
    for limit in [1, 2, 3, 7, 100] {
        let query = format!("limit={limit}&from=2026-03-01T12:02:00Z&to=2026-03-01T12:08:00Z");
        let (mut seen, mut next) = (Vec::new(), Some(format!("{}/history?{query}", path_of(&service))));
        while let Some(address) = next {
            let answer = team.get(&address).await;
            let page = minutes(&answer.is(200));
            assert!(page.len() <= limit && !page.is_empty());
            seen.extend(page);
            next = answer.next_page();
        }
        assert_eq!(seen, ["08", "07", "06", "05", "04", "03", "02"], "{limit}");
    }
}

#[tokio::test]
async fn changes_at_the_same_time_keep_their_order_and_are_all_listed() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let statuses = ["degraded", "partial_outage", "major_outage", "under_maintenance", "operational"];
    for status in statuses {
        team.change(&service, json!({"status": status})).await;
    }
    let (mut seen, mut next) = (Vec::new(), Some(format!("{}/history?limit=2", path_of(&service))));
    while let Some(address) = next {
        let answer = team.get(&address).await;
        seen.extend(answer.is(200).as_array().expect("a list").clone());
        next = answer.next_page();
    }
    let told: Vec<_> = seen.iter().rev().map(|change| change["new_status"].as_str().expect("a status")).collect();
    assert_eq!(told, statuses);
    for pair in seen.windows(2) {
        assert_eq!(
            pair[0]["old_status"], pair[1]["new_status"],
            "each change starts from the status of the previous one"
        );
    }
}

#[tokio::test]
async fn timestamps_are_sorted_as_numbers() {
    // 999 999 999 999 and 1 000 000 000 000 milliseconds: as text, the later one comes first.
    let app = TestApp::at("2001-09-09T01:46:39.999Z").await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    app.pass(1);
    team.change(&service, json!({"status": "degraded"})).await;
    let app = TestApp::at("2001-09-09T01:46:38.000Z").await;
    let older = team.at(&app);
    let early = older.service("Early").await;
    older.change(&early, json!({"status": "major_outage"})).await;
    let timeline = team.public("timeline").await;
    let instants: Vec<_> = timeline["status_changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| change["created_at"].clone())
        .collect();
    assert_eq!(instants[0], "2001-09-09T01:46:40.999Z");
    assert!(instants[1].as_str().expect("an instant") < "2001-09-09T01:46:40Z", "{instants:?}");
}
