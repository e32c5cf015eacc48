//! The scheduler: order of steps, lease, manual steps, drafts and series (domain rule 3.6).

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use crate::{
    server::domain::LEASE_SECONDS,
    tests::support::{
        app::TestApp,
        clients::{Team, id_of, incident_path},
        database::{connect, literal},
        endpoints::path_to,
        fixtures::NOW,
    },
};

/// Schedules a maintenance for today, `from` and `to` in UTC.
async fn plan(team: &Team, from: &str, to: &str, services: &[&Value]) -> Value {
    let window = json!({
        "title": format!("From {from}"),
        "incident_type": "maintenance",
        "starts_at": format!("2026-11-23T{from}:00Z"),
        "ends_at": format!("2026-11-23T{to}:00Z"),
        "service_ids": services.iter().map(|service| id_of(service)).collect::<Vec<_>>(),
    });
    team.open_incident(window).await
}

/// The updates of a maintenance, oldest first, as `15:04 status`.
async fn updates(team: &Team, window: &Value) -> Vec<String> {
    let window = team.incident(window).await;
    let updates = window["updates"].as_array().expect("a list").iter().rev();
    let line = |update: &Value| {
        let at = &update["display_at"].as_str().expect("an instant")[11..16];
        format!("{at} {}", update["status"].as_str().expect("a word"))
    };
    updates.map(line).collect()
}

#[tokio::test]
async fn rule_3_6_3_after_a_downtime_steps_are_taken_in_their_planned_order() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let (api, web) = (team.service("API").await, team.service("Web").await);
    // Scheduled in another order than they start.
    plan(&team, "15:30", "16:30", &[&api]).await;
    plan(&team, "14:00", "18:00", &[&web]).await;
    plan(&team, "15:00", "16:00", &[&api, &web]).await;
    let before = team.seq().await;
    app.pass(3 * 86_400);
    assert_eq!(app.tick().await, 9, "three reminders are skipped, six steps are taken");
    let mut reader = app.listen().await.public_feed(&team, Some(before)).await;
    let after = reader.hello().await;
    let mut steps = Vec::new();
    for seq in before + 1..=after {
        let event = reader.event(seq).await;
        if event["type"] == "incident_updated" {
            let newest = &event["data"]["updates"][0];
            let at = &newest["display_at"].as_str().expect("an instant")[11..16];
            steps.push(format!("{at} {} {}", event["data"]["incident"]["title"], newest["status"]).replace('"', ""));
        }
    }
    assert_eq!(
        steps,
        [
            "14:00 From 14:00 in_progress",
            "15:00 From 15:00 in_progress",
            "15:30 From 15:30 in_progress",
            "16:00 From 15:00 completed",
            "16:30 From 15:30 completed",
            "18:00 From 14:00 completed",
        ]
    );
    let changes = async |service| -> Vec<String> {
        let rows = team.history(service).await;
        let row = |row: &Value| {
            let at = &row["created_at"].as_str().expect("an instant")[11..16];
            format!("{at} {}", row["new_status"].as_str().expect("a word"))
        };
        rows.iter().rev().map(row).collect()
    };
    assert_eq!(changes(&api).await, ["15:00 under_maintenance", "16:30 operational"]);
    assert_eq!(changes(&web).await, ["14:00 under_maintenance", "18:00 operational"]);
}

#[tokio::test]
async fn rule_3_6_3_only_the_lease_holder_runs_the_scheduler_until_the_lease_expires() {
    let app = TestApp::alone_at(NOW).await;
    let (team, other) = (app.register("Acme").await, app.another_instance().await);
    let first = plan(&team, "12:10", "12:30", &[]).await;
    let second = plan(&team, "12:10", "12:31", &[]).await;
    app.pass(600);
    assert_eq!(app.tick().await, 2);
    // While the first holds the lease, the other takes no step.
    app.pass(LEASE_SECONDS - 1);
    let third = plan(&team, "12:10", "12:32", &[]).await;
    assert_eq!(other.tick().await, 0);
    app.pass(1);
    assert_eq!(other.tick().await, 1);
    assert_eq!(app.tick().await, 0);
    app.pass(1_200);
    assert_eq!((app.tick().await, other.tick().await), (1, 0), "an expired lease goes to the first to ask");
    assert_eq!(updates(&team, &first).await, ["12:00 scheduled", "12:10 in_progress", "12:30 completed"]);
    assert_eq!(updates(&team, &second).await, ["12:00 scheduled", "12:10 in_progress"]);
    assert_eq!(updates(&team, &third).await, ["12:10 scheduled", "12:10 in_progress"]);
}

#[tokio::test]
async fn rule_3_6_3_the_lease_and_the_steps_follow_the_databases_clock() {
    let app = TestApp::alone_at(NOW).await;
    let (team, fast) = (app.register("Acme").await, app.instance_ahead(3_600).await);
    let due = plan(&team, "12:10", "12:30", &[]).await;
    let later = plan(&team, "12:40", "13:00", &[]).await;
    app.pass(600);
    assert_eq!(fast.tick().await, 1, "an instance whose clock is an hour ahead takes no step early");
    assert_eq!(updates(&team, &later).await, ["12:00 scheduled"]);
    assert_eq!(team.incident(&due).await["updates"][0]["created_at"], "2026-11-23T12:10:00.000Z");
    // And it holds the lease no longer than others.
    plan(&team, "12:10", "12:30", &[]).await;
    app.pass(LEASE_SECONDS - 1);
    assert_eq!(app.tick().await, 0);
    app.pass(1);
    assert_eq!(app.tick().await, 1);
}

#[tokio::test]
async fn many_due_windows_of_one_organization_do_not_delay_anothers() {
    let app = TestApp::alone_at(NOW).await;
    let (busy, quiet) = (app.register("Busy").await, app.register("Quiet").await);
    for _ in 0..60 {
        plan(&busy, "12:10", "12:30", &[]).await;
    }
    let window = json!({
        "title": "A second later",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T12:10:01Z",
        "ends_at": "2026-11-23T12:30:00Z",
    });
    let window = quiet.open_incident(window).await;
    app.pass(660);
    assert_eq!(app.round().await, Some(6), "five steps of one, and one of the other");
    assert_eq!(quiet.incident(&window).await["status"], "in_progress");
    assert_eq!(app.tick().await, 55);
    assert_eq!((app.round().await, app.tick().await), (None, 0));
}

#[tokio::test]
async fn many_due_series_of_one_organization_do_not_delay_anothers() {
    let app = TestApp::alone_at(NOW).await;
    let (busy, quiet) = (app.register("Busy").await, app.register("Quiet").await);
    let series = json!({
        "title": "Rotation",
        "incident_type": "maintenance",
        "starts_at": "2026-11-24T03:00:00Z",
        "ends_at": "2026-11-24T04:00:00Z",
        "recurrence": "FREQ=DAILY;INTERVAL=30",
    });
    for team in [&busy, &busy, &busy, &busy, &quiet] {
        team.open_incident(series.clone()).await;
    }
    app.pass(17 * 3_600);
    let mut rounds = Vec::new();
    while let Some(taken) = app.round().await {
        rounds.push(taken);
    }
    assert!(rounds.ends_with(&[3, 2]), "two series of one and one of the other, then the rest: {rounds:?}");
}

#[tokio::test]
async fn rule_3_6_3_a_maintenance_that_fails_stops_neither_its_organizations_others_nor_anothers() {
    let app = TestApp::alone_at(NOW).await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    let mut windows = Vec::new();
    for team in [&team, &team, &other] {
        windows.push(plan(team, "12:10", "12:30", &[]).await);
    }
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    // Invalid data, which no endpoint would write.
    let id = literal(db.get_database_backend(), id_of(&windows[0]));
    let spoilt = format!("UPDATE incident_update SET status = '?' WHERE incident_id = {id}");
    db.execute_unprepared(&spoilt).await.expect("spoilt");
    app.pass(600);
    assert_eq!(app.tick().await, 2);
    assert_eq!(team.incident(&windows[1]).await["status"], "in_progress");
    assert_eq!(other.incident(&windows[2]).await["status"], "in_progress");
    assert_eq!(app.tick().await, 0);
}

#[tokio::test]
async fn rule_3_6_2_work_that_is_being_verified_is_completed_at_its_planned_end() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let window = plan(&team, "14:00", "15:00", &[&api]).await;
    for _ in 0..2 {
        app.pass(3_600);
        app.tick().await;
    }
    app.pass(1_800);
    let update = team.post_update(&window, json!({"status": "verifying"})).await;
    assert_eq!(update["message"], "Verification is currently underway for the maintenance items.");
    assert_eq!(team.status_of(&api).await, "under_maintenance");
    app.pass(1_799);
    assert_eq!(app.tick().await, 0);
    app.pass(1);
    assert_eq!(app.tick().await, 1);
    let all = ["12:00 scheduled", "13:00 scheduled", "14:00 in_progress", "14:30 verifying", "15:00 completed"];
    assert_eq!(updates(&team, &window).await, all);
    assert_eq!(team.status_of(&api).await, "operational");
}

#[tokio::test]
async fn rule_3_6_4_a_step_taken_by_hand_is_not_repeated_by_the_scheduler() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let (early, short) = (plan(&team, "14:00", "15:00", &[]).await, plan(&team, "14:00", "15:00", &[]).await);
    app.pass(1_800);
    team.post_update(&early, json!({"status": "in_progress"})).await;
    for _ in 0..2 {
        app.pass(3_600);
        app.tick().await;
    }
    team.post_update(&short, json!({"status": "completed"})).await;
    for _ in 0..3 {
        app.pass(3_600);
        app.tick().await;
    }
    assert_eq!(updates(&team, &early).await, ["12:00 scheduled", "12:30 in_progress", "15:00 completed"]);
    let all = ["12:00 scheduled", "13:00 scheduled", "14:00 in_progress", "14:30 completed"];
    assert_eq!(updates(&team, &short).await, all);
}

#[tokio::test]
async fn rule_3_6_3_a_draft_is_not_started() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    let draft = json!({
        "title": "Perhaps",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T14:00:00Z",
        "ends_at": "2026-11-23T15:00:00Z",
        "is_draft": true,
    });
    let draft = team.open_incident(draft).await;
    app.pass(7_200 + 600);
    assert_eq!(app.tick().await, 0);
    // Published within its window, it starts at once.
    team.put(&incident_path(&draft), json!({"is_draft": false})).await.is(200);
    assert_eq!(app.tick().await, 1);
    assert_eq!(team.incident(&draft).await["status"], "in_progress");
}

#[tokio::test]
async fn rule_3_6_9_a_window_at_three_stays_at_three_when_summer_time_begins_and_ends() {
    for (now, first, starts) in [
        ("2027-03-17T12:00:00Z", "2027-03-21T03:00", ["2027-03-21T02:00", "2027-03-28T01:00", "2027-04-04T01:00"]),
        ("2026-10-15T12:00:00Z", "2026-10-18T03:00", ["2026-10-18T01:00", "2026-10-25T02:00", "2026-11-01T02:00"]),
    ] {
        let app = TestApp::alone_at(now).await;
        let team = app.register("Acme").await;
        let mut browser = team.browser();
        browser.call(path_to("set_time_zone"), &[("time_zone", "Europe/Berlin")]).await.is(200);
        // The form sends local time.
        let ends = first.replace("03:00", "04:00");
        let fields = [
            ("title", "Rotation"),
            ("starts", first),
            ("ends", &ends),
            ("start", "on"),
            ("end", "on"),
            ("recurrence", "FREQ=WEEKLY;COUNT=3"),
        ];
        let answer = browser.call(path_to("schedule_maintenance"), &fields).await;
        assert!(answer.status.is_success() || answer.status.is_redirection(), "{}", answer.text);
        for _ in 0..24 {
            app.pass(86_400);
            app.tick().await;
        }
        let team = team.log_in_again().await;
        let mut windows = team.incidents().await;
        windows.sort_by_key(|window| window["scheduled_start"].to_string());
        let begun: Vec<_> =
            windows.iter().map(|window| &window["started_at"].as_str().expect("an instant")[..16]).collect();
        assert_eq!(begun, starts, "03:00 there on both sides of the shift");
        assert!(windows.iter().all(|window| window["status"] == "completed"));
    }
}

#[tokio::test]
async fn rule_3_6_9_a_series_that_fails_stops_neither_the_others_nor_their_windows() {
    let app = TestApp::alone_at(NOW).await;
    let (team, unlucky) = (app.register("Acme").await, app.register("Unlucky").await);
    for team in [&unlucky, &team] {
        let window = json!({
            "title": "Rotation",
            "incident_type": "maintenance",
            "starts_at": "2026-11-24T03:00:00Z",
            "ends_at": "2026-11-24T04:00:00Z",
            "recurrence": "FREQ=WEEKLY",
        });
        team.open_incident(window).await;
    }
    let before = team.incidents().await.len();
    let db = connect(&app.own.as_ref().expect("a database of its own").url).await;
    // Invalid data, which no endpoint would write.
    let spoilt = "UPDATE maintenance_series SET services = '?' WHERE org_id = (SELECT id FROM organization WHERE name = \
                  'Unlucky')";
    db.execute_unprepared(spoilt).await.expect("spoilt");
    app.pass(8 * 86_400);
    app.tick().await;
    let team = team.log_in_again().await;
    let windows = team.incidents().await;
    assert_eq!(windows.len(), before + 1, "a week on there is one more");
    assert_eq!(windows.iter().filter(|window| window["status"] == "completed").count(), 2);
    assert_eq!(app.tick().await, 0, "and it is not retried at once");
}

#[tokio::test]
async fn rule_3_6_3_a_step_that_is_possible_only_late_is_taken_then() {
    let off = json!({"remind": false, "start": false, "end": false, "notify_start": true, "notify_end": true});
    let on = json!({"remind": false, "start": true, "end": true, "notify_start": true, "notify_end": true});
    let app = TestApp::alone_at("2026-11-23T09:00:00Z").await;
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    let window = json!({
        "title": "Perhaps",
        "incident_type": "maintenance",
        "starts_at": "2026-11-23T10:00:00Z",
        "ends_at": "2026-11-23T14:00:00Z",
    });
    let mut draft = window.clone();
    (draft["is_draft"], draft["service_id"]) = (json!(true), api["id"].clone());
    let draft = team.open_incident(draft).await;
    let mut by_hand = window;
    by_hand["automations"] = off.clone();
    let by_hand = team.open_incident(by_hand).await;
    app.pass(4 * 3_600);
    app.tick().await;
    team.update_incident(&draft, json!({"is_draft": false})).await;
    team.update_incident(&by_hand, json!({"automations": on})).await;
    app.pass(2);
    assert_eq!(app.tick().await, 2);
    for late in [&draft, &by_hand] {
        let late = team.incident(late).await;
        assert_eq!((&late["status"], &late["started_at"]), (&json!("in_progress"), &json!("2026-11-23T13:00:00.000Z")));
    }
    assert_eq!(team.history(&api).await[0]["created_at"], "2026-11-23T13:00:00.000Z", "not at the planned time");

    // The same for an end that was switched on late.
    team.update_incident(&by_hand, json!({"automations": off})).await;
    app.pass(3 * 3_600);
    app.tick().await;
    team.update_incident(&by_hand, json!({"automations": on})).await;
    app.pass(2);
    app.tick().await;
    assert_eq!(team.incident(&by_hand).await["resolved_at"], "2026-11-23T16:00:02.000Z");
    assert_eq!(team.incident(&draft).await["resolved_at"], "2026-11-23T14:00:00.000Z");
}

#[tokio::test]
async fn rule_3_6_2_a_late_reminder_names_the_start() {
    for (late, text) in [
        (300, "Maintenance will begin as scheduled in 60 minutes."),
        (301, "Maintenance will begin as scheduled on 23 Nov 2026, 14:00 UTC."),
        (3_599, "Maintenance will begin as scheduled on 23 Nov 2026, 14:00 UTC."),
    ] {
        let app = TestApp::alone_at(NOW).await;
        let team = app.register("Acme").await;
        let window = plan(&team, "14:00", "15:00", &[]).await;
        app.pass(3_600 + late);
        assert_eq!(app.tick().await, 1);
        assert_eq!(team.incident(&window).await["updates"][0]["message"], text, "{late} seconds late");
        assert_eq!(updates(&team, &window).await, ["12:00 scheduled", "13:00 scheduled"]);
    }
}
