//! Callers whose credential was valid a moment ago: the transaction of a status change verifies them.
//! They are refused as soon as any other request would be, and as a stranger is.

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use crate::{
    server::domain::statement_log,
    tests::support::{
        app::{TestApp, request},
        clients::{Answer, Team, id_of, path_of},
    },
};

const NOW: &str = "2026-11-25T12:00:00Z";

/// A program of this team, and its token.
async fn program(team: &Team, new: Value) -> (Team, String) {
    let token = team.post("/api/tokens", new).await.is(201);
    let secret = token["secret"].as_str().expect("returned once").to_owned();
    (Team { token: secret, ..team.clone() }, format!("/api/tokens/{}", id_of(&token)))
}

async fn writer(team: &Team) -> (Team, String) {
    program(team, json!({"name": "CI", "scope": "write"})).await
}

/// Sets a status, which the caller may do, twice: the second time, nothing is asked before the transaction.
async fn recognized(caller: &Team, service: &Value) {
    for status in ["degraded", "operational"] {
        statement_log::take();
        caller.put(&path_of(service), json!({"status": status})).await.is(200);
    }
    let first = statement_log::take().swap_remove(0);
    assert!(first.starts_with("SELECT \"organization\".\"id\"") || first.starts_with("SET "), "{first}");
}

/// Asserts that whatever the caller asks is answered as it is to a stranger, and changes nothing.
async fn refused(caller: &Team, service: &Value, team: &Team) {
    let before = team.get(&path_of(service)).await.json();
    let nobody =
        caller.app.send_only(request(Method::PUT, &path_of(service)).body(Body::empty()).expect("request")).await;
    assert_eq!(nobody.status, 401);
    for body in [json!({"status": "major_outage"}), json!({"name": ""}), json!({"unknown": 1}), json!({})] {
        for path in [path_of(service), "/api/services/unknown".to_owned()] {
            assert_eq!(caller.put(&path, body.clone()).await.fingerprint(), nobody.fingerprint(), "{path} {body}");
        }
    }
    assert_eq!(team.get(&path_of(service)).await.json(), before);
}

#[tokio::test]
async fn r_82_a_revoked_token_is_refused_at_once_at_every_instance() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let service = team.service("API").await;
    let (here, token) = writer(&team).await;
    let there = here.at(&two);
    for caller in [&here, &there] {
        recognized(caller, &service).await;
    }
    team.delete(&token).await.is(204);
    for caller in [&there, &here] {
        refused(caller, &service, &team).await;
    }
}

#[tokio::test]
async fn r_82_an_expired_token_is_refused_at_once() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let (caller, _) =
        program(&team, json!({"name": "CI", "scope": "write", "expires_at": "2026-11-25T12:00:30Z"})).await;
    recognized(&caller, &service).await;
    team.app.pass(29);
    recognized(&caller, &service).await;
    team.app.pass(1);
    refused(&caller, &service, &team).await;
}

#[tokio::test]
async fn r_22_an_ended_session_is_refused_at_once_at_every_instance() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let service = team.service("API").await;
    let here = team.log_in_again().await;
    let there = here.at(&two);
    for caller in [&here, &there] {
        recognized(caller, &service).await;
    }
    there.post("/api/auth/logout", json!({})).await.is(204);
    for caller in [&here, &there] {
        refused(caller, &service, &team).await;
    }
}

#[tokio::test]
async fn r_23_a_session_is_refused_once_it_has_been_idle_for_too_long() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    recognized(&team, &service).await;
    team.app.pass(30 * 24 * 3600);
    let nobody = team.app.get("/api/services").await;
    assert_eq!(team.put(&path_of(&service), json!({"status": "degraded"})).await.fingerprint(), nobody.fingerprint());
}

#[tokio::test]
async fn r_22_who_is_removed_or_disabled_is_refused_at_once_and_so_are_their_tokens() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let (grace, joan) = (team.colleague("admin").await, team.colleague("admin").await);
    let (of_grace, of_joan) = (writer(&grace).await.0, writer(&joan).await.0);
    for caller in [&grace, &of_grace, &joan, &of_joan] {
        recognized(caller, &service).await;
    }
    team.delete(&format!("/api/team/{}", id_of(&grace.user))).await.is(204);
    app.state.system().set_disabled(&joan.email.parse().expect("an address"), true).await.expect("disabled");
    for caller in [&grace, &of_grace, &joan, &of_joan] {
        refused(caller, &service, &team).await;
    }
}

#[tokio::test]
async fn r_22_the_session_of_a_program_ends_with_a_change_of_role() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let grace = team.colleague("admin").await;
    recognized(&grace, &service).await;
    team.put(&format!("/api/team/{}", id_of(&grace.user)), json!({"role": "member"})).await.is(200);
    refused(&grace, &service, &team).await;
}

#[tokio::test]
async fn r_82_a_token_to_read_gets_the_same_refusal_each_time() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let (reader, _) = program(&team, json!({"name": "CI", "scope": "read"})).await;
    for _ in 0..3 {
        reader.get("/api/services").await.is(200);
        let answer = reader.put(&path_of(&service), json!({"status": "degraded"})).await;
        assert!(answer.refuses(403, &[])["error"].as_str().is_some_and(|why| why.contains("read-only")));
    }
    assert_eq!(team.status_of(&service).await, "operational");
}

#[tokio::test]
async fn r_03_anothers_service_is_unknown_and_errors_are_those_of_the_request() {
    let app = TestApp::at(NOW).await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    let (service, theirs) = (team.service("API").await, other.service("API").await);
    let (caller, _) = writer(&team).await;
    for caller in [&team, &caller] {
        recognized(caller, &service).await;
        let change = json!({"status": "degraded"});
        let unknown = caller.put(&path_of(&service).replace(id_of(&service), id_of(&team.user)), change.clone()).await;
        unknown.refuses(404, &[]);
        assert_eq!(caller.put(&path_of(&theirs), change.clone()).await.fingerprint(), unknown.fingerprint());
        assert_eq!(caller.put("/api/services/x", change).await.fingerprint(), unknown.fingerprint());
        caller.put(&path_of(&service), json!({"name": ""})).await.refuses(400, &["name"]);
        caller.put(&path_of(&service), json!({"version": 99, "name": "Web"})).await.refuses(409, &["version"]);
        recognized(caller, &service).await;
    }
    assert_eq!(other.status_of(&theirs).await, "operational");
}

#[tokio::test]
async fn r_10_changes_are_recorded_under_the_verified_name_and_the_last_use_is_noted() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let (caller, _) = writer(&team).await;
    for _ in 0..7 {
        recognized(&caller, &service).await;
        team.app.pass(50);
    }
    let entry = team.get("/api/audit?action=service_changed").await.is(200)[0].clone();
    assert_eq!(entry["actor"], json!({"kind": "token", "id": team.user["id"], "name": "CI"}));
    // First used at noon, and noted again after five minutes.
    assert_eq!(team.get("/api/tokens").await.is(200)[0]["last_used_at"], "2026-11-25T12:05:00.000Z");
    team.app.pass(10);
    recognized(&team, &service).await;
    let entry = team.get("/api/audit?action=service_changed").await.is(200)[0].clone();
    assert_eq!(entry["actor"], json!({"kind": "user", "id": team.user["id"], "name": "Ada Lovelace"}));
}

#[tokio::test]
async fn r_22_a_browsers_session_is_verified_as_well() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let session = team.log_in_again().await;
    let put = async || -> Answer {
        let cookie = format!("aldis={}", session.token);
        let request = request(Method::PUT, &path_of(&service)).header(header::COOKIE, cookie);
        let request = request.header("sec-fetch-site", "same-origin").header(header::CONTENT_TYPE, "application/json");
        team.app.send(request.body(Body::from("{\"status\": \"degraded\"}")).expect("request")).await
    };
    put().await.is(200);
    put().await.is(200);
    session.post("/api/auth/logout", json!({})).await.is(204);
    put().await.refuses(401, &[]);
}
