//! Two instances of the server on one database: what one commits, the other's readers hear.

use serde_json::json;

use super::{
    Relay, TestApp,
    clients::in_public,
    config,
    database::{database_url, setting},
};
use crate::{
    model::Timestamp,
    server::{
        AppState,
        domain::{Clock, Domain},
    },
};

#[tokio::test]
async fn without_redis_readers_are_caught_up_from_the_database() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let port = two.listen().await;
    let mut readers = [port.visit(&team, None).await, port.attend(&team).await];
    for reader in &mut readers {
        assert_eq!(reader.hello().await, 0);
    }
    let service = team.service("API").await;
    team.change(&service, json!({"status": "degraded"})).await;
    two.state.system().catch_up_readers().await.expect("caught up");
    two.state.system().catch_up_readers().await.expect("nothing left");
    for (reader, service) in readers.iter_mut().zip([in_public(&service), service.clone()]) {
        assert_eq!(reader.event(1).await["data"], service);
        assert_eq!(reader.event(2).await["data"]["status"], "degraded");
    }
    // A change at the readers' own instance comes with what lay before it.
    team.change(&service, json!({"status": "partial_outage"})).await;
    team.at(&two).change(&service, json!({"status": "major_outage"})).await;
    for reader in &mut readers {
        assert_eq!(reader.event(3).await["data"]["status"], "partial_outage");
        assert_eq!(reader.event(4).await["data"]["status"], "major_outage");
    }
}

#[tokio::test]
async fn a_session_ended_at_one_instance_has_ended_at_the_other() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let elsewhere = team.at(&two);
    elsewhere.get("/api/auth/me").await.is(200);
    team.post("/api/auth/logout", json!({})).await.is(204);
    elsewhere.get("/api/auth/me").await.refuses(401, &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_at_two_instances_at_once_get_one_order() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let (api, web) = (team.service("API").await, team.service("Web").await);
    let writers = [(team.clone(), api), (team.at(&two), web)].map(|(team, service)| {
        tokio::spawn(async move {
            for status in ["degraded", "operational"].into_iter().cycle().take(20) {
                team.change(&service, json!({"status": status})).await;
            }
        })
    });
    for writer in writers {
        writer.await.expect("ran to its end");
    }
    let mut reader = two.listen().await.visit(&team, Some(0)).await;
    assert_eq!(reader.hello().await, 42);
    for seq in 1..=42 {
        reader.event(seq).await;
    }
}

/// An instance that hears the others through Redis.
async fn connected(redis: &str) -> TestApp {
    let relay = Relay::open(redis).expect("an address");
    let domain = Domain::open(database_url(), relay.clone(), Clock::System).await.expect("the database opens");
    let state = AppState::for_tests(config(&[]), domain);
    tokio::spawn(relay.listen(state.system(), state.stop()));
    TestApp::of(state, Clock::System)
}

#[tokio::test]
async fn with_redis_an_event_reaches_the_other_instances_readers_by_itself() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else {
        // Whoever has started a database for the tests has to start Redis too.
        assert_eq!(setting("ALDIS_TEST_DATABASE_URL"), None, "set ALDIS_TEST_REDIS_URL: `scripts/databases` does");
        return;
    };
    let (one, two) = (connected(&redis).await, connected(&redis).await);
    let team = one.register("Acme").await;
    let port = two.listen().await;
    let mut readers = [port.visit(&team, None).await, port.attend(&team).await];
    for reader in &mut readers {
        reader.hello().await;
    }
    let service = team.service("API").await;
    // Whichever is first, the line to Redis or the event, the reader hears of it.
    for (reader, service) in readers.iter_mut().zip([in_public(&service), service.clone()]) {
        assert_eq!(reader.event(1).await["data"], service);
    }
    for (n, status) in (2..40).zip(["degraded", "operational"].into_iter().cycle()) {
        let from = if n % 2 == 0 { &one } else { &two };
        let changed = team.at(from).change(&service, json!({"status": status})).await;
        for (reader, changed) in readers.iter_mut().zip([in_public(&changed), changed.clone()]) {
            assert_eq!(reader.event(n).await["data"], changed);
        }
    }
    assert_eq!(one.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn without_its_redis_an_instance_is_not_ready_but_works() {
    // Nobody listens on this port.
    let app = connected("redis://127.0.0.1:9/").await;
    let team = app.register("Acme").await;
    let mut reader = app.listen().await.visit(&team, None).await;
    reader.hello().await;
    team.service("API").await;
    reader.event(1).await;
    app.get("/readyz").await.refuses(503, &[]);
    assert_eq!(app.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn clocks_that_disagree_never_put_a_state_before_the_one_it_follows() {
    let (fast, slow) = (TestApp::at("2026-03-01T12:05:00Z").await, TestApp::at("2026-03-01T12:04:30Z").await);
    let team = fast.register("Acme").await;
    let service = team.service("API").await;
    let later = team.at(&slow).change(&service, json!({"status": "degraded"})).await;
    let instant = |value: &serde_json::Value| value.as_str().expect("text").parse::<Timestamp>().expect("an instant");
    assert!(instant(&later["updated_at"]) > instant(&service["updated_at"]));
    assert_eq!(later["status_since"], later["updated_at"]);
}
