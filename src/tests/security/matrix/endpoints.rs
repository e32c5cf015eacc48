//! Authorization matrix beyond the API and server functions: other routes, pages and live feeds.

use axum::{
    body::Body,
    http::{HeaderName, Method, StatusCode, header},
};
use serde_json::json;

use super::principals::{Caller, Principal, References, Requirement, Roster, Servers, Setup, Via, callers, is_allowed};
use crate::{
    server::TeamPages,
    tests::{
        security::permissions::{MOUNTS, PAGES, Right, plain_routes},
        support::{
            app::ORIGIN,
            clients::{Answer, Team, id_of},
            endpoints::{Field, path_to},
            invitations::Invited,
        },
    },
};

/// A path with its parameters replaced.
fn filled(path: &str, setup: &Setup, invited: &Invited) -> String {
    let id = if path.starts_with("/services") { Field::Service } else { Field::Incident };
    path.replace("{slug}", &setup.owner.team.slug)
        .replace("{id}", setup.owner.id_of_kind(id))
        .replace("{token}", &invited.secret)
}

async fn open(setup: &Setup, caller: Caller, method: Method, path: &str) -> Answer {
    let builder = setup.request(caller, method.clone(), path).header(header::ACCEPT, "text/html,*/*;q=0.8");
    let body = if method == Method::POST { Body::from(r#"{"csp-report": {}}"#) } else { Body::empty() };
    setup.owner.team.app.send(builder.body(body).expect("request")).await
}

#[tokio::test]
async fn t1_routes_without_authentication_answer_all_callers_alike() {
    let servers = Servers::open().await;
    let setup = Setup::create(&servers, Roster::All).await;
    let invited = setup.owner.team.invite("member").await;
    let mut tried = 0;
    for (title, status) in plain_routes() {
        let (method, path) = title.split_once(' ').expect("a method and a path");
        let (method, path): (Method, _) = (method.parse().expect("a method"), filled(path, &setup, &invited));
        let anonymous = open(&setup, (Principal::Anonymous, Via::Bearer), method.clone(), &path).await;
        assert_eq!(anonymous.status.as_u16(), status, "{title}: {}", anonymous.text);
        assert!(!anonymous.headers.contains_key(header::SET_COOKIE), "{title}");
        // Reports are limited to twenty per minute for all callers together.
        for caller in callers().skip(1).take(if method == Method::POST { 19 } else { usize::MAX }) {
            let answer = open(&setup, caller, method.clone(), &path).await;
            assert_eq!(answer.fingerprint(), anonymous.fingerprint(), "{title} by {caller:?}");
            tried += 1;
        }
    }
    assert!(tried > 200 && plain_routes().count() < MOUNTS.len(), "only {tried} attempts");
}

#[test]
fn t1_the_pages_are_the_declared_ones() {
    let pages = TeamPages::find();
    let mut actual: Vec<&str> = pages.paths().collect();
    let mut declared: Vec<&str> = PAGES.iter().map(|(path, _)| *path).collect();
    actual.sort_unstable();
    declared.sort_unstable();
    assert_eq!(actual, declared, "declare its permission in PAGES");
}

/// Pages and texts on them that only admins see.
fn admins_only(invited: &Invited) -> [(&str, &str); 3] {
    [("/team", &invited.email), ("/settings", "Pipeline"), ("/settings/audit", &invited.email)]
}

/// What is wrong with the page a caller gets.
fn fault(
    path: &str,
    right: Right,
    caller: Caller,
    (setup, invited): (&Setup, &Invited),
    page: &Answer,
) -> Option<String> {
    let (who, via) = caller;
    let wrong = |why: &str| Some(format!("{path} answers {caller:?} with {}: {why}\n{}", page.status, page.text));
    let shows_team = page.text.contains(setup.owner.team.organization["name"].as_str().expect("a name"));
    // Pages accept only the cookie.
    let is_signed_in = via == Via::Cookie && who.is_person();
    if right == Right::Open {
        // The page says that the made-up link is invalid.
        let is_invalid_link =
            path.starts_with("/reset-password/") && page.status == 400 && page.text.contains("This link");
        return if is_invalid_link || is_allowed(path, page) { None } else { wrong("expected it to be open") };
    }
    if !is_signed_in {
        let is_redirected =
            page.status == StatusCode::SEE_OTHER && page.header(header::LOCATION).starts_with("/login?");
        return if is_redirected && !shows_team { None } else { wrong("expected a redirect to the login") };
    }
    let references = if path.contains('{') { References::Organization } else { References::Nothing };
    let refusal = Requirement { right, references }.rejection(caller);
    let is_as_expected = refusal.map_or_else(|| page.status == 200, |status| page.status.as_u16() == status);
    if !is_as_expected {
        return wrong(&format!("expected {}", refusal.unwrap_or(200)));
    }
    if shows_team != who.is_of_team() {
        return wrong("shows the organization to others, or not to its members");
    }
    let is_admin = matches!(who, Principal::Admin | Principal::StaleAdmin);
    let shown = admins_only(invited).into_iter().find(|(on, _)| is_admin && *on == path);
    if shown.is_some_and(|(_, text)| !page.text.contains(text)) {
        return wrong("does not show what admins see");
    }
    let shows_admins_only = admins_only(invited).iter().any(|(_, text)| page.text.contains(text));
    if shows_admins_only && !is_admin { wrong("shows what only admins may see") } else { None }
}

#[tokio::test]
async fn t1_every_page_allows_exactly_the_callers_with_permission() {
    let servers = Servers::open().await;
    let setup = Setup::create(&servers, Roster::All).await;
    let invited = setup.owner.team.invite("member").await;
    for who in [Principal::Admin, Principal::Member, Principal::ForeignAdmin] {
        // Its page shows what is being set up.
        let answer = setup.person(who).browser().call(path_to("begin_second_factor"), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let before = setup.owner.team.everything().await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (path, right) in PAGES {
        for caller in callers() {
            let page = open(&setup, caller, Method::GET, &filled(path, &setup, &invited)).await;
            wrong.extend(fault(path, *right, caller, (&setup, &invited), &page));
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(setup.owner.team.everything().await, before);
    assert!(tried > 450, "only {tried} attempts");
}

/// The headers of a caller's handshake.
fn handshake_headers(setup: &Setup, (who, via): Caller) -> Vec<(HeaderName, String)> {
    let Some(key) = setup.credential(who) else { return Vec::new() };
    match via {
        Via::Bearer => vec![(header::AUTHORIZATION, format!("Bearer {key}"))],
        Via::Cookie => vec![(header::COOKIE, format!("aldis={key}")), (header::ORIGIN, ORIGIN.to_owned())],
    }
}

#[tokio::test]
async fn t1_live_feeds_allow_exactly_the_callers_with_permission_and_show_only_their_organization() {
    let servers = Servers::open().await;
    let setup = Setup::create(&servers, Roster::All).await;
    let port = servers.app.listen().await;
    let public = format!("/api/public/{}/live", setup.owner.team.slug);
    let mut readers = Vec::new();
    for (path, right) in [(public.as_str(), Right::Open), ("/api/live", Right::Viewer)] {
        let requirement = Requirement { right, references: References::Nothing };
        for caller in callers() {
            let headers = handshake_headers(&setup, caller);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), value.as_str())).collect();
            match (port.connect(path, &headers).await, requirement.rejection(caller)) {
                (Ok(socket), None) => readers.push((path, caller, socket)),
                (Err(refusal), Some(status)) => assert_eq!(refusal.status().as_u16(), status, "{path} to {caller:?}"),
                (answer, expected) => panic!("{path} answers {caller:?} with {answer:?}, expected {expected:?}"),
            }
        }
    }
    assert_eq!(readers.len(), 21 + 10, "who may listen");
    let foreign = setup.person(Principal::ForeignAdmin);
    for team in [&setup.owner.team, foreign] {
        team.post("/api/services", json!({"name": format!("Of {}", team.slug)})).await.is(201);
    }
    for (path, (who, via), mut reader) in readers {
        let own: &Team =
            if path == "/api/live" && who == Principal::ForeignAdmin { foreign } else { &setup.owner.team };
        let seq = reader.hello().await + 1;
        let event = reader.event(seq).await;
        assert_eq!(event["data"]["name"], format!("Of {}", own.slug), "{path} to {who:?} by {via:?}");
        assert_eq!(event["data"]["organization_id"], id_of(&own.organization));
    }
}
