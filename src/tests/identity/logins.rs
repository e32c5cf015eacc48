//! Logins that are concurrent, race with a password change, are too many, or of a disabled user (R-22, R-26, R-27,
//!

use axum::http::header;
use futures::StreamExt as _;
use serde_json::{Value, json};

use crate::{
    server::Relay,
    tests::support::{
        app::{PASSWORD, TestApp, pretended},
        clients::{Answer, Team},
        endpoints::path_to,
    },
};

const LOGIN: &str = "/api/auth/login";
const NEW: &str = "seven quiet harbours at dawn";
const WRONG: &str = "wrong, and long enough";

fn form(team: &Team, password: &str) -> Value {
    json!({"email": team.email, "password": password})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_concurrent_logins_of_one_user_all_succeed() {
    let instances = [TestApp::open().await, TestApp::open().await];
    let team = instances[0].register("Acme").await;
    let login = async |n: usize| {
        loop {
            // Five attempts per account are allowed at a time, and a machine busy with tests may not write in time.
            match instances[n % 2].post(LOGIN, &form(&team, PASSWORD)).await {
                answer if matches!(answer.status.as_u16(), 429 | 503) => tokio::task::yield_now().await,
                answer => return answer.is(200),
            }
        }
    };
    // Some more at a time than are allowed: if all fifty tried again and again, they would leave the others no time.
    let signed_in: Vec<_> = futures::stream::iter((0..50).map(login)).buffered(8).collect().await;
    assert_eq!(signed_in.len(), 50);
    Team::of(instances[0].clone(), &signed_in[49]).get("/api/auth/me").await.is(200);
    let log = team.log_in_again().await.get("/api/audit?action=logged_in&limit=100").await.is(200);
    assert_eq!(log.as_array().map(Vec::len), Some(51));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_22_no_login_with_the_old_password_outlives_the_new_one() {
    let app = TestApp::open().await;
    for round in 0..10 {
        let team = app.register("Acme").await;
        let change = async {
            if round % 2 == 0 {
                let fields = [("password", PASSWORD), ("new_password", NEW)];
                assert_eq!(team.browser().call(path_to("change_password"), &fields).await.status, 200);
            } else {
                let hash = app.state.hash(NEW).await;
                app.state.system().reset_password(&team.email.parse().expect("email"), hash).await.expect("reset");
            }
        };
        let logins = futures::future::join_all((0..4).map(|_| {
            let (app, form) = (app.clone(), form(&team, PASSWORD));
            async move { app.post(LOGIN, &form).await }
        }));
        let ((), answers) = tokio::join!(change, logins);
        for answer in answers {
            if answer.status == 200 {
                Team::of(app.clone(), &answer.json()).get("/api/auth/me").await.refuses(401, &[]);
            } else {
                answer.refuses(401, &[]);
            }
        }
    }
}

#[tokio::test]
async fn r_27_of_thirty_concurrent_attempts_five_are_evaluated() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let wrong = form(&team, WRONG);
    let answers = futures::future::join_all((0..30).map(|_| app.post(LOGIN, &wrong))).await;
    let with = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((with(401), with(429)), (5, 25));
    app.post(LOGIN, &form(&team, PASSWORD)).await.refuses(429, &[]);
    app.pass(1);
    app.post(LOGIN, &form(&team, PASSWORD)).await.is(200);
}

#[tokio::test]
async fn r_26_the_right_password_of_a_disabled_user_counts_like_a_wrong_one() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    other.invite_at(&team.email, "member").await.accept(&team).await.0.is(200);
    app.state.system().set_disabled(&team.email.parse().expect("an address"), true).await.expect("disabled");
    let mut answers: Vec<Answer> = Vec::new();
    for n in 0..6 {
        answers.push(app.post(LOGIN, &form(&team, if n % 2 == 0 { PASSWORD } else { WRONG })).await);
    }
    assert!(answers[1..5].iter().all(|answer| answer.fingerprint() == answers[0].fingerprint()));
    answers[0].refuses(401, &[]);
    answers[5].refuses(429, &[]);
    assert_eq!(answers[5].header(header::RETRY_AFTER), "1");
    other.audited("login_failed").await;
}

#[tokio::test]
async fn r_26_an_invitation_does_not_reveal_that_a_user_is_disabled() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let (team, host) = (app.register("Acme").await, app.register("Host").await);
    let invited = host.invite_at(&team.email, "member").await;
    app.state.system().set_disabled(&team.email.parse().expect("an address"), true).await.expect("disabled");
    let wrong = invited.join_with_password(&app, WRONG).await.0;
    wrong.refuses(401, &[]);
    assert_eq!(invited.join_with_password(&app, PASSWORD).await.0.fingerprint(), wrong.fingerprint());
}

#[tokio::test]
async fn r_70_a_user_has_fifty_sessions_and_the_least_recently_used_ends() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let first = app.register("Acme").await;
    app.pass(60);
    let second = first.log_in_again().await;
    app.pass(600);
    first.get("/api/auth/me").await.is(200);
    for _ in 0..48 {
        first.log_in_again().await;
    }
    app.pass(600);
    first.get("/api/auth/me").await.is(200);
    let last = first.log_in_again().await;
    // A session used ten minutes ago stays, whenever it was opened.
    first.get("/api/auth/me").await.is(200);
    last.get("/api/auth/me").await.is(200);
    second.get("/api/auth/me").await.refuses(401, &[]);
    let account = last.browser().call(path_to("my_account"), &[]).await.is(200);
    assert_eq!(account["sessions"].as_array().map(Vec::len), Some(50));
}

#[tokio::test]
async fn r_70_the_requests_of_all_sessions_of_a_user_are_counted_together() {
    let app = TestApp::build(&["--api-rate", "20"], pretended("2026-03-01T12:00:00Z"), Relay::none()).await;
    let team = app.register("Acme").await;
    let again = team.log_in_again().await;
    for _ in 0..10 {
        team.get("/api/services").await.is(200);
        again.get("/api/services").await.is(200);
    }
    for session in [&team, &again] {
        session.get("/api/services").await.refuses(429, &[]);
    }
    // Another session changes nothing, once it is recognized.
    app.pass(60);
    again.get("/api/services").await.is(200);
    for _ in 0..19 {
        team.get("/api/services").await.is(200);
    }
    again.get("/api/services").await.refuses(429, &[]);
}
