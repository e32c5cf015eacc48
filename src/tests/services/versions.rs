//! Concurrent edits and idempotency keys (R-73) of services, groups and templates. Incidents have tests of their own.

use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};

use crate::tests::support::{
    app::{TestApp, request, unique, with_json},
    clients::{Answer, Team, id_of, path_of},
    endpoints::path_to,
};

const PATHS: [&str; 3] = ["/api/services", "/api/groups", "/api/templates"];

/// A body that each of [`PATHS`] accepts.
fn body(path: &str, name: &str) -> Value {
    if path == "/api/templates" { json!({"name": name, "title": "Slow"}) } else { json!({"name": name}) }
}

async fn send(team: &Team, path: &str, key: &str, body: &Value) -> Answer {
    let builder = request(Method::POST, path)
        .header(header::AUTHORIZATION, format!("Bearer {}", team.token))
        .header("idempotency-key", key);
    let request: Request<Body> = with_json(builder, body);
    team.app.send(request).await
}

fn listed(answer: &Answer) -> usize {
    answer.is(200).as_array().map_or(0, Vec::len)
}

#[tokio::test]
async fn r_73_a_change_of_an_older_version_is_refused_and_changes_nothing() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    for path in PATHS {
        let made = team.post(path, body(path, "First")).await.is(201);
        assert_eq!(made["version"], 1, "{path}");
        let at = format!("{path}/{}", id_of(&made));
        let with = |name: &str, version: Value| {
            let mut patch = body(path, name);
            patch["version"] = version;
            patch
        };
        let second = team.put(&at, with("Second", json!(1))).await.is(200);
        assert_eq!((&second["name"], &second["version"]), (&json!("Second"), &json!(2)));
        for wrong in [json!(1), json!(3), json!(0), json!(-1)] {
            let error = team.put(&at, with("Lost", wrong)).await.refuses(409, &["version"]);
            assert!(error["error"].as_str().is_some_and(|why| why.contains("now at version 2.")), "{error}");
        }
        team.put(&at, with("Lost", json!("2"))).await.refuses(400, &["version"]);
        let all = team.get(path).await.is(200);
        assert_eq!(all.as_array().expect("a list").last(), Some(&second), "{path}");
        // Without a version, the last write wins.
        let third = team.put(&at, body(path, "Third")).await.is(200);
        assert_eq!((&third["name"], &third["version"]), (&json!("Third"), &json!(3)));
    }
}

#[tokio::test]
async fn r_73_only_a_change_of_the_service_itself_increments_its_version() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    let new = json!({"name": "API", "group_id": id_of(&group)});
    let service = team.post("/api/services", new).await.is(201);
    let other = team.post("/api/services", json!({"name": "Web", "group_id": id_of(&group)})).await.is(201);
    for (n, patch) in [
        json!({"status": "degraded"}),
        json!({"description": "For programs."}),
        json!({"position": 1}),
        json!({"status": "operational", "position": 0, "name": "Gateway"}),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(team.change(&service, patch).await["version"], n + 2);
    }
    // Requests without changes and changes to other services do not count.
    assert_eq!(team.change(&service, json!({"name": "Gateway", "version": 5})).await["version"], 5);
    team.change(&other, json!({"position": 0})).await;
    let said = json!([{"id": id_of(&service), "status": "major_outage"}]);
    team.open_incident(json!({"title": "Down", "services": said})).await;
    let seen = team.get(&path_of(&service)).await.is(200);
    assert_eq!((&seen["status"], &seen["position"], &seen["version"]), (&json!("major_outage"), &json!(1), &json!(5)));
    // Its group is its own matter.
    team.delete(&format!("/api/groups/{}", id_of(&group))).await.is(204);
    assert_eq!(team.get(&path_of(&service)).await.is(200)["version"], 6);
}

#[tokio::test]
async fn r_73_an_object_is_created_once_per_idempotency_key() {
    let app = TestApp::open().await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    for path in PATHS {
        let (key, body) = (unique("key"), body(path, "Core"));
        let first = send(&team, path, &key, &body).await;
        assert!(!first.headers.contains_key("idempotency-replayed"));
        let made = first.is(201);
        let again = send(&team, path, &key, &body).await;
        assert_eq!((again.is(201), again.header("idempotency-replayed")), (made.clone(), "true"), "{path}");
        let mut different = body.clone();
        different["name"] = json!("Another");
        send(&team, path, &key, &different).await.refuses(409, &[]);
        for other in PATHS.iter().filter(|other| **other != path) {
            send(&team, other, &key, &self::body(other, "Core")).await.refuses(409, &[]);
        }
        send(&team, path, "", &body).await.refuses(400, &[]);
        assert_eq!(listed(&team.get(path).await), 1, "{path}");
        // Keys belong to one organization.
        assert_ne!(id_of(&send(&other, path, &key, &body).await.is(201)), id_of(&made));
        team.delete(&format!("{path}/{}", id_of(&made))).await.is(204);
        send(&team, path, &key, &body).await.refuses(409, &[]);
        assert_eq!(listed(&team.get(path).await), 0, "{path}");
    }
}

#[tokio::test]
async fn r_73_a_form_on_an_older_version_is_shown_again_with_its_input() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let group = team.group("Core").await;
    let new = json!({"name": "Slow", "title": "Slow answers"});
    let template = team.post("/api/templates", new).await.is(201);
    team.change(&service, json!({"description": "Theirs"})).await;
    team.put(&format!("/api/groups/{}", id_of(&group)), json!({"name": "Theirs"})).await.is(200);
    let theirs = json!({"name": "Theirs", "title": "Slow answers"});
    team.put(&format!("/api/templates/{}", id_of(&template)), theirs).await.is(200);
    let service_page = format!("/services/{}", id_of(&service));
    for (form, page, id, more, noun) in [
        ("edit_service", service_page.as_str(), id_of(&service), ("description", ""), "service"),
        ("rename_group", "/services", id_of(&group), ("unused", ""), "group"),
        ("save_template", "/incidents/templates", id_of(&template), ("title", "Slow"), "template"),
    ] {
        let fields = [("page", page), ("id", id), ("name", "Mine &amp; typed"), more, ("version", "1")];
        let answer = team.browser().submit(page, path_to(form), &fields).await;
        assert_eq!(answer.status, 409, "{form}");
        assert!(
            answer.text.contains(&format!("This {noun} changed while you were writing.")),
            "{form}: {}",
            answer.text
        );
        assert!(answer.text.contains("Theirs") && answer.text.contains("Mine &amp;amp; typed"), "{form}");
        // Submitted again, it is accepted.
        assert!(answer.text.contains(r#"name="version" autocomplete="off" value="2""#), "{form}: {}", answer.text);
        let fields = [("page", page), ("id", id), ("name", "Mine"), more, ("version", "2")];
        assert_eq!(team.browser().submit(page, path_to(form), &fields).await.status, 303, "{form}");
    }
    assert_eq!(team.services().await[0]["name"], "Mine");
    assert_eq!(team.groups().await[0]["name"], "Mine");
}
