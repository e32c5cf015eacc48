//! The cached public documents: who shares them, how they are sent, and when they are made anew.

use axum::{
    body::Body,
    http::{HeaderName, Method, Request, header},
    response::Response,
};
use futures::future::join_all;
use serde_json::json;

use crate::{
    server::domain::statement_log,
    tests::support::{
        app::{TestApp, request, unique},
        clients::{Answer, Team, id_of},
        public_page::{NOW, ReportedPage},
    },
};

fn get(path: &str, headers: &[(HeaderName, &str)]) -> Request<Body> {
    let builder =
        headers.iter().fold(request(Method::GET, path), |builder, (name, value)| builder.header(name, *value));
    builder.body(Body::empty()).expect("request")
}

fn cached(app: &TestApp, path: &str, headers: &[(HeaderName, &str)]) -> Option<Response> {
    app.state.cached_answer(&get(path, headers))
}

async fn set_status(team: &Team, service: &serde_json::Value, status: &str) {
    team.put(&format!("/api/services/{}", id_of(service)), json!({"status": status})).await.is(200);
}

const BR: (HeaderName, &str) = (header::ACCEPT_ENCODING, "gzip, deflate, br");

#[tokio::test]
async fn what_was_asked_for_once_is_sent_without_the_database() {
    let app = TestApp::at(NOW).await;
    let page = ReportedPage::at(&app).await;
    for path in page.everywhere() {
        assert!(cached(&app, &path, &[BR]).is_none(), "{path}");
        let first = app.send(get(&path, &[BR])).await;
        assert_eq!((first.status.as_u16(), first.header(header::CONTENT_ENCODING)), (200, "br"), "{path}");
        statement_log::take();
        let again = Answer::read(cached(&app, &path, &[BR]).expect("cached")).await;
        assert_eq!((again.status, &again.text), (first.status, &first.text), "{path}");
        // The connection adds the length, the router which sites may read it.
        for (name, value) in again.headers.iter().filter(|(name, _)| *name != header::VARY) {
            assert_eq!(first.headers.get(name), Some(value), "{path}: {name}");
        }
        assert!(again.headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
        app.send(get(&path, &[BR])).await;
        assert_eq!(statement_log::take(), Vec::<String>::new(), "{path}");
        let etag = first.header(header::ETAG).to_owned();
        let known = Answer::read(cached(&app, &path, &[BR, (header::IF_NONE_MATCH, &etag)]).expect("cached")).await;
        assert_eq!((known.status.as_u16(), known.text.as_str(), known.header(header::ETAG)), (304, "", &*etag));
        assert_eq!(known.header(header::VARY), "accept-encoding");
        assert!(!known.headers.contains_key(header::CONTENT_TYPE));
        assert!(known.header(header::CACHE_CONTROL).contains("stale-if-error=600"));
    }
}

#[tokio::test]
async fn each_encoding_has_its_own_tag_and_the_same_text() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let path = format!("/public/{}", team.slug);
    let plain = app.get(&path).await;
    assert!(plain.text.starts_with("<!DOCTYPE html>") && !plain.headers.contains_key(header::CONTENT_ENCODING));
    let zipped = app.send(get(&path, &[(header::ACCEPT_ENCODING, "gzip")])).await;
    assert_eq!(zipped.header(header::CONTENT_ENCODING), "gzip");
    let small = app.send(get(&path, &[BR])).await;
    let tags = [&plain, &zipped, &small].map(|answer| answer.header(header::ETAG));
    assert!(tags.iter().all(|tag| tag.starts_with('"')) && tags[0] != tags[1] && tags[1] != tags[2], "{tags:?}");
    let of_another = app.send(get(&path, &[BR, (header::IF_NONE_MATCH, tags[0])])).await;
    assert_eq!(of_another.status, 200);
    let sites = [(header::ORIGIN, "https://elsewhere.example"), BR];
    let status = format!("/api{path}/status");
    let first = app.send(get(&status, &sites)).await;
    let again = Answer::read(cached(&app, &status, &sites).expect("cached")).await;
    for answer in [first, again] {
        let allowed: Vec<_> = answer.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN).iter().collect();
        assert_eq!(allowed, ["*"]);
    }
}

#[tokio::test]
async fn made_up_queries_share_one_document() {
    let app = TestApp::at(NOW).await;
    let page = ReportedPage::at(&app).await;
    let (home, month) = (page.home(), format!("{}/history?month=2026-11", page.home()));
    app.send(get(&home, &[BR])).await;
    app.send(get(&month, &[BR])).await;
    statement_log::take();
    for path in [format!("{home}?a=1"), format!("{home}?month=2020-01"), format!("{month}&b"), format!("{home}?{}", 7)]
    {
        assert!(cached(&app, &path, &[BR]).is_some(), "{path}");
        assert_eq!(app.send(get(&path, &[BR])).await.status, 200, "{path}");
    }
    assert_eq!(statement_log::take(), Vec::<String>::new());
}

#[tokio::test]
async fn a_herd_makes_a_document_once() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let path = format!("/public/{}", team.slug);
    statement_log::take();
    app.send(get(&path, &[BR])).await;
    let one = statement_log::take().len();
    team.service("API").await;
    let other = TestApp::of(app.state.clone().with_empty_cache(), app.clock.clone());
    statement_log::take();
    let answers = join_all((0..200).map(|_| other.send(get(&path, &[BR])))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let sent = statement_log::take();
    assert!(sent.len() <= one + 2, "{} against {one}: {sent:#?}", sent.len());
}

#[tokio::test]
async fn a_page_and_its_json_share_one_load() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let (page, json) = (format!("/public/{}", team.slug), format!("/api/public/{}/status", team.slug));
    let loads = || statement_log::take().iter().filter(|sql| sql.contains("service_group")).count();
    for (status, words) in [("degraded", "Degraded"), ("major_outage", "Major Outage")] {
        set_status(&team, &service, status).await;
        loads();
        let both = join_all([&page, &json].map(|path| app.send(get(path, &[])))).await;
        assert!(both[0].text.contains(words) && both[1].json()["services"][0]["status"] == status, "{status}");
        assert_eq!(loads(), 1, "both at once");
    }
    set_status(&team, &service, "operational").await;
    loads();
    app.send(get(&page, &[])).await;
    assert_eq!(app.get(&json).await.json()["services"][0]["status"], "operational");
    assert_eq!(loads(), 1, "one after the other");
    app.pass(61);
    let other = TestApp::of(app.state.clone().with_empty_cache(), app.clock.clone());
    loads();
    other.send(get(&page, &[])).await;
    app.pass(2);
    other.send(get(&json, &[])).await;
    assert_eq!(loads(), 2, "after a while");
}

#[tokio::test]
async fn whoever_changes_something_sees_it_and_a_crowd_does_not_wait() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let path = format!("/api/public/{}/status", team.slug);
    // Also when there are so many that the documents are made less often.
    for status in ["degraded", "major_outage", "operational"].into_iter().cycle().take(12) {
        app.send(get(&path, &[BR])).await;
        set_status(&team, &service, status).await;
        assert!(cached(&app, &path, &[BR]).is_none(), "one who asks waits for the next document");
        assert_eq!(app.get(&path).await.json()["services"][0]["status"], status);
    }
}

#[tokio::test]
async fn the_last_of_many_changes_is_shown_without_being_asked_for() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let path = format!("/public/{}", team.slug);
    let background = app.state.background();
    app.send(get(&path, &[BR])).await;
    for status in
        ["degraded", "partial_outage", "degraded", "major_outage", "degraded", "partial_outage", "operational"]
    {
        set_status(&team, &service, status).await;
    }
    let newest = loop {
        tokio::task::yield_now().await;
        // Its number is the newest again.
        if let Some(answer) = cached(&app, &path, &[BR]) {
            break answer;
        }
    };
    background.abort();
    let newest = Answer::read(newest).await;
    assert_eq!(newest.header(header::ETAG), app.send(get(&path, &[BR])).await.header(header::ETAG));
    assert!(app.get(&path).await.text.contains("All Systems Operational"));
}

#[tokio::test]
async fn a_withdrawn_text_is_gone_at_once() {
    let app = TestApp::at(NOW).await;
    let page = ReportedPage::at(&app).await;
    let secret = unique("secret");
    let update = page.update(json!({"message": format!("Call {secret}"), "status": "identified"})).await;
    for path in page.everywhere() {
        app.send(get(&path, &[BR])).await;
    }
    let path = format!("/api/incidents/{}/updates/{}", id_of(&page.open), id_of(&update));
    page.team.delete(&path).await.is(204);
    for path in page.everywhere() {
        assert!(cached(&app, &path, &[BR]).is_none(), "{path}");
        assert!(!app.get(&path).await.text.contains(&secret), "{path}");
    }
}

#[tokio::test]
async fn a_page_moves_with_time() {
    let app = TestApp::at("2026-11-23T23:59:00Z").await;
    let team = app.register("Acme").await;
    let path = format!("/api/public/{}/status", team.slug);
    let today = async || app.get(&path).await.json()["today"].clone();
    assert_eq!(today().await, "2026-11-23T00:00:00.000Z");
    app.pass(59);
    assert!(cached(&app, &path, &[]).is_some());
    app.pass(2);
    assert!(cached(&app, &path, &[]).is_none());
    assert_eq!(today().await, "2026-11-24T00:00:00.000Z");
}

#[tokio::test]
async fn a_change_through_another_instance_is_noticed_without_redis() {
    let app = TestApp::alone_at(NOW).await;
    let other = app.another_instance().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let path = format!("/api/public/{}/status", team.slug);
    assert_eq!(other.get(&path).await.json()["services"][0]["status"], "operational");
    set_status(&team, &service, "major_outage").await;
    other.state.system().check_versions().await.expect("checked");
    assert_eq!(other.get(&path).await.json()["services"][0]["status"], "major_outage");
}

#[tokio::test]
async fn an_unknown_address_costs_one_query_until_somebody_takes_it() {
    let app = TestApp::open().await;
    let form = crate::tests::support::app::registration("Acme");
    let slug = form["slug"].as_str().expect("a slug").to_owned();
    let path = format!("/public/{slug}");
    assert_eq!(app.get(&path).await.status, 404);
    statement_log::take();
    assert_eq!(app.get(&path).await.status, 404);
    assert_eq!(statement_log::take(), Vec::<String>::new());
    app.post("/api/auth/register", &form).await.is(201);
    assert_eq!(app.get(&path).await.status, 200);
}

#[tokio::test]
async fn the_cache_is_bounded_by_bytes_and_by_documents_of_an_organization() {
    let app =
        TestApp::build(&["--cache-mb", "1"], crate::tests::support::app::pretended(NOW), crate::server::Relay::none())
            .await;
    let page = ReportedPage::at(&app).await;
    app.send(get(&page.home(), &[BR])).await;
    for year in 1990..2020 {
        for month in 1..=12 {
            let path = format!("{}/history?month={year}-{month:02}", page.home());
            assert_eq!(app.send(get(&path, &[BR])).await.status, 200);
            assert!(app.state.cached_bytes() <= 1024 * 1024);
        }
    }
    assert!(cached(&app, &format!("{}/history?month=1990-01", page.home()), &[BR]).is_none());
    assert!(cached(&app, &format!("{}/history?month=2019-12", page.home()), &[BR]).is_some());
}

#[tokio::test]
async fn after_a_rest_a_document_is_compressed_better() {
    let app = TestApp::at(NOW).await;
    let page = ReportedPage::at(&app).await;
    let length = async || {
        let answer = app.state.cached_answer(&get(&page.home(), &[BR])).expect("cached");
        axum::body::to_bytes(answer.into_body(), usize::MAX).await.expect("a body").len()
    };
    app.send(get(&page.home(), &[BR])).await;
    let fast = length().await;
    app.state.improve_cached().await;
    assert_eq!(length().await, fast, "it may change again");
    app.pass(2);
    app.state.improve_cached().await;
    assert!(length().await < fast);
}
