//! Two instances of the server on one database: events reach the readers of both, and rate limits are shared.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::header;
use sea_orm::ConnectionTrait;
use serde_json::json;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::timeout,
};

use crate::{
    model::Timestamp,
    tests::support::{
        app::{PASSWORD, TestApp, unique},
        clients::{in_public, incident_path},
        database::{connect, setting},
        fixtures::NOW,
        instances::{connected, pair},
    },
};

#[tokio::test]
async fn without_redis_readers_are_caught_up_from_the_database() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let port = two.listen().await;
    let mut readers = [port.public_feed(&team, None).await, port.member_feed(&team).await];
    for reader in &mut readers {
        assert_eq!(reader.hello().await, 0);
    }
    let service = team.service("API").await;
    team.change(&service, json!({"status": "degraded"})).await;
    two.state.system().catch_up_feeds().await.expect("caught up");
    two.state.system().catch_up_feeds().await.expect("nothing left");
    for (reader, service) in readers.iter_mut().zip([in_public(&service), service.clone()]) {
        assert_eq!(reader.event(1).await["data"], service);
        assert_eq!(reader.event(2).await["data"]["status"], "degraded");
    }
    // A change at the readers' own instance arrives after the changes before it.
    team.change(&service, json!({"status": "partial_outage"})).await;
    team.at(&two).change(&service, json!({"status": "major_outage"})).await;
    for reader in &mut readers {
        assert_eq!(reader.event(3).await["data"]["status"], "partial_outage");
        assert_eq!(reader.event(4).await["data"]["status"], "major_outage");
    }
    // A long backlog is delivered to its end.
    let long = "x".repeat(24_000);
    let incident = team.open_incident(json!({"title": "Down", "message": long})).await;
    for seq in 0..31 {
        team.put(&incident_path(&incident), json!({"title": format!("Down {seq}")})).await.is(200);
    }
    two.state.system().catch_up_feeds().await.expect("caught up");
    for reader in &mut readers {
        for seq in 5..=36 {
            reader.event(seq).await;
        }
    }
}

#[tokio::test]
async fn a_session_revoked_at_one_instance_is_revoked_at_the_other() {
    let (one, two) = (TestApp::open().await, TestApp::open().await);
    let team = one.register("Acme").await;
    let elsewhere = team.at(&two);
    elsewhere.get("/api/auth/me").await.is(200);
    team.post("/api/auth/logout", json!({})).await.is(204);
    elsewhere.get("/api/auth/me").await.refuses(401, &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_at_two_instances_have_one_order() {
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
        writer.await.expect("finished");
    }
    let mut reader = two.listen().await.public_feed(&team, Some(0)).await;
    assert_eq!(reader.hello().await, 42);
    for seq in 1..=42 {
        reader.event(seq).await;
    }
}

#[tokio::test]
async fn with_redis_an_event_reaches_the_readers_of_the_other_instance() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else {
        // Tests on a database server require Redis too.
        assert_eq!(setting("ALDIS_TEST_DATABASE_URL"), None, "set ALDIS_TEST_REDIS_URL: `scripts/databases` does");
        return;
    };
    let (one, two) = (connected(&redis).await, connected(&redis).await);
    let team = one.register("Acme").await;
    let port = two.listen().await;
    let mut readers = [port.public_feed(&team, None).await, port.member_feed(&team).await];
    for reader in &mut readers {
        reader.hello().await;
    }
    let service = team.service("API").await;
    // Readers receive it whether the event or the connection to Redis comes first.
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
async fn without_its_redis_an_instance_works_and_says_so() {
    // Nobody listens on this port.
    let app = connected("redis://127.0.0.1:9/").await;
    let team = app.register("Acme").await;
    let mut reader = app.listen().await.public_feed(&team, None).await;
    reader.hello().await;
    team.service("API").await;
    reader.event(1).await;
    let degraded = json!({"degraded": ["redis"]});
    assert_eq!(app.get("/readyz").await.is(200), degraded);
    assert_eq!(app.get("/readyz?strict").await.is(503), degraded);
    assert_eq!(app.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn readiness_opens_no_connections_to_redis() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else { return };
    let (url, _gate, opened) = proxy(&redis).await;
    let app = connected(&url).await;
    app.get("/readyz?strict").await.is(200);
    // The counters', the subscription's and the publisher's.
    for _ in 0..20 {
        app.get("/readyz?strict").await.is(200);
    }
    assert!(opened.load(Ordering::SeqCst) <= 3, "{opened:?}");
}

#[tokio::test]
async fn the_feeds_of_a_deleted_organization_end_and_others_are_caught_up() {
    let one = TestApp::alone_at(NOW).await;
    let two = one.another_instance().await;
    let (team, deleted) = (one.register("Acme").await, one.register("Deleted").await);
    let port = two.listen().await;
    let (mut reader, mut orphan) = (port.public_feed(&team, None).await, port.public_feed(&deleted, None).await);
    reader.hello().await;
    orphan.hello().await;
    team.service("API").await;
    let db = connect(&one.own.as_ref().expect("a database of its own").url).await;
    db.execute_unprepared("DELETE FROM organization WHERE name = 'Deleted'").await.expect("deleted");
    two.state.system().catch_up_feeds().await.expect("caught up");
    assert_eq!(reader.event(1).await["type"], "service_created");
    assert_eq!(orphan.close_code().await, 1012, "service restart");
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

const LOGIN: &str = "/api/auth/login";

#[tokio::test]
async fn r_27_an_addresss_attempts_are_counted_by_all_instances_together() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else { return };
    let apps = pair(&redis, &["--auth-rate", "6"]).await;
    let team = apps[0].register("Acme").await;
    let login = json!({"email": team.email, "password": PASSWORD});
    for n in 0..5 {
        apps[n % 2].post(LOGIN, &login).await.is(200);
    }
    apps[0].pass(10);
    for app in &apps {
        let refused = app.post(LOGIN, &login).await;
        refused.refuses(429, &[]);
        assert_eq!(refused.header(header::RETRY_AFTER), "50");
    }
    apps[0].pass(50);
    for n in 0..6 {
        apps[n % 2].post(LOGIN, &login).await.is(200);
    }
    apps[0].post(LOGIN, &login).await.refuses(429, &[]);
}

#[tokio::test]
async fn r_27_an_accounts_backoff_and_its_end_apply_at_all_instances() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else { return };
    let apps = pair(&redis, &[]).await;
    let team = apps[0].register("Acme").await;
    let unknown = format!("{}@example.com", unique("nobody"));
    for email in [&unknown, &team.email] {
        let wrong = json!({"email": email, "password": "not the right password"});
        for n in 0..5 {
            apps[n % 2].post(LOGIN, &wrong).await.refuses(401, &[]);
        }
        // Refused attempts do not lengthen the backoff.
        for pause in [1, 2, 4] {
            for app in apps.iter().cycle().take(4) {
                let paused = app.post(LOGIN, &wrong).await;
                paused.refuses(429, &[]);
                assert_eq!(paused.header(header::RETRY_AFTER), pause.to_string());
            }
            apps[0].pass(pause);
            apps[1].post(LOGIN, &wrong).await.refuses(401, &[]);
        }
        apps[0].pass(8);
    }
    apps[1].post(LOGIN, &json!({"email": team.email, "password": PASSWORD})).await.is(200);
    let wrong = json!({"email": team.email, "password": "not the right password"});
    for n in 0..5 {
        apps[n % 2].post(LOGIN, &wrong).await.refuses(401, &[]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r_27_of_concurrent_guesses_at_two_instances_five_are_tried() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else { return };
    let apps = pair(&redis, &[]).await;
    let team = apps[0].register("Acme").await;
    let guesses = apps.iter().cycle().take(20).map(|app| {
        let (app, guess) = (app.clone(), json!({"email": team.email, "password": "not the right password"}));
        tokio::spawn(async move { app.post(LOGIN, &guess).await.status.as_u16() })
    });
    let answers = futures::future::join_all(guesses).await;
    let tried = answers.into_iter().filter(|answer| matches!(answer, Ok(401))).count();
    assert_eq!(tried, 5);
}

#[tokio::test]
async fn r_70_requests_are_counted_by_all_instances_together() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else { return };
    for (rate, allowed) in [("20", 20..=20), ("200", 190..=220)] {
        let apps = pair(&redis, &["--api-rate", rate]).await;
        let team = apps[0].register("Acme").await;
        let teams = apps.each_ref().map(|app| team.at(app));
        // The first request with a token at an instance counts towards the address.
        for team in &teams {
            team.get("/api/services").await.is(200);
        }
        let mut answered = 2;
        let mut refused = 0;
        for team in teams.iter().cycle() {
            match team.get("/api/services").await.status.as_u16() {
                200 => (answered, refused) = (answered + 1, 0),
                status => {
                    assert_eq!(status, 429);
                    refused += 1;
                }
            }
            if refused == 2 {
                break;
            }
        }
        assert!(allowed.contains(&answered), "{answered} of {rate}");
        apps[0].pass(60);
        for team in &teams {
            team.get("/api/services").await.is(200);
        }
    }
}

#[tokio::test]
async fn r_27_without_redis_each_instance_counts_by_itself() {
    // Nobody listens on this port.
    let apps = pair("redis://127.0.0.1:9/", &["--auth-rate", "3", "--api-rate", "10"]).await;
    let team = apps[0].register("Acme").await;
    let login = json!({"email": team.email, "password": PASSWORD});
    apps[0].post(LOGIN, &login).await.is(200);
    apps[0].post(LOGIN, &login).await.is(200);
    apps[0].post(LOGIN, &login).await.refuses(429, &[]);
    for app in &apps {
        app.pass(60);
        let wrong = json!({"email": format!("{}@example.com", unique("nobody")), "password": "not the right password"});
        app.post(LOGIN, &wrong).await.refuses(401, &[]);
    }
    for app in &apps {
        let team = team.at(app);
        for _ in 0..10 {
            team.get("/api/services").await.is(200);
        }
    }
    for app in &apps {
        let team = team.at(app);
        while team.get("/api/services").await.status == 200 {}
        team.get("/api/services").await.refuses(429, &[]);
    }
}

/// A proxy to Redis that can be closed and opened, and that counts the connections opened.
async fn proxy(redis: &str) -> (String, watch::Sender<bool>, Arc<AtomicUsize>) {
    let target = redis.trim_start_matches("redis://").rsplit('@').next().and_then(|rest| rest.split('/').next());
    let target = target.expect("a host and a port").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = redis.replace(&target, &listener.local_addr().expect("bound").to_string());
    let gate = watch::Sender::new(true);
    let (open, opened) = (gate.subscribe(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&opened);
    tokio::spawn(async move {
        while let Ok((mut here, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let (mut open, target) = (open.clone(), target.clone());
            tokio::spawn(async move {
                let Ok(mut there) = TcpStream::connect(&target).await else { return };
                let closed = async { open.wait_for(|open| !open).await.map(drop) };
                tokio::select! {
                    _ = closed => {}
                    _ = copy_bidirectional(&mut here, &mut there) => {}
                }
            });
        }
    });
    (url, gate, opened)
}

/// Whether an attempt at one instance counts at the other, with a limit of one.
async fn count_together(apps: &[TestApp; 2]) -> bool {
    apps[0].pass(60);
    let mut answers = Vec::new();
    for app in apps {
        let guess = json!({"email": format!("{}@example.com", unique("nobody")), "password": "not the right password"});
        answers.push(app.post(LOGIN, &guess).await.status.as_u16());
    }
    assert_eq!(answers[0], 401);
    answers[1] == 429
}

#[tokio::test]
async fn r_27_when_redis_comes_back_the_instances_count_together_again() {
    let Some(redis) = setting("ALDIS_TEST_REDIS_URL") else { return };
    let (url, gate, _) = proxy(&redis).await;
    let apps = pair(&url, &["--auth-rate", "1"]).await;
    assert!(count_together(&apps).await);
    gate.send_replace(false);
    assert!(!count_together(&apps).await);
    gate.send_replace(true);
    let again = async { while !count_together(&apps).await {} };
    timeout(Duration::from_secs(30), again).await.expect("they count together again");
}
