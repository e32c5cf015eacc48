//! What the server says about itself, and what it serves while it is busy.

use std::time::Duration;

use axum::http::header;
use serde_json::json;

use crate::tests::support::{
    app::{PASSWORD, TestApp},
    fixtures::NOW,
};

#[tokio::test]
async fn a_job_without_a_heartbeat_is_named() {
    let app = TestApp::at(NOW).await;
    let scheduler = app.state.heartbeats().register("scheduler", Duration::from_secs(30));
    let _mail = app.state.heartbeats().register("mail", Duration::from_mins(1));
    assert_eq!(app.get("/readyz").await.is(200), json!({"degraded": []}));
    app.pass(31);
    let late = json!({"degraded": ["jobs"], "jobs": ["scheduler"]});
    assert_eq!(app.get("/readyz").await.is(200), late, "pages can be served");
    assert_eq!(app.get("/readyz?strict").await.is(503), late);
    scheduler.beat();
    assert_eq!(app.get("/readyz").await.is(200), late, "an answer holds for a second");
    app.pass(1);
    assert_eq!(app.get("/readyz?strict").await.is(200), json!({"degraded": []}));
}

#[tokio::test]
async fn r_70_beyond_the_limit_of_rendering_pages_are_refused_and_the_rest_works() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let busy = TestApp::of(app.state.clone().busy_rendering(), app.clock.clone());
    for page in [format!("/public/{}", team.slug), format!("/public/{}/history", team.slug), "/login".into()] {
        let answer = busy.get(&page).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::RETRY_AFTER)), (503, "5"), "{page}");
        assert!(answer.text.contains("Too many pages are being opened at once."), "{}", answer.text);
    }
    busy.get(&format!("/api/public/{}/status", team.slug)).await.refuses(503, &[]);
    busy.post("/api/auth/login", &json!({"email": team.email, "password": PASSWORD})).await.is(200);
}
