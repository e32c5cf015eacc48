//! Sessions: expiry, logout and the session cookie.

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::json;

use crate::tests::support::{
    app::{PASSWORD, TestApp, request, unique},
    clients::{Browser, Team, form},
    endpoints::path_to,
};

const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn logging_out_ends_this_session_at_once_and_no_other() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let login = json!({"email": team.email, "password": PASSWORD});
    let second = Team::of(app.clone(), &app.post("/api/auth/login", &login).await.is(200));
    assert!(team.post("/api/auth/logout", json!({})).await.is(204).is_null());
    team.get("/api/auth/me").await.refuses(401, &[]);
    team.post("/api/auth/logout", json!({})).await.refuses(401, &[]);
    team.put("/api/services/x", json!({})).await.refuses(401, &[]);
    team.browser().call(path_to("me"), &[]).await.refuses(401, &[]);
    assert_eq!(team.browser().open("/dashboard").await.status, 303);
    second.get("/api/auth/me").await.is(200);
}

#[tokio::test]
async fn r_23_a_session_ends_after_seven_days_without_use() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let (used, idle) = (app.register("Used").await, app.register("Idle").await);
    app.pass(7 * DAY - 1);
    used.get("/api/auth/me").await.is(200);
    app.pass(1);
    idle.get("/api/auth/me").await.refuses(401, &[]);
    app.pass(7 * DAY - 2);
    used.get("/api/auth/me").await.is(200);
    app.pass(7 * DAY);
    used.get("/api/auth/me").await.refuses(401, &[]);
}

#[tokio::test]
async fn r_23_a_session_ends_after_thirty_days_even_if_used() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    for _ in 0..29 {
        app.pass(DAY);
        team.get("/api/auth/me").await.is(200);
    }
    app.pass(DAY - 1);
    team.get("/api/auth/me").await.is(200);
    app.pass(1);
    team.get("/api/auth/me").await.refuses(401, &[]);
    team.browser().call(path_to("me"), &[]).await.refuses(401, &[]);
    // The user can log in again.
    app.post("/api/auth/login", &json!({"email": team.email, "password": PASSWORD})).await.is(200);
}

/// Logs in through the form and returns the cookie with its attributes, in lower case.
async fn cookie_of(app: &TestApp, browser: &mut Browser) -> (String, Vec<String>) {
    let team = app.register("Acme").await;
    let fields = [("email", team.email.as_str()), ("password", PASSWORD), ("lasting", "on")];
    let answer = browser.submit("/login", path_to("login"), &fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    assert_eq!(answer.header(header::LOCATION), "/dashboard");
    let cookies: Vec<_> = answer.headers.get_all(header::SET_COOKIE).iter().collect();
    assert_eq!(cookies.len(), 1);
    let mut parts = cookies[0].to_str().expect("text").split("; ").map(str::to_ascii_lowercase);
    let name = parts.next().expect("a pair").split('=').next().expect("a name").to_owned();
    let mut attributes: Vec<String> = parts.collect();
    attributes.sort();
    (name, attributes)
}

#[tokio::test]
async fn r_21_the_cookie_is_http_only_and_same_site() {
    let app = TestApp::open().await;
    let (name, attributes) = cookie_of(&app, &mut app.browser()).await;
    assert_eq!(name, "aldis");
    assert_eq!(attributes, ["httponly", "max-age=2592000", "path=/", "samesite=lax"]);
}

#[tokio::test]
async fn r_21_over_tls_the_cookie_is_secure_and_bound_to_its_host() {
    let app = TestApp::with(&["--public-url", "https://status.example.com"]).await;
    let mut browser = Browser { origin: "https://status.example.com".to_owned(), ..app.browser() };
    let (name, attributes) = cookie_of(&app, &mut browser).await;
    assert_eq!(name, "__host-aldis");
    assert_eq!(attributes, ["httponly", "max-age=2592000", "path=/", "samesite=lax", "secure"]);
    let dashboard = browser.open("/dashboard").await;
    assert_eq!(dashboard.status, 200, "{}", dashboard.text);
    // A cookie without the `__Host-` prefix is ignored.
    browser.cookie = browser.cookie.map(|cookie| cookie.replace("__Host-", ""));
    assert_eq!(browser.open("/dashboard").await.status, 303);
}

#[tokio::test]
async fn logging_out_deletes_the_cookie_and_ends_its_session() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let mut browser = team.browser();
    let answer = browser.submit("/dashboard", path_to("logout"), &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/"));
    let cookie = answer.header(header::SET_COOKIE);
    assert!(cookie.starts_with("aldis=;") && cookie.contains("Max-Age=0"), "{cookie}");
    assert_eq!(browser.cookie, None);
    team.get("/api/auth/me").await.refuses(401, &[]);
    // Logging out again is not an error.
    assert_eq!(browser.submit("/", path_to("logout"), &[]).await.status, 303);
}

#[tokio::test]
async fn the_rest_api_sets_no_cookie() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let answer = app.post("/api/auth/login", &json!({"email": team.email, "password": PASSWORD})).await;
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
}

#[tokio::test]
async fn a_request_with_a_bearer_token_is_authenticated_by_it_alone() {
    let app = TestApp::open().await;
    let (ada, eve) = (app.register("Ada").await, app.register("Eve").await);
    for (authorization, expected) in [
        (format!("Bearer {}", eve.token), Some(&eve)),
        (format!("bEaReR   {}", eve.token), Some(&eve)),
        ("Bearer nonsense".to_owned(), None),
        ("Bearer".to_owned(), None),
        ("Bearer ".to_owned(), None),
        ("Basic YWRhOmFkYQ==".to_owned(), None),
        (eve.token.clone(), None),
        (format!("Token {}", eve.token), None),
    ] {
        let request = request(Method::GET, "/api/auth/me")
            .header(header::AUTHORIZATION, &authorization)
            .header(header::COOKIE, format!("aldis={}", ada.token));
        let answer = app.send(request.body(Body::empty()).expect("request")).await;
        match expected {
            Some(team) => assert_eq!(answer.is(200)["user"], team.user, "{authorization}"),
            None => _ = answer.refuses(401, &[]),
        }
    }
}

#[tokio::test]
async fn r_37_a_login_redirects_only_to_own_paths() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    for (next, leads_to) in [
        ("/services", "/services"),
        ("/services/1?before=2", "/services/1?before=2"),
        ("", "/dashboard"),
        ("https://evil.test/", "/dashboard"),
        ("//evil.test", "/dashboard"),
        ("/\\evil.test", "/dashboard"),
        ("\\\\evil.test", "/dashboard"),
        ("javascript:alert(1)", "/dashboard"),
        ("/\t/evil.test", "/dashboard"),
        ("/\r\nSet-Cookie: x=y", "/dashboard"),
        (" //evil.test", "/dashboard"),
    ] {
        let fields = [("email", team.email.as_str()), ("password", PASSWORD), ("next", next)];
        let answer = app.browser().submit("/login", path_to("login"), &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, leads_to), "{next:?}");
    }
}

#[tokio::test]
async fn a_referer_of_another_site_is_ignored() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let name = unique("Group");
    for referer in
        ["https://evil.test/", "http://127.0.0.1:3000.evil.test/x", "nonsense", "http://127.0.0.1:3000//evil.test"]
    {
        let builder = request(Method::POST, path_to("add_group"))
            .header(header::ACCEPT, "text/html")
            .header(header::REFERER, referer)
            .header(header::COOKIE, format!("aldis={}", team.token))
            .header("sec-fetch-site", "same-origin");
        let answer = app.send(form(builder, &[("name", &name)])).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/"), "{referer}");
    }
}
