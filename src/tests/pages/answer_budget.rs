//! Every answer has an upper size: what does not fit is refused when it is written, and cut when it is read.

use std::fmt::Write as _;

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection};
use serde_json::{Value, json};

use crate::{
    server::domain::ANSWER_MAX,
    tests::support::{
        app::TestApp,
        clients::{Team, id_of, incident_path, update_path},
        database::{connect, literal, texts},
        fixtures::NOW,
    },
};

async fn database(app: &TestApp) -> DatabaseConnection {
    connect(&app.own.as_ref().expect("a database of its own").url).await
}

/// Adds services with names of 100 characters; returns their ids.
async fn services(team: &Team, db: &DatabaseConnection, count: usize) -> Vec<String> {
    let backend = db.get_database_backend();
    let ids: Vec<String> = (0..count).map(|n| format!("0199aaaa-bbbb-7ccc-8ddd-{n:012x}")).collect();
    let mut rows = String::new();
    for (n, id) in ids.iter().enumerate() {
        let (comma, name) = (if n == 0 { "" } else { ", " }, format!("Service {n:03} {}", "x".repeat(88)));
        let (organization, id) = (literal(backend, id_of(&team.organization)), literal(backend, id));
        write!(
            rows,
            "{comma}({organization}, {id}, '{name}', '{}', 'operational', 'operational', 0, {n}, 0, 0)",
            "d".repeat(200)
        )
        .expect("written");
    }
    let columns = "(org_id, id, name, description, baseline, status, status_since, position, created_at, updated_at)";
    db.execute_unprepared(&format!("INSERT INTO service {columns} VALUES {rows}")).await.expect("inserted");
    ids
}

/// Asserts that the answers of a page, and these paths, stay below the bound, and members' pages, which have the status
/// page and a list each, below twice that.
async fn require_small(app: &TestApp, team: &Team, more: &[String]) {
    let common = ["/public/{}", "/api/public/{}/status", "/api/public/{}/timeline", "/public/{}/history"];
    let common = common.iter().map(|path| path.replace("{}", &team.slug));
    for path in common.chain(more.iter().cloned()) {
        let answer = app.get(&path).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text.len() <= ANSWER_MAX, "{path}: {}", answer.text.len());
    }
    for path in ["/api/incidents?limit=100", "/api/incidents?limit=100&status=resolved"] {
        let size = team.get(path).await.text.len();
        assert!(size <= ANSWER_MAX, "{path}: {size}");
    }
    for path in ["/dashboard", "/incidents", "/maintenances"] {
        let size = team.browser().open(path).await.text.len();
        assert!(size <= 2 * ANSWER_MAX, "{path}: {size}");
    }
}

/// Posts updates until one is refused; returns how many there are.
async fn fill(team: &Team, incident: &Value, update: impl Fn(usize) -> Value) -> usize {
    let path = format!("{}/updates", incident_path(incident));
    for n in 0..1_000 {
        let answer = team.post(&path, update(n)).await;
        if answer.status != 201 {
            let why = answer.is(400)["fields"]["message"].clone();
            assert!(why.as_str().is_some_and(|why| why.contains("text limit")), "{why}");
            return n;
        }
    }
    1_000
}

#[tokio::test]
async fn r_70_many_services_and_updates_stay_within_the_budget() {
    let app = TestApp::alone_at(NOW).await;
    let (team, db) = (app.register("Acme").await, database(&app).await);
    let ids = services(&team, &db, 500).await;
    let listed: Vec<Value> = ids.iter().map(|id| json!({"id": id, "status": "degraded"})).collect();
    let first = team.open_incident(json!({"title": "Everything", "services": listed})).await;
    let swap =
        |n: usize| json!({"id": ids[0], "status": if n.is_multiple_of(2) { "partial_outage" } else { "degraded" }});
    let count = fill(&team, &first, |n| json!({"message": "y".repeat(24_000), "services": [swap(n)]})).await;
    assert!(count > 1, "{count}");
    let known = team.incident(&first).await;
    assert_eq!(known["updates"][0]["services"].as_array().map(Vec::len), Some(1), "only what changed");
    assert_eq!(known["updates"].as_array().map(Vec::len), Some(count + 1), "none is left out");
    // Small ones still fit, up to the limit of all that is in force.
    let second = team.open_incident(json!({"title": "Something"})).await;
    let more = fill(&team, &second, |_| json!({"message": "z".repeat(2_000)})).await;
    assert!(more > 1, "{more}");
    let path = |one: &Value| format!("/public/{}/incidents/{}", team.slug, id_of(one));
    require_small(&app, &team, &[path(&first), path(&second)]).await;
    let mut too_much = json!({"title": "All again", "services": listed, "message": "y".repeat(24_000)});
    team.post("/api/incidents", too_much.clone()).await.refuses(400, &["message"]);
    too_much["is_draft"] = json!(true);
    let draft = team.open_incident(too_much).await;
    team.put(&incident_path(&draft), json!({"is_draft": false})).await.refuses(400, &["is_draft"]);
    team.post_update(&first, json!({"status": "resolved", "message": "y".repeat(24_000)})).await;
    require_small(&app, &team, &[path(&first), path(&second)]).await;
}

#[tokio::test]
async fn r_70_a_month_holds_first_and_last_words_and_is_cut() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let (long, count) = ("word ".repeat(4_980), 30);
    for n in 0..count {
        let title = format!("Past {n:03}");
        let (from, to) = ("2026-09-10T01:00:00Z", "2026-09-10T02:00:00Z");
        let message = format!("First. {long}");
        let past = json!({"title": title, "message": message, "started_at": from, "resolved_at": to});
        let past = team.open_incident(past).await;
        for update in ["Second.", "Third."] {
            team.post_update(&past, json!({"message": format!("{update} {long}")})).await;
        }
    }
    let db = database(&app).await;
    let path = format!("/public/{}/history?month=2026-09", team.slug);
    let month = app.get(&path).await.text;
    assert!(month.len() < 400_000, "{}", month.len());
    assert_eq!(month.matches("<article").count(), count);
    assert!(month.contains("Third. word") && !month.contains("Second."), "first and last words");
    assert_eq!(month.matches(">All updates<").count(), 0, "{month}");
    assert_eq!(month.matches("Some incidents on this day are not listed.").count(), 0);
    // As an older version could have left them: with titles and services beyond the budget.
    let ids = services(&team, &db, 500).await;
    let backend = db.get_database_backend();
    for id in &ids[..200] {
        let sql = format!(
            "INSERT INTO incident_service (org_id, incident_id, service_id, name, status, worst, position) \
             SELECT org_id, id, {}, '{}', 'operational', 'degraded', 0 FROM incident",
            literal(backend, id),
            "n".repeat(100),
        );
        db.execute_unprepared(&sql).await.expect("inserted");
    }
    db.execute_unprepared("UPDATE incident SET head_bytes = head_bytes + 170000, bytes = bytes + 170000")
        .await
        .expect("noted");
    // Written past the server, which would have made the page anew.
    let app = TestApp::of(app.state.clone().with_empty_cache(), app.clock.clone());
    let month = app.get(&path).await.text;
    assert!(month.len() <= ANSWER_MAX, "{}", month.len());
    let listed = month.matches("<article").count();
    assert!(listed > 1 && listed < count, "{listed}");
    assert!(month.contains("Some incidents on this day are not listed."));
    require_small(&app, &team, &[path]).await;
}

#[tokio::test]
async fn r_70_what_is_beyond_the_budget_already_opens_cut() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let mut incidents = Vec::new();
    for n in 0..4 {
        let services = json!([{"id": id_of(&api), "status": "degraded"}]);
        let incident =
            team.open_incident(json!({"title": format!("Down {n}"), "message": "Opened.", "services": services})).await;
        for n in 0..5 {
            app.pass(60);
            team.post_update(&incident, json!({"message": format!("Update {n}.")})).await;
        }
        incidents.push(incident);
    }
    let db = database(&app).await;
    // Each update gets a history of 300 kB.
    let edit = json!([{"message": "w".repeat(150_000), "html": "w".repeat(150_000), "edited_at": NOW}]).to_string();
    let edits = format!("UPDATE incident_update SET edits = '{edit}', bytes = bytes + 601000");
    db.execute_unprepared(&edits).await.expect("written");
    db.execute_unprepared("UPDATE incident SET bytes = bytes + 6 * 601000").await.expect("written");
    let path = |one: &Value| format!("/public/{}/incidents/{}", team.slug, id_of(one));
    require_small(&app, &team, &incidents.iter().map(path).collect::<Vec<_>>()).await;
    let status = team.public("status").await;
    let active = status["active_incidents"].as_array().expect("a list");
    assert_eq!(active.len(), 4, "all are on the page");
    for incident in active {
        assert_eq!(
            (&incident["updates"][0]["message"], &incident["description"]),
            (&json!("Update 4."), &json!("Opened."))
        );
        assert!(
            incident["cut_at"].is_string() && incident["updates"].as_array().is_some_and(|all| all.len() < 6),
            "{incident}"
        );
    }
    let home = app.get(&format!("/public/{}", team.slug)).await.text;
    assert!(home.contains("All ") && !home.contains("All 1 updates"));
    let own = app.get(&path(&incidents[0])).await.text;
    assert!(own.contains("Older updates are not listed."));
    let first = team.get("/api/incidents?limit=100").await;
    let listed = first.is(200);
    assert_eq!((listed.as_array().map(Vec::len), &listed[0]["updates"][0]["message"]), (Some(1), &json!("Update 4.")));
    let second = team.get(&first.next_page().expect("the others")).await.is(200);
    assert_eq!(second[0]["id"], incidents[2]["id"]);
    let update = team.incident(&incidents[0]).await["updates"][0].clone();
    team.put(&update_path(&update), json!({"message": "Longer than it was."})).await.refuses(400, &["message"]);
    for incident in &incidents {
        team.post_update(incident, json!({"status": "resolved"})).await;
    }
    require_small(&app, &team, &[]).await;
    let status = team.public("status").await;
    assert!(status["cut_at"].is_string() && status["recent_incidents"].as_array().is_some_and(|all| all.len() == 1));
}

#[tokio::test]
async fn r_70_whatever_is_written_stays_within_the_budget() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let mut seed = 7_u64;
    let mut random = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("small") % most
    };
    let pieces = ["word ", "<", "&", "\"\\", "🔥", "*a* ", "- a\n", "http://a.b "];
    let mut open: Vec<Value> = Vec::new();
    for _ in 0..12 {
        let name: String = pieces[random(5)].trim().repeat(100).chars().take(100).collect();
        let description: String = pieces[random(5)].trim().repeat(500).chars().take(500).collect();
        team.service(&format!("{}{}", random(1_000), name.chars().take(90).collect::<String>())).await;
        let service = &team.services().await[0];
        team.put(&format!("/api/services/{}", id_of(service)), json!({"description": description})).await;
    }
    let services = team.services().await;
    for step in 0..60 {
        app.pass(60);
        let text: String = pieces[random(pieces.len())].repeat(25_000).chars().take(1 + random(25_000)).collect();
        let listed: Vec<Value> =
            (0..random(12)).map(|n| json!({"id": services[n]["id"], "status": "degraded"})).collect();
        match (random(6), open.len()) {
            (0, _) | (_, 0) => {
                let new = json!({"title": "t".repeat(1 + random(255)), "message": text, "services": listed});
                let answer = team.post("/api/incidents", new).await;
                assert!([201, 400].contains(&answer.status.as_u16()), "{}", answer.text);
                if answer.status == 201 {
                    open.push(answer.json());
                }
            }
            (1, count) => {
                let incident = open.swap_remove(random(count));
                team.post_update(&incident, json!({"status": "resolved", "message": text})).await;
                let postmortem = json!({"postmortem": "p".repeat(1 + random(25_000)), "publish_postmortem": true});
                team.put(&incident_path(&incident), postmortem).await;
            }
            (2, count) => {
                let known = team.incident(&open[random(count)]).await;
                team.put(&update_path(&known["updates"][0]), json!({"message": text})).await;
            }
            (_, count) => {
                let path = format!("{}/updates", incident_path(&open[random(count)]));
                let update = json!({"message": text, "services": listed});
                let answer = team.post(&path, update).await;
                assert!([201, 400].contains(&answer.status.as_u16()), "{}", answer.text);
            }
        }
        if step % 30 == 29 {
            require_small(&app, &team, &[]).await;
        }
    }
}

#[tokio::test]
async fn r_70_services_and_templates_have_limits_of_text() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    services(&team, &database(&app).await, 490).await;
    let mut last = Value::Null;
    for n in 0..6 {
        let long = json!({"name": format!("New {n}"), "description": "🔥".repeat(500)});
        last = team.post("/api/services", long).await.is(201);
    }
    let long = json!({"name": "One more", "description": "🔥".repeat(500)});
    team.post("/api/services", long).await.refuses(400, &["description"]);
    team.put(&format!("/api/services/{}", id_of(&last)), json!({"description": "Short."})).await.is(200);
    for n in 0..15 {
        let template = json!({"name": format!("Template {n}"), "title": "Down", "message": "m".repeat(25_000)});
        team.post("/api/templates", template).await.is(201);
    }
    let template = json!({"name": "One more", "title": "Down", "message": "m".repeat(25_000)});
    team.post("/api/templates", template).await.refuses(400, &["message"]);
    assert_eq!(team.get("/api/templates").await.is(200).as_array().map(Vec::len), Some(15));
}

#[tokio::test]
async fn a_migrated_database_knows_the_sizes_of_its_incidents() {
    let app = TestApp::alone_at(NOW).await;
    let (team, db) = (app.register("Acme").await, database(&app).await);
    let api = team.service("A & \"B\" <C>").await;
    let text = "Quoted \"words\", a back\\slash & <tags>\nin **two** lines.";
    let services = json!([{"id": id_of(&api), "status": "degraded"}]);
    let incident = team.open_incident(json!({"title": "<Down>", "message": text, "services": services})).await;
    team.put(&update_path(&incident["updates"][0]), json!({"message": format!("{text} Again.")})).await.is(200);
    team.post_update(&incident, json!({"status": "resolved", "message": text})).await;
    team.update_incident(&incident, json!({"postmortem": text, "publish_postmortem": true})).await;
    let sizes = async || {
        let of_incidents =
            texts::<2>(&db, "SELECT CAST(head_bytes AS CHAR(20)), CAST(bytes AS CHAR(20)) FROM incident").await;
        (of_incidents, texts::<1>(&db, "SELECT CAST(bytes AS CHAR(20)) FROM incident_update ORDER BY bytes").await)
    };
    let measured = sizes().await;
    let all = Migrator::migrations();
    let added = all.iter().position(|migration| migration.name().ends_with("_sizes")).expect("among them");
    Migrator::down(&db, Some(u32::try_from(all.len() - added).expect("few"))).await.expect("as it was");
    Migrator::up(&db, None).await.expect("migrated");
    assert_eq!(sizes().await, measured);
}
