//! A database that can be read but not written: members read, and a change is refused with a reason and loses nothing.

use axum::http::header;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::json;

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, path_of},
    database::connect,
    endpoints::path_to,
    fixtures::NOW,
};

const BUSY: &str = "The database is busy. Try again in a moment.";
const READ_ONLY: &str = "The server cannot save changes at the moment. Reading still works.";

/// Keeps the database of a test from writing.
struct Block(DatabaseConnection);

impl Block {
    async fn begin(app: &TestApp) -> Self {
        let db = connect(&app.own.as_ref().expect("its own database").url).await;
        let statements: &[&str] = match db.get_database_backend() {
            // Another process writes.
            DbBackend::Sqlite => &["BEGIN IMMEDIATE"],
            // As after a failover. New connections read it.
            DbBackend::Postgres => &[
                "SET default_transaction_read_only = off",
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', \
                 current_database()); END $$",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid()",
            ],
            // Another client holds the organizations.
            _ => &["SET autocommit = 0", "SELECT id FROM organization FOR UPDATE"],
        };
        for sql in statements {
            db.execute_unprepared(sql).await.expect("blocked");
        }
        Self(db)
    }

    /// What a refused change says.
    fn reason(&self) -> &'static str {
        if self.0.get_database_backend() == DbBackend::Postgres { READ_ONLY } else { BUSY }
    }

    async fn end(self) {
        let statements: &[&str] = match self.0.get_database_backend() {
            DbBackend::Postgres => &[
                "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I RESET default_transaction_read_only', \
                 current_database()); END $$",
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                 AND pid <> pg_backend_pid()",
            ],
            _ => &["ROLLBACK"],
        };
        for sql in statements {
            self.0.execute_unprepared(sql).await.expect("unblocked");
        }
    }
}

#[tokio::test]
async fn members_read_while_nothing_can_be_written() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let grace = team.colleague("member").await;
    let service = team.service("API").await;
    let token = team.post("/api/tokens", json!({"name": "Pipeline", "scope": "read"})).await.is(201);
    let program = Team { token: token["secret"].as_str().expect("returned once").to_owned(), ..team.clone() };
    team.put(&format!("/api/team/{}", id_of(&grace.user)), json!({"role": "admin"})).await.is(200);
    let mut browser = team.browser();
    // Now each use is to be noted, and the colleague's session is to be rotated.
    app.pass(600);

    let block = Block::begin(&app).await;
    for reader in [&team, &program] {
        assert_eq!(reader.get("/api/services").await.is(200)[0]["name"], "API");
    }
    for browser in [&browser, &grace.browser()] {
        let page = browser.open("/services").await;
        assert!(page.status == 200 && page.text.contains("API"), "{} {}", page.status, page.text);
    }
    assert_eq!(team.public("status").await["services"][0]["name"], "API");

    let refused = team.put(&path_of(&service), json!({"status": "degraded"})).await;
    assert_eq!(refused.refuses(503, &[])["error"], block.reason());
    assert_eq!(refused.header(header::RETRY_AFTER), "5");
    // A form comes back with what was typed.
    let fields = [("name", "Typed name"), ("description", "Typed description"), ("group_id", "")];
    let form = browser.submit("/services", path_to("add_service"), &fields).await;
    assert_eq!((form.status.as_u16(), form.header(header::RETRY_AFTER)), (503, "5"), "{}", form.text);
    for text in ["Typed name", "Typed description", block.reason()] {
        assert!(form.text.contains(text), "{text} is not in {}", form.text);
    }
    let form = browser.call(path_to("add_service"), &fields).await;
    assert_eq!(form.refuses(503, &[])["error"], block.reason());
    assert_eq!(form.header(header::RETRY_AFTER), "5");

    block.end().await;
    team.put(&path_of(&service), json!({"status": "degraded"})).await.is(200);
    program.get("/api/services").await.is(200);
    assert_eq!(team.get("/api/tokens").await.is(200)[0]["last_used_at"], "2026-11-23T12:10:00.000Z");
}

#[tokio::test]
async fn it_is_opened_by_a_server_that_starts() {
    let app = TestApp::alone_at(NOW).await;
    let block = Block::begin(&app).await;
    let started = app.another_instance().await;
    assert_eq!(started.get("/login").await.status, 200);
    block.end().await;
}
