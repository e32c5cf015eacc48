//! Repeated, outdated and concurrent requests about incidents.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use crate::{
    model::Timestamp,
    tests::support::{
        app::{TestApp, request, unique, with_json},
        clients::{Answer, Team, id_of, impacts, incident_path, update_path},
        endpoints::path_to,
        fixtures::NOW,
    },
};

/// A POST with an idempotency key.
fn keyed(team: &Team, path: &str, key: &str, body: &Value) -> Request<Body> {
    let builder = request(axum::http::Method::POST, path)
        .header(header::AUTHORIZATION, format!("Bearer {}", team.token))
        .header("idempotency-key", key);
    with_json(builder, body)
}

async fn send(team: &Team, path: &str, key: &str, body: &Value) -> Answer {
    team.app.send(keyed(team, path, key, body)).await
}

#[tokio::test]
async fn a_repeated_request_with_its_key_changes_nothing() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let (key, body) = (unique("key"), json!({"title": "Down", "services": impacts(&[(&api, "degraded")])}));
    let opened = send(&team, "/api/incidents", &key, &body).await.is(201);
    let (seq, path) = (team.seq().await, format!("{}/updates", incident_path(&opened)));
    app.pass(60);
    let again = send(&team, "/api/incidents", &key, &body).await;
    assert_eq!((again.is(201), again.header("idempotency-replayed")), (opened.clone(), "true"));
    let (second, update) = (unique("key"), json!({"message": "Found.", "status": "identified"}));
    let told = send(&team, &path, &second, &update).await;
    assert!(!told.headers.contains_key("idempotency-replayed"));
    let told = told.is(201);
    app.pass(60);
    // Later changes do not alter the answer.
    team.post_update(&opened, json!({"message": "Fixed.", "status": "monitoring"})).await;
    assert_eq!(send(&team, &path, &second, &update).await.is(201), told);
    // A repeated update may carry the version that the update itself created.
    let seen = json!({"message": "Found.", "status": "identified", "version": 3});
    assert_eq!(send(&team, &path, &second, &seen).await.is(201), told);
    let again = send(&team, "/api/incidents", &key, &body).await.is(201);
    assert_eq!((&again["id"], &again["status"]), (&opened["id"], &json!("monitoring")));
    assert_eq!(team.incidents().await.len(), 1);
    assert_eq!(team.incident(&opened).await["updates"].as_array().expect("a list").len(), 3);
    assert_eq!(team.seq().await, seq + 2);
}

#[tokio::test]
async fn a_key_is_valid_for_one_request_of_one_organization_for_a_day() {
    // Deleting old keys affects all organizations, hence a database of its own.
    let app = TestApp::alone_at(NOW).await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    let (key, body) = (unique("key"), json!({"title": "Down"}));
    let opened = send(&team, "/api/incidents", &key, &body).await.is(201);
    let path = format!("{}/updates", incident_path(&opened));
    send(&team, "/api/incidents", &key, &json!({"title": "Up"})).await.refuses(409, &[]);
    send(&team, &path, &key, &json!({"message": "Down"})).await.refuses(409, &[]);
    assert_ne!(send(&other, "/api/incidents", &key, &body).await.is(201)["id"], opened["id"]);
    assert_eq!(team.incidents().await, std::slice::from_ref(&opened));
    // A rejected request does not use up its key.
    let fresh = unique("key");
    send(&team, &path, &fresh, &json!({"message": "x", "status": "scheduled"})).await.refuses(400, &["status"]);
    send(&team, &path, &fresh, &json!({"message": "x"})).await.is(201);
    // The incident that it created may have been deleted.
    team.delete(&incident_path(&opened)).await.is(204);
    send(&team, "/api/incidents", &key, &body).await.refuses(409, &[]);
    app.pass(86_399);
    assert_eq!(app.state.system().forget_old_keys().await.expect("forgotten"), 0);
    app.pass(2);
    assert_eq!(app.state.system().forget_old_keys().await.expect("forgotten"), 3);
    assert_ne!(send(&team, "/api/incidents", &key, &body).await.is(201)["id"], opened["id"]);
}

#[tokio::test]
async fn a_repeated_request_is_answered_even_when_it_would_now_be_too_late() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let key = unique("key");
    let window = json!({
        "title": "Upgrade",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T14:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
    });
    let planned = send(&team, "/api/incidents", &key, &window).await.is(201);
    app.pass(4 * 3600);
    assert_eq!(send(&team, "/api/incidents", &key, &window).await.is(201)["id"], planned["id"]);
    send(&team, "/api/incidents", &unique("key"), &window).await.refuses(400, &["ends_at"]);
}

#[tokio::test]
async fn a_deletion_based_on_an_older_version_is_rejected() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let incident = team.open_incident(json!({"title": "Down", "services": impacts(&[(&api, "degraded")])})).await;
    let update = team.post_update(&incident, json!({"message": "Looking."})).await;
    let (path, id) = (incident_path(&incident), id_of(&incident));
    let mut browser = team.browser();
    for answer in [
        team.delete(&format!("{path}?version=1")).await,
        team.delete(&format!("{}?version=1", update_path(&update))).await,
        browser.call(path_to("detach_service"), &[("id", id), ("service", id_of(&api)), ("version", "1")]).await,
        browser.call(path_to("delete_update"), &[("id", id), ("update_id", id_of(&update)), ("version", "1")]).await,
        browser.call(path_to("delete_incident"), &[("id", id), ("confirm", "Down"), ("version", "1")]).await,
    ] {
        answer.refuses(409, &["version"]);
    }
    team.delete(&format!("{path}?version=two")).await.refuses(400, &[]);
    assert_eq!(team.incident(&incident).await["updates"].as_array().expect("a list").len(), 2);
    team.delete(&format!("{}?version=2", update_path(&update))).await.is(204);
    team.delete(&format!("{path}?version=3")).await.is(204);
}

#[tokio::test]
async fn an_invalid_key_is_rejected_without_any_change() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for key in ["", " ", "two words", "tab\tbed", &"x".repeat(129), "schlüssel"] {
        send(&team, "/api/incidents", key, &json!({"title": "Down"})).await.refuses(400, &[]);
    }
    assert_eq!(team.incidents().await, [] as [Value; 0]);
    for key in ["x", &"x".repeat(128), "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"] {
        send(&team, "/api/incidents", key, &json!({"title": "Down"})).await.is(201);
    }
    assert_eq!(team.incidents().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_concurrent_requests_with_one_key_open_one_incident() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let (key, body) = (unique("key"), json!({"title": "Down"}));
    let tasks = (0..20).map(|n| {
        let (team, key, body) = (team.at(if n % 2 == 0 { &one } else { &two }), key.clone(), body.clone());
        tokio::spawn(async move { send(&team, "/api/incidents", &key, &body).await.is(201) })
    });
    let answers = futures::future::join_all(tasks.collect::<Vec<_>>()).await;
    let ids: std::collections::BTreeSet<_> =
        answers.into_iter().map(|answer| id_of(&answer.expect("ran to its end")).to_owned()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(team.incidents().await.len(), 1);
}

#[tokio::test]
async fn a_change_based_on_an_older_version_is_rejected_and_nothing_is_lost() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let incident = team.open_incident(json!({"title": "Down", "message": "Looking."})).await;
    assert_eq!(incident["version"], 1);
    let (path, update) = (incident_path(&incident), &incident["updates"][0]);
    // Two editors start from version 1; the second is rejected.
    team.put(&path, json!({"title": "Ada's", "version": 1})).await.is(200);
    let stale = json!({"title": "Eve's", "version": 1});
    for answer in [
        team.put(&path, stale).await,
        team.post(&format!("{path}/updates"), json!({"message": "Eve's", "version": 1})).await,
        team.put(&update_path(update), json!({"message": "Eve's", "version": 1})).await,
        team.put(&path, json!({"title": "From the future", "version": 3})).await,
    ] {
        let error = answer.refuses(409, &["version"]);
        assert!(error["error"].as_str().is_some_and(|text| text.contains("version 2")), "{error}");
    }
    let now = team.incident(&incident).await;
    assert_eq!((&now["title"], &now["version"]), (&json!("Ada's"), &json!(2)));
    assert_eq!(now["updates"], incident["updates"]);
    // The current version, or none, is accepted; a change of nothing makes no version.
    team.post_update(&incident, json!({"message": "Eve's", "version": 2})).await;
    team.put(&update_path(update), json!({"message": "Looked.", "version": 3})).await.is(200);
    team.update_incident(&incident, json!({"title": "Ada's"})).await;
    team.put(&update_path(update), json!({"message": "Looked."})).await.is(200);
    assert_eq!(team.incident(&incident).await["version"], 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_concurrent_changes_based_on_one_version_exactly_one_is_made() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let incident = team.open_incident(json!({"title": "Down"})).await;
    let tasks = (0..12).map(|n| {
        let (team, incident) = (team.at(if n % 2 == 0 { &one } else { &two }), incident.clone());
        tokio::spawn(async move {
            let path = format!("{}/updates", incident_path(&incident));
            team.post(&path, json!({"message": format!("u{n}"), "version": 1})).await.status.as_u16()
        })
    });
    let mut statuses = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        statuses.push(task.await.expect("ran to its end"));
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [[201].as_slice(), &[409; 11]].concat());
    assert_eq!(team.incident(&incident).await["updates"].as_array().expect("a list").len(), 2);
}

fn instant(value: &Value) -> Timestamp {
    value.as_str().expect("text").parse().expect("an instant")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_updates_make_one_consistent_timeline() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let (api, web) = (team.service("API").await, team.service("Web").await);
    let incident = team.open_incident(json!({"title": "Down", "services": impacts(&[(&api, "degraded")])})).await;
    let steps = [("identified", "degraded"), ("monitoring", "partial_outage"), ("investigating", "major_outage")];
    let writers = (0..4).map(|writer| {
        let (team, incident) = (team.at(if writer % 2 == 0 { &one } else { &two }), incident.clone());
        let service = if writer < 2 { api.clone() } else { web.clone() };
        tokio::spawn(async move {
            for (round, (status, effect)) in steps.into_iter().cycle().take(6).enumerate() {
                let services = impacts(&[(&service, effect)]);
                let message = format!("{writer}/{round}");
                team.post_update(&incident, json!({"message": message, "status": status, "services": services})).await;
            }
        })
    });
    for writer in futures::future::join_all(writers.collect::<Vec<_>>()).await {
        writer.expect("ran to its end");
    }
    let now = team.incident(&incident).await;
    let updates = now["updates"].as_array().expect("a list");
    assert_eq!((updates.len(), &now["version"]), (25, &json!(25)), "none is lost");
    assert_eq!(now["status"], updates[0]["status"]);
    let order: Vec<_> = updates.iter().map(|update| instant(&update["display_at"])).collect();
    assert!(order.is_sorted_by(|newer, older| newer >= older), "{order:?}");
    for service in [&api, &web] {
        // Each update, and each row of the history, continues from the status before it.
        let mut steps = Vec::new();
        for update in updates.iter().rev() {
            let told = update["services"].as_array().into_iter().flatten().find(|told| told["id"] == service["id"]);
            steps.extend(told.map(|told| (told["old_status"].clone(), told["new_status"].clone())));
        }
        assert!(steps.windows(2).all(|pair| pair[0].1 == pair[1].0), "{steps:?}");
        let last = steps.last().expect("told").1.clone();
        assert_eq!(json!(team.status_of(service).await), last);
        steps.retain(|(old, new)| old != new);
        let history = team.history(service).await;
        let rows: Vec<_> =
            history.iter().rev().map(|row| (row["old_status"].clone(), row["new_status"].clone())).collect();
        assert_eq!(rows, steps);
    }
    // Events are emitted in that order.
    let mut visitor = two.listen().await.public_feed(&team, Some(0)).await;
    let mut version = 0;
    for seq in 1..=visitor.hello().await {
        let frame = visitor.event(seq).await;
        if frame["type"] == "incident_updated" || frame["type"] == "incident_created" {
            version += 1;
            let incident = frame["data"].get("incident").unwrap_or(&frame["data"]);
            assert_eq!(incident["version"], version);
        }
    }
    assert_eq!(version, 25);
}
