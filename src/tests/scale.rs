//! A hundred thousand incidents cost the pages nothing that ten do not.

use std::{
    fmt::Write as _,
    ops::Range,
    time::{Duration, Instant},
};

use axum::http::Method;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::json;
use uuid::Uuid;

use super::{
    TestApp,
    clients::Team,
    database::{connect, literal},
};

/// The instant of the test; everything lies before it.
const NOW: &str = "2026-11-23T12:00:00Z";
const NOW_MS: i64 = 1_795_435_200_000;
/// An id from before any other.
const OLD: u128 = 0x0100_0000_0000_7000_8000_0000_0000_0000;
const MANY: usize = 100_000;
const FEW: usize = 4;
const BATCH: usize = 500;
const ROUNDS: usize = 60;
/// How much slower the large organization may be.
const RATIO: f64 = 1.3;

/// Which address to ask for an organization, and whether as its member.
type Path = Box<dyn Fn(&Team) -> (String, bool)>;

#[tokio::test]
#[ignore = "inserts 400 000 rows: minutes; `scripts/battery scale` runs it"]
async fn lists_and_pages_take_no_longer_with_100_000_incidents_than_with_10() {
    let app = TestApp::alone_at(NOW).await;
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    let (small, large) = (team(&app, &db, FEW).await, team(&app, &db, MANY).await);
    analyze(&db).await;

    let member = |path: &str| (path.to_owned(), true);
    let paths: Vec<(&str, Path)> = vec![
        ("incident list", Box::new(move |_| member("/api/incidents?limit=10"))),
        ("list by status", Box::new(move |_| member("/api/incidents?limit=3&status=investigating"))),
        ("list by type", Box::new(move |_| member("/api/incidents?limit=10&type=incident"))),
        ("list from a day on", Box::new(move |_| member("/api/incidents?limit=3&from=2026-11-22T00:00:00Z"))),
        ("public page", Box::new(|team| (format!("/public/{}", team.slug), false))),
        ("public status", Box::new(|team| (format!("/api/public/{}/status", team.slug), false))),
        ("members' services", Box::new(move |_| member("/api/services"))),
    ];
    let mut report = String::from("path                    10 incidents   100 000   ratio\n");
    let mut slow = Vec::new();
    for (name, path) in paths {
        let (mut few, mut many) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS + 5 {
            for (team, times) in [(&small, &mut few), (&large, &mut many)] {
                let (path, signed_in) = path(team);
                let begun = Instant::now();
                let answer = if signed_in { team.send(Method::GET, &path).await } else { app.get(&path).await };
                let taken = begun.elapsed();
                assert_eq!(answer.status, 200, "{path}: {}", answer.text);
                // The first ones warm up.
                if round >= 5 {
                    times.push(taken);
                }
            }
        }
        let (few, many) = (median(few), median(many));
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        writeln!(report, "{name:<22} {few:>12.2?} {many:>12.2?} {ratio:>7.2}").expect("text");
        if ratio > RATIO {
            slow.push(name);
        }
    }
    println!("{:?}\n{report}", db.get_database_backend());
    assert!(slow.is_empty(), "slower than {RATIO} times: {slow:?}\n{report}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// An organization with three open incidents, three that were over lately, and `past` old ones.
async fn team(app: &TestApp, db: &DatabaseConnection, past: usize) -> Team {
    let team = app.register("Acme").await;
    let mut services = Vec::new();
    for name in ["API", "Web", "Mail"] {
        services.push(team.service(name).await["id"].as_str().expect("an id").to_owned());
    }
    for n in 0..6 {
        let new = json!({"title": format!("Trouble {n}"), "services": [{"id": services[n % 3], "status": "degraded"}]});
        let incident = team.post("/api/incidents", new).await.is(201);
        if n >= 3 {
            let path = format!("/api/incidents/{}/updates", incident["id"].as_str().expect("an id"));
            team.post(&path, json!({"status": "resolved"})).await.is(201);
        }
    }
    let backend = db.get_database_backend();
    let org = literal(backend, team.organization["id"].as_str().expect("an id"));
    for first in (0..past).step_by(BATCH) {
        insert(db, backend, &org, &services, first..past.min(first + BATCH)).await;
    }
    team
}

/// Incidents that were over long ago, each with a service and two updates.
async fn insert(db: &DatabaseConnection, backend: DbBackend, org: &str, services: &[String], range: Range<usize>) {
    let (mut incidents, mut affected, mut updates) = (Vec::new(), Vec::new(), Vec::new());
    for n in range {
        // Old ids are smaller than new ones, as they are of the time they were made.
        let id = literal(backend, &Uuid::from_u128(OLD + u128::from(rand::random::<u64>() >> 4)).to_string());
        let started = NOW_MS - 20 * 86_400_000 - i64::try_from(n).expect("small") * 300_000;
        let ended = started + 240_000;
        incidents.push(format!(
            "({org}, {id}, 'incident', 'Trouble of the past {n}', 'resolved', 'minor', FALSE, {started}, {ended}, {started}, {ended}, 2, \
             FALSE, TRUE, TRUE, TRUE, TRUE, TRUE)"
        ));
        let service = literal(backend, &services[n % services.len()]);
        affected.push(format!("({org}, {id}, {service}, 'API', 'operational', 'degraded', 0)"));
        for (at, status) in [(started, "investigating"), (ended, "resolved")] {
            let update = literal(backend, &Uuid::from_u128(OLD + u128::from(rand::random::<u64>() >> 4)).to_string());
            updates.push(format!(
                "({org}, {update}, {id}, '{status}', 'Something happened.', '<p>Something happened.</p>', 1, {at}, {at}, {at}, TRUE, '[]')"
            ));
        }
    }
    for (columns, rows) in [
        (
            "incident (org_id, id, kind, title, status, reached, is_draft, started_at, resolved_at, created_at, updated_at, version, \
             is_reminded, remind, auto_start, auto_end, notify_start, notify_end)",
            incidents,
        ),
        ("incident_service (org_id, incident_id, service_id, name, status, worst, position)", affected),
        (
            "incident_update (org_id, id, incident_id, status, message, html, render_version, created_at, display_at, updated_at, \
             notify, edits)",
            updates,
        ),
    ] {
        db.execute_unprepared(&format!("INSERT INTO {columns} VALUES {}", rows.join(", "))).await.expect("inserted");
    }
}

/// Lets the planner know what is there, as it would by itself after a while.
async fn analyze(db: &DatabaseConnection) {
    let sql = match db.get_database_backend() {
        DbBackend::MySql => "ANALYZE TABLE incident, incident_service, incident_update",
        _ => "ANALYZE",
    };
    db.execute_unprepared(sql).await.expect("analyzed");
}
