//! The copy that `aldis backup` writes.

use crate::{
    server::{
        Relay,
        domain::{Clock, Domain},
        state::AppState,
    },
    tests::support::{
        app::{TestApp, config, request},
        database::folder,
        fixtures::NOW,
    },
};

#[tokio::test]
async fn a_backup_has_all_data_an_epoch_of_its_own_and_no_sessions() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    team.service("API").await;
    let (url, file) = (&app.own.as_ref().expect("a database of its own").url, folder().join("copy.db"));
    let domain = Domain::connect(url, Relay::none(), Clock::System).await.expect("reached");
    let made = domain.backup(&file).await;
    domain.close().await;
    if !url.starts_with("sqlite:") {
        assert!(made.expect_err("refused").to_string().contains("mariadb-dump or pg_dump"));
        return;
    }
    made.expect("written");
    let copy = format!("sqlite://{}", file.display());
    let domain = Domain::open(&copy, Relay::none(), app.clock.clone()).await.expect("opened");
    let copy = TestApp::of(AppState::for_tests(config(&["--database-url", &copy]), domain), app.clock.clone());
    let status = format!("/api/public/{}/status", team.slug);
    let (before, after) = (app.get(&status).await.is(200), copy.get(&status).await.is(200));
    assert_eq!((&before["services"], &before["seq"]), (&after["services"], &after["seq"]));
    assert_ne!(before["epoch"], after["epoch"]);
    let me =
        || request(axum::http::Method::GET, "/api/auth/me").header("authorization", format!("Bearer {}", team.token));
    let body = axum::body::Body::empty;
    assert_eq!(app.send(me().body(body()).expect("request")).await.status, 200);
    assert_eq!(copy.send(me().body(body()).expect("request")).await.status, 401);
}
