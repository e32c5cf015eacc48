//! The demonstration organization is consistent.

use crate::tests::support::app::TestApp;

#[tokio::test]
async fn the_demo_has_open_past_and_scheduled_incidents_that_match_its_services() {
    let app = TestApp::open().await;
    let hash = app.state.hash("-").await;
    // The test database may have it from an earlier run; it must be complete then, too.
    app.state.system().create_demo(hash.clone()).await.expect("created");
    assert!(!app.state.system().create_demo(hash).await.expect("asked again"), "created twice");

    let page = app.get("/api/public/demo/status").await.is(200);
    let list = |name: &str| page[name].as_array().expect("a list").clone();
    assert_eq!(list("services").len(), 12);
    assert_eq!(page["page"]["description"], "Partially Degraded Service");
    let open = list("active_incidents");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0]["status"], "identified");
    let held = list("services").into_iter().find(|service| service["id"] == open[0]["services"][0]["id"]);
    assert_eq!(held.expect("the service it holds")["status"], "degraded");
    assert_eq!(list("upcoming_maintenances").len(), 2);
    assert!(list("recent_incidents").len() >= 3);
    assert_eq!(page["organization"]["time_zone"], "Europe/Berlin");

    let timeline = app.get("/api/public/demo/timeline").await.is(200);
    let changes = timeline["status_changes"].as_array().expect("a list");
    assert!(changes.iter().any(|change| change["cause"] == "incident"));
    assert!(changes.iter().any(|change| change["cause"] == "maintenance"));
    let incidents = timeline["incidents"].as_array().expect("a list");
    assert!(incidents.iter().any(|incident| incident["postmortem"]["published_at"].is_string()));
}
