//! Maintenances: statuses, automations, rescheduling and series (domain rule 3.6).

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, impacts, incident_path, path_of},
    endpoints::path_to,
    fixtures::NOW,
};

/// An organization with a service and a window from 14:00 to 15:00, two hours from now.
struct Scene {
    app: TestApp,
    team: Team,
    api: Value,
    planned: Value,
}

impl Scene {
    /// With additional fields.
    async fn with(more: Value) -> Self {
        let app = TestApp::alone_at(NOW).await;
        let team = app.register("Acme").await;
        let api = team.service("API").await;
        let mut window = json!({
            "title": "Upgrade",
            "incident_type": "maintenance",
            "starts_at": "2026-11-23T14:00:00Z",
            "ends_at": "2026-11-23T15:00:00Z",
            "service_id": id_of(&api),
        });
        for (field, value) in more.as_object().expect("an object") {
            window[field] = value.clone();
        }
        let planned = team.open_incident(window).await;
        Self { app, team, api, planned }
    }

    async fn open() -> Self {
        Self::with(json!({})).await
    }

    /// Advances the time and runs the scheduler.
    async fn pass(&self, seconds: i64) {
        self.app.pass(seconds);
        self.app.tick().await;
    }

    async fn now(&self) -> Value {
        self.team.incident(&self.planned).await
    }

    /// The updates, oldest first: display time, status, whether they notify.
    async fn updates(&self) -> Vec<(String, String, bool)> {
        let now = self.now().await;
        let updates = now["updates"].as_array().expect("a list").iter().rev();
        let updates = updates.map(|update| {
            let at = update["display_at"].as_str().expect("an instant")[11..16].to_owned();
            (at, update["status"].as_str().expect("a word").to_owned(), update["notify"] == true)
        });
        updates.collect()
    }
}

fn line(at: &str, status: &str, notify: bool) -> (String, String, bool) {
    (at.to_owned(), status.to_owned(), notify)
}

/// The windows of a series, the first one first.
async fn windows(team: &Team) -> Vec<Value> {
    let mut all =
        team.get("/api/incidents?type=maintenance&limit=100").await.is(200).as_array().expect("a list").clone();
    all.sort_by_key(|window| window["scheduled_start"].to_string());
    all
}

#[tokio::test]
async fn rule_3_6_1_a_maintenance_moves_on_and_stays_ended() {
    let scene = Scene::open().await;
    let path = format!("{}/updates", incident_path(&scene.planned));
    for (status, allowed) in [
        ("completed", false),
        ("verifying", false),
        ("resolved", false),
        ("in_progress", true),
        ("scheduled", false),
        ("verifying", true),
        ("in_progress", true),
        ("verifying", true),
        ("completed", true),
        ("in_progress", false),
        ("cancelled", false),
        ("investigating", false),
    ] {
        let answer = scene.team.post(&path, json!({"status": status})).await;
        if allowed {
            answer.is(201);
        } else {
            answer.refuses(400, &["status"]);
        }
    }
    assert_eq!(scene.now().await["status"], "completed");
}

#[tokio::test]
async fn rule_3_6_1_a_scheduled_maintenance_and_one_under_way_can_be_cancelled() {
    for begun in [false, true] {
        let scene = Scene::open().await;
        if begun {
            scene.team.post_update(&scene.planned, json!({"status": "in_progress"})).await;
        }
        let update = scene.team.post_update(&scene.planned, json!({"status": "cancelled"})).await;
        assert_eq!(update["message"], "This maintenance has been cancelled.");
        assert_eq!(scene.team.status_of(&scene.api).await, "operational");
        let page = scene.team.public("status").await;
        assert_eq!(page["upcoming_maintenances"], json!([]));
        assert_eq!(page["recent_incidents"][0]["status"], "cancelled");
        scene.pass(4 * 3600).await;
        assert_eq!(scene.now().await["status"], "cancelled", "no step is due");
    }
}

#[tokio::test]
async fn rule_3_6_2_the_scheduler_reminds_starts_and_completes() {
    let scene = Scene::open().await;
    assert_eq!(scene.planned["status"], "scheduled");
    for (seconds, status, service) in [
        (3599, "scheduled", "operational"),
        (1, "scheduled", "operational"),
        (3599, "scheduled", "operational"),
        (1, "in_progress", "under_maintenance"),
        (3599, "in_progress", "under_maintenance"),
        (1, "completed", "operational"),
        (9999, "completed", "operational"),
    ] {
        scene.pass(seconds).await;
        assert_eq!(
            (&scene.now().await["status"], scene.team.status_of(&scene.api).await),
            (&json!(status), service.to_owned())
        );
    }
    assert_eq!(
        scene.updates().await,
        [
            line("12:00", "scheduled", true),
            line("13:00", "scheduled", true),
            line("14:00", "in_progress", true),
            line("15:00", "completed", true),
        ]
    );
    let now = scene.now().await;
    let texts: Vec<_> = now["updates"].as_array().expect("a list").iter().map(|update| &update["message"]).collect();
    assert_eq!(
        texts,
        [
            "The scheduled maintenance has been completed.",
            "Scheduled maintenance is currently in progress. We will provide updates as necessary.",
            "Maintenance will begin as scheduled in 60 minutes.",
            "We will be undergoing scheduled maintenance during this time.",
        ]
    );
    let history = scene.team.history(&scene.api).await;
    let rows: Vec<_> = history.iter().map(|row| (&row["new_status"], &row["cause"], row.get("changed_by"))).collect();
    let (down, up, cause) = (json!("under_maintenance"), json!("operational"), json!("maintenance"));
    assert_eq!(rows, [(&up, &cause, None), (&down, &cause, None)], "domain rule 3.1.4: by nobody");
}

#[tokio::test]
async fn rule_3_6_2_each_automation_and_each_notification_is_a_switch_of_its_own() {
    let off = json!({"remind": false, "start": false, "end": false, "notify_start": true, "notify_end": true});
    let by_hand = Scene::with(json!({"automations": off, "notify": false})).await;
    by_hand.pass(5 * 3600).await;
    assert_eq!(by_hand.updates().await, [line("12:00", "scheduled", false)]);
    by_hand.team.post_update(&by_hand.planned, json!({"status": "in_progress", "notify": false})).await;
    assert_eq!(by_hand.team.status_of(&by_hand.api).await, "under_maintenance");
    // Switched on again, the end is due at once.
    let on = json!({"remind": false, "start": false, "end": true, "notify_start": false, "notify_end": false});
    by_hand.team.update_incident(&by_hand.planned, json!({"automations": on})).await;
    by_hand.pass(1).await;
    assert_eq!(by_hand.now().await["status"], "completed");

    let quiet = json!({"remind": false, "start": true, "end": true, "notify_start": false, "notify_end": false});
    let quiet = Scene::with(json!({"automations": quiet})).await;
    for _ in 0..4 {
        quiet.pass(3600).await;
    }
    let expected =
        [line("12:00", "scheduled", true), line("14:00", "in_progress", false), line("15:00", "completed", false)];
    assert_eq!(quiet.updates().await, expected);
}

#[tokio::test]
async fn rule_3_6_3_after_a_downtime_all_steps_are_taken_at_their_planned_times() {
    let scene = Scene::open().await;
    scene.pass(30 * 3600).await;
    let told =
        [line("12:00", "scheduled", true), line("14:00", "in_progress", false), line("15:00", "completed", true)];
    assert_eq!(scene.updates().await, told, "and one notifies");
    let instants: Vec<_> = scene.team.history(&scene.api).await.iter().map(|row| row["created_at"].clone()).collect();
    assert_eq!(instants, ["2026-11-23T15:00:00.000Z", "2026-11-23T14:00:00.000Z"]);
    let now = scene.now().await;
    assert_eq!(
        (&now["started_at"], &now["resolved_at"]),
        (&json!("2026-11-23T14:00:00.000Z"), &json!("2026-11-23T15:00:00.000Z"))
    );
    assert_eq!(scene.app.tick().await, 0);
}

#[tokio::test]
async fn rule_3_6_3_two_instances_take_each_step_once() {
    let scene = Scene::open().await;
    let other = scene.app.another_instance().await;
    for _ in 0..4 {
        scene.app.pass(3600);
        let (one, two) = tokio::join!(scene.app.tick(), other.tick());
        assert!(one + two <= 1, "{one} and {two}");
    }
    assert_eq!(scene.updates().await.len(), 4);
}

#[tokio::test]
async fn rule_3_6_4_an_early_start_and_a_late_end_move_the_effective_times_and_not_the_plan() {
    let scene = Scene::with(json!({"automations": {
        "remind": true, "start": true, "end": false, "notify_start": true, "notify_end": true,
    }}))
    .await;
    assert_eq!(scene.planned["started_at"], "2026-11-23T14:00:00.000Z");
    scene.app.pass(1800);
    scene.team.post_update(&scene.planned, json!({"status": "in_progress"})).await;
    assert_eq!(scene.team.status_of(&scene.api).await, "under_maintenance");
    scene.pass(4 * 3600).await;
    assert_eq!(scene.now().await["status"], "in_progress", "it ends by hand");
    scene.team.post_update(&scene.planned, json!({"status": "completed"})).await;
    let now = scene.now().await;
    let times = ["started_at", "resolved_at", "scheduled_start", "scheduled_end"]
        .map(|field| now[field].as_str().expect("set"));
    assert_eq!(
        times,
        [
            "2026-11-23T12:30:00.000Z",
            "2026-11-23T16:30:00.000Z",
            "2026-11-23T14:00:00.000Z",
            "2026-11-23T15:00:00.000Z",
        ]
    );
}

#[tokio::test]
async fn rule_3_6_5_when_it_was_planned_stays_beside_when_it_begins() {
    let scene = Scene::open().await;
    scene.pass(1800).await;
    scene.team.update_incident(&scene.planned, json!({"starts_at": "2026-11-23T14:30:00Z"})).await;
    scene.pass(2 * 3600).await;
    let now = scene.now().await;
    let times = ["created_at", "scheduled_start", "started_at"].map(|field| &now[field].as_str().expect("set")[11..16]);
    assert_eq!(times, ["12:00", "14:30", "14:30"]);
}

#[tokio::test]
async fn rule_3_6_7_maintenance_counts_as_up_and_an_incident_above_it_does_not() {
    let scene = Scene::open().await;
    scene.pass(2 * 3600).await;
    scene.pass(600).await;
    let incident =
        scene.team.open_incident(json!({"title": "Worse", "services": impacts(&[(&scene.api, "major_outage")])})).await;
    scene.pass(900).await;
    scene.team.post_update(&incident, json!({"status": "resolved"})).await;
    assert_eq!(scene.team.status_of(&scene.api).await, "under_maintenance");
    scene.pass(3600).await;
    let uptime = scene.team.get(&format!("{}/uptime", path_of(&scene.api))).await.is(200);
    let today = &uptime["days"][89];
    assert_eq!(today["major_outage_seconds"], 900);
    assert_eq!(today["under_maintenance_seconds"], 2700);
}

#[tokio::test]
async fn rule_3_6_8_rescheduling_notifies_once_and_reminds_again_while_a_new_title_does_not() {
    let scene = Scene::open().await;
    scene.pass(3600).await;
    assert_eq!(scene.updates().await.len(), 2, "reminded");
    let moved = json!({"starts_at": "2026-11-23T18:00:00Z", "ends_at": "2026-11-23T19:00:00Z"});
    scene.team.update_incident(&scene.planned, moved.clone()).await;
    scene.team.update_incident(&scene.planned, moved).await;
    scene.team.update_incident(&scene.planned, json!({"title": "Great upgrade"})).await;
    let now = scene.now().await;
    assert_eq!(
        now["updates"][0]["message"],
        "This maintenance has been rescheduled to Mon 23 Nov 2026, 18:00–19:00 UTC."
    );
    for _ in 0..7 {
        scene.pass(3600).await;
    }
    assert_eq!(
        scene.updates().await,
        [
            line("12:00", "scheduled", true),
            line("13:00", "scheduled", true),
            line("13:00", "scheduled", true),
            line("17:00", "scheduled", true),
            line("18:00", "in_progress", true),
            line("19:00", "completed", true),
        ]
    );
}

#[tokio::test]
async fn rule_3_6_8_once_begun_only_the_end_can_be_moved() {
    let scene = Scene::open().await;
    scene.pass(2 * 3600).await;
    let path = incident_path(&scene.planned);
    scene.team.put(&path, json!({"starts_at": "2026-11-23T14:30:00Z"})).await.refuses(400, &["starts_at"]);
    scene.team.put(&path, json!({"ends_at": "2026-11-23T13:00:00Z"})).await.refuses(400, &["ends_at"]);
    scene.team.update_incident(&scene.planned, json!({"ends_at": "2026-11-23T16:00:00Z"})).await;
    scene.pass(3600).await;
    assert_eq!(scene.now().await["status"], "in_progress");
    scene.pass(3600).await;
    assert_eq!(scene.now().await["status"], "completed");
    scene.team.put(&path, json!({"ends_at": "2026-11-23T18:00:00Z"})).await.refuses(400, &["ends_at"]);
}

/// The local start of each window in Berlin.
fn local_starts(windows: &[Value]) -> Vec<String> {
    windows.iter().map(|window| window["scheduled_start"].as_str().expect("an instant")[..16].to_owned()).collect()
}

#[tokio::test]
async fn rule_3_6_9_a_window_at_three_stays_at_three_on_both_sides_of_summer_time() {
    let app = TestApp::alone_at("2026-10-20T12:00:00Z").await;
    let team = app.register("Acme").await;
    team.browser().call(path_to("set_time_zone"), &[("time_zone", "Europe/Berlin")]).await.is(200);
    let first = json!({
        "title": "Rotation",
        "incident_type": "maintenance",
        "starts_at": "2026-10-21T03:00:00+02:00",
        "ends_at": "2026-10-21T04:00:00+02:00",
        "recurrence": "freq=weekly;count=3",
    });
    let first = team.open_incident(first).await;
    let all = windows(&team).await;
    // The clocks went back on the 25th: 03:00 there is 02:00 UTC from then on.
    assert_eq!(local_starts(&all), ["2026-10-21T01:00", "2026-10-28T02:00", "2026-11-04T02:00"]);
    assert_eq!(all[0], first);
    assert!(all.iter().all(|window| window["series_id"] == first["series_id"] && first["series_id"].is_string()));
    let told: Vec<_> = all.iter().map(|window| window["updates"][0]["notify"] == true).collect();
    assert_eq!(told, [true, false, false], "the series is announced once");
}

#[tokio::test]
async fn rule_3_6_9_windows_are_made_ahead_each_once_and_can_be_changed_separately() {
    let scene = Scene::with(json!({"recurrence": "FREQ=WEEKLY"})).await;
    let team = &scene.team;
    let begun = windows(team).await;
    assert_eq!(begun.len(), 9, "sixty days ahead");
    team.update_incident(&begun[1], json!({"starts_at": "2026-12-01T14:00:00Z", "ends_at": "2026-12-01T15:00:00Z"}))
        .await;
    team.post_update(&begun[2], json!({"status": "cancelled"})).await;
    team.delete(&incident_path(&begun[3])).await.is(204);
    let other = scene.app.another_instance().await;
    for _ in 0..15 {
        scene.app.pass(86_400);
        tokio::join!(scene.app.tick(), other.tick());
    }
    let now = windows(&team.log_in_again().await).await;
    let starts = local_starts(&now);
    assert_eq!(
        starts[..5],
        ["2026-11-23T14:00", "2026-12-01T14:00", "2026-12-07T14:00", "2026-12-21T14:00", "2026-12-28T14:00"],
        "moved, cancelled or deleted windows are not made again"
    );
    assert_eq!(starts.len(), 10, "two weeks on there are two more: {starts:?}");
    assert_eq!(starts[9], "2027-02-01T14:00");
    assert_eq!((&now[0]["status"], &now[2]["status"]), (&json!("completed"), &json!("cancelled")));
}

#[tokio::test]
async fn ending_a_series_cancels_windows_that_have_not_begun() {
    let scene = Scene::with(json!({"recurrence": "FREQ=DAILY;COUNT=5"})).await;
    let team = &scene.team;
    let series = team.get("/api/maintenance-series").await.is(200);
    assert_eq!(series.as_array().expect("a list").len(), 1);
    assert_eq!((&series[0]["rule"], &series[0]["seconds"]), (&json!("FREQ=DAILY;COUNT=5"), &json!(3600)));
    scene.pass(2 * 3600 + 60).await;
    let path = format!("/api/maintenance-series/{}", id_of(&series[0]));
    team.delete(&path).await.is(204);
    let statuses: Vec<_> = windows(team).await.iter().map(|window| window["status"].clone()).collect();
    assert_eq!(statuses, ["in_progress", "cancelled", "cancelled", "cancelled", "cancelled"]);
    assert_eq!(team.get("/api/maintenance-series").await.is(200), json!([]));
    team.delete(&path).await.refuses(404, &[]);
    scene.pass(70 * 86_400).await;
    assert_eq!(windows(&team.log_in_again().await).await.len(), 5);
}
