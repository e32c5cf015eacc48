//! T1 beyond the API and the forms: the plain addresses, the application's pages and the live feeds.

use axum::{
    body::Body,
    http::{HeaderName, Method, StatusCode, header},
};
use serde_json::json;

use super::principals::{Cast, Demand, Names, Principal, Stage, Visit, Way, World, is_in, visits};
use crate::{
    server::TeamPages,
    tests::{
        security::permissions::{MOUNTS, PAGES, Right, addresses},
        support::{
            app::ORIGIN,
            clients::{Answer, Team, id_of},
            endpoints::{Field, path_to},
            invitations::Invited,
        },
    },
};

/// The present path in place of one with parameters.
fn filled(path: &str, stage: &Stage, invited: &Invited) -> String {
    let id = if path.starts_with("/services") { Field::Service } else { Field::Incident };
    path.replace("{slug}", &stage.owner.team.slug)
        .replace("{id}", stage.owner.id_of_kind(id))
        .replace("{token}", &invited.secret)
}

async fn open(stage: &Stage, visit: Visit, method: Method, path: &str) -> Answer {
    let builder = stage.ask(visit, method.clone(), path).header(header::ACCEPT, "text/html,*/*;q=0.8");
    let body = if method == Method::POST { Body::from(r#"{"csp-report": {}}"#) } else { Body::empty() };
    stage.owner.team.app.send(builder.body(body).expect("request")).await
}

#[tokio::test]
async fn t1_a_plain_address_answers_everybody_alike() {
    let world = World::open().await;
    let stage = Stage::set(&world, Cast::Everybody).await;
    let invited = stage.owner.team.invite("member").await;
    let mut tried = 0;
    for (asked, answers) in addresses() {
        let (method, path) = asked.split_once(' ').expect("a method and a path");
        let (method, path): (Method, _) = (method.parse().expect("a method"), filled(path, &stage, &invited));
        let stranger = open(&stage, (Principal::Anonymous, Way::Bearer), method.clone(), &path).await;
        assert_eq!(stranger.status.as_u16(), answers, "{asked}: {}", stranger.text);
        assert!(!stranger.headers.contains_key(header::SET_COOKIE), "{asked}");
        // The server takes twenty reports a minute, whoever sends them.
        for visit in visits().skip(1).take(if method == Method::POST { 19 } else { usize::MAX }) {
            let answer = open(&stage, visit, method.clone(), &path).await;
            assert_eq!(answer.fingerprint(), stranger.fingerprint(), "{asked} by {visit:?}");
            tried += 1;
        }
    }
    assert!(tried > 200 && addresses().count() < MOUNTS.len(), "only {tried} attempts");
}

#[test]
fn t1_every_page_is_declared() {
    let pages = TeamPages::find();
    let mut there: Vec<&str> = pages.paths().collect();
    let mut declared: Vec<&str> = PAGES.iter().map(|(path, _)| *path).collect();
    there.sort_unstable();
    declared.sort_unstable();
    assert_eq!(there, declared, "say in PAGES what it demands");
}

/// What only admins are shown, as it stands on the pages they are shown it on.
fn admins_alone(invited: &Invited) -> [(&str, &str); 3] {
    [("/team", &invited.email), ("/settings", "Pipeline"), ("/settings/audit", &invited.email)]
}

/// What is wrong with a page as somebody sees it.
fn fault(
    path: &str,
    right: Right,
    visit: Visit,
    (stage, invited): (&Stage, &Invited),
    page: &Answer,
) -> Option<String> {
    let (who, way) = visit;
    let wrong = |why: &str| Some(format!("{path} answers {visit:?} with {}: {why}\n{}", page.status, page.text));
    let shows_team = page.text.contains(stage.owner.team.organization["name"].as_str().expect("a name"));
    // A page is for browsers: a token opens none.
    let is_signed_in = way == Way::Cookie && who.is_person();
    if right == Right::Open {
        // What it is asked for with is no link of anybody's, which it says.
        let is_told_so = path.starts_with("/reset-password/") && page.status == 400 && page.text.contains("This link");
        return if is_told_so || is_in(path, page) { None } else { wrong("expected to be open") };
    }
    if !is_signed_in {
        let is_led_away = page.status == StatusCode::SEE_OTHER && page.header(header::LOCATION).starts_with("/login?");
        return if is_led_away && !shows_team { None } else { wrong("expected to be led to the door") };
    }
    let names = if path.contains('{') { Names::Organizations } else { Names::Nothing };
    let refusal = Demand { right, names }.refusal(visit);
    let is_as_expected = refusal.map_or_else(|| page.status == 200, |status| page.status.as_u16() == status);
    if !is_as_expected {
        return wrong(&format!("expected {}", refusal.unwrap_or(200)));
    }
    if shows_team != who.is_of_team() {
        return wrong("shows the organization to a stranger, or not to its own");
    }
    let is_admin = matches!(who, Principal::Admin | Principal::AdminSinceLong);
    let shown = admins_alone(invited).into_iter().find(|(on, _)| is_admin && *on == path);
    if shown.is_some_and(|(_, text)| !page.text.contains(text)) {
        return wrong("does not show what is for admins");
    }
    let is_told = admins_alone(invited).iter().any(|(_, text)| page.text.contains(text));
    if is_told && !is_admin { wrong("shows what is for admins") } else { None }
}

#[tokio::test]
async fn t1_every_page_opens_to_whom_it_is_for_and_to_nobody_else() {
    let world = World::open().await;
    let stage = Stage::set(&world, Cast::Everybody).await;
    let invited = stage.owner.team.invite("member").await;
    for who in [Principal::Admin, Principal::Member, Principal::ForeignAdmin] {
        // Its page shows what is being set up.
        let answer = stage.person(who).browser().call(path_to("begin_second_factor"), &[]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let before = stage.owner.team.everything().await;
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for (path, right) in PAGES {
        for visit in visits() {
            let page = open(&stage, visit, Method::GET, &filled(path, &stage, &invited)).await;
            wrong.extend(fault(path, *right, visit, (&stage, &invited), &page));
            tried += 1;
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(stage.owner.team.everything().await, before);
    assert!(tried > 450, "only {tried} attempts");
}

/// What is said at a handshake.
fn shown(stage: &Stage, (who, way): Visit) -> Vec<(HeaderName, String)> {
    let Some(key) = stage.key(who) else { return Vec::new() };
    match way {
        Way::Bearer => vec![(header::AUTHORIZATION, format!("Bearer {key}"))],
        Way::Cookie => vec![(header::COOKIE, format!("aldis={key}")), (header::ORIGIN, ORIGIN.to_owned())],
    }
}

#[tokio::test]
async fn t1_a_feed_opens_to_whom_it_is_for_and_tells_nobody_of_another_organization() {
    let world = World::open().await;
    let stage = Stage::set(&world, Cast::Everybody).await;
    let port = world.app.listen().await;
    let public = format!("/api/public/{}/live", stage.owner.team.slug);
    let mut readers = Vec::new();
    for (path, right) in [(public.as_str(), Right::Open), ("/api/live", Right::Viewer)] {
        let demand = Demand { right, names: Names::Nothing };
        for visit in visits() {
            let headers = shown(&stage, visit);
            let headers: Vec<_> = headers.iter().map(|(name, value)| (name.clone(), value.as_str())).collect();
            match (port.dial(path, &headers).await, demand.refusal(visit)) {
                (Ok(socket), None) => readers.push((path, visit, socket)),
                (Err(refusal), Some(status)) => assert_eq!(refusal.status().as_u16(), status, "{path} to {visit:?}"),
                (answer, expected) => panic!("{path} answers {visit:?} with {answer:?}, expected {expected:?}"),
            }
        }
    }
    assert_eq!(readers.len(), 21 + 10, "who may listen");
    let foreign = stage.person(Principal::ForeignAdmin);
    for team in [&stage.owner.team, foreign] {
        team.post("/api/services", json!({"name": format!("Of {}", team.slug)})).await.is(201);
    }
    for (path, (who, way), mut reader) in readers {
        let own: &Team =
            if path == "/api/live" && who == Principal::ForeignAdmin { foreign } else { &stage.owner.team };
        let seq = reader.hello().await + 1;
        let event = reader.event(seq).await;
        assert_eq!(event["data"]["name"], format!("Of {}", own.slug), "{path} to {who:?} by {way:?}");
        assert_eq!(event["data"]["organization_id"], id_of(&own.organization));
    }
}
