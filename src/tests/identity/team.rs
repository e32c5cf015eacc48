//! The team: roles, the last admin, and leaving.

use axum::http::{Method, header};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::organizations::in_two;
use crate::tests::support::{
    app::{ORIGIN, PASSWORD, TestApp, request},
    clients::{Answer, Team, form, id_of},
    endpoints::path_to,
};

const NOW: &str = "2026-11-25T12:00:00Z";

fn path(person: &Team) -> String {
    format!("/api/team/{}", id_of(&person.user))
}

/// The number of admins.
async fn admins(team: &Team) -> usize {
    team.members().await.iter().filter(|member| member["role"] == "admin").count()
}

#[tokio::test]
async fn every_member_sees_the_team_and_when_each_was_last_seen() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    app.pass(60);
    let grace = team.colleague("member").await;
    app.pass(600);
    grace.get("/api/services").await.is(200);
    let members = grace.members().await;
    let shown = |member: &Value| {
        ["email", "name", "role", "joined_at", "last_seen_at", "has_two_factor"].map(|field| member[field].clone())
    };
    let expected = [
        [json!(team.email), json!("Ada Lovelace"), json!("admin")],
        [json!(grace.email), json!("Grace Hopper"), json!("member")],
    ];
    for (member, expected) in members.iter().zip(expected) {
        assert_eq!(shown(member)[..3], expected);
        assert_eq!(member["has_two_factor"], false);
    }
    assert_eq!(members[1]["joined_at"], "2026-11-25T12:01:00.000Z");
    assert_eq!(members[1]["last_seen_at"], "2026-11-25T12:11:00.000Z");
    let page = grace.browser().open("/team").await;
    assert!(page.status == 200 && page.text.contains(&team.email), "{}", page.text);
    assert!(!page.text.contains("Invite member"));
    assert!(team.browser().open("/team").await.text.contains("Invite member"));
}

#[tokio::test]
async fn r_06_only_admins_change_the_team() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    let invited = team.invite("member").await;
    let before = team.members().await;
    grace.put(&path(&grace), json!({"role": "admin"})).await.refuses(403, &[]);
    grace.put(&path(&team), json!({"role": "member"})).await.refuses(403, &[]);
    grace.delete(&path(&team)).await.refuses(403, &[]);
    grace.delete(&path(&grace)).await.refuses(403, &[]);
    grace.get("/api/team/invitations").await.refuses(403, &[]);
    grace.post("/api/team/invitations", json!({"email": "x@example.com"})).await.refuses(403, &[]);
    grace.delete(&format!("/api/team/invitations/{}", id_of(&invited.invitation))).await.refuses(403, &[]);
    let id = id_of(&team.user);
    for (name, fields) in [
        ("set_member_role", vec![("id", id), ("role", "member")]),
        ("remove_member", vec![("id", id)]),
        ("list_invitations", vec![]),
        ("invite_member", vec![("email", "x@example.com")]),
        ("revoke_invitation", vec![("id", id_of(&invited.invitation))]),
    ] {
        grace.browser().call(path_to(name), &fields).await.refuses(403, &[]);
    }
    assert_eq!(team.members().await, before);
}

#[tokio::test]
async fn r_06_the_last_admin_stays_one() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    for answer in [
        team.put(&path(&team), json!({"role": "member"})).await,
        team.delete(&path(&team)).await,
        team.browser().call(path_to("leave_organization"), &[]).await,
    ] {
        let error = answer.refuses(409, &[]);
        assert!(error["error"].as_str().is_some_and(|why| why.contains("Make someone else an admin first")), "{error}");
    }
    assert_eq!(admins(&team).await, 1);
    let promoted = team.put(&path(&grace), json!({"role": "admin"})).await.is(200);
    assert_eq!(promoted["role"], "admin");
    let grace = grace.log_in_again().await;
    assert_eq!(team.put(&path(&team), json!({"role": "member"})).await.is(200)["role"], "member");
    let team = team.log_in_again().await;
    team.put(&path(&team), json!({"role": "admin"})).await.refuses(403, &[]);
    assert_eq!(team.browser().call(path_to("leave_organization"), &[]).await.status, 200);
    assert_eq!(grace.members().await.len(), 1);
    for wrong in [json!({"role": "owner"}), json!({}), json!({"role": "member", "id": "x"})] {
        assert_eq!(grace.put(&path(&grace), wrong).await.status, 400);
    }
}

#[tokio::test]
async fn r_06_a_disabled_admin_does_not_count_as_the_last_admin() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("admin").await;
    let (ada, other) = (team.email.parse().expect("an address"), grace.email.parse().expect("an address"));
    assert_eq!(app.state.system().set_disabled(&other, true).await, Ok(Vec::new()));
    team.put(&path(&team), json!({"role": "member"})).await.refuses(409, &[]);
    team.browser().call(path_to("leave_organization"), &[]).await.refuses(409, &[]);
    // The operator may disable them, and is warned.
    assert_eq!(app.state.system().set_disabled(&ada, true).await, Ok(vec!["Acme".to_owned()]));
    assert_eq!(app.state.system().set_disabled(&ada, false).await, Ok(Vec::new()));
    let team = team.log_in_again().await;
    assert_eq!(team.delete(&path(&grace)).await.status, 204);
}

/// Sends a request whose body arrives only after `meanwhile`, which runs once the request has been authorized.
async fn slow_request(
    by: &Team,
    method: Method,
    path: &str,
    body: Value,
    meanwhile: impl Future<Output = ()>,
) -> Answer {
    let (let_in, is_in) = oneshot::channel::<()>();
    let (go, gate) = oneshot::channel::<()>();
    let drops = futures::stream::once(async move {
        let _ = let_in.send(());
        let _ = gate.await;
        Ok::<_, std::convert::Infallible>(body.to_string())
    });
    let builder = request(method, path)
        .header(header::AUTHORIZATION, format!("Bearer {}", by.token))
        .header(header::CONTENT_TYPE, "application/json");
    let request = builder.body(axum::body::Body::from_stream(drops)).expect("a request");
    let then = async {
        is_in.await.expect("the body is read");
        meanwhile.await;
        go.send(()).expect("the body is waited for");
    };
    tokio::join!(by.app.send(request), then).0
}

#[tokio::test]
async fn r_06_a_member_removed_or_demoted_during_their_request_changes_nothing() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let token = json!({"name": "Pipeline", "scope": "write"});
    for (method, at, body) in [
        (Method::POST, "/api/tokens", &token),
        (Method::POST, "/api/team/invitations", &json!({"email": "eve@example.com"})),
    ] {
        let demoted = team.colleague("admin").await;
        let demote = async { _ = team.put(&path(&demoted), json!({"role": "member"})).await.is(200) };
        slow_request(&demoted, method.clone(), at, body.clone(), demote).await.refuses(403, &[]);
        let removed = team.colleague("admin").await;
        let remove = async { assert_eq!(team.delete(&path(&removed)).await.status, 204) };
        slow_request(&removed, method, at, body.clone(), remove).await.refuses(401, &[]);
    }
    let removed = team.colleague("member").await;
    let remove = async { assert_eq!(team.delete(&path(&removed)).await.status, 204) };
    slow_request(&removed, Method::POST, "/api/groups", json!({"name": "Core"}), remove).await.refuses(401, &[]);
    let created = team.post("/api/tokens", token).await.is(201);
    let program = Team { token: created["secret"].as_str().expect("a secret").to_owned(), ..team.clone() };
    let revoke = async { assert_eq!(team.delete(&format!("/api/tokens/{}", id_of(&created))).await.status, 204) };
    slow_request(&program, Method::POST, "/api/groups", json!({"name": "Core"}), revoke).await.refuses(401, &[]);
    assert_eq!(team.groups().await.len(), 0);
    assert_eq!(team.get("/api/tokens").await.is(200), json!([]));
}

#[tokio::test]
async fn r_06_fifty_concurrent_demotions_leave_one_admin() {
    let app = TestApp::open().await;
    let ada = app.register("Acme").await;
    let grace = ada.colleague("admin").await;
    let answers = futures::future::join_all((0..50).map(|n| {
        let (by, of) = if n % 2 == 0 { (ada.clone(), grace.clone()) } else { (grace.clone(), ada.clone()) };
        async move { by.put(&path(&of), json!({"role": "member"})).await.status.as_u16() }
    }))
    .await;
    assert!(answers.iter().all(|status| [200, 401, 403, 409].contains(status)), "{answers:?}");
    let ada = ada.log_in_again().await;
    assert_eq!(admins(&ada).await, 1);
    assert_eq!(ada.get("/api/team").await.is(200).as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn r_06_of_two_admins_who_leave_or_remove_each_other_concurrently_one_stays() {
    let app = TestApp::open().await;
    for _ in 0..5 {
        let ada = app.register("Acme").await;
        let grace = ada.colleague("admin").await;
        let leave = async |person: &Team| person.browser().call(path_to("leave_organization"), &[]).await.status;
        let (one, two, three, four) = (path(&grace), path(&ada), leave(&ada), leave(&grace));
        let (_, _, _, _) = tokio::join!(ada.delete(&one), grace.delete(&two), three, four);
        let login = async |person: &Team| {
            app.post("/api/auth/login", &json!({"email": person.email, "password": PASSWORD})).await.status.as_u16()
        };
        let left = [login(&ada).await, login(&grace).await];
        assert!(left == [200, 401] || left == [401, 200], "{left:?}");
    }
}

#[tokio::test]
async fn r_22_a_removed_member_loses_token_cookie_socket_and_api_tokens_at_once() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    for by_themselves in [false, true] {
        let other = team.colleague("admin").await;
        let again = other.log_in_again().await;
        let token = other.post("/api/tokens", json!({"name": "CI"})).await.is(201);
        let program = async || {
            let bearer = format!("Bearer {}", token["secret"].as_str().expect("a secret"));
            let builder = request(Method::GET, "/api/services").header(header::AUTHORIZATION, bearer);
            app.send(builder.body(axum::body::Body::empty()).expect("request")).await.status.as_u16()
        };
        let mut sockets = [port.member_feed(&other).await, port.member_feed(&again).await];
        for socket in &mut sockets {
            socket.hello().await;
        }
        assert_eq!(program().await, 200);
        if by_themselves {
            assert_eq!(other.delete(&path(&other)).await.status, 204);
        } else {
            assert_eq!(team.delete(&path(&other)).await.status, 204);
        }
        for socket in &mut sockets {
            assert_eq!(socket.close_code().await, 4401);
        }
        assert_eq!(program().await, 401);
        for person in [&other, &again] {
            person.get("/api/services").await.refuses(401, &[]);
            person.browser().call(path_to("board"), &[]).await.refuses(401, &[]);
            assert_eq!(person.browser().open("/dashboard").await.status, 303);
        }
        let action = if by_themselves { "member_left" } else { "member_removed" };
        let entry = team.get(&format!("/api/audit?action={action}")).await.is(200)[0].clone();
        assert_eq!(entry["target"]["id"], other.user["id"]);
        assert_eq!(entry["changes"]["tokens_revoked"]["to"], "CI");
    }
    // The credentials of the others still work.
    team.get("/api/services").await.is(200);
}

#[tokio::test]
async fn r_22_a_change_of_role_reaches_open_pages_and_applies_at_once() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    let mut socket = port.member_feed(&grace).await;
    socket.hello().await;
    let mut unmoved = port.member_feed(&team).await;
    unmoved.hello().await;
    team.put(&path(&grace), json!({"role": "admin"})).await.is(200);
    assert_eq!(socket.close_code().await, 4403);
    let grace = grace.log_in_again().await;
    grace.get("/api/team/invitations").await.is(200);
    grace.put(&path(&grace), json!({"role": "member"})).await.is(200);
    grace.log_in_again().await.get("/api/team/invitations").await.refuses(403, &[]);
    team.service("API").await;
    unmoved.event(1).await;
    let entry = team.get("/api/audit?action=role_changed&limit=1").await.is(200)[0].clone();
    assert_eq!(entry["changes"]["role"], json!({"from": "admin", "to": "member"}));
    assert_eq!(entry["target"]["name"], "Grace Hopper");
    // Setting the current role changes nothing.
    team.put(&path(&grace), json!({"role": "member"})).await.is(200);
    assert_eq!(team.get("/api/audit?action=role_changed").await.is(200).as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn an_api_token_neither_sees_its_creators_other_organizations_nor_changes_the_team() {
    let app = TestApp::at(NOW).await;
    let (grace, team) = in_two(&app).await;
    let token = grace.post("/api/tokens", json!({"name": "CI", "scope": "write"})).await.is(201);
    let program = Team { token: token["secret"].as_str().expect("a secret").to_owned(), ..grace.clone() };
    assert_eq!(program.members().await.len(), 1);
    program.put(&path(&grace), json!({"role": "member"})).await.refuses(403, &[]);
    program.delete(&path(&grace)).await.refuses(403, &[]);
    program.post("/api/team/invitations", json!({"email": "x@example.com"})).await.refuses(403, &[]);
    let with_token = request(Method::POST, path_to("my_organizations"))
        .header(header::AUTHORIZATION, format!("Bearer {}", program.token))
        .header(header::ACCEPT, "application/json")
        .header(header::ORIGIN, ORIGIN);
    app.send(form(with_token, &[])).await.refuses(403, &[]);
    assert_eq!(team.members().await.len(), 2);
}
