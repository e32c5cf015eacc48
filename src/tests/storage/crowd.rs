//! Organizations with a long past, for what must not depend on its length.

use std::ops::Range;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};
use serde_json::json;
use uuid::Uuid;

use crate::tests::support::{app::TestApp, clients::Team, database::literal};

/// The time of the test, after all data.
pub const NOW: &str = "2026-11-23T12:00:00Z";
const NOW_MS: i64 = 1_795_435_200_000;
const MINUTE_MS: i64 = 60_000;
/// An id smaller than any other, as those of old rows are.
const OLD: u128 = 0x0100_0000_0000_7000_8000_0000_0000_0000;
const BATCH: usize = 500;
/// How many of the oldest incidents may be of other kinds.
const RARE: usize = 600;

/// Incidents of the past, one every five minutes. Of the oldest 600 every tenth is a maintenance, every thirtieth one
/// that was cancelled before it began, and every hundredth corrects the uptime.
#[derive(Clone, Copy)]
pub struct Past {
    pub count: usize,
    /// How many days ago the newest of them was.
    pub days: i64,
}

/// An organization with three open incidents, three recent ones, two scheduled maintenances, and a past.
pub struct Crowd {
    pub team: Team,
    /// A service with half of the oldest 600 incidents, and no others.
    pub service: String,
    /// A service with half of the others.
    pub busy: String,
}

impl Crowd {
    pub async fn of(app: &TestApp, db: &DatabaseConnection, past: Past) -> Self {
        let team = app.register("Acme").await;
        let mut services = Vec::new();
        for name in ["API", "Web", "Mail"] {
            services.push(team.service(name).await["id"].as_str().expect("an id").to_owned());
        }
        for n in 0..6 {
            let impact = json!({"id": services[n % 3], "status": "degraded"});
            let new = json!({"title": format!("Trouble {n}"), "services": [impact]});
            let incident = team.open_incident(new).await;
            if n >= 3 {
                team.post_update(&incident, json!({"status": "resolved"})).await;
            }
        }
        for day in ["24", "25"] {
            let [starts_at, ends_at] = ["10", "12"].map(|hour| format!("2026-11-{day}T{hour}:00:00Z"));
            let window = json!({
                "incident_type": "maintenance", "title": "Upgrade", "service_ids": services,
                "starts_at": starts_at, "ends_at": ends_at,
            });
            team.open_incident(window).await;
        }
        for first in (0..past.count).step_by(BATCH) {
            insert(db, &team, &services, past, first..past.count.min(first + BATCH)).await;
        }
        let [service, busy, _] = services.try_into().expect("three");
        Self { team, service, busy }
    }

    /// A path with the organization's ids.
    pub fn path(&self, path: &str) -> String {
        let path = path.replace("{slug}", &self.team.slug);
        path.replace("{service}", &self.service).replace("{busy}", &self.busy)
    }
}

/// Inserts those incidents of the past, the newest of which is the first, with all that belongs to them.
async fn insert(db: &DatabaseConnection, team: &Team, services: &[String], past: Past, range: Range<usize>) {
    let backend = db.get_database_backend();
    let org = literal(backend, team.organization["id"].as_str().expect("an id"));
    let id = || literal(backend, &Uuid::from_u128(OLD + u128::from(rand::random::<u64>() >> 4)).to_string());
    let (mut incidents, mut affected, mut impacts) = (Vec::new(), Vec::new(), Vec::new());
    let (mut updates, mut changes) = (Vec::new(), Vec::new());
    for n in range {
        let (incident, age) = (id(), past.count - 1 - n);
        let began = NOW_MS - past.days * 1_440 * MINUTE_MS - i64::try_from(n).expect("small") * 5 * MINUTE_MS;
        let ended = began + 4 * MINUTE_MS;
        let (kind, status, started) = match age {
            _ if age >= RARE => ("incident", "resolved", began),
            _ if age % 30 == 4 => ("maintenance", "cancelled", ended + 3 * 1_440 * MINUTE_MS),
            _ if age % 10 == 9 => ("maintenance", "completed", began),
            _ => ("incident", "resolved", began),
        };
        let window = (kind == "maintenance").then(|| format!("{started}, {}", started + MINUTE_MS));
        let window = window.unwrap_or_else(|| "NULL, NULL".to_owned());
        incidents.push(format!(
            "({org}, {incident}, '{kind}', 'Trouble of the past {n}', '{status}', 'minor', FALSE, {started}, {ended}, \
             {began}, {ended}, 2, FALSE, TRUE, TRUE, TRUE, TRUE, TRUE, {window})"
        ));
        let service = literal(backend, &services[if age < RARE && age % 2 == 0 { 0 } else { 1 + n % 2 }]);
        affected.push(format!("({org}, {incident}, {service}, 'API', 'operational', 'degraded', 0)"));
        let corrects = if age < RARE && age % 100 == 50 { "TRUE" } else { "FALSE" };
        let impact = format!("{service}, '{kind}', 'degraded', {began}, {ended}, {corrects}");
        impacts.push(format!("({org}, {}, {incident}, {impact})", id()));
        for (at, status) in [(began, "investigating"), (ended, status)] {
            updates.push(format!(
                "({org}, {}, {incident}, '{status}', 'Something happened.', '<p>Something happened.</p>', 1, {at}, \
                 {at}, {at}, TRUE, '[]')",
                id()
            ));
        }
        for (at, old, new) in [(began, "operational", "degraded"), (ended, "degraded", "operational")] {
            changes.push(format!("({org}, {}, {service}, '{old}', '{new}', 'incident', {at})", id()));
        }
    }
    for (columns, rows) in [
        (
            "incident (org_id, id, kind, title, status, reached, is_draft, started_at, resolved_at, created_at, \
             updated_at, version, is_reminded, remind, auto_start, auto_end, notify_start, notify_end, \
             scheduled_start, scheduled_end)",
            incidents,
        ),
        ("incident_service (org_id, incident_id, service_id, name, status, worst, position)", affected),
        (
            "incident_impact (org_id, id, incident_id, service_id, kind, status, from_at, to_at, corrects_uptime)",
            impacts,
        ),
        (
            "incident_update (org_id, id, incident_id, status, message, html, render_version, created_at, display_at, \
             updated_at, notify, edits)",
            updates,
        ),
        ("status_change (org_id, id, service_id, old_status, new_status, cause, created_at)", changes),
    ] {
        db.execute_unprepared(&format!("INSERT INTO {columns} VALUES {}", rows.join(", "))).await.expect("inserted");
    }
}

/// Updates the statistics of the query planner, as the database would by itself after a while.
pub async fn analyze(db: &DatabaseConnection) {
    let sql = match db.get_database_backend() {
        DbBackend::MySql => {
            "ANALYZE TABLE incident, incident_service, incident_impact, incident_update, status_change, service"
        }
        _ => "ANALYZE",
    };
    db.execute_unprepared(sql).await.expect("analyzed");
}
