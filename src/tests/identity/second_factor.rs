//! The second factor: setup, login with it, and its loss.

use axum::http::header;
use serde_json::{Value, json};

use crate::{
    server::Relay,
    tests::support::{
        app::{PASSWORD, SECRET, TestApp},
        clients::{Answer, Browser, Team, id_of},
        database::setting,
        endpoints::path_to,
        instances::pair,
        second_factor::{code_of, seed},
    },
};

const NOW: &str = "2026-11-25T12:00:00Z";
const LOGIN: &str = "/api/auth/login";

/// A user with an authenticator app.
struct Guarded {
    team: Team,
    secret: String,
    codes: Vec<String>,
}

fn codes_of(answer: &Value) -> Vec<String> {
    let codes = answer["codes"].as_array().expect("codes");
    codes.iter().map(|code| code.as_str().expect("text").to_owned()).collect()
}

impl Guarded {
    async fn of(app: &TestApp) -> Self {
        Self::with(app, app.register("Acme").await).await
    }

    async fn with(app: &TestApp, team: Team) -> Self {
        let secret = seed(&mut team.browser()).await;
        let code = code_of(app, &secret);
        let answer = team.browser().call(path_to("enable_second_factor"), &[("code", &code)]).await.is(200);
        // The code of the setup has been used.
        app.pass(30);
        Self { team, secret, codes: codes_of(&answer) }
    }

    fn login(&self, code: &str) -> Value {
        json!({"email": self.team.email, "password": PASSWORD, "code": code})
    }

    fn now(&self) -> String {
        code_of(&self.team.app, &self.secret)
    }

    /// A browser after the right password, before the code.
    async fn challenged(&self) -> Browser {
        let mut browser = self.team.app.browser();
        let fields = [("email", self.team.email.as_str()), ("password", PASSWORD), ("next", "/services")];
        let answer = browser.submit("/login", path_to("login"), &fields).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/login/code?next=%2Fservices"));
        browser
    }

    async fn actions(&self) -> Vec<Value> {
        let log = self.team.get("/api/audit").await.is(200);
        log.as_array().expect("a list").iter().map(|entry| entry["action"].clone()).collect()
    }
}

async fn answer(browser: &mut Browser, code: &str) -> Answer {
    let fields = [("code", code), ("next", "/services"), ("page", "/login/code?next=%2Fservices")];
    browser.submit("/login/code?next=%2Fservices", path_to("login_code"), &fields).await
}

#[tokio::test]
async fn r_29_the_second_factor_is_off_until_a_code_confirms_the_setup() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let mut browser = team.browser();
    browser.call(path_to("show_second_factor"), &[]).await.refuses(404, &[]);
    browser.call(path_to("enable_second_factor"), &[("code", "000000")]).await.refuses(404, &[]);
    let first = seed(&mut browser).await;
    let secret = seed(&mut browser).await;
    assert_ne!(first, secret);
    let stale = code_of(&app, &first);
    browser.call(path_to("enable_second_factor"), &[("code", &stale)]).await.refuses(400, &["code"]);
    app.post(LOGIN, &json!({"email": team.email, "password": PASSWORD})).await.is(200);
    let page = browser.open("/account/second-factor").await;
    assert!(page.text.contains("aria-label=\"QR code") && page.text.contains(&secret[..4]), "{}", page.text);
    let code = code_of(&app, &secret);
    let codes = codes_of(&browser.call(path_to("enable_second_factor"), &[("code", &code)]).await.is(200));
    assert_eq!(codes.len(), 10);
    // From now on the seed is not shown again, and another setup is refused.
    browser.call(path_to("show_second_factor"), &[]).await.refuses(404, &[]);
    browser.call(path_to("begin_second_factor"), &[]).await.refuses(409, &[]);
    browser.call(path_to("enable_second_factor"), &[("code", &code)]).await.refuses(409, &[]);
    let log = team.get("/api/audit").await;
    assert!(!log.text.contains(&secret) && !log.text.contains(&codes[0]));
}

#[tokio::test]
async fn r_29_the_api_reports_a_missing_code_and_each_code_works_once() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    let missing = json!({"email": ada.team.email, "password": PASSWORD});
    assert_eq!(app.post(LOGIN, &missing).await.refuses(401, &[])["code"], "second_factor_required");
    let wrong = json!({"email": ada.team.email, "password": "wrong, and long enough", "code": ada.now()});
    assert_eq!(app.post(LOGIN, &wrong).await.refuses(401, &[])["code"], "unauthorized");
    app.post(LOGIN, &ada.login("000000")).await.refuses(400, &["code"]);
    let code = ada.now();
    app.post(LOGIN, &ada.login(&code)).await.is(200);
    app.post(LOGIN, &ada.login(&code)).await.refuses(400, &["code"]);
    // An older one does not work either, though it would still be in time.
    app.pass(30);
    let older = ada.now();
    app.pass(30);
    app.post(LOGIN, &ada.login(&ada.now())).await.is(200);
    app.post(LOGIN, &ada.login(&older)).await.refuses(400, &["code"]);
}

#[tokio::test]
async fn r_29_of_concurrent_logins_with_the_same_code_one_succeeds() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    for code in [ada.now(), ada.codes[0].clone()] {
        let form = ada.login(&code);
        let tries = (0..5).map(|_| app.post(LOGIN, &form));
        let answers = futures::future::join_all(tries).await;
        let count = answers.iter().filter(|answer| answer.status == 200).count();
        assert_eq!(count, 1, "{answers:?}");
        app.pass(3600);
    }
}

#[tokio::test]
async fn r_29_a_recovery_code_works_once_and_is_normalized() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    let typed = ada.codes[3].to_uppercase().replace('-', " ");
    app.post(LOGIN, &ada.login(&typed)).await.is(200);
    app.post(LOGIN, &ada.login(&ada.codes[3])).await.refuses(400, &["code"]);
    ada.team.audited("login_failed").await;
    let account = ada.team.browser().call(path_to("my_account"), &[]).await.is(200);
    assert_eq!(account["recovery_codes"], 9);
    assert_eq!(ada.actions().await[..3], ["login_failed", "recovery_code_used", "logged_in"].map(Value::from));
    // Another user's codes do not work.
    let eve = Guarded::of(&app).await;
    app.post(LOGIN, &ada.login(&eve.codes[0])).await.refuses(400, &["code"]);
}

#[tokio::test]
async fn r_29_a_user_without_organizations_returns_by_an_invitation_with_password_and_code() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Other").await;
    let ada = Guarded::with(&app, team.colleague("member").await).await;
    assert_eq!(team.delete(&format!("/api/team/{}", id_of(&ada.team.user))).await.status, 204);
    app.post(LOGIN, &ada.login(&ada.now())).await.refuses(401, &[]);
    let invited = team.invite_at(&ada.team.email, "member").await;
    let join = async |password: &str, code: &str| {
        let fields = [("token", invited.secret.as_str()), ("password", password), ("code", code)];
        app.browser().call(path_to("join_with_password"), &fields).await
    };
    join(PASSWORD, "").await.refuses(400, &["code"]);
    join(PASSWORD, "000000").await.refuses(400, &["code"]);
    join("not the right password", &ada.now()).await.refuses(401, &[]);
    join("not the right password", "").await.refuses(401, &[]);
    app.pass(1);
    assert_eq!(join(PASSWORD, &ada.codes[0]).await.status, 200);
    let log = team.get("/api/audit").await.is(200);
    let actions: Vec<_> = log.as_array().expect("a list").iter().map(|entry| &entry["action"]).collect();
    assert!(actions.contains(&&json!("recovery_code_used")), "{actions:?}");
}

#[tokio::test]
async fn r_29_the_form_asks_for_the_code_after_the_password() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    let mut browser = ada.challenged().await;
    // The challenge alone gives no access.
    assert_eq!(browser.open("/dashboard").await.status, 303);
    let cookie = browser.cookie.clone().expect("a challenge");
    assert!(cookie.starts_with("aldis-code="), "{cookie}");
    let mut thief = browser.clone();
    thief.cookie = Some(cookie.replacen("aldis-code=", "aldis=", 1));
    assert_eq!(thief.open("/dashboard").await.status, 303);

    let page = browser.open("/login/code?next=%2Fservices").await;
    assert!(page.status == 200 && page.text.contains("one-time-code"));
    let refused = answer(&mut browser, "000000").await;
    assert_eq!(refused.status, 400);
    assert!(refused.text.contains("This code is wrong") && !refused.text.contains("000000"), "{}", refused.text);
    let done = answer(&mut browser, &format!(" {} ", ada.now())).await;
    assert_eq!((done.status.as_u16(), done.header(header::LOCATION)), (303, "/services"));
    assert_eq!(browser.open("/dashboard").await.status, 200);
}

#[tokio::test]
async fn r_29_a_challenge_ends_after_five_attempts_five_minutes_or_a_new_password() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    let mut browser = ada.challenged().await;
    for _ in 0..5 {
        assert_eq!(answer(&mut browser, "000000").await.status, 400);
        // The backoff of the account passes; the attempts stay counted.
        app.pass(2);
    }
    // The page says so, and links to the login.
    let over = answer(&mut browser, &ada.now()).await;
    assert!(
        over.text.contains("This login has expired, or the code was wrong too often")
            && over.text.contains("/login?next=")
    );
    assert_eq!(over.status, 401);

    app.pass(3600);
    let mut browser = ada.challenged().await;
    app.pass(300);
    assert_eq!(answer(&mut browser, &ada.now()).await.status, 401);
    assert_eq!(browser.open("/dashboard").await.status, 303);

    let mut browser = ada.challenged().await;
    let email = ada.team.email.parse().expect("an address");
    let hash = app.state.hash("seven quiet harbours at dawn").await;
    app.state.system().reset_password(&email, hash).await.expect("reset");
    assert_eq!(answer(&mut browser, &ada.now()).await.status, 401);
    assert_eq!(browser.open("/dashboard").await.status, 303);

    // Without any challenge there is nothing to answer.
    assert_eq!(answer(&mut app.browser(), &ada.now()).await.status, 401);
}

#[tokio::test]
async fn r_29_the_five_attempts_are_counted_by_all_instances_together() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else { return };
    let apps = pair(&redis, &[]).await;
    let ada = Guarded::of(&apps[0]).await;
    let mut browser = ada.challenged().await;
    for n in 0..5 {
        browser.app = apps[n % 2].clone();
        assert_eq!(answer(&mut browser, "000000").await.status, 400);
        browser.app.pass(2);
    }
    for app in apps {
        let mut browser = Browser { app, ..browser.clone() };
        let over = answer(&mut browser, &ada.now()).await;
        assert!(
            over.status == 401 && over.text.contains("This login has expired, or the code was wrong too often"),
            "{}",
            over.text
        );
    }
}

#[tokio::test]
async fn r_29_turning_it_off_and_new_codes_require_the_password() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    let mut browser = ada.team.browser();
    let wrong = [("password", "wrong, and long enough")];
    let right = [("password", PASSWORD)];
    browser.call(path_to("renew_recovery_codes"), &wrong).await.refuses(400, &["password"]);
    browser.call(path_to("disable_second_factor"), &wrong).await.refuses(400, &["password"]);
    let fresh = codes_of(&browser.call(path_to("renew_recovery_codes"), &right).await.is(200));
    assert!(fresh.len() == 10 && fresh != ada.codes);
    app.post(LOGIN, &ada.login(&ada.codes[0])).await.refuses(400, &["code"]);
    app.post(LOGIN, &ada.login(&fresh[0])).await.is(200);

    app.pass(900);
    // The password in the form is enough, however old the last re-authentication is.
    assert_eq!(browser.call(path_to("disable_second_factor"), &right).await.status, 200);
    app.post(LOGIN, &json!({"email": ada.team.email, "password": PASSWORD})).await.is(200);
    browser.call(path_to("disable_second_factor"), &right).await.refuses(404, &[]);
    browser.call(path_to("renew_recovery_codes"), &right).await.refuses(404, &[]);
    let actions = ada.actions().await;
    for action in ["two_factor_enabled", "two_factor_disabled", "recovery_codes_renewed"] {
        assert_eq!(actions.iter().filter(|other| **other == action).count(), 1, "{actions:?}");
    }
}

#[tokio::test]
async fn without_javascript_the_page_shows_the_codes_once() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let mut browser = team.browser();
    let begun = browser.submit("/account", path_to("begin_second_factor"), &[("page", "/account")]).await;
    assert_eq!(begun.header(header::LOCATION), "/account/second-factor");
    let setup = browser.call(path_to("show_second_factor"), &[]).await.is(200);
    let code = code_of(&app, setup["secret"].as_str().expect("a key"));
    let fields = [("code", code.as_str()), ("page", "/account/second-factor")];
    let page = browser.submit("/account/second-factor", path_to("enable_second_factor"), &fields).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.text.matches("<li><code>").count(), 10, "{}", page.text);
    assert_eq!(page.header(header::CACHE_CONTROL), "no-store");
    assert!(!browser.open("/account").await.text.contains("<li><code>"));
}

#[tokio::test]
async fn r_81_a_seed_is_encrypted_anew_with_the_next_code_and_recovery_codes_work_without_the_key() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    let new = ["--jwt-secret", "Zt9wPq4LmX7vRb2NcK8sJd1Hf6GyE3uAoQiW"];
    let both = [&new[..], &["--jwt-secret-old", SECRET]].concat();
    let login = async |flags: &[&str], code: &str| {
        let server = TestApp::build(flags, app.clock.clone(), Relay::none()).await;
        server.post(LOGIN, &ada.login(code)).await
    };
    let refused = login(&new, &ada.now()).await;
    assert!(refused.refuses(400, &["code"])["fields"]["code"].as_str().is_some_and(|why| why.contains("recovery")));
    login(&both, &ada.now()).await.is(200);
    app.pass(30);
    login(&new, &ada.now()).await.is(200);
    app.pass(30);
    // The old key no longer decrypts it.
    login(&[], &ada.now()).await.refuses(400, &["code"]);
    login(&[], &ada.codes[0]).await.is(200);
}

#[tokio::test]
async fn the_operator_turns_off_a_lost_second_factor() {
    let app = TestApp::at(NOW).await;
    let ada = Guarded::of(&app).await;
    let email = ada.team.email.parse().expect("an address");
    app.state.system().reset_second_factor(&email).await.expect("taken away");
    ada.team.get("/api/auth/me").await.refuses(401, &[]);
    app.post(LOGIN, &json!({"email": ada.team.email, "password": PASSWORD})).await.is(200);
    assert!(app.state.system().reset_second_factor(&email).await.is_err());
    let log = ada.team.log_in_again().await.get("/api/audit").await.is(200);
    let entry = log.as_array().expect("entries").iter().find(|entry| entry["action"] == "two_factor_disabled");
    assert_eq!(entry.expect("written down")["actor"]["kind"], "system");
}
