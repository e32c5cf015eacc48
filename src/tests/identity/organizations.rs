//! One user in several organizations: switching between them, and creating another.

use axum::http::header;
use serde_json::json;

use crate::tests::support::{
    app::{PASSWORD, TestApp, unique},
    clients::{Team, id_of},
    endpoints::path_to,
    invitations::Invited,
};

const NOW: &str = "2026-11-25T12:00:00Z";

/// A user in two organizations: their session in the first, and the admin of the second.
pub async fn in_two(app: &TestApp) -> (Team, Team) {
    let (grace, team) = (app.register("First").await, app.register("Second").await);
    let invited: Invited = team.invite_at(&grace.email, "member").await;
    assert_eq!(invited.join_with_password(app, PASSWORD).await.0.status, 200);
    (grace, team)
}

#[tokio::test]
async fn a_user_switches_between_organizations() {
    let app = TestApp::at(NOW).await;
    let (grace, team) = in_two(&app).await;
    let mut browser = grace.browser();
    let organizations = browser.call(path_to("my_organizations"), &[]).await.is(200);
    assert_eq!(organizations, json!([grace.organization, team.organization]));
    assert!(browser.open("/dashboard").await.text.contains("Switch organization"));
    assert!(!team.browser().open("/dashboard").await.text.contains("Switch organization"));
    let answer =
        browser.submit("/dashboard", path_to("switch_organization"), &[("id", id_of(&team.organization))]).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/dashboard"));
    // The replaced session has ended.
    grace.get("/api/auth/me").await.refuses(401, &[]);
    let there = browser.clone().team().await;
    assert_eq!((&there.organization, &there.user["role"]), (&team.organization, &json!("member")));
    there.get("/api/team/invitations").await.refuses(403, &[]);
    let entry = team.get("/api/audit?action=organization_switched").await.is(200)[0].clone();
    assert_eq!(entry["actor"]["id"], grace.user["id"]);
    let answer = browser.call(path_to("switch_organization"), &[("id", id_of(&grace.organization))]).await;
    assert_eq!(answer.status, 200);
    let back = browser.team().await;
    assert_eq!((&back.organization, &back.user["role"]), (&grace.organization, &json!("admin")));
    // Nobody switches to an organization they do not belong to.
    let stranger = app.register("Third").await;
    for id in [id_of(&team.organization), "garbage", "00000000-0000-7000-8000-000000000000"] {
        stranger.browser().call(path_to("switch_organization"), &[("id", id)]).await.refuses(404, &[]);
    }
    stranger.get("/api/auth/me").await.is(200);
}

#[tokio::test]
async fn a_member_creates_another_organization_and_is_its_admin() {
    let app = TestApp::at(NOW).await;
    let (grace, other) = (app.register("First").await, app.register("Taken").await);
    let mut browser = grace.browser();
    let create = path_to("create_organization");
    browser.call(create, &[("organization_name", " ")]).await.refuses(400, &["organization_name"]);
    let slug = other.organization["slug"].as_str().expect("a slug");
    browser.call(create, &[("organization_name", "Second"), ("slug", slug)]).await.refuses(409, &["slug"]);
    browser.call(create, &[("organization_name", "Second"), ("slug", "admin")]).await.refuses(400, &["slug"]);
    grace.get("/api/auth/me").await.is(200);

    app.pass(1);
    let page = "/account/new-organization";
    let slug = unique("second");
    let answer = browser.submit(page, create, &[("organization_name", "Second"), ("slug", &slug)]).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (303, "/dashboard"));
    grace.get("/api/auth/me").await.refuses(401, &[]);
    let there = browser.clone().team().await;
    assert_eq!((&there.organization["slug"], &there.user["role"]), (&json!(slug), &json!("admin")));
    assert_eq!(there.user["id"], grace.user["id"]);
    let log = there.get("/api/audit").await.is(200);
    let actions: Vec<_> = log.as_array().expect("a list").iter().map(|entry| &entry["action"]).collect();
    assert_eq!(actions, ["organization_created"]);
    let organizations = browser.call(path_to("my_organizations"), &[]).await.is(200);
    assert_eq!(organizations, json!([grace.organization, there.organization]));
    assert!(browser.open("/dashboard").await.text.contains("Switch organization"));
}

#[tokio::test]
async fn logging_in_leads_to_the_organization_used_last() {
    let app = TestApp::at(NOW).await;
    let (grace, team) = in_two(&app).await;
    app.pass(600);
    grace.get("/api/services").await.is(200);
    assert_eq!(grace.log_in_again().await.organization, grace.organization);
    app.pass(600);
    let mut browser = grace.browser();
    browser.call(path_to("switch_organization"), &[("id", id_of(&team.organization))]).await;
    app.pass(600);
    browser.call(path_to("me"), &[]).await.is(200);
    assert_eq!(grace.log_in_again().await.organization, team.organization);
}

#[tokio::test]
async fn r_23_switching_does_not_extend_a_session() {
    let app = TestApp::at(NOW).await;
    let (grace, team) = in_two(&app).await;
    let mut browser = grace.browser();
    for day in 1..30 {
        app.pass(24 * 3600);
        let to = if day % 2 == 1 { &team } else { &grace };
        let answer = browser.call(path_to("switch_organization"), &[("id", id_of(&to.organization))]).await;
        assert_eq!(answer.status, 200, "{day}: {}", answer.text);
    }
    app.pass(24 * 3600 - 1);
    browser.call(path_to("me"), &[]).await.is(200);
    app.pass(1);
    browser.call(path_to("me"), &[]).await.refuses(401, &[]);
}

#[tokio::test]
async fn r_22_switching_ends_the_open_pages_of_the_old_session() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let (grace, team) = in_two(&app).await;
    let mut socket = port.member_feed(&grace).await;
    socket.hello().await;
    grace.browser().call(path_to("switch_organization"), &[("id", id_of(&team.organization))]).await;
    assert_eq!(socket.close_code().await, 4401);
}
