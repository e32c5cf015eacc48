//! Password reset by mail.

use std::time::Duration;

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::json;
use tokio::{sync::mpsc::Receiver, time::timeout};

use crate::{
    server::{mail::EmailMessage, router},
    tests::support::{
        app::{PASSWORD, TestApp, request},
        clients::{Answer, Team, form},
        endpoints::path_to,
    },
};

const NOW: &str = "2026-11-25T12:00:00Z";
const NEW: &str = "seven quiet harbours at dawn";
const LOGIN: &str = "/api/auth/login";

/// A server whose mail is received here.
pub async fn with_mail() -> (TestApp, Receiver<EmailMessage>) {
    let mut app = TestApp::at(NOW).await;
    let inbox = app.state.record_mail();
    app.router = router(app.state.clone());
    (app, inbox)
}

async fn ask(app: &TestApp, email: &str) -> Answer {
    app.browser().submit("/forgot-password", path_to("request_password_reset"), &[("email", email)]).await
}

pub async fn next_mail(inbox: &mut Receiver<EmailMessage>) -> EmailMessage {
    timeout(Duration::from_secs(20), inbox.recv()).await.expect("a mail in time").expect("a mail")
}

/// The secret in a mail's link.
fn secret_in(mail: &EmailMessage) -> String {
    let (_, rest) = mail.text.split_once("http://127.0.0.1:3000/reset-password/").expect("a link of our own");
    rest.split_whitespace().next().expect("a secret").to_owned()
}

async fn set(app: &TestApp, secret: &str, password: &str) -> Answer {
    app.browser().call(path_to("reset_password"), &[("token", secret), ("password", password)]).await
}

async fn actions(team: &Team) -> Vec<String> {
    let log = team.get("/api/audit").await.is(200);
    let entries = log.as_array().expect("a list").iter();
    entries.map(|entry| entry["action"].as_str().expect("an action").to_owned()).collect()
}

#[tokio::test]
async fn r_28_a_link_sets_a_new_password_once_and_ends_every_session() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    let answer = ask(&app, &team.email.to_uppercase()).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/forgot-password?sent=yes"));
    let mail = next_mail(&mut inbox).await;
    assert_eq!(mail.to.as_str(), team.email);
    let secret = secret_in(&mail);
    assert!(secret.len() == 43 && mail.html.contains(&secret));

    let page = app.browser().open(&format!("/reset-password/{secret}")).await;
    assert_eq!((page.status.as_u16(), page.header(header::REFERRER_POLICY)), (200, "no-referrer"));
    set(&app, &secret, "short").await.refuses(400, &["password"]);
    set(&app, &secret, &team.email).await.refuses(400, &["password"]);
    team.get("/api/auth/me").await.is(200);
    assert_eq!(set(&app, &secret, NEW).await.header(header::LOCATION), "/login?reset=done");
    team.get("/api/auth/me").await.refuses(401, &[]);
    app.post(LOGIN, &json!({"email": team.email, "password": PASSWORD})).await.refuses(401, &[]);
    let back = app.post(LOGIN, &json!({"email": team.email, "password": NEW})).await.is(200);
    let back = Team::of(app.clone(), &back);
    set(&app, &secret, PASSWORD).await.refuses(400, &[]);
    // Its page says so before the form is submitted.
    let page = app.browser().open(&format!("/reset-password/{secret}")).await;
    assert!(page.status == 400 && !page.text.contains("New password") && page.text.contains("Request a new one"));
    back.get("/api/auth/me").await.is(200);
    // The failed login with the old password is audited just after its answer, so in no certain order.
    let mut actions = actions(&back).await;
    actions.retain(|action| action != "login_failed");
    assert_eq!(actions[..3], ["logged_in", "password_reset", "password_reset_requested"]);
    assert!(!back.get("/api/audit").await.text.contains(&secret));
}

#[tokio::test]
async fn r_28_a_link_is_valid_for_half_an_hour_and_until_the_next() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    ask(&app, &team.email).await;
    let first = secret_in(&next_mail(&mut inbox).await);
    ask(&app, &team.email).await;
    let second = secret_in(&next_mail(&mut inbox).await);
    set(&app, &first, NEW).await.refuses(400, &[]);
    app.pass(1800);
    set(&app, &second, NEW).await.refuses(400, &[]);
    ask(&app, &team.email).await;
    let third = secret_in(&next_mail(&mut inbox).await);
    app.pass(1799);
    for wrong in ["", "x", &third[1..], "' OR 1=1 --"] {
        set(&app, wrong, NEW).await.refuses(400, &[]);
    }
    assert_eq!(set(&app, &third, NEW).await.status, 200);
}

#[tokio::test]
async fn r_28_of_concurrent_uses_of_a_link_one_sets_the_password() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    ask(&app, &team.email).await;
    let secret = secret_in(&next_mail(&mut inbox).await);
    let others = ["eight quiet harbours at dusk", "nine quiet harbours at noon", NEW];
    let answers = futures::future::join_all(others.map(|new| set(&app, &secret, new))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
}

#[tokio::test]
async fn r_63_an_address_is_sent_three_links_a_day() {
    let (app, mut inbox) = with_mail().await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    for _ in 0..3 {
        ask(&app, &team.email).await;
        next_mail(&mut inbox).await;
    }
    let fourth = ask(&app, &team.email).await;
    assert_eq!(fourth.header(header::LOCATION), "/forgot-password?sent=yes");
    // Audited too, just after the answer; more would only fill the log.
    let asked = async || actions(&team).await.into_iter().filter(|action| action == "password_reset_requested").count();
    for _ in 0..1000 {
        if asked().await == 4 {
            break;
        }
        tokio::task::yield_now().await;
    }
    assert_eq!(asked().await, 4);
    for _ in 0..3 {
        ask(&app, &team.email).await;
    }
    ask(&app, &other.email).await;
    assert_eq!(next_mail(&mut inbox).await.to.as_str(), other.email);
    assert_eq!(asked().await, 4);
    app.pass(86_400);
    ask(&app, &team.email).await;
    assert_eq!(next_mail(&mut inbox).await.to.as_str(), team.email);
    assert!(inbox.try_recv().is_err());
}

#[tokio::test]
async fn r_26_a_request_does_not_reveal_whether_an_account_exists() {
    let (app, mut inbox) = with_mail().await;
    let (team, shut_out) = (app.register("Acme").await, app.register("Shut out").await);
    let email = shut_out.email.parse().expect("an address");
    app.state.system().set_disabled(&email, true).await.expect("disabled");
    let unknown = ask(&app, "nobody-at-all@example.com").await;
    assert_eq!(ask(&app, &shut_out.email).await.fingerprint(), unknown.fingerprint());
    assert_eq!(ask(&app, &team.email).await.fingerprint(), unknown.fingerprint());
    assert_eq!(next_mail(&mut inbox).await.to.as_str(), team.email);
    assert!(inbox.try_recv().is_err());
    ask(&app, "nonsense").await;
    let page = app.browser().open("/forgot-password?sent=yes").await;
    assert!(page.text.contains("Check your email"));
}

#[tokio::test]
async fn r_28_the_link_uses_the_public_url_whatever_the_request_says() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    let builder = request(Method::POST, path_to("request_password_reset"))
        .header(header::HOST, "evil.test")
        .header("x-forwarded-host", "evil.test")
        .header("forwarded", "host=evil.test")
        .header("sec-fetch-site", "same-origin");
    app.send(form(builder, &[("email", &team.email)])).await.is(200);
    let mail = next_mail(&mut inbox).await;
    assert!(!mail.text.contains("evil") && !mail.html.contains("evil"));
    secret_in(&mail);
}

#[tokio::test]
async fn a_change_of_email_invalidates_links_sent_to_the_old_address() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    ask(&app, &team.email).await;
    let secret = secret_in(&next_mail(&mut inbox).await);
    let fresh = format!("new-{}", team.email);
    team.browser().call(path_to("change_email"), &[("email", &fresh), ("password", PASSWORD)]).await;
    set(&app, &secret, NEW).await.refuses(400, &[]);
}

#[tokio::test]
async fn r_28_a_password_set_by_the_operator_invalidates_links() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Acme").await;
    ask(&app, &team.email).await;
    let secret = secret_in(&next_mail(&mut inbox).await);
    let hash = app.state.hash("another quiet harbour 12").await;
    app.state.system().reset_password(&team.email.parse().expect("email"), hash).await.expect("reset");
    set(&app, &secret, NEW).await.refuses(400, &[]);
}

#[tokio::test]
async fn r_24_a_password_must_not_contain_words_about_the_user() {
    let (app, mut inbox) = with_mail().await;
    let team = app.register("Lanternworks").await;
    ask(&app, &team.email).await;
    let secret = secret_in(&next_mail(&mut inbox).await);
    let (own, _) = team.email.split_once('@').expect("an address");
    for known in [own, "LanternWorks", "Ada Lovelace", "Aldis"] {
        let new = format!("quiet harbours {known} at dawn");
        let error = set(&app, &secret, &new).await.refuses(400, &["password"]);
        assert!(error["fields"]["password"].as_str().is_some_and(|why| why.starts_with("Avoid")), "{error}");
        let fields = [("password", PASSWORD), ("new_password", new.as_str())];
        team.browser().call(path_to("change_password"), &fields).await.refuses(400, &["new_password"]);
    }
    let words = app.state.system().password_context(&team.email.parse().expect("an address")).await.expect("known");
    assert!(words.contains(&team.slug) && words.contains(&"Lanternworks".to_owned()), "{words:?}");
}

#[tokio::test]
async fn without_mail_the_page_says_what_to_do_instead() {
    let app = TestApp::at(NOW).await;
    let page = app.browser().open("/forgot-password").await;
    assert!(page.status == 200 && page.text.contains("aldis reset-password"), "{}", page.text);
    let answer = ask(&app, "nobody@example.com").await;
    assert!(answer.status == 400 && answer.text.contains("aldis reset-password"), "{}", answer.text);
}

#[tokio::test]
async fn r_27_requests_share_the_rate_limit_of_logins() {
    let mut app = TestApp::with(&["--auth-rate", "3"]).await;
    let _letters = app.state.record_mail();
    app.router = router(app.state.clone());
    for _ in 0..3 {
        assert_eq!(ask(&app, "nobody@example.com").await.status, 303);
    }
    assert_eq!(ask(&app, "nobody@example.com").await.status, 429);
    let request = request(Method::GET, "/forgot-password").header(header::ACCEPT, "text/html");
    assert_eq!(app.send(request.body(Body::empty()).expect("request")).await.status, 200);
}
