//! Invitations: a link for one e-mail address that works once.

use std::sync::Arc;

use axum::http::header;
use serde_json::json;

use crate::{
    server::Relay,
    tests::support::{
        app::{PASSWORD, TestApp, pretended, unique},
        clients::{Answer, Team, id_of},
        endpoints::path_to,
        invitations::Invited,
    },
};

const NOW: &str = "2026-11-25T12:00:00Z";
const DAY: i64 = 24 * 3600;

#[tokio::test]
async fn r_07_the_link_is_shown_once_and_lets_a_new_user_join() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let invited = team.invite("member").await;
    assert_eq!(invited.secret.len(), 43);
    assert_eq!(invited.invitation["is_mailed"], false);
    assert_eq!(invited.invitation["expires_at"], "2026-12-02T12:00:00.000Z");
    assert_eq!(invited.invitation["invited_by"], team.user["id"]);
    let listed = team.get("/api/team/invitations").await;
    assert!(!listed.text.contains(&invited.secret) && !listed.text.contains("link"), "{}", listed.text);
    assert_eq!(listed.is(200)[0]["email"], invited.email.as_str());
    assert!(!team.get("/api/audit").await.text.contains(&invited.secret));

    let view = app.browser().call(path_to("view_invitation"), &[("token", &invited.secret)]).await.is(200);
    let expected = json!({"organization": "Acme", "email": invited.email, "role": "member", "has_account": false});
    assert_eq!(view, expected);
    let page = app.browser().open(&format!("/invite/{}", invited.secret)).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("Acme") && page.text.contains(&invited.email), "{}", page.text);
    assert_eq!(page.header(header::CACHE_CONTROL), "no-store");

    let (answer, browser) = invited.join_as_new(&app).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (200, "/dashboard"));
    let grace = browser.team().await;
    assert_eq!(grace.user["role"], "member");
    assert_eq!(grace.user["email"], invited.email.as_str());
    assert_eq!(grace.organization, team.organization);
    assert_eq!(team.get("/api/team/invitations").await.is(200), json!([]));
    let entry = team.get("/api/audit?action=member_joined").await.is(200)[0].clone();
    assert_eq!(entry["actor"]["id"], grace.user["id"]);
    assert_eq!(entry["target"]["name"], invited.email.as_str());
    // It works once, even for the user who used it.
    invited.is_invalid(&app).await;
    invited.accept(&grace).await.0.refuses(404, &[]);
    // The new user can log in with the password.
    app.post("/api/auth/login", &json!({"email": invited.email, "password": PASSWORD})).await.is(200);
}

#[tokio::test]
async fn r_07_an_invitation_expires_after_seven_days() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let (early, late) = (team.invite("member").await, team.invite("member").await);
    app.pass(7 * DAY - 1);
    assert_eq!(early.join_as_new(&app).await.0.status, 200);
    app.pass(1);
    late.is_invalid(&app).await;
    assert_eq!(team.log_in_again().await.get("/api/team/invitations").await.is(200), json!([]));
}

#[tokio::test]
async fn r_07_a_revoked_or_replaced_invitation_is_invalid() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let revoked = team.invite("member").await;
    let path = format!("/api/team/invitations/{}", id_of(&revoked.invitation));
    assert_eq!(team.delete(&path).await.status, 204);
    team.delete(&path).await.refuses(404, &[]);
    revoked.is_invalid(&app).await;
    let first = team.invite("member").await;
    let second = team.invite_at(&first.email.to_uppercase(), "admin").await;
    first.is_invalid(&app).await;
    assert_eq!(team.get("/api/team/invitations").await.is(200).as_array().map(Vec::len), Some(1));
    let (answer, browser) = Invited { email: first.email, ..second }.join_as_new(&app).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(browser.team().await.user["role"], "admin");
}

#[tokio::test]
async fn r_07_an_invitation_ends_with_the_inviters_right_to_invite() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for end in ["demoted", "removed", "left"] {
        let other = team.colleague("admin").await;
        let invited = other.invite("admin").await;
        let path = format!("/api/team/{}", id_of(&other.user));
        match end {
            "demoted" => _ = team.put(&path, json!({"role": "member"})).await.is(200),
            "removed" => assert_eq!(team.delete(&path).await.status, 204),
            _ => assert_eq!(other.browser().call(path_to("leave_organization"), &[]).await.status, 200),
        }
        invited.is_invalid(&app).await;
        assert_eq!(team.get("/api/team/invitations").await.is(200), json!([]), "{end}");
    }
}

#[tokio::test]
async fn r_07_an_invitation_is_for_one_address() {
    let app = TestApp::at(NOW).await;
    let (team, eve, grace) = (app.register("Acme").await, app.register("Eve").await, app.register("Grace").await);
    let invited = team.invite_at(&grace.email, "member").await;
    invited.accept(&eve).await.0.refuses(409, &[]);
    let page = eve.browser().open(&format!("/invite/{}", invited.secret)).await;
    assert!(page.status == 200 && page.text.contains("Log out first"), "{}", page.text);
    // A user with an account cannot create another with it, and a wrong password is refused.
    invited.join_as_new(&app).await.0.refuses(409, &[]);
    invited.join_with_password(&app, "not the right password").await.0.refuses(401, &[]);
    assert_eq!(app.browser().call(path_to("accept_invitation"), &[("token", &invited.secret)]).await.status, 401);
    assert_eq!(team.members().await.len(), 1);
    let (answer, browser) = invited.join_with_password(&app, PASSWORD).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (200, "/dashboard"));
    let there = browser.team().await;
    assert_eq!((&there.user["id"], &there.organization), (&grace.user["id"], &team.organization));
    // Their other session is unchanged.
    assert_eq!(grace.get("/api/auth/me").await.is(200)["organization"], grace.organization);
}

#[tokio::test]
async fn a_signed_in_user_accepts_with_one_button_and_switches_there() {
    let app = TestApp::at(NOW).await;
    let (team, grace) = (app.register("Acme").await, app.register("Grace").await);
    let invited = team.invite_at(&grace.email, "admin").await;
    let page = grace.browser().open(&format!("/invite/{}", invited.secret)).await;
    assert!(page.status == 200 && page.text.contains(">Join<"), "{}", page.text);
    let (answer, browser) = invited.accept(&grace).await;
    assert_eq!((answer.status.as_u16(), answer.header(header::LOCATION)), (200, "/dashboard"));
    let there = browser.team().await;
    assert_eq!((&there.user["role"], &there.organization), (&json!("admin"), &team.organization));
    grace.get("/api/auth/me").await.refuses(401, &[]);
    team.post("/api/team/invitations", json!({"email": grace.email})).await.refuses(409, &["email"]);
}

#[tokio::test]
async fn an_invitation_works_with_closed_registration_and_the_same_password_rules() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let real = TestApp::build(&["--registration", "closed"], pretended(NOW), Relay::none()).await;
    let invited = team.invite("member").await;
    for (name, password, field) in
        [("", PASSWORD, "name"), ("Grace", "short", "password"), ("Grace", "aaaaaaaaaaaaaa", "password")]
    {
        let fields = [("token", invited.secret.as_str()), ("name", name), ("password", password)];
        real.browser().call(path_to("join_as_new"), &fields).await.refuses(400, &[field]);
    }
    let (answer, mut browser) = invited.join_as_new(&real).await;
    assert_eq!(answer.status, 200);
    // The new member cannot create another organization either.
    browser.call(path_to("create_organization"), &[("organization_name", "Second")]).await.refuses(403, &[]);
}

#[tokio::test]
async fn r_26_the_view_of_an_invitation_has_a_rate_limit_of_its_own() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let invited = team.invite("member").await;
    let strict = TestApp::build(&["--auth-rate", "3"], pretended(NOW), Relay::none()).await;
    let join = [("token", invited.secret.as_str()), ("password", PASSWORD)];
    // Any site can make a browser request an invented link, which therefore does not count.
    for _ in 0..5 {
        assert_eq!(strict.browser().open("/invite/nonsense").await.status, 404);
    }
    for _ in 0..3 {
        strict.browser().call(path_to("view_invitation"), &join[..1]).await.is(200);
    }
    strict.browser().call(path_to("view_invitation"), &join[..1]).await.refuses(429, &[]);
    // Valid links do not count towards the limit of logins.
    for _ in 0..3 {
        strict.browser().call(path_to("join_with_password"), &join).await.refuses(409, &[]);
    }
    strict.browser().call(path_to("join_with_password"), &join).await.refuses(429, &[]);
}

#[tokio::test]
async fn a_user_without_organizations_returns_by_an_invitation() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    assert_eq!(team.delete(&format!("/api/team/{}", id_of(&grace.user))).await.status, 204);
    let login = json!({"email": grace.email, "password": PASSWORD});
    app.post("/api/auth/login", &login).await.refuses(401, &[]);
    let invited = team.invite_at(&grace.email, "member").await;
    assert_eq!(invited.join_with_password(&app, PASSWORD).await.0.status, 200);
    app.post("/api/auth/login", &login).await.is(200);
}

/// Checks that exactly one answer succeeds, and the others refuse with one of these statuses.
fn one_of_fifty(answers: &[Answer], refusals: &[u16]) {
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    assert_eq!(statuses.len(), 50);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| *status == 200 || refusals.contains(status)), "{statuses:?}");
}

/// The number of members, and of joins in the audit log.
async fn joined(team: &Team) -> (usize, Option<usize>) {
    let log = team.get("/api/audit?action=member_joined").await.is(200);
    (team.members().await.len() - 1, log.as_array().map(Vec::len))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_07_fifty_concurrent_acceptances_by_a_new_user_create_one_membership() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let invited = Arc::new(team.invite("member").await);
    let tasks = (0..50).map(|_| {
        let (app, invited) = (app.clone(), invited.clone());
        tokio::spawn(async move { invited.join_as_new(&app).await.0 })
    });
    let answers = futures::future::try_join_all(tasks).await.expect("ran to their end");
    // Already used, the account already exists, or the queue for hashing is full.
    one_of_fifty(&answers, &[404, 409, 503]);
    assert_eq!(joined(&team).await, (1, Some(1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_07_fifty_concurrent_acceptances_by_a_signed_in_user_create_one_membership() {
    let app = TestApp::open().await;
    let (team, grace) = (app.register("Acme").await, app.register("Grace").await);
    let invited = Arc::new(team.invite_at(&grace.email, "member").await);
    let mut sessions = Vec::new();
    for _ in 0..25 {
        sessions.push(grace.log_in_again().await);
    }
    // Each session twice, like a double click.
    let tasks = sessions.iter().cycle().take(50).cloned().map(|session| {
        let invited = invited.clone();
        tokio::spawn(async move { invited.accept(&session).await.0 })
    });
    let answers = futures::future::try_join_all(tasks).await.expect("ran to their end");
    // Already used, or the session has been replaced by one in the new organization.
    one_of_fifty(&answers, &[401, 404, 409]);
    assert_eq!(joined(&team).await, (1, Some(1)));
    let organizations = grace.log_in_again().await.browser().call(path_to("my_organizations"), &[]).await.is(200);
    assert_eq!(organizations.as_array().map(Vec::len), Some(2), "their own and the team's");
}

#[tokio::test]
async fn r_70_members_and_invitations_together_are_at_most_200() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for _ in 0..199 {
        team.invite("member").await;
    }
    let body = json!({"email": format!("{}@example.com", unique("guest")), "role": "member"});
    team.post("/api/team/invitations", body.clone()).await.refuses(400, &[]);
    let first = team.get("/api/team/invitations").await.is(200)[0].clone();
    // Inviting the same address again replaces the first invitation.
    team.post("/api/team/invitations", json!({"email": first["email"]})).await.is(201);
    let first = team.get("/api/team/invitations").await.is(200)[0].clone();
    assert_eq!(team.delete(&format!("/api/team/invitations/{}", id_of(&first))).await.status, 204);
    team.post("/api/team/invitations", body).await.is(201);
}

#[tokio::test]
async fn an_invalid_invitation_is_refused_on_its_field() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for (body, field) in [
        (json!({"email": "grace"}), "email"),
        (json!({"email": "grace@example.com", "role": "owner"}), "role"),
        (json!({"email": "grace@example.com", "expires_at": NOW}), "expires_at"),
        (json!({"email": "grace@example.com", "organization_id": "x"}), "organization_id"),
    ] {
        team.post("/api/team/invitations", body).await.refuses(400, &[field]);
    }
    let member = team.email.to_uppercase();
    team.post("/api/team/invitations", json!({"email": member})).await.refuses(409, &["email"]);
    assert_eq!(team.get("/api/team/invitations").await.is(200), json!([]));
}

#[tokio::test]
async fn without_javascript_the_link_is_shown_once_and_an_invalid_form_is_shown_again() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let email = format!("{}@example.com", unique("guest"));
    let mut browser = team.browser();
    let fields = [("email", email.as_str()), ("role", "member")];
    let page = browser.submit("/team", path_to("invite_member"), &fields).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let start = page.text.find("/invite/").expect("the link is shown") + "/invite/".len();
    let secret = page.text[start..start + 43].to_owned();
    assert!(page.text.contains("share this link yourself"));
    assert!(!browser.open("/team").await.text.contains(&secret));
    let refused = browser.submit("/team", path_to("invite_member"), &[("email", "nonsense")]).await;
    assert!(refused.status == 400 && refused.text.contains("nonsense"), "{}", refused.text);

    let mut guest = app.browser();
    let at = format!("/invite/{secret}");
    let weak = [("token", secret.as_str()), ("name", "Grace"), ("password", "short"), ("page", at.as_str())];
    let refused = guest.submit(&at, path_to("join_as_new"), &weak).await;
    assert!(refused.status == 400 && refused.text.contains("Use at least 12"), "{}", refused.text);
    let fields = [("token", secret.as_str()), ("name", "Grace"), ("password", PASSWORD), ("page", at.as_str())];
    let joined = guest.submit(&at, path_to("join_as_new"), &fields).await;
    assert_eq!((joined.status.as_u16(), joined.header(header::LOCATION)), (303, "/dashboard"));
    // A wrong password is reported on its page.
    let again = app.register("Other").await.invite_at(&email, "member").await;
    let at = format!("/invite/{}", again.secret);
    let fields = [("token", again.secret.as_str()), ("password", "wrong and long enough"), ("page", at.as_str())];
    let refused = app.browser().submit(&at, path_to("join_with_password"), &fields).await;
    assert!(refused.status == 401 && refused.text.contains("password is wrong"), "{}", refused.text);
}
