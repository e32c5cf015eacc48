//! Rate limits and concurrency limits per caller: live feeds, messages, requests.

use axum::http::{HeaderName, header};
use futures::SinkExt;
use serde_json::json;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    server::Relay,
    tests::support::{
        app::{TestApp, pretended, request},
        clients::{TIMEOUT, Team, form, path_of},
        endpoints::path_to,
        sockets::Port,
    },
};

const FORWARDED: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Status and `Retry-After` of a refused live feed.
async fn refusal(port: Port, team: &Team, headers: &[(HeaderName, &str)]) -> (u16, String) {
    let path = format!("/api/public/{}/live", team.slug);
    let refused = port.connect(&path, headers).await.expect_err("refused");
    let wait = refused.headers().get(header::RETRY_AFTER).map(|value| value.to_str().expect("text").to_owned());
    (refused.status().as_u16(), wait.unwrap_or_default())
}

#[tokio::test]
async fn r_41_live_feeds_are_limited_per_address_and_a_refusal_has_retry_after() {
    let app = TestApp::with(&["--trusted-proxies", "127.0.0.1", "--sockets-per-ip", "2"]).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let path = format!("/api/public/{}/live", team.slug);
    let (home, other) = ([(FORWARDED, "203.0.113.9")], [(FORWARDED, "203.0.113.10")]);
    let mut open = Vec::new();
    for _ in 0..2 {
        open.push(port.connect(&path, &home).await.expect("room"));
    }
    assert_eq!(refusal(port, &team, &home).await, (503, "30".into()));
    // A made-up address further left changes nothing.
    assert_eq!(refusal(port, &team, &[(FORWARDED, "198.51.100.1, 203.0.113.9")]).await.0, 503);
    port.connect(&path, &other).await.expect("another address").hello().await;
    open.pop().expect("one").stream().close(None).await.expect("closed");
    let room = async { while port.connect(&path, &home).await.is_err() {} };
    timeout(TIMEOUT, room).await.expect("the permit is free again");
}

#[tokio::test]
async fn r_41_a_person_has_at_most_ten_live_feeds() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    let mut tabs = Vec::new();
    for _ in 0..10 {
        tabs.push(port.member_feed(&team).await);
    }
    let bearer = format!("Bearer {}", team.token);
    assert_eq!(port.refuses("/api/live", &[(header::AUTHORIZATION, &bearer)]).await, 503);
    port.member_feed(&other).await.hello().await;
    port.public_feed(&team, None).await.hello().await;
}

#[tokio::test]
async fn r_41_a_reader_that_sends_too_much_is_disconnected() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let mut reader = port.public_feed(&team, None).await;
    reader.hello().await;
    for _ in 0..11 {
        let _ = reader.stream().send(Message::text("{}")).await;
    }
    assert_eq!(reader.close_code().await, 1008);
}

#[tokio::test]
async fn r_70_api_requests_and_forms_are_limited_per_minute() {
    let app = TestApp::build(&["--api-rate", "20"], pretended("2026-03-01T12:00:00Z"), Relay::none()).await;
    let team = app.register("Acme").await;
    let status = format!("/api/public/{}/status", team.slug);
    // The first request with a token counts towards the address: the token is not known to be valid yet.
    team.get("/api/services").await.is(200);
    for _ in 0..18 {
        app.get(&status).await.is(200);
    }
    let refused = app.get(&status).await;
    assert_eq!(refused.refuses(429, &[])["code"], "too_many_requests");
    assert_eq!(refused.header(header::RETRY_AFTER), "60");
    // Made-up tokens count towards the address; pages are not counted.
    let builder = request(axum::http::Method::GET, &status).header(header::AUTHORIZATION, "Bearer made-up");
    app.send(builder.body(axum::body::Body::empty()).expect("request")).await.refuses(429, &[]);
    app.post("/api/auth/login", &json!({"email": "a@example.com", "password": "x"})).await.refuses(429, &[]);
    assert_eq!(app.get(&format!("/public/{}", team.slug)).await.status, 200);
    // A known caller has a limit of their own, for the API and forms together.
    for _ in 0..10 {
        team.get("/api/services").await.is(200);
    }
    for _ in 0..9 {
        team.browser().call(path_to("add_group"), &[("name", "Core")]).await.is(200);
    }
    team.get("/api/services").await.refuses(429, &[]);
    let builder = request(axum::http::Method::POST, path_to("add_group"))
        .header(header::COOKIE, format!("aldis={}", team.token))
        .header("sec-fetch-site", "same-origin")
        .header(header::ACCEPT, "text/html");
    let page = app.send(form(builder, &[("name", "Core"), ("page", "/services")])).await;
    assert_eq!(page.status, 429, "{}", page.text);
    app.pass(60);
    team.get("/api/services").await.is(200);
    app.get(&status).await.is(200);
}

#[tokio::test]
async fn r_70_a_token_counts_towards_its_person_however_it_is_spelled_but_only_as_bearer() {
    let app = TestApp::build(&["--api-rate", "5"], pretended("2026-03-01T12:00:00Z"), Relay::none()).await;
    let team = app.register("Acme").await;
    for _ in 0..4 {
        team.get("/api/services").await.is(200);
    }
    let with = async |scheme: &str| {
        let request = request(axum::http::Method::GET, "/api/services")
            .header(header::AUTHORIZATION, format!("{scheme}{}", team.token));
        app.send(request.body(axum::body::Body::empty()).expect("request")).await
    };
    with("Basic ").await.refuses(401, &[]);
    with("bearer \t  ").await.is(200);
    with("Bearer  ").await.refuses(429, &[]);
    team.get("/api/services").await.refuses(429, &[]);
}

#[tokio::test]
async fn r_70_a_history_covers_at_most_400_days() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let path = format!("{}/history", path_of(&team.service("API").await));
    for (query, is_fine) in [
        ("from=2025-02-01T00:00:00Z", true),
        ("from=2025-01-01T00:00:00Z", false),
        ("from=2020-01-01T00:00:00Z&to=2021-01-01T00:00:00Z", true),
        ("from=2020-01-01T00:00:00Z&to=2021-03-01T00:00:00Z", false),
        ("to=2021-03-01T00:00:00Z", true),
    ] {
        let answer = team.get(&format!("{path}?{query}")).await;
        if is_fine {
            answer.is(200);
        } else {
            answer.refuses(400, &["from"]);
        }
    }
}

#[tokio::test]
async fn an_unknown_service_is_reported_at_its_field() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let nobodys = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    for (field, value) in [
        ("service_id", json!(nobodys)),
        ("service_ids", json!([nobodys])),
        ("services", json!([{"id": nobodys, "status": "degraded"}])),
    ] {
        let mut new = json!({"title": "Down"});
        new[field] = value;
        team.post("/api/incidents", new).await.refuses(404, &[field]);
    }
}
