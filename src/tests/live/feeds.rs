//! Live feeds over real sockets (docs/api.md, "Live").

use axum::http::header;
use futures::SinkExt;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use crate::tests::support::{
    app::TestApp,
    clients::{in_public, path_of},
    endpoints::path_to,
};

#[tokio::test]
async fn the_first_frame_is_hello_and_each_change_has_the_next_number() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let (mut visitor, mut member) = (port.public_feed(&team, None).await, port.member_feed(&team).await);
    for reader in [&mut visitor, &mut member] {
        assert_eq!(reader.hello().await, 0);
    }
    let service = team.service("API").await;
    app.pass(60);
    let changed = team.change(&service, json!({"status": "degraded"})).await;
    let renamed = team.change(&service, json!({"name": "Gateway"})).await;
    team.delete(&path_of(&service)).await.is(204);
    let as_members = Value::clone as fn(&Value) -> Value;
    for (reader, seen) in [(&mut visitor, in_public as fn(&Value) -> Value), (&mut member, as_members)] {
        let (noon, later) = (json!("2026-03-01T12:00:00.000Z"), json!("2026-03-01T12:01:00.000Z"));
        for (seq, kind, at, data) in [
            (1, "service_created", &noon, &service),
            (2, "service_updated", &later, &changed),
            (3, "service_updated", &later, &renamed),
        ] {
            let frame = reader.event(seq).await;
            assert_eq!((&frame["type"], &frame["at"], &frame["data"]), (&json!(kind), at, &seen(data)));
        }
        let frame = reader.event(4).await;
        assert_eq!((&frame["type"], &frame["data"]["id"]), (&json!("service_deleted"), &service["id"]));
    }
    assert_eq!(port.public_feed(&team, None).await.hello().await, 4);
}

#[tokio::test]
async fn a_change_of_the_whole_page_is_a_pointer_to_it() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let mut readers = [port.public_feed(&team, None).await, port.member_feed(&team).await];
    for reader in &mut readers {
        reader.hello().await;
    }
    team.group("Core").await;
    team.browser().call(path_to("rename_organization"), &[("name", "Acme Corporation")]).await.is(200);
    for reader in &mut readers {
        for seq in [1, 2] {
            let frame = reader.event(seq).await;
            assert_eq!((&frame["type"], &frame["data"]), (&json!("page_updated"), &json!({})));
        }
    }
    let page = team.public("status").await;
    assert_eq!((&page["seq"], &page["organization"]["name"]), (&json!(2), &json!("Acme Corporation")));
}

#[tokio::test]
async fn refused_changes_send_no_events() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let mut reader = port.public_feed(&team, None).await;
    assert_eq!(reader.hello().await, 1);
    let unknown = "00000000-0000-7000-8000-000000000000";
    for (status, patch) in [
        (400, json!({"status": "broken"})),
        (400, json!({"name": ""})),
        // Refused within the transaction.
        (404, json!({"status": "major_outage", "name": "Half done", "group_id": unknown})),
        (200, json!({"status": "operational"})),
    ] {
        team.put(&path_of(&service), patch).await.is(status);
    }
    team.post("/api/services", json!({"name": "x", "group_id": unknown})).await.is(404);
    team.delete(&format!("/api/services/{unknown}")).await.is(404);
    assert_eq!(json!(team.services().await), json!([service]));
    team.change(&service, json!({"status": "degraded"})).await;
    assert_eq!(reader.event(2).await["data"]["status"], "degraded");
}

#[tokio::test]
async fn readers_get_no_events_of_another_organization() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let (ours, theirs) = (app.register("Ours").await, app.register("Theirs").await);
    let mut readers = [port.public_feed(&ours, None).await, port.member_feed(&ours).await];
    for reader in &mut readers {
        assert_eq!(reader.hello().await, 0);
    }
    for n in 0..5 {
        theirs.service(&format!("Secret {n}")).await;
    }
    ours.service("Own").await;
    for reader in &mut readers {
        assert_eq!(reader.event(1).await["data"]["name"], "Own");
    }
}

#[tokio::test]
async fn r_40_the_members_feed_needs_a_session() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    assert_eq!(port.refuses("/api/live", &[]).await, 401);
    assert_eq!(port.refuses("/api/live", &[(header::COOKIE, "aldis=nonsense")]).await, 401);
    assert_eq!(port.refuses("/api/live", &[(header::AUTHORIZATION, "Bearer nonsense")]).await, 401);
    // A token in the URL would end up in logs, so it is not accepted.
    for name in ["token", "access_token", "authorization"] {
        assert_eq!(port.refuses(&format!("/api/live?{name}={}", team.token), &[]).await, 401);
    }
    let cookie = format!("aldis={}", team.token);
    for origin in [None, Some("http://127.0.0.1:3000"), Some("http://localhost:3000")] {
        let headers =
            [(header::COOKIE, cookie.as_str())].into_iter().chain(origin.map(|origin| (header::ORIGIN, origin)));
        let mut reader = port.connect("/api/live", &headers.collect::<Vec<_>>()).await.expect("opened");
        assert_eq!(reader.hello().await, 0);
    }
    assert_eq!(port.member_feed(&team).await.hello().await, 0);
    team.post("/api/auth/logout", json!({})).await.is(204);
    assert_eq!(port.refuses("/api/live", &[(header::COOKIE, &cookie)]).await, 401);
}

#[tokio::test]
async fn r_41_the_feeds_of_an_api_token_are_not_those_of_its_creator() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let token = team.post("/api/tokens", json!({"name": "Screen", "scope": "read"})).await.is(201);
    let bearer = format!("Bearer {}", token["secret"].as_str().expect("a secret"));
    let mut feeds = Vec::new();
    for _ in 0..10 {
        feeds.push(port.connect("/api/live", &[(header::AUTHORIZATION, &bearer)]).await.expect("opened"));
    }
    assert_eq!(port.refuses("/api/live", &[(header::AUTHORIZATION, &bearer)]).await, 503);
    assert_eq!(port.member_feed(&team).await.hello().await, 0);
}

#[tokio::test]
async fn r_40_cross_origin_pages_cannot_open_a_feed() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let bearer = format!("Bearer {}", team.token);
    let cookie = format!("aldis={}", team.token);
    let public = format!("/api/public/{}/live", team.slug);
    for origin in [
        "https://evil.test",
        "null",
        "http://127.0.0.1:3001",
        "https://127.0.0.1:3000",
        "http://127.0.0.1",
        "http://127.0.0.1:3000.evil.test",
        "http://localhost.evil.test:3000",
        "file://",
    ] {
        assert_eq!(port.refuses(&public, &[(header::ORIGIN, origin)]).await, 403, "{origin}");
        for secret in [(header::AUTHORIZATION, bearer.as_str()), (header::COOKIE, cookie.as_str())] {
            assert_eq!(port.refuses("/api/live", &[secret, (header::ORIGIN, origin)]).await, 403, "{origin}");
        }
    }
}

#[tokio::test]
async fn an_invalid_feed_request_is_refused() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    assert_eq!(port.refuses("/api/public/nobody-has-this/live", &[]).await, 404);
    for since in ["-1", "x", "1.5", "18446744073709551616"] {
        assert_eq!(port.refuses(&format!("/api/public/{}/live?since={since}", team.slug), &[]).await, 400, "{since}");
    }
    // Without an upgrade, both require one.
    let answer = app.get(&format!("/api/public/{}/live", team.slug)).await;
    answer.refuses(426, &[]);
    team.get("/api/live").await.refuses(426, &[]);
    app.get("/api/live").await.refuses(401, &[]);
}

#[tokio::test]
async fn a_server_that_shuts_down_closes_its_feeds_with_1012() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let mut readers = [port.public_feed(&team, None).await, port.member_feed(&team).await];
    app.state.stop().cancel();
    for reader in &mut readers {
        assert_eq!(reader.close_code().await, 1012);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_concurrent_changes_reach_every_reader_in_order_without_gap_or_repeat() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let mut services = Vec::new();
    for n in 0..4 {
        services.push(team.service(&format!("s{n}")).await);
    }
    let mut readers = Vec::new();
    for mut reader in
        [port.public_feed(&team, None).await, port.public_feed(&team, None).await, port.member_feed(&team).await]
    {
        assert_eq!(reader.hello().await, 4);
        readers.push(tokio::spawn(async move {
            for seq in 5..=204 {
                reader.event(seq).await;
            }
        }));
    }
    let writers = services.iter().cloned().map(|service| {
        let team = team.clone();
        tokio::spawn(async move {
            for status in ["degraded", "operational"].into_iter().cycle().take(50) {
                team.change(&service, json!({"status": status})).await;
            }
        })
    });
    for task in writers.collect::<Vec<_>>().into_iter().chain(readers) {
        task.await.expect("ran to its end");
    }
    assert_eq!(team.seq().await, 204);
    for service in &services {
        assert_eq!(team.history(service).await.len(), 50);
    }
}

#[tokio::test]
async fn messages_from_readers_are_ignored_and_long_ones_close_the_feed() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let mut polite = port.public_feed(&team, None).await;
    polite.hello().await;
    polite.stream().send(Message::text("{\"type\":\"subscribe\",\"organization\":\"*\"}")).await.expect("sent");
    let mut loud = port.public_feed(&team, None).await;
    loud.hello().await;
    loud.stream().send(Message::text("x".repeat(5000))).await.expect("sent");
    loud.ends().await;
    team.service("API").await;
    polite.event(1).await;
}

#[tokio::test]
async fn r_22_a_logout_closes_the_sessions_own_feed_and_no_other() {
    let app = TestApp::open().await;
    let port = app.listen().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    let stranger = app.register("Other").await;
    let mut own = port.member_feed(&team).await;
    let mut visitor = port.public_feed(&team, None).await;
    let mut other = port.member_feed(&stranger).await;
    for reader in [&mut own, &mut visitor, &mut other] {
        reader.hello().await;
    }
    team.change(&service, json!({"status": "degraded"})).await;
    own.event(2).await;
    team.post("/api/auth/logout", json!({})).await.is(204);
    assert_eq!(own.close_code().await, 4401);
    visitor.event(2).await;
    stranger.service("Web").await;
    other.event(1).await;
}
