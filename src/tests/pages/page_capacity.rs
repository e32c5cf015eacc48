//! Capacity of lists: many things of one kind do not push out the others on the status page, in months and the
//! calendar.

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, incident_path},
    endpoints::path_to,
    fixtures::NOW,
};

/// Schedules a maintenance of one hour with these further fields.
async fn plan(team: &Team, start: &str, more: Value) -> Value {
    let start: crate::model::Timestamp = start.parse().expect("an instant");
    let mut window = json!({
        "title": "Work",
        "incident_type": "maintenance",
        "starts_at": start,
        "ends_at": start.plus_seconds(3_600),
    });
    for (field, value) in more.as_object().expect("an object") {
        window[field] = value.clone();
    }
    team.open_incident(window).await
}

/// Schedules a series of sixty daily windows.
async fn daily(app: &TestApp, team: &Team, more: Value) -> Value {
    let mut more = more;
    more["recurrence"] = json!("FREQ=DAILY");
    let first = plan(team, "2026-11-24T03:00:00Z", more).await;
    app.tick().await;
    first
}

async fn end_series(team: &Team, window: &Value) {
    let id = window["series_id"].as_str().expect("an id");
    team.delete(&format!("/api/maintenance-series/{id}")).await.is(204);
}

async fn past(team: &Team, title: &str, day: &str) -> Value {
    let at = |hour: u8| format!("{day}T{hour:02}:00:00Z");
    team.open_incident(json!({"title": title, "started_at": at(8), "resolved_at": at(9)})).await
}

#[tokio::test]
async fn an_ended_series_does_not_push_out_past_incidents() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let real = past(&team, "Real trouble", "2026-11-12").await;
    let first = daily(&app, &team, json!({})).await;
    let all = team.get("/api/incidents?type=maintenance&limit=100").await.is(200);
    let (last, count) = (all[0].clone(), all.as_array().expect("a list").len());
    assert!(count >= 59, "{count}");
    app.pass(60);
    end_series(&team, &first).await;
    assert_eq!(team.incident(&last).await["status"], "cancelled");

    let status = team.public("status").await;
    let recent = status["recent_incidents"].as_array().expect("a list");
    assert!(recent.iter().any(|one| one["id"] == real["id"]), "{recent:?}");
    assert_eq!(recent.len(), 1 + 8, "what the page had announced for the next days was called off");
    assert_eq!(status.get("cut_at"), None);
    let home = app.get(&format!("/public/{}", team.slug)).await.text;
    assert!(home.contains("Real trouble"));
    let link = format!("/public/{}/incidents/{}", team.slug, id_of(&last));
    assert!(app.get(&link).await.text.contains("Cancelled"), "its own page shows it");
    let timeline = team.public("timeline").await;
    assert_eq!(timeline["incidents"].as_array().expect("a list").len(), 1, "nothing of it has begun: {timeline}");

    app.pass(30 * 86_400);
    let month = app.get(&format!("/public/{}/history?month=2026-12", team.slug)).await.text;
    assert_eq!(month.matches("<article").count(), 1, "of December only the first had been announced");
}

#[tokio::test]
async fn the_timeline_lists_what_has_begun_however_much_is_scheduled() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let real = past(&team, "Real trouble", "2026-11-12").await;
    daily(&app, &team, json!({})).await;
    let incidents = team.public("timeline").await["incidents"].clone();
    assert_eq!((incidents.as_array().expect("a list").len(), &incidents[0]["id"]), (1, &real["id"]));
}

#[tokio::test]
async fn active_incidents_are_always_on_the_page() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let services = json!([{"id": id_of(&api), "status": "major_outage"}]);
    let oldest = team.open_incident(json!({"title": "Oldest", "services": services})).await;
    app.pass(60);
    for n in 0..101 {
        team.open_incident(json!({"title": format!("Later {n}")})).await;
    }
    let off = json!({"remind": false, "start": false, "end": false, "notify_start": false, "notify_end": false});
    for _ in 0..51 {
        plan(&team, "2026-11-23T11:30:00Z", json!({"automations": off})).await;
    }
    let begun = plan(&team, "2026-12-23T11:30:00Z", json!({})).await;
    team.post_update(&begun, json!({"status": "in_progress"})).await;
    let status = team.public("status").await;
    let has = |list: &str, one: &Value| {
        status[list].as_array().expect("a list").iter().any(|listed| listed["id"] == one["id"])
    };
    assert!(has("active_incidents", &oldest) && has("upcoming_maintenances", &begun));
}

#[tokio::test]
async fn an_incomplete_day_never_says_that_nothing_was_reported() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    past(&team, "Before", "2026-11-17").await;
    for n in 0..51 {
        past(&team, &format!("Trouble {n}"), "2026-11-18").await;
    }
    let home = app.get(&format!("/public/{}", team.slug)).await.text;
    assert_eq!(home.matches("No incidents reported.").count(), 5, "the 19th to the 23rd");
    assert_eq!(home.matches("Some incidents are not listed here").count(), 9, "the 10th to the 18th");
    assert!(home.contains(&format!("href=\"/public/{}/history?month=2026-11\"", team.slug)));
    let month = app.get(&format!("/public/{}/history?month=2026-11", team.slug)).await.text;
    assert!(month.contains("Before") && month.contains("Trouble 0"), "the month has them all");
    assert_eq!(team.public("status").await["cut_at"], "2026-11-18T09:00:00.000Z");
}

/// The addresses in a page that lead to what is planned later.
fn later(html: &str) -> Option<String> {
    let (_, rest) = html.split_once("href=\"/maintenances?after=")?;
    Some(format!("/maintenances?after={}", rest.split('"').next()?))
}

#[tokio::test]
async fn the_calendar_lists_all_maintenance_and_every_conflict() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let on_api = json!({"service_ids": [id_of(&api)]});
    daily(&app, &team, on_api.clone()).await;
    let mut far = on_api.clone();
    far["title"] = json!("Far away");
    let far = plan(&team, "2027-01-20T03:30:00Z", far).await;

    let browser = team.browser();
    let first = browser.open("/maintenances").await.text;
    assert!(!first.contains("Far away"), "not among the first fifty");
    let next = later(&first).expect("a way to the later ones");
    let second = browser.open(&next).await.text;
    let row = format!("href=\"/incidents/{}\"", id_of(&far));
    assert!(second.contains(&row) && second.contains("Far away"), "{second}");
    assert_eq!(second.matches("Overlaps on API with").count(), 2, "each of both with the other");
    assert_eq!(later(&second), None);
    let overview = browser.open("/maintenances?after=nonsense").await;
    assert_eq!(overview.status, 400, "a place that is none");

    let service = format!("services[of-{}]", id_of(&api));
    let asked = [
        ("starts_at", "2027-01-20T02:30:00.000Z"),
        ("ends_at", "2027-01-20T03:15:00.000Z"),
        (service.as_str(), "under_maintenance"),
    ];
    let conflicts = team.browser().call(path_to("conflicts"), &asked).await.is(200);
    assert_eq!((conflicts.as_array().expect("a list").len(), &conflicts[0]["title"]), (1, &json!("Work")));
}

#[tokio::test]
async fn conflicts_of_a_scheduled_window_are_shown_without_javascript() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let (api, web) = (team.service("API").await, team.service("Web").await);
    let begun =
        plan(&team, "2026-11-23T11:30:00Z", json!({"service_ids": [id_of(&api)], "title": "Endless work"})).await;
    team.post_update(&begun, json!({"status": "in_progress"})).await;
    let end =
        json!({"automations": {"remind": true, "start": true, "end": false, "notify_start": true, "notify_end": true}});
    team.update_incident(&begun, end).await;
    app.pass(2 * 3_600);
    let of_api = format!("services[of-{}]", id_of(&api));
    let of_web = format!("services[of-{}]", id_of(&web));
    for (service, collides) in [(&of_api, true), (&of_web, false)] {
        let fields = [
            ("title", "Upgrade"),
            ("starts", "2026-12-05T02:00"),
            ("ends", "2026-12-05T03:00"),
            (service.as_str(), "under_maintenance"),
        ];
        let answer = team.browser().submit("/maintenances/new", path_to("schedule_maintenance"), &fields).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        let room = team.browser().open(answer.header("location")).await.text;
        assert_eq!(room.contains("Overlaps on API with"), collides, "{room}");
    }
    team.delete(&incident_path(&begun)).await.is(204);
}
