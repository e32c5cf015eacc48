//! Registration and login, and their rate limits.

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use crate::{
    server::Relay,
    tests::support::{
        app::{PASSWORD, TestApp, pretended, registration, request, unique, with_json},
        clients::Team,
        endpoints::path_to,
    },
};

const REGISTER: &str = "/api/auth/register";
const LOGIN: &str = "/api/auth/login";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_registration_returns_a_token_the_user_and_the_organization() {
    let app = TestApp::open().await;
    let name = unique("Acme Cloud");
    let mut form = registration(&name);
    form.as_object_mut().expect("an object").remove("slug");
    let answer = app.post(REGISTER, &form).await.is(201);
    assert_eq!(keys(&answer), ["access_token", "expires_at", "organization", "token_type", "user"]);
    assert_eq!(keys(&answer["user"]), ["created_at", "email", "id", "name", "organization_id", "role"]);
    assert_eq!(keys(&answer["organization"]), ["created_at", "id", "name", "slug"]);
    assert_eq!(answer["organization"]["name"], name);
    assert_eq!(answer["organization"]["slug"], name.to_lowercase().replace(' ', "-"));
    assert_eq!(answer["user"]["organization_id"], answer["organization"]["id"]);
    assert_eq!(answer["user"]["role"], "admin");
    assert_eq!(answer["user"]["email"], form["email"]);
    assert!(!answer.to_string().contains(PASSWORD));
    let team = Team::of(app, &answer);
    let me = team.get("/api/auth/me").await.is(200);
    assert_eq!(keys(&me), ["organization", "user"]);
    assert_eq!((&me["user"], &me["organization"]), (&answer["user"], &answer["organization"]));
    assert_eq!(team.public("status").await["organization"]["name"], name);
}

#[tokio::test]
async fn a_taken_page_address_is_a_conflict_on_its_field() {
    let app = TestApp::open().await;
    let team = app.register("First").await;
    let mut form = registration("Second");
    form["slug"] = json!(team.slug);
    app.post(REGISTER, &form).await.refuses(409, &["slug"]);
    // The user was not created either.
    form["slug"] = json!(unique("second"));
    app.post(REGISTER, &form).await.is(201);
}

#[tokio::test]
async fn a_taken_email_is_a_conflict_and_nothing_is_written() {
    let app = TestApp::open().await;
    let team = app.register("First").await;
    let mut form = registration("Second");
    let email = form["email"].clone();
    form["email"] = json!(team.email.to_uppercase());
    app.post(REGISTER, &form).await.refuses(409, &["email"]);
    let slug = form["slug"].as_str().expect("text").to_owned();
    app.get(&format!("/api/public/{slug}/status")).await.refuses(404, &[]);
    app.get(&format!("/public/{slug}")).await.status.is_client_error().then_some(()).expect("no page");
    form["email"] = email;
    app.post(REGISTER, &form).await.is(201);
}

#[tokio::test]
async fn every_invalid_field_of_a_registration_is_named() {
    let app = TestApp::open().await;
    let long = "x".repeat(101);
    let cases = [
        ("organization_name", json!("")),
        ("organization_name", json!("   ")),
        ("organization_name", json!(long)),
        ("organization_name", json!("evil\u{202e}eman")),
        ("organization_name", json!(7)),
        ("name", json!("")),
        ("name", json!(long)),
        ("name", json!("two\nlines")),
        ("name", json!(["Ada"])),
        ("slug", json!("ab")),
        ("slug", json!("Upper")),
        ("slug", json!("-lead")),
        ("slug", json!("trail-")),
        ("slug", json!("dou--ble")),
        ("slug", json!("with space")),
        ("slug", json!("../etc")),
        ("slug", json!("umläut")),
        ("slug", json!("x".repeat(49))),
        ("slug", json!("api")),
        ("slug", json!("login")),
        ("slug", json!("public")),
        ("slug", json!(42)),
        ("email", json!("")),
        ("email", json!("ada")),
        ("email", json!("ada@example.com\r\nBcc: eve@example.com")),
        ("email", json!(format!("{}@example.com", "x".repeat(250)))),
        ("email", json!(null)),
        ("password", json!("short")),
        ("password", json!("x".repeat(129))),
        ("password", json!("password1234")),
        ("password", json!("")),
        ("password", json!({"$ne": ""})),
        ("role", json!("admin")),
        ("organization_id", json!("00000000-0000-0000-0000-000000000000")),
        ("created_at", json!("2026-01-01T00:00:00Z")),
    ];
    for (field, value) in cases {
        let mut form = registration("Wrong");
        form[field] = value;
        app.post(REGISTER, &form).await.refuses(400, &[field]);
    }
    let all = json!({"organization_name": "", "name": "", "email": "", "password": "", "slug": "ab"});
    app.post(REGISTER, &all).await.refuses(400, &["email", "name", "organization_name", "password", "slug"]);
}

#[tokio::test]
async fn a_name_that_gives_no_page_address_asks_for_one() {
    let app = TestApp::open().await;
    for name in ["日本語", "!!", "API"] {
        let mut form = registration(name);
        form["slug"] = Value::Null;
        app.post(REGISTER, &form).await.refuses(400, &["slug"]);
    }
}

#[tokio::test]
async fn an_invalid_body_is_refused_with_a_message() {
    let app = TestApp::open().await;
    let good = registration("Good").to_string();
    let deep = format!(r#"{{"name": {}{}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    let large = json!({"name": "x".repeat(256 * 1024)}).to_string();
    let twice = good.replacen('{', r#"{"slug": "other","#, 1);
    let trailing = format!("{good} {good}");
    for (status, kind, body) in [
        (400, "application/json", ""),
        (400, "application/json", "{"),
        (400, "application/json", "[]"),
        (400, "application/json", "null"),
        (400, "application/json", "\"text\""),
        (400, "application/json", "{}"),
        (400, "application/json", trailing.as_str()),
        (400, "application/json; charset=utf-8", deep.as_str()),
        (400, "application/json", twice.as_str()),
        (413, "application/json", large.as_str()),
        (415, "text/plain", good.as_str()),
        (415, "application/x-www-form-urlencoded", "name=Ada"),
        (415, "multipart/form-data; boundary=x", good.as_str()),
        (415, "application/jsonp", good.as_str()),
        (415, "", good.as_str()),
    ] {
        let builder = request(Method::POST, REGISTER).header(header::CONTENT_TYPE, kind);
        let answer = app.send(builder.body(Body::from(body.to_owned())).expect("request")).await;
        let error = answer.is(status);
        assert!(error["error"].as_str().is_some_and(|text| text.len() > 10), "{kind}: {error}");
        assert!(answer.text.len() < 1000, "{kind} answers with {} bytes", answer.text.len());
    }
    let invalid = request(Method::POST, REGISTER).header(header::CONTENT_TYPE, "application/json");
    let answer = app.send(invalid.body(Body::from(vec![b'"', 0xff, 0xfe, b'"'])).expect("request")).await;
    answer.is(400);
}

#[tokio::test]
async fn a_login_returns_what_a_registration_does_and_ignores_the_case_of_the_email() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let answer = app.post(LOGIN, &json!({"email": team.email.to_uppercase(), "password": PASSWORD})).await.is(200);
    assert_eq!((&answer["user"], &answer["organization"]), (&team.user, &team.organization));
    assert_ne!(answer["access_token"], team.token, "each login opens its own session");
    Team::of(app, &answer).get("/api/auth/me").await.is(200);
}

#[tokio::test]
async fn r_26_an_unknown_email_and_a_wrong_password_get_the_same_answer() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let wrong = app.post(LOGIN, &json!({"email": team.email, "password": "not the right password"})).await;
    let unknown =
        app.post(LOGIN, &json!({"email": format!("{}@example.com", unique("eve")), "password": PASSWORD})).await;
    wrong.refuses(401, &[]);
    assert_eq!(wrong.fingerprint(), unknown.fingerprint());
}

#[tokio::test]
async fn an_invalid_login_names_its_fields() {
    let app = TestApp::open().await;
    app.post(LOGIN, &json!({"email": "", "password": ""})).await.refuses(400, &["email", "password"]);
    app.post(LOGIN, &json!({"email": "a@b.c", "password": "x".repeat(2000)})).await.refuses(400, &["password"]);
    app.post(LOGIN, &json!({"email": "a@b.c", "password": "x", "next": "/"})).await.refuses(400, &["next"]);
}

#[tokio::test]
async fn r_27_an_account_pauses_after_five_wrong_passwords_and_so_does_an_unknown_one() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let unknown = format!("{}@example.com", unique("nobody"));
    for email in [&team.email, &unknown] {
        let wrong = json!({"email": email, "password": "not the right password"});
        for _ in 0..5 {
            app.post(LOGIN, &wrong).await.refuses(401, &[]);
        }
        let paused = app.post(LOGIN, &wrong).await;
        paused.refuses(429, &[]);
        assert_eq!(paused.header(header::RETRY_AFTER), "1");
    }
    let right = json!({"email": team.email, "password": PASSWORD});
    app.post(LOGIN, &right).await.refuses(429, &[]);
    app.browser().call(path_to("login"), &[("email", &team.email), ("password", PASSWORD)]).await.refuses(429, &[]);
    app.pass(1);
    app.post(LOGIN, &right).await.is(200);
    // The right password has cleared the account.
    app.post(LOGIN, &json!({"email": team.email, "password": "wrong once more"})).await.refuses(401, &[]);
}

#[tokio::test]
async fn r_27_all_ways_to_sign_in_share_the_attempts_of_an_ip_address() {
    let app = TestApp::build(&["--auth-rate", "3"], pretended("2026-03-01T12:00:00Z"), Relay::none()).await;
    let team = app.register("Acme").await;
    app.browser().call(path_to("login"), &[("email", &team.email), ("password", "a wrong password")]).await.is(401);
    app.post(LOGIN, &json!({"email": team.email, "password": PASSWORD})).await.is(200);
    app.pass(15);
    for answer in [
        app.post(LOGIN, &json!({"email": team.email, "password": PASSWORD})).await,
        app.post(REGISTER, &registration("Other")).await,
        app.browser().call(path_to("login"), &[("email", &team.email), ("password", PASSWORD)]).await,
    ] {
        answer.refuses(429, &[]);
        assert_eq!(answer.json()["retry_after"], 45);
    }
    // Open sessions continue, and an invalid form does not count.
    team.get("/api/auth/me").await.is(200);
    app.post(REGISTER, &json!({"name": ""})).await.is(400);
    app.pass(45);
    app.post(LOGIN, &json!({"email": team.email, "password": PASSWORD})).await.is(200);
}

#[tokio::test]
async fn r_71_a_forwarded_address_counts_only_behind_a_trusted_proxy() {
    let app = TestApp::with(&["--auth-rate", "1"]).await;
    let team = app.register("Acme").await;
    let login = json!({"email": team.email, "password": PASSWORD});
    let builder = request(Method::POST, LOGIN).header("x-forwarded-for", "203.0.113.7");
    app.send(with_json(builder, &login)).await.refuses(429, &[]);
}

#[tokio::test]
async fn closed_registration_is_refused_by_every_endpoint() {
    let app = TestApp::with(&["--registration", "closed"]).await;
    app.post(REGISTER, &registration("Acme")).await.refuses(403, &[]);
    let slug = unique("closed");
    let email = format!("{slug}@example.com");
    let fields =
        [("organization_name", "Acme"), ("slug", &slug), ("name", "Ada"), ("email", &email), ("password", PASSWORD)];
    app.browser().call(path_to("register"), &fields).await.refuses(403, &[]);
    app.get(&format!("/api/public/{slug}/status")).await.refuses(404, &[]);
}

#[tokio::test]
async fn no_page_links_to_closed_registration() {
    let (open, closed) = (TestApp::open().await, TestApp::with(&["--registration", "closed"]).await);
    for page in ["/", "/login"] {
        assert!(open.get(page).await.text.contains("href=\"/register\""), "{page}");
        assert!(!closed.get(page).await.text.contains("href=\"/register\""), "{page}");
    }
    assert!(open.get("/register").await.text.contains("name=\"organization_name\""));
    let page = closed.get("/register").await;
    assert!(page.text.contains("Registration is closed.") && !page.text.contains("name=\"organization_name\""));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_11_of_fifty_registrations_of_one_address_one_wins() {
    let app = TestApp::open().await;
    for shared in ["slug", "email"] {
        let one = registration("Race");
        let tasks = (0..50).map(|_| {
            let (app, mut form) = (app.clone(), registration("Race"));
            form[shared] = one[shared].clone();
            tokio::spawn(async move { (form["slug"].clone(), app.post(REGISTER, &form).await) })
        });
        let answers = futures::future::join_all(tasks).await;
        let mut won = Vec::new();
        for answer in answers {
            match answer.expect("ran to its end") {
                (slug, answer) if answer.status == 201 => {
                    assert_eq!(answer.json()["organization"]["slug"], slug);
                    won.push(slug);
                }
                // The queue of passwords to be hashed is limited.
                (_, answer) if answer.status == 503 => _ = answer.refuses(503, &[]),
                (_, answer) => _ = answer.refuses(409, &[shared]),
            }
        }
        assert_eq!(won.len(), 1, "{shared}");
        let path = format!("/api/public/{}/status", won[0].as_str().expect("text"));
        assert_eq!(app.get(&path).await.is(200)["organization"]["name"], "Race");
    }
}

#[tokio::test]
async fn a_reset_password_ends_every_session_and_is_the_only_one_that_works() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let login = json!({"email": team.email, "password": PASSWORD});
    let second = Team::of(app.clone(), &app.post(LOGIN, &login).await.is(200));
    let other = app.register("Bystander").await;
    let hash = app.state.hash("another quiet harbour 12").await;
    app.state.system().reset_password(&team.email.parse().expect("email"), hash).await.expect("reset");
    for session in [&team, &second] {
        session.get("/api/auth/me").await.refuses(401, &[]);
    }
    other.get("/api/auth/me").await.is(200);
    app.post(LOGIN, &login).await.refuses(401, &[]);
    app.post(LOGIN, &json!({"email": team.email, "password": "another quiet harbour 12"})).await.is(200);
}
