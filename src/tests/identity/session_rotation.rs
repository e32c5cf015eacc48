//! Session rotation after a change of role.

use axum::http::header;
use serde_json::json;

use crate::tests::support::{
    app::TestApp,
    clients::{Answer, Browser, Team, id_of},
    endpoints::path_to,
    fixtures::session_of,
};

const NOW: &str = "2026-11-25T12:00:00Z";

async fn make(team: &Team, grace: &Team, role: &str) {
    team.put(&format!("/api/team/{}", id_of(&grace.user)), json!({"role": role})).await.is(200);
}

/// The cookie an answer sets, as it is sent back.
fn handed_out(answer: &Answer) -> Option<String> {
    answer.header(header::SET_COOKIE).split(';').next().filter(|pair| !pair.is_empty()).map(str::to_owned)
}

/// Opens a page and stores the cookie it sets.
async fn reload(browser: &mut Browser, path: &str) -> Answer {
    let answer = browser.open(path).await;
    browser.cookie = handed_out(&answer).or_else(|| browser.cookie.take());
    answer
}

async fn me(browser: &mut Browser) -> Answer {
    browser.call(path_to("me"), &[]).await
}

#[tokio::test]
async fn r_22_a_browser_continues_in_a_new_session_with_the_next_page() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    let (mut browser, mut old) = (grace.browser(), grace.browser());
    assert_eq!(handed_out(&browser.open("/dashboard").await), None);
    make(&team, &grace, "admin").await;
    // An open page may finish what it has begun, within the new role.
    assert_eq!(me(&mut browser).await.is(200)["user"]["role"], "admin");
    let page = reload(&mut browser, "/team").await;
    assert!(page.status == 200 && page.text.contains("Invite member"), "{}", page.text);
    assert!(page.header(header::SET_COOKIE).contains("HttpOnly"));
    assert_ne!(browser.cookie, old.cookie);
    assert_eq!(me(&mut browser).await.is(200)["user"]["role"], "admin");
    // The old id no longer works, but other tabs get the same new one during the grace period.
    me(&mut old).await.refuses(401, &[]);
    let mut tab = old.clone();
    assert_eq!(reload(&mut tab, "/dashboard").await.status, 200);
    assert_eq!(me(&mut tab).await.is(200)["user"]["id"], grace.user["id"]);
    let token = |browser: &Browser| browser.cookie.as_deref().map(session_of);
    assert_eq!(token(&tab), token(&browser));
    app.pass(10);
    assert_eq!(old.open("/dashboard").await.status, 303);
    me(&mut old).await.refuses(401, &[]);
    // The list shows the new one; no page sets a third.
    let account = browser.call(path_to("my_account"), &[]).await.is(200);
    assert_eq!(account["sessions"].as_array().map(Vec::len), Some(1), "{account}");
    assert_eq!(handed_out(&browser.open("/dashboard").await), None);
}

#[tokio::test]
async fn r_22_the_old_id_is_rejected_ten_seconds_after_a_change_of_role_but_pages_still_rotate_it() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("admin").await;
    make(&team, &grace, "member").await;
    let mut browser = grace.browser();
    app.pass(9);
    me(&mut browser).await.is(200);
    // Another change does not extend the grace period.
    make(&team, &grace, "admin").await;
    app.pass(1);
    me(&mut browser).await.refuses(401, &[]);
    // A user redirected to the login returns in a new session with the old expiry.
    let answer = reload(&mut browser, "/login?next=%2Fservices").await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/services"));
    me(&mut browser).await.is(200);
    for _ in 0..29 {
        app.pass(24 * 3600);
        me(&mut browser).await.is(200);
    }
    app.pass(24 * 3600 - 10);
    assert_eq!(browser.open("/dashboard").await.status, 303);
}

#[tokio::test]
async fn r_22_a_program_logs_in_again_after_a_change_of_role_and_api_tokens_stay_valid() {
    let app = TestApp::at(NOW).await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let grace = team.colleague("admin").await;
    let token = grace.post("/api/tokens", json!({"name": "CI"})).await.is(201);
    let program = Team { token: token["secret"].as_str().expect("a secret").to_owned(), ..grace.clone() };
    let mut socket = port.member_feed(&grace).await;
    socket.hello().await;
    make(&team, &grace, "member").await;
    assert_eq!(socket.close_code().await, 4403);
    grace.get("/api/auth/me").await.refuses(401, &[]);
    let bearer = format!("Bearer {}", grace.token);
    assert_eq!(port.refuses("/api/live", &[(header::AUTHORIZATION, &bearer)]).await, 401);
    assert_eq!(grace.log_in_again().await.get("/api/auth/me").await.is(200)["user"]["role"], "member");
    program.get("/api/services").await.is(200);
    team.get("/api/auth/me").await.is(200);
}

#[tokio::test]
async fn r_22_a_session_that_has_ended_is_not_rotated() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("admin").await;
    let (mut browser, other) = (grace.browser(), grace.log_in_again().await);
    make(&team, &grace, "member").await;
    reload(&mut browser, "/dashboard").await;
    browser.call(path_to("logout"), &[]).await;
    assert_eq!(grace.browser().open("/dashboard").await.status, 303, "the other tab is logged out too");
    team.delete(&format!("/api/team/{}", id_of(&grace.user))).await.is(204);
    assert_eq!(other.browser().open("/dashboard").await.status, 303);
}

#[tokio::test]
async fn r_22_logging_out_of_a_session_marked_for_rotation_ends_it() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    let (mut browser, copy) = (grace.browser(), grace.browser());
    make(&team, &grace, "admin").await;
    app.pass(11);
    browser.call(path_to("logout"), &[]).await;
    assert_eq!(copy.open("/dashboard").await.status, 303);
}

#[tokio::test]
async fn r_22_revoking_the_old_id_of_a_rotated_session_ends_the_new_one() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    let (mut here, mut there) = (grace.log_in_again().await.browser(), grace.browser());
    let account = there.call(path_to("my_account"), &[]).await.is(200);
    let id = account["sessions"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(account["sessions"][0]["is_current"], true);
    make(&team, &grace, "admin").await;
    for browser in [&mut here, &mut there] {
        assert_eq!(reload(browser, "/dashboard").await.status, 200);
        me(browser).await.is(200);
    }
    assert_eq!(here.call(path_to("revoke_session"), &[("id", &id)]).await.status, 200);
    me(&mut there).await.refuses(401, &[]);
    me(&mut here).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_22_changes_of_role_and_page_loads_at_the_same_time_do_not_block_each_other() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    let mut browsers = Vec::new();
    for _ in 0..3 {
        browsers.push(grace.log_in_again().await.browser());
    }
    for round in 0..20 {
        let (team, grace) = (team.clone(), grace.clone());
        let roles = if round % 2 == 0 { ["admin", "member"] } else { ["member", "admin"] };
        let changes = tokio::spawn(async move {
            for role in roles {
                make(&team, &grace, role).await;
            }
        });
        let loads = browsers.into_iter().map(|mut browser| {
            tokio::spawn(async move {
                for _ in 0..3 {
                    assert_eq!(reload(&mut browser, "/dashboard").await.status, 200);
                }
                browser
            })
        });
        let loads: Vec<_> = loads.collect();
        browsers = futures::future::try_join_all(loads).await.expect("every page is shown");
        changes.await.expect("every change is made");
    }
}
