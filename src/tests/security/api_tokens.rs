//! API tokens: scopes, expiry and limits.

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use crate::tests::support::{
    app::{TestApp, request, with_json},
    clients::{Answer, Team, id_of, path_of},
    endpoints::path_to,
};

const NOW: &str = "2026-11-25T12:00:00Z";

/// A program that uses an API token.
struct Program {
    app: TestApp,
    secret: String,
}

impl Program {
    async fn of(team: &Team, scope: &str) -> (Self, Value) {
        let token = team.post("/api/tokens", json!({"name": "Pipeline", "scope": scope})).await.is(201);
        let secret = token["secret"].as_str().expect("returned once").to_owned();
        (Self { app: team.app.clone(), secret }, token)
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let builder = request(method, path).header(header::AUTHORIZATION, format!("Bearer {}", self.secret));
        let request = match body {
            Some(body) => with_json(builder, body),
            None => builder.body(Body::empty()).expect("request"),
        };
        self.app.send(request).await
    }
}

#[tokio::test]
async fn r_82_a_secret_is_returned_once() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let (program, token) = Program::of(&team, "read").await;
    assert!(program.secret.starts_with("aldis_") && program.secret.len() == 49, "{}", program.secret);
    assert_eq!(token["hint"].as_str(), program.secret.get(..14));
    let listed = team.get("/api/tokens").await;
    assert!(!listed.text.contains(&program.secret), "{}", listed.text);
    let mut expected = token.clone();
    expected.as_object_mut().expect("an object").remove("secret");
    assert_eq!(listed.is(200), json!([expected]));
    let log = team.get("/api/audit?action=token_created").await;
    assert!(!log.text.contains(&program.secret));
    assert_eq!(log.is(200)[0]["target"]["name"], "Pipeline");
}

#[tokio::test]
async fn a_read_token_reads_and_a_write_token_also_writes() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let (reader, _) = Program::of(&team, "read").await;
    let (writer, _) = Program::of(&team, "write").await;
    let patch = json!({"status": "degraded"});
    for program in [&reader, &writer] {
        assert_eq!(program.send(Method::GET, "/api/services", None).await.is(200)[0]["id"], service["id"]);
        assert_eq!(program.send(Method::GET, "/api/auth/me", None).await.is(200)["user"]["role"], "member");
    }
    reader.send(Method::PUT, &path_of(&service), Some(&patch)).await.refuses(403, &[]);
    assert_eq!(writer.send(Method::PUT, &path_of(&service), Some(&patch)).await.is(200)["status"], "degraded");
    let entry = team.get("/api/audit?action=service_changed").await.is(200)[0].clone();
    assert_eq!(entry["actor"], json!({"kind": "token", "id": team.user["id"], "name": "Pipeline"}));
    assert_eq!(entry["changes"]["status"], json!({"from": "operational", "to": "degraded"}));
}

#[tokio::test]
async fn tokens_cannot_do_what_requires_a_session() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let (writer, token) = Program::of(&team, "write").await;
    let of_it = format!("/api/tokens/{}", id_of(&token));
    for (method, path, body) in [
        (Method::GET, "/api/tokens", None),
        (Method::POST, "/api/tokens", Some(json!({"name": "Another"}))),
        (Method::DELETE, of_it.as_str(), None),
        (Method::GET, "/api/audit", None),
        (Method::GET, "/api/audit.csv", None),
        (Method::POST, "/api/auth/logout", None),
    ] {
        writer.send(method, path, body.as_ref()).await.refuses(403, &[]);
    }
    writer.send(Method::GET, "/api/services", None).await.is(200);
}

#[tokio::test]
async fn a_token_works_until_it_is_revoked_or_expires() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let (program, token) = Program::of(&team, "read").await;
    let nobody = app.get("/api/services").await;
    assert_eq!(team.delete(&format!("/api/tokens/{}", id_of(&token))).await.status, 204);
    let answer = program.send(Method::GET, "/api/services", None).await;
    assert_eq!(answer.fingerprint(), nobody.fingerprint());
    team.delete(&format!("/api/tokens/{}", id_of(&token))).await.refuses(404, &[]);

    let end = json!({"name": "Short", "scope": "write", "expires_at": "2026-11-25T12:10:00Z"});
    let short = team.post("/api/tokens", end).await.is(201);
    let program = Program { app: app.clone(), secret: short["secret"].as_str().expect("a secret").into() };
    program.send(Method::GET, "/api/services", None).await.is(200);
    app.pass(599);
    program.send(Method::GET, "/api/services", None).await.is(200);
    app.pass(1);
    assert_eq!(program.send(Method::GET, "/api/services", None).await.fingerprint(), nobody.fingerprint());
}

#[tokio::test]
async fn r_22_disabling_a_user_closes_the_feeds_of_their_tokens_too() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let (program, _) = Program::of(&team, "read").await;
    let mut socket = port.member_feed(&Team { token: program.secret.clone(), ..team.clone() }).await;
    socket.hello().await;
    app.state.system().set_disabled(&team.email.parse().expect("an address"), true).await.expect("shut out");
    assert_eq!(socket.close_code().await, 4401);
    program.send(Method::GET, "/api/services", None).await.refuses(401, &[]);
}

#[tokio::test]
async fn the_last_use_of_a_token_is_recorded() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let (program, token) = Program::of(&team, "read").await;
    assert_eq!(token["last_used_at"], Value::Null);
    app.pass(60);
    program.send(Method::GET, "/api/services", None).await.is(200);
    assert_eq!(team.get("/api/tokens").await.is(200)[0]["last_used_at"], "2026-11-25T12:01:00.000Z");
    app.pass(299);
    program.send(Method::GET, "/api/services", None).await.is(200);
    assert_eq!(team.get("/api/tokens").await.is(200)[0]["last_used_at"], "2026-11-25T12:01:00.000Z");
}

#[tokio::test]
async fn an_invalid_token_request_is_rejected_by_its_field() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    for (body, field) in [
        (json!({"name": " "}), "name"),
        (json!({"name": "x".repeat(101)}), "name"),
        (json!({"name": "x", "scope": "admin"}), "scope"),
        (json!({"name": "x", "expires_at": NOW}), "expires_at"),
        (json!({"name": "x", "secret": "mine"}), "secret"),
        (json!({"name": "x", "created_by": "me"}), "created_by"),
    ] {
        team.post("/api/tokens", body).await.refuses(400, &[field]);
    }
    assert_eq!(team.get("/api/tokens").await.is(200), json!([]));
}

#[tokio::test]
async fn r_70_an_organization_has_at_most_fifty_tokens() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    for _ in 0..50 {
        team.post("/api/tokens", json!({"name": "x"})).await.is(201);
    }
    team.post("/api/tokens", json!({"name": "x"})).await.refuses(400, &[]);
    let first = team.get("/api/tokens").await.is(200)[0].clone();
    assert_eq!(team.delete(&format!("/api/tokens/{}", id_of(&first))).await.status, 204);
    team.post("/api/tokens", json!({"name": "x"})).await.is(201);
}

#[tokio::test]
async fn a_nearly_correct_secret_is_rejected() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let (program, _) = Program::of(&team, "read").await;
    let nobody = app.get("/api/services").await;
    for wrong in [
        "aldis_".to_owned(),
        program.secret[..48].to_owned(),
        format!("{}x", program.secret),
        program.secret.replace("aldis_", ""),
        program.secret.to_uppercase(),
        format!("aldis_{}", "' OR 1=1 --"),
    ] {
        let program = Program { app: app.clone(), secret: wrong };
        assert_eq!(program.send(Method::GET, "/api/services", None).await.fingerprint(), nobody.fingerprint());
    }
    // It is not accepted in the URL or in the cookie.
    let answer = app.get(&format!("/api/services?token={}", program.secret)).await;
    assert_eq!(answer.status, 401);
    let cookie = request(Method::GET, "/api/services").header(header::COOKIE, format!("aldis={}", program.secret));
    assert_eq!(app.send(cookie.body(Body::empty()).expect("request")).await.status, 401);
}

#[tokio::test]
async fn r_82_without_javascript_only_the_answer_to_the_form_shows_the_secret() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let mut browser = team.browser();
    let fields = [("name", "Pipeline"), ("scope", "read"), ("days", "30"), ("page", "/settings")];
    let created = browser.submit("/settings", path_to("create_api_token"), &fields).await;
    assert_eq!((created.status.as_u16(), created.header(header::CACHE_CONTROL)), (200, "no-store"));
    let found = created.text.split_once("value=\"aldis_");
    let (_, rest) = found.unwrap_or_else(|| panic!("the secret is not in its field: {}", created.text));
    let secret = format!("aldis_{}", rest.split('"').next().expect("an end"));
    let program = Program { app: team.app.clone(), secret: secret.clone() };
    program.send(Method::GET, "/api/services", None).await.is(200);
    assert_eq!(team.get("/api/tokens").await.is(200)[0]["expires_at"], "2026-12-25T12:00:00.000Z");
    let again = browser.open("/settings").await;
    assert!(again.status == 200 && again.text.contains("Pipeline") && !again.text.contains(&secret[..30]));
    let refused = browser.submit("/settings", path_to("create_api_token"), &[("name", ""), ("scope", "read")]).await;
    assert!(refused.status == 400 && refused.text.contains("This is required."));
}

#[tokio::test]
async fn admins_read_the_log_and_its_filters_are_in_the_url() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    team.service("<b>API</b>").await;
    let browser = team.browser();
    let page = browser.open("/settings/audit").await;
    assert!(page.status == 200 && page.text.contains("&lt;b&gt;API&lt;/b&gt;") && !page.text.contains("<b>API"));
    let filtered = browser.open("/settings/audit?action=organization_created").await;
    assert!(filtered.text.contains("<span>Organization created") && !filtered.text.contains("<span>Service"));
    assert_eq!(browser.open("/settings/audit?action=nonsense").await.status, 400);
}
