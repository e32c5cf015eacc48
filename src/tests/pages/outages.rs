//! The public documents while the database does not answer.

use axum::http::{Request, header};
use serde_json::json;

use crate::{
    server::StateSnapshots,
    tests::support::{
        app::{ORIGIN, TestApp, unique},
        clients::id_of,
        database::folder,
        public_page::{NOW, ReportedPage},
    },
};

const NOTICE: &str = "This page may be out of date.";

async fn opened(app: &TestApp, page: &ReportedPage) {
    for path in page.everywhere() {
        assert!(!app.get(&path).await.text.contains(NOTICE), "{path}");
    }
}

#[tokio::test]
async fn pages_go_on_with_a_notice_and_their_age_until_the_database_is_back() {
    let app = TestApp::at(NOW).await;
    let page = ReportedPage::at(&app).await;
    opened(&app, &page).await;
    let before = app.get(&page.home()).await;
    app.pass(180);
    app.state.database_health().failed();
    for path in page.everywhere() {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        if path.starts_with("/public") {
            assert!(answer.text.contains(NOTICE), "{path}");
            assert!(answer.text.contains("23 Nov 2026, 10:00 UTC (3 min ago)"), "{path}: {}", answer.text);
        }
    }
    let status = format!("/api{}/status", page.home());
    let outage = json!({"as_of": "2026-11-23T10:00:00.000Z", "written_at": "2026-11-23T10:03:00.000Z"});
    assert_eq!(app.get(&status).await.json()["outage"], outage);
    app.pass(60);
    assert!(app.get(&page.home()).await.text.contains("(4 min ago)"));
    for (unknown, words) in
        [("/public/nobody-has-this", "cannot be reached"), ("/api/public/nobody/status", "cannot be")]
    {
        let answer = app.get(unknown).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::RETRY_AFTER)), (503, "5"), "{unknown}");
        assert!(answer.text.contains(words), "{}", answer.text);
    }
    app.state.database_health().answered();
    let after = app.get(&page.home()).await;
    assert!(!after.text.contains(NOTICE));
    assert_eq!(after.text.len(), before.text.len());
}

#[tokio::test]
async fn after_a_restart_without_the_database_pages_come_from_disk() {
    let app = TestApp::at(NOW).await;
    let data = folder();
    let open = || Some(StateSnapshots::open(&data).expect("opened"));
    let app = TestApp::of(app.state.clone().with_snapshots(open()), app.clock.clone());
    let page = ReportedPage::at(&app).await;
    opened(&app, &page).await;
    let is_saved = |kind: &str| {
        let files = std::fs::read_dir(data.join("snapshots")).expect("a folder").filter_map(Result::ok);
        files
            .map(|file| file.file_name().to_string_lossy().into_owned())
            .any(|name| name.contains(kind) && !name.starts_with('.'))
    };
    while !["page", "month", "timeline"].into_iter().all(is_saved) {
        tokio::task::yield_now().await;
    }
    let restarted = TestApp::of(app.state.clone().with_snapshots(open()), app.clock.clone());
    restarted.pass(60);
    restarted.state.database_health().failed();
    for path in page.everywhere().into_iter().filter(|path| !path.contains("month=")) {
        let answer = restarted.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.contains(NOTICE) || path.starts_with("/api"), "{path}");
        assert!(answer.text.contains("Beacon"), "{path}");
    }
    assert_eq!(restarted.get("/public/nobody-has-this").await.status, 503);
}

#[tokio::test]
async fn until_the_database_is_opened_nothing_else_is_shown_and_nothing_is_read() {
    let app = TestApp::alone_at(NOW).await;
    let data = folder();
    let open = || Some(StateSnapshots::open(&data).expect("opened"));
    let saving = TestApp::of(app.state.clone().with_snapshots(open()), app.clock.clone()).over(app);
    let page = ReportedPage::at(&saving).await;
    opened(&saving, &page).await;
    while std::fs::read_dir(data.join("snapshots")).expect("a folder").count() < 3 {
        tokio::task::yield_now().await;
    }
    let closed = saving.closed_instance().await;
    let closed = TestApp::of(closed.state.with_snapshots(open()), closed.clock).over(saving);
    closed.state.database_health().failed();
    let home = closed.get(&page.home()).await;
    assert_eq!(home.status, 200);
    assert!(home.text.contains(NOTICE) && home.text.contains("Beacon open"));
    for path in ["/login", "/services", "/public/nobody-has-this"] {
        let answer = closed.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.header(header::RETRY_AFTER)), (503, "5"), "{path}");
        assert!(answer.text.contains("<h1>Temporarily unavailable</h1>"), "{path}: {}", answer.text);
    }
    let live = format!("/api/public/{}/live", page.team.slug);
    for path in ["/api/services", "/api/public/nobody/status", &live] {
        assert_eq!(closed.get(path).await.is(503)["code"], "unavailable", "{path}");
    }
    let request = Request::post("/fn/login").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = request.header(header::ORIGIN, ORIGIN).header(header::ACCEPT, "application/json");
    let answer = closed.send(request.body("email=a%40b.example".into()).expect("a request")).await;
    assert_eq!(answer.is(503)["code"], "unavailable");
    assert_eq!(closed.get("/readyz").await.is(200)["degraded"], json!(["database"]));
    assert_eq!(closed.get("/readyz?strict").await.status, 503);
    for path in ["/healthz", "/api"] {
        assert_eq!(closed.get(path).await.status, 200, "{path}");
    }
    closed.state.open_database().await;
    let home = closed.get(&page.home()).await;
    assert!(home.text.contains("Beacon open") && !home.text.contains(NOTICE));
    assert_eq!(closed.get("/login").await.status, 200);
}

#[tokio::test]
async fn an_erased_text_comes_back_neither_from_memory_nor_from_disk() {
    let app = TestApp::at(NOW).await;
    let data = folder();
    let open = || Some(StateSnapshots::open(&data).expect("opened"));
    let app = TestApp::of(app.state.clone().with_snapshots(open()), app.clock.clone());
    let page = ReportedPage::at(&app).await;
    let secret = unique("secret");
    let update = page.update(json!({"message": format!("Call {secret}"), "status": "identified"})).await;
    opened(&app, &page).await;
    let running = app.state.background();
    let path = format!("/api/incidents/{}/updates/{}", id_of(&page.open), id_of(&update));
    page.team.delete(&path).await.is(204);
    app.state.database_health().failed();
    for path in page.everywhere() {
        let answer = app.get(&path).await;
        assert!(!answer.text.contains(&secret), "{path}: {}", answer.status);
    }
    app.state.database_health().answered();
    let is_saved = || {
        let files = std::fs::read_dir(data.join("snapshots")).expect("a folder").filter_map(Result::ok);
        files.filter_map(|file| std::fs::read(file.path()).ok()).any(|bytes| {
            let packed = bytes.iter().position(|byte| *byte == b'\n').map_or(&bytes[..0], |end| &bytes[end + 1..]);
            let mut plain = Vec::new();
            let unpacked = std::io::Read::read_to_end(&mut brotli::Decompressor::new(packed, 4096), &mut plain);
            unpacked.is_ok() && String::from_utf8_lossy(&plain).contains(&secret)
        })
    };
    while is_saved() {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(!app.get(&page.home()).await.text.contains(&secret));
}

#[tokio::test]
async fn each_page_and_its_json_are_written_to_a_folder_with_every_change() {
    let dir = folder();
    let app = TestApp::alone_at(NOW).await;
    let app = TestApp::of(app.state.clone().with_snapshot_dir(dir.clone()), app.clock.clone()).over(app);
    let page = ReportedPage::at(&app).await;
    let running = app.state.background();
    let secret = unique("secret");
    let update = page.update(json!({"message": format!("Call {secret}"), "status": "identified"})).await;
    let slug = &page.team.slug;
    let files = [format!("public/{slug}/index.html"), format!("api/public/{slug}/status.json")];
    let has_secret = |file: &String| std::fs::read_to_string(dir.join(file)).is_ok_and(|text| text.contains(&secret));
    while !files.iter().all(has_secret) {
        tokio::task::yield_now().await;
    }
    // One after the other.
    while !files.iter().all(|file| dir.join(format!("{file}.br")).exists() && dir.join(format!("{file}.gz")).exists()) {
        tokio::task::yield_now().await;
    }
    let path = format!("/api/incidents/{}/updates/{}", id_of(&page.open), id_of(&update));
    page.team.delete(&path).await.is(204);
    let is_rewritten =
        |file: &String| std::fs::read_to_string(dir.join(file)).is_ok_and(|text| !text.contains(&secret));
    while !files.iter().all(is_rewritten) {
        tokio::task::yield_now().await;
    }
    running.abort();
}
