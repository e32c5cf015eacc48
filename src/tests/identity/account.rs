//! A user's own account: profile, password, sessions and re-authentication.

use axum::http::{Method, header};
use serde_json::{Value, json};

use crate::tests::support::{
    app::{PASSWORD, TestApp, unique},
    clients::{Answer, Browser, Team},
    endpoints::path_to,
    fixtures::session_of,
};

const NOW: &str = "2026-11-25T12:00:00Z";
const NEW: &str = "seven quiet harbours at dawn";

async fn call(browser: &mut Browser, name: &str, fields: &[(&str, &str)]) -> Answer {
    browser.call(path_to(name), fields).await
}

async fn sessions(team: &Team) -> Vec<Value> {
    let account = call(&mut team.browser(), "my_account", &[]).await.is(200);
    account["sessions"].as_array().expect("a list").clone()
}

/// The audit entries of this action.
async fn entries(team: &Team, action: &str) -> Vec<Value> {
    let entries = team.get(&format!("/api/audit?action={action}")).await.is(200);
    entries.as_array().expect("a list").clone()
}

/// The token in a browser's session cookie.
fn token_of(browser: &Browser) -> String {
    let cookie = browser.cookie.as_deref().expect("signed in");
    cookie.strip_prefix("aldis=").expect("the session's cookie").to_owned()
}

#[tokio::test]
async fn r_22_a_user_lists_their_sessions_and_ends_them_one_by_one() {
    let app = TestApp::at(NOW).await;
    let first = app.register("Acme").await;
    app.pass(60);
    let (second, third) = (first.log_in_again().await, first.log_in_again().await);
    let listed = sessions(&second).await;
    assert_eq!(listed.len(), 3);
    assert_eq!((&listed[0]["id"], &listed[0]["is_current"]), (&json!(session_of(&second.token)), &json!(true)));
    assert!(listed[1..].iter().all(|session| session["is_current"] == false), "{listed:?}");
    assert_eq!(listed[0]["ip"], "0.0.0.0");
    assert!(!call(&mut second.browser(), "my_account", &[]).await.text.contains("hash"));

    let fields = [("id", session_of(&third.token))];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, id)| (*name, id.as_str())).collect();
    call(&mut second.browser(), "revoke_session", &fields).await.is(200);
    third.get("/api/auth/me").await.refuses(401, &[]);
    first.get("/api/auth/me").await.is(200);
    call(&mut second.browser(), "revoke_session", &fields).await.refuses(404, &[]);
    assert_eq!(entries(&second, "session_revoked").await.len(), 1);

    call(&mut second.browser(), "revoke_other_sessions", &[]).await.is(200);
    first.get("/api/auth/me").await.refuses(401, &[]);
    assert_eq!(sessions(&second).await.len(), 1);
    // There is no other session left to end, and nothing to audit.
    call(&mut second.browser(), "revoke_other_sessions", &[]).await.is(200);
    assert_eq!(entries(&second, "session_revoked").await.len(), 2);
}

#[tokio::test]
async fn expired_sessions_are_not_listed() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    app.pass(7 * 86_400);
    assert_eq!(sessions(&team.log_in_again().await).await.len(), 1);
}

#[tokio::test]
async fn a_change_of_name_is_audited() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    call(&mut team.browser(), "change_name", &[("name", " ")]).await.refuses(400, &["name"]);
    call(&mut team.browser(), "change_name", &[("name", "Ada King")]).await;
    assert_eq!(team.get("/api/auth/me").await.is(200)["user"]["name"], "Ada King");
    let entry = &entries(&team, "profile_changed").await[0];
    assert_eq!(entry["changes"]["name"], json!({"from": "Ada Lovelace", "to": "Ada King"}));
}

#[tokio::test]
async fn r_23_the_email_is_changed_only_with_the_password_and_if_it_is_free() {
    let app = TestApp::at(NOW).await;
    let (ada, eve) = (app.register("Ada").await, app.register("Eve").await);
    let fresh = format!("{}@example.com", unique("new"));
    let mut browser = ada.browser();
    let mut change = async |email: &str, password: &str| {
        call(&mut browser, "change_email", &[("email", email), ("password", password)]).await
    };
    change(&fresh, "").await.refuses(400, &["password"]);
    change(&fresh, "wrong, and long enough").await.refuses(400, &["password"]);
    change("nonsense", PASSWORD).await.refuses(400, &["email"]);
    change(&eve.email, PASSWORD).await.refuses(409, &["email"]);
    assert_eq!(change(&fresh.to_uppercase(), PASSWORD).await.status, 200);
    assert_eq!(ada.get("/api/auth/me").await.is(200)["user"]["email"], fresh);
    app.post("/api/auth/login", &json!({"email": ada.email, "password": PASSWORD})).await.refuses(401, &[]);
    app.post("/api/auth/login", &json!({"email": fresh, "password": PASSWORD})).await.is(200);
}

#[tokio::test]
async fn r_22_a_new_password_ends_every_session_and_replaces_the_current_one() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let other = team.log_in_again().await;
    let mut browser = team.browser();
    for (old, new, field) in [
        ("", NEW, "password"),
        ("wrong, and long enough", NEW, "password"),
        (PASSWORD, "short", "new_password"),
        (PASSWORD, "password1234", "new_password"),
        (PASSWORD, PASSWORD, "new_password"),
    ] {
        call(&mut browser, "change_password", &[("password", old), ("new_password", new)]).await.refuses(400, &[field]);
    }
    other.get("/api/auth/me").await.is(200);

    let answer = call(&mut browser, "change_password", &[("password", PASSWORD), ("new_password", NEW)]).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (200, "/account?saved=password"));
    let here = Team { token: token_of(&browser), ..team.clone() };
    assert_ne!(session_of(&here.token), session_of(&team.token));
    for ended in [&team, &other] {
        ended.get("/api/auth/me").await.refuses(401, &[]);
    }
    assert_eq!(sessions(&here).await.len(), 1);
    assert_eq!(entries(&here, "password_changed").await.len(), 1);
    app.post("/api/auth/login", &json!({"email": team.email, "password": PASSWORD})).await.refuses(401, &[]);
    app.post("/api/auth/login", &json!({"email": team.email, "password": NEW})).await.is(200);
}

#[tokio::test]
async fn r_27_a_stolen_session_cannot_be_used_to_guess_the_password() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for _ in 0..5 {
        call(&mut team.browser(), "confirm_password", &[("password", "a guess")]).await.refuses(400, &["password"]);
    }
    call(&mut team.browser(), "confirm_password", &[("password", "a guess")]).await.refuses(429, &[]);
}

#[tokio::test]
async fn r_27_failed_logins_of_strangers_do_not_block_reauthentication() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let login = |password: &str| json!({"email": team.email, "password": password});
    for _ in 0..5 {
        app.post("/api/auth/login", &login("a guess")).await.refuses(401, &[]);
    }
    app.post("/api/auth/login", &login(PASSWORD)).await.refuses(429, &[]);
    let answer = call(&mut team.browser(), "confirm_password", &[("password", PASSWORD)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // It does not help the strangers either.
    app.post("/api/auth/login", &login(PASSWORD)).await.refuses(429, &[]);
}

#[tokio::test]
async fn r_23_sensitive_operations_require_reauthentication_after_fifteen_minutes() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let token = json!({"name": "Pipeline"});
    app.pass(899);
    let created = team.post("/api/tokens", token.clone()).await.is(201);
    app.pass(1);
    let refusal = team.post("/api/tokens", token.clone()).await.refuses(403, &[]);
    assert_eq!(refusal["code"], "confirm_password");
    let created = format!("/api/tokens/{}", created["id"].as_str().expect("an id"));
    team.delete(&created).await.refuses(403, &[]);
    call(&mut team.browser(), "begin_second_factor", &[]).await.refuses(403, &[]);
    // Other operations continue to work.
    team.service("API").await;
    team.get("/api/tokens").await.is(200);

    let mut browser = team.browser();
    let page = browser.submit("/account", path_to("begin_second_factor"), &[("page", "/account")]).await;
    assert_eq!(page.status, 403);
    assert!(page.text.contains("/confirm?next=%2Faccount"), "{}", page.text);
    let fields = [("password", PASSWORD), ("next", "/account")];
    let answer = browser.submit("/confirm?next=%2Faccount", path_to("confirm_password"), &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/account"));
    team.post("/api/tokens", token).await.is(201);
    assert_eq!(team.delete(&created).await.status, 204);
    let fields = [("password", PASSWORD), ("next", "//evil.test")];
    let answer = browser.submit("/confirm", path_to("confirm_password"), &fields).await;
    assert_eq!(answer.header(header::LOCATION), "/dashboard");
}

#[tokio::test]
async fn r_23_a_short_session_ends_with_the_browser_or_after_twelve_hours() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let fields = [("email", team.email.as_str()), ("password", PASSWORD)];
    let mut browser = app.browser();
    let answer = browser.submit("/login", path_to("login"), &fields).await;
    assert!(!answer.header(header::SET_COOKIE).contains("Max-Age"), "{}", answer.header(header::SET_COOKIE));
    app.pass(12 * 3600 - 1);
    assert_eq!(browser.open("/dashboard").await.status, 200);
    app.pass(12 * 3600);
    assert_eq!(browser.open("/dashboard").await.status, 303);
    let fields = [("email", team.email.as_str()), ("password", PASSWORD), ("lasting", "on")];
    let answer = browser.submit("/login", path_to("login"), &fields).await;
    assert!(answer.header(header::SET_COOKIE).contains("Max-Age=2592000"));
    app.pass(12 * 3600);
    assert_eq!(browser.open("/dashboard").await.status, 200);
}

#[tokio::test]
async fn the_page_shows_the_account_and_its_forms_work_without_javascript() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let other = team.log_in_again().await;
    let mut browser = team.browser();
    let page = browser.open("/account").await;
    assert_eq!(page.status, 200);
    for part in ["Your account", &team.email, "this session", "Revoke all other sessions", "Change password"] {
        assert!(page.text.contains(part), "{part}");
    }
    let id = session_of(&other.token);
    let answer = browser.submit("/account", path_to("revoke_session"), &[("id", &id), ("page", "/account")]).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/account"));
    other.get("/api/auth/me").await.refuses(401, &[]);
    let fields = [("password", PASSWORD), ("new_password", NEW), ("page", "/account")];
    let answer = browser.submit("/account", path_to("change_password"), &fields).await;
    let saved = "/account?saved=password";
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, saved));
    assert!(browser.open(saved).await.text.contains("Password changed."));
    assert!(!browser.open("/account").await.text.contains("Password changed"));
    // A refusal has the last word.
    let fields = [("name", ""), ("page", "/account?saved=name")];
    let refused = browser.submit("/account?saved=name", path_to("change_name"), &fields).await;
    assert!(refused.status == 400 && !refused.text.contains("Name saved."), "{}", refused.text);
    assert_eq!(team.browser().open("/account").await.status, 303);
}

#[tokio::test]
async fn a_signed_in_user_sent_to_the_login_returns_to_the_page() {
    let team = TestApp::open().await.register("Acme").await;
    for (at, leads_to) in [
        ("/login?next=%2Faccount", "/account"),
        ("/login?next=%2F%2Fevil.test", "/dashboard"),
        ("/login", "/dashboard"),
    ] {
        let answer = team.browser().open(at).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, leads_to), "{at}");
    }
}

#[tokio::test]
async fn r_22_a_disabled_user_loses_every_session_and_may_return_when_enabled() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let email = team.email.parse().expect("an address");
    let login = json!({"email": team.email, "password": PASSWORD});
    let wrong = json!({"email": team.email, "password": "wrong, and long enough"});
    app.state.system().set_disabled(&email, true).await.expect("disabled");
    team.get("/api/auth/me").await.refuses(401, &[]);
    let refusal = app.post("/api/auth/login", &login).await;
    assert_eq!(refusal.fingerprint(), app.post("/api/auth/login", &wrong).await.fingerprint());
    app.state.system().set_disabled(&email, false).await.expect("enabled");
    let back = team.log_in_again().await;
    assert_eq!(entries(&back, "person_disabled").await.len(), 1);
    assert_eq!(entries(&back, "person_enabled").await.len(), 1);
    let nobody = "nobody@example.com".parse().expect("an address");
    assert!(app.state.system().set_disabled(&nobody, true).await.is_err());
    assert_eq!(back.send(Method::POST, "/api/auth/logout").await.status, 204);
}
