//! Clients that return to a live feed: what they are caught up with, and when they must reload (docs/api.md, "Live").

use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::tests::support::{
    app::TestApp,
    database::{connect, texts},
};

#[tokio::test]
async fn a_reader_of_another_epoch_must_resync() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    team.service("API").await;
    let epoch = team.public("status").await["epoch"].as_u64().expect("a number");
    let path = |epoch| format!("/api/public/{}/live?since=0&epoch={epoch}", team.slug);
    let mut same = port.connect(&path(epoch), &[]).await.expect("opened");
    assert_eq!(same.next().await, json!({"type": "hello", "seq": 1, "epoch": epoch}));
    same.event(1).await;
    let mut other = port.connect(&path(epoch ^ 1), &[]).await.expect("opened");
    assert_eq!(other.hello().await, 1);
    assert_eq!(other.next().await, json!({"type": "resync"}));
    team.service("Web").await;
    other.event(2).await;
}

#[tokio::test]
async fn r_42_stored_events_of_another_form_are_not_sent() {
    let app = TestApp::alone_at("2026-11-23T12:00:00Z").await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    team.service("API").await;
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    db.execute_unprepared("UPDATE event SET shape = 0").await.expect("written");
    let mut reader = port.public_feed(&team, Some(0)).await;
    assert_eq!(reader.hello().await, 1);
    assert_eq!(reader.next().await, json!({"type": "resync"}));
}

#[tokio::test]
async fn r_70_the_stored_events_of_an_organization_are_bounded() {
    let app = TestApp::alone_at("2026-11-23T12:00:00Z").await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    // As if each event had the maximum size.
    let enlarge = format!("UPDATE event SET bytes = {}", 256 * 1024);
    for status in ["degraded", "operational"].into_iter().cycle().take(150) {
        team.change(&service, json!({"status": status})).await;
        db.execute_unprepared(&enlarge).await.expect("written");
    }
    let [count] = &texts::<1>(&db, "SELECT CAST(COUNT(*) AS CHAR(9)) FROM event").await[0];
    let count: usize = count.trim().parse().expect("a number");
    assert!((60..=2 * (30 + 32)).contains(&count), "{count} events are kept");
    let port = app.listen().await;
    let mut late = port.public_feed(&team, Some(1)).await;
    late.hello().await;
    assert_eq!(late.next().await, json!({"type": "resync"}));
}

#[tokio::test]
async fn a_returning_reader_gets_missed_events_in_order_and_then_new_ones() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    for status in ["degraded", "partial_outage", "major_outage", "operational"] {
        team.change(&service, json!({"status": status})).await;
    }
    let mut readers = Vec::new();
    for since in 0..=5 {
        let mut reader = port.public_feed(&team, Some(since)).await;
        assert_eq!(reader.hello().await, 5);
        for seq in since + 1..=5 {
            reader.event(seq).await;
        }
        readers.push(reader);
    }
    team.change(&service, json!({"description": "new"})).await;
    for reader in &mut readers {
        assert_eq!(reader.event(6).await["data"]["description"], "new");
    }
}

#[tokio::test]
async fn a_reader_ahead_of_the_server_must_resync() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let mut reader = port.public_feed(&team, Some(999)).await;
    assert_eq!(reader.hello().await, 1);
    assert_eq!(reader.next().await, json!({"type": "resync"}));
    // New events follow.
    team.change(&service, json!({"status": "degraded"})).await;
    reader.event(2).await;
}

#[tokio::test]
async fn a_reader_whose_missed_events_were_deleted_must_resync() {
    // No other test uses this time, so only this test's events are deleted.
    let app = TestApp::at("1999-01-01T00:00:00Z").await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    team.change(&service, json!({"status": "degraded"})).await;
    app.pass(6 * 24 * 3600);
    team.change(&service, json!({"status": "operational"})).await;
    app.pass(24 * 3600 + 1);
    assert_eq!(app.state.system().forget_old_events().await.expect("forgotten"), 4, "two events for two audiences");
    let mut late = port.public_feed(&team, Some(1)).await;
    assert_eq!(late.hello().await, 3);
    assert_eq!(late.next().await["type"], "resync");
    let mut early_enough = port.public_feed(&team, Some(2)).await;
    assert_eq!(early_enough.hello().await, 3);
    early_enough.event(3).await;
    team.change(&service, json!({"name": "Gateway"})).await;
    late.event(4).await;
    early_enough.event(4).await;
}

#[tokio::test]
async fn r_42_an_event_of_any_size_keeps_the_connection_open() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let since = team.seq().await;
    let mut readers = [port.public_feed(&team, None).await, port.member_feed(&team).await];
    for reader in &mut readers {
        reader.hello().await;
    }
    let long = "\u{1f6a8}".repeat(10_000);
    let incident = team.open_incident(json!({"title": "Down", "message": long})).await;
    team.post_update(&incident, json!({"message": long})).await;
    for seq in [since + 1, since + 2] {
        for reader in &mut readers {
            let length = reader.event(seq).await.to_string().len();
            assert!(length > 100 * 1024, "{seq} was sent in full, but has {length} bytes");
        }
    }
    // However much an incident says, a change of it is one event of its size.
    team.post_update(&incident, json!({"message": long})).await;
    for reader in &mut readers {
        let length = reader.event(since + 3).await.to_string().len();
        assert!(length < 256 * 1024, "{length} bytes");
    }
    // Larger events are not sent; later ones are again.
    team.open_incident(json!({"title": "Huge", "message": "\u{1f6a8}".repeat(25_000)})).await;
    for reader in &mut readers {
        assert_eq!(reader.next().await, json!({"type": "resync"}));
    }
    team.service("API").await;
    for reader in &mut readers {
        assert_eq!(reader.event(since + 5).await["type"], "service_created");
    }
    let mut late = port.public_feed(&team, Some(since + 3)).await;
    assert_eq!(late.hello().await, since + 5);
    assert_eq!(late.next().await, json!({"type": "resync"}));
}

#[tokio::test]
async fn r_42_a_stored_event_over_the_size_limit_is_not_sent() {
    let app = TestApp::alone_at("2026-11-23T12:00:00Z").await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let since = team.seq().await;
    team.service("API").await;
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    let long = format!("UPDATE event SET frame = '{}'", "x".repeat(600 * 1024));
    db.execute_unprepared(&long).await.expect("written");
    let mut reader = port.public_feed(&team, Some(since)).await;
    assert_eq!(reader.hello().await, since + 1);
    assert_eq!(reader.next().await, json!({"type": "resync"}));
    team.service("Web").await;
    assert_eq!(reader.event(since + 2).await["type"], "service_created");
}
