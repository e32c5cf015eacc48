//! What is kept for a limited time only, and a clock that is wrong.

use sea_orm::ConnectionTrait;
use serde_json::json;

use crate::{
    server::{
        Relay, clean_up,
        domain::{Clock, Domain},
    },
    tests::support::{
        app::{TestApp, unique},
        clients::{Team, id_of},
        database::{connect, database_url, literal, texts},
        endpoints::path_to,
        fixtures::NOW,
    },
};

const DAY: i64 = 86_400;

/// The rows of a table of the app's own database.
async fn count(app: &TestApp, table: &str) -> usize {
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    let rows = texts::<1>(&db, &format!("SELECT CAST(count(*) AS CHAR(20)) FROM {table}")).await;
    rows[0][0].trim().parse().expect("a number")
}

/// The rows of the tables that are pruned.
async fn counts(app: &TestApp) -> [usize; 4] {
    [count(app, "session").await, count(app, "event").await, count(app, "audit_entry").await, keys(app).await]
}

async fn keys(app: &TestApp) -> usize {
    count(app, "idempotency_key").await
}

/// An organization with a session, events, an audit log and an idempotency key, cleaned up once.
async fn in_use() -> (TestApp, Team) {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    team.service("API").await;
    insert_keys(&app, &team, 1, app.clock.now().millis()).await;
    (app, team)
}

async fn insert_keys(app: &TestApp, team: &Team, keys: usize, at: i64) {
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    let id = literal(db.get_database_backend(), id_of(&team.organization));
    let rows: Vec<_> = (0..keys).map(|_| format!("({id}, '{}', 'x', 'x', {id}, {at})", unique("key"))).collect();
    let columns = "org_id, idempotency_key, operation, fingerprint, object_id, created_at";
    let sql = format!("INSERT INTO idempotency_key ({columns}) VALUES {}", rows.join(", "));
    db.execute_unprepared(&sql).await.expect("inserted");
}

#[tokio::test]
async fn a_machine_that_starts_in_2040_deletes_nothing_until_the_clock_has_been_so_for_a_week() {
    for has_run_before in [true, false] {
        let (app, _team) = in_use().await;
        if has_run_before {
            clean_up(app.state.system()).await.expect("nothing is old");
        }
        let before = counts(&app).await;
        assert!(before.iter().all(|rows| *rows > 0), "{before:?}");
        app.pass(14 * 365 * DAY);
        for hours in [0, 1, 7 * 24 - 2] {
            app.pass(hours * 3600);
            clean_up(app.state.system()).await.expect("nothing is deleted");
            assert_eq!(counts(&app).await, before);
        }
        // The clock is set right, and housekeeping goes on.
        app.pass(-14 * 365 * DAY);
        clean_up(app.state.system()).await.expect("cleaned up");
        assert_eq!(counts(&app).await, [before[0], before[1], before[2], 0], "a week on, only the key is old");
        app.pass(14 * 365 * DAY);
        clean_up(app.state.system()).await.expect("nothing is deleted");
        // It was not wrong.
        app.pass(7 * DAY + 1);
        clean_up(app.state.system()).await.expect("cleaned up");
        assert_eq!(counts(&app).await, [0; 4]);
    }
}

#[tokio::test]
async fn an_installation_that_runs_unused_is_cleaned_up() {
    let (app, _team) = in_use().await;
    for _ in 0..3 {
        clean_up(app.state.system()).await.expect("cleaned up");
        app.pass(29 * DAY);
    }
    clean_up(app.state.system()).await.expect("cleaned up");
    assert_eq!(counts(&app).await[..2], [0, 0], "its sessions and events");
}

#[tokio::test]
async fn many_rows_are_deleted_in_batches_and_no_others() {
    let (app, team) = in_use().await;
    insert_keys(&app, &team, 1_200, 0).await;
    assert_eq!(app.state.system().forget_old_keys().await, Ok(1_200));
    assert_eq!(keys(&app).await, 1);
}

#[tokio::test]
async fn presence_is_deleted_after_an_hour() {
    let (app, team) = in_use().await;
    let incident = team.open_incident(json!({"title": "Down"})).await;
    let looks = async || team.browser().call(path_to("here"), &[("id", id_of(&incident))]).await.is(200);
    looks().await;
    app.pass(3_600);
    assert_eq!(app.state.system().forget_old_presence().await, Ok(0));
    app.pass(1);
    assert_eq!(app.state.system().forget_old_presence().await, Ok(1));
}

#[tokio::test]
async fn invitations_are_deleted_30_days_after_they_ended() {
    let (app, team) = in_use().await;
    let (_expires, revoked) = (team.invite("member").await, team.invite("member").await);
    team.colleague("member").await;
    team.delete(&format!("/api/team/invitations/{}", id_of(&revoked.invitation))).await.is(204);
    app.pass(30 * DAY);
    assert_eq!(app.state.system().forget_old_invitations().await, Ok(0));
    app.pass(1);
    assert_eq!(app.state.system().forget_old_invitations().await, Ok(2), "the accepted one and the revoked one");
    app.pass(7 * DAY - 1);
    assert_eq!(app.state.system().forget_old_invitations().await, Ok(0));
    app.pass(1);
    assert_eq!(app.state.system().forget_old_invitations().await, Ok(1), "the expired one");
}

#[tokio::test]
async fn tokens_are_deleted_90_days_after_they_ended() {
    let (app, team) = in_use().await;
    team.post("/api/tokens", json!({"name": "Forever", "scope": "read"})).await.is(201);
    let revoked = team.post("/api/tokens", json!({"name": "CI", "scope": "read"})).await.is(201);
    team.delete(&format!("/api/tokens/{}", id_of(&revoked))).await.is(204);
    app.pass(90 * DAY);
    assert_eq!(app.state.system().forget_old_tokens().await, Ok(0));
    app.pass(1);
    assert_eq!(app.state.system().forget_old_tokens().await, Ok(1));
    assert_eq!(count(&app, "api_token").await, 1);
}

#[tokio::test]
async fn the_databases_clock_is_asked() {
    let domain = Domain::open(database_url(), Relay::none(), Clock::System).await.expect("the database opens");
    let (asked, now) = (domain.database_now().await.expect("a time"), Clock::System.now());
    assert!(asked.millis().abs_diff(now.millis()) < 60_000, "{asked} and {now}, on one machine");
}
