//! Input about incidents and maintenances: what is accepted, and what is rejected without any change.

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, impacts, incident_path, update_path},
    fixtures::{NOW, Owner},
};

#[tokio::test]
async fn bodies_with_description_and_service_id_are_accepted() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let (api, web) = (team.service("API").await, team.service("Web").await);
    let body = json!({
        "title": "API is down",
        "description": "Nobody gets an answer.",
        "impact": "critical",
        "incident_type": "incident",
        "status": "investigating",
        "service_id": id_of(&api),
    });
    let incident = team.open_incident(body).await;
    assert_eq!(incident["description"], "Nobody gets an answer.");
    assert_eq!(incident["updates"][0]["message"], "Nobody gets an answer.");
    assert_eq!((&incident["service_id"], &incident["services"][0]["name"]), (&api["id"], &json!("API")));
    let maintenance = json!({
        "title": "Upgrade",
        "description": "Read-only.",
        "incident_type": "maintenance",
        "status": "scheduled",
        "scheduled_start": "2026-11-24T02:00:00+01:00",
        "scheduled_end": "2026-11-24T03:00:00+01:00",
        "service_ids": [id_of(&web), id_of(&api)],
    });
    let maintenance = team.open_incident(maintenance).await;
    assert_eq!(maintenance["scheduled_start"], "2026-11-24T01:00:00.000Z", "domain rule 3.9");
    assert_eq!(maintenance["scheduled_end"], "2026-11-24T02:00:00.000Z");
    let statuses: Vec<_> = maintenance["services"].as_array().expect("a list").iter().map(|s| &s["status"]).collect();
    assert_eq!(statuses, ["under_maintenance", "under_maintenance"]);
    assert_eq!(maintenance["service_id"], web["id"]);
    // A service in both lists gets its status from `services`.
    let both = json!({"title": "x", "service_ids": [id_of(&api)], "services": impacts(&[(&api, "degraded")])});
    assert_eq!(team.open_incident(both).await["services"].as_array().expect("a list").len(), 1);
}

/// A body with some fields changed.
fn with(base: &Value, changes: Value) -> Value {
    let mut body = base.clone();
    for (field, value) in changes.as_object().expect("an object") {
        body[field] = value.clone();
    }
    body
}

#[tokio::test]
async fn an_invalid_incident_is_rejected_by_field_and_changes_nothing() {
    let app = TestApp::at(NOW).await;
    let (team, api) = (app.register("Acme").await, "services");
    let service = team.service("API").await;
    let before = team.everything().await;
    let incident = json!({"title": "Down", "services": impacts(&[(&service, "major_outage")])});
    let window = json!({
        "title": "Work",
        "incident_type": "maintenance",
        "starts_at": "2026-11-24T02:00:00Z",
        "ends_at": "2026-11-24T03:00:00Z",
        "services": impacts(&[(&service, "under_maintenance")]),
    });
    let twice = impacts(&[(&service, "degraded"), (&service, "major_outage")]);
    for (base, change, fields) in [
        (&incident, json!({"title": "x".repeat(300)}), &["title"][..]),
        (&incident, json!({"title": "  "}), &["title"]),
        (&incident, json!({"title": "two\nlines"}), &["title"]),
        (&incident, json!({"title": "right\u{202e}left"}), &["title"]),
        (&incident, json!({"message": "x".repeat(30_000)}), &["message"]),
        (&incident, json!({"description": "x".repeat(30_000)}), &["description"]),
        (&incident, json!({"message": "a", "description": "b"}), &["description"]),
        (&incident, json!({"message": "nul\u{0}"}), &["message"]),
        (&incident, json!({"status": "scheduled"}), &["status"]),
        (&incident, json!({"status": "completed"}), &["status"]),
        (&incident, json!({"status": "broken"}), &["status"]),
        (&incident, json!({"incident_type": "party"}), &["incident_type"]),
        (&incident, json!({"services": twice}), &[api]),
        (&incident, json!({"services": [{"id": id_of(&service), "status": "red"}]}), &["services[0].status"]),
        (&incident, json!({"services": [{"id": "nonsense", "status": "degraded"}]}), &["services[0].id"]),
        (&incident, json!({"services": {}}), &["services"]),
        (&incident, json!({"service_id": "nonsense"}), &["service_id"]),
        (&incident, json!({"starts_at": "2026-11-24T02:00:00Z"}), &["starts_at"]),
        (&incident, json!({"recurrence": "FREQ=DAILY"}), &["recurrence"]),
        (&incident, json!({"started_at": "2026-11-23T12:00:01Z"}), &["started_at"]),
        (&incident, json!({"started_at": "0001-01-01T00:00:00Z"}), &["started_at"]),
        (&incident, json!({"started_at": "1969-12-31T23:59:59Z"}), &["started_at"]),
        (&incident, json!({"started_at": "yesterday"}), &["started_at"]),
        (&incident, json!({"resolved_at": "2026-11-23T11:00:00Z"}), &["started_at"]),
        (&incident, json!({"created_by": id_of(&team.user)}), &["created_by"]),
        (&incident, json!({"version": 7}), &["version"]),
        (&window, json!({"status": "investigating"}), &["status"]),
        (&window, json!({"status": "completed"}), &["status"]),
        (&window, json!({"ends_at": "2026-11-24T01:00:00Z"}), &["ends_at"]),
        (&window, json!({"ends_at": "2026-11-24T02:00:00Z"}), &["ends_at"]),
        (&window, json!({"ends_at": null}), &["ends_at"]),
        (&window, json!({"starts_at": null, "ends_at": null}), &["ends_at", "starts_at"]),
        (&window, json!({"ends_at": "2027-03-24T01:00:00Z"}), &["ends_at"]),
        (&window, json!({"starts_at": "2026-11-22T01:00:00Z", "ends_at": "2026-11-22T02:00:00Z"}), &["ends_at"]),
        (&window, json!({"starts_at": "2031-11-22T01:00:00Z", "ends_at": "2031-11-22T02:00:00Z"}), &["starts_at"]),
        (&window, json!({"starts_at": "+275760-09-13T00:00:00Z"}), &["starts_at"]),
        (&window, json!({"started_at": "2026-11-23T01:00:00Z"}), &["started_at"]),
        (&window, json!({"correct_uptime": true}), &["correct_uptime"]),
    ] {
        let body = with(base, change.clone());
        let refusal = team.post("/api/incidents", body).await;
        assert_eq!(refusal.status, 400, "{change}: {}", refusal.text);
        refusal.refuses(400, fields);
    }
    assert_eq!(team.everything().await, before);
}

/// The expansion of a rule that is not rejected first would keep this test from ending.
#[tokio::test]
async fn an_invalid_rule_is_rejected_and_makes_no_window() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let before = team.everything().await;
    for rule in [
        "FREQ=SECONDLY;COUNT=10000000",
        "FREQ=SECONDLY",
        "FREQ=MINUTELY;COUNT=10000000",
        "FREQ=DAILY;COUNT=10000000",
        "FREQ=DAILY;COUNT=99999999999999999999",
        "FREQ=DAILY;COUNT=0",
        "FREQ=DAILY;INTERVAL=0",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=WEEKLY;BYDAY=XX",
        "FREQ=SOMETIMES",
        "every tuesday",
        "",
        &format!("FREQ=YEARLY;BYYEARDAY={}", vec!["1"; 20_000].join(",")),
        "FREQ=DAILY\nDTSTART:20200101T000000Z",
    ] {
        let window = json!({
            "title": "Work",
            "incident_type": "maintenance",
            "starts_at": "2026-11-24T02:00:00Z",
            "ends_at": "2026-11-24T02:30:00Z",
            "recurrence": rule,
        });
        team.post("/api/incidents", window).await.refuses(400, &["recurrence"]);
    }
    assert_eq!(team.everything().await, before);
}

#[tokio::test]
async fn an_invalid_update_is_rejected_by_field_and_changes_nothing() {
    let app = TestApp::at(NOW).await;
    let owner = Owner::of(&app, "Acme").await;
    let path = owner.path("/api/incidents/{id}");
    let update = owner.path("/api/incidents/{id}/updates/{uid}");
    let before = owner.team.everything().await;
    let unknown = "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000";
    for (body, status, fields) in [
        (json!({}), 400, &["message"][..]),
        (json!({"message": "  "}), 400, &["message"]),
        (json!({"services": []}), 400, &["message"]),
        (json!({"message": "x".repeat(30_000)}), 400, &["message"]),
        (json!({"status": "scheduled"}), 400, &["status"]),
        (json!({"status": "in_progress"}), 400, &["status"]),
        (json!({"status": "done"}), 400, &["status"]),
        (json!({"message": "x", "display_at": "2026-11-23T12:00:01Z"}), 400, &["display_at"]),
        (json!({"message": "x", "display_at": "1970-01-01T00:00:00Z"}), 400, &["display_at"]),
        (json!({"message": "x", "display_at": "9999-12-31T23:59:59Z"}), 400, &["display_at"]),
        (json!({"services": [{"id": unknown, "status": "degraded"}]}), 404, &["services"]),
        (json!({"message": "x", "version": "latest"}), 400, &["version"]),
        (json!({"message": "x", "created_by": unknown}), 400, &["created_by"]),
    ] {
        owner.team.post(&format!("{path}/updates"), body).await.refuses(status, fields);
    }
    for (body, fields) in [
        (json!({"title": "x".repeat(300)}), &["title"][..]),
        (json!({"title": ""}), &["title"]),
        (json!({"starts_at": "2026-11-24T00:00:00Z"}), &["starts_at"]),
        (json!({"automations": {"remind": true}}), &["automations"]),
        (json!({"started_at": "2026-11-24T00:00:00Z"}), &["started_at"]),
        (json!({"postmortem": "x".repeat(30_000)}), &["postmortem"]),
        (json!({"is_draft": true}), &["is_draft"]),
    ] {
        let answer = owner.team.put(&path, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text);
        let error = answer.json();
        assert!(fields.iter().all(|field| error["fields"].to_string().contains(field)), "{body}: {error}");
    }
    for body in [json!({"message": ""}), json!({"message": "x".repeat(30_000)})] {
        owner.team.put(&update, body).await.refuses(400, &["message"]);
    }
    let maintenance = owner.team.get("/api/incidents?type=maintenance").await.is(200)[0].clone();
    for (body, fields) in [
        (json!({"status": "investigating"}), &["status"][..]),
        (json!({"status": "completed"}), &["status"]),
        (json!({"status": "verifying"}), &["status"]),
    ] {
        owner.team.post(&format!("{}/updates", incident_path(&maintenance)), body).await.refuses(400, fields);
    }
    owner
        .team
        .put(&incident_path(&maintenance), json!({"ends_at": "2026-11-23T13:00:00Z"}))
        .await
        .refuses(400, &["ends_at"]);
    assert_eq!(owner.team.everything().await, before);
}

#[tokio::test]
async fn rule_3_4_10_a_title_may_have_255_characters_and_a_message_25_000() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let (title, body) = ("é".repeat(255), "日".repeat(25_000));
    let incident = team.open_incident(json!({"title": title, "message": body})).await;
    assert_eq!(
        (incident["title"].as_str(), incident["description"].as_str()),
        (Some(title.as_str()), Some(body.as_str()))
    );
    let update = team.post_update(&incident, json!({"message": body, "status": "resolved"})).await;
    team.put(&update_path(&update), json!({"message": body.replace('日', "月")})).await.is(200);
    let other = team.open_incident(json!({"title": "Down", "status": "resolved"})).await;
    team.update_incident(&other, json!({"postmortem": body})).await;
    assert_eq!(team.incident(&other).await["postmortem"]["body"], json!(body));
}

/// The titles of a list.
pub fn titles(list: &Value) -> Vec<&str> {
    list.as_array().expect("a list").iter().map(|incident| incident["title"].as_str().expect("text")).collect()
}

/// An organization with incidents of many kinds, a minute apart.
async fn many(app: &TestApp) -> (Team, Value) {
    let team = app.register("Acme").await;
    let api = team.service("API").await;
    for n in 0..7 {
        app.pass(60);
        let services = if n % 2 == 0 { impacts(&[(&api, "degraded")]) } else { json!([]) };
        let incident = team.open_incident(json!({"title": format!("i{n}"), "services": services})).await;
        if n % 3 == 0 {
            team.post_update(&incident, json!({"status": "resolved"})).await;
        }
    }
    for n in 0..2 {
        let (starts, ends) = (format!("2026-11-2{n}T10:00:00Z"), format!("2026-12-0{}T10:00:00Z", n + 1));
        let window =
            json!({"title": format!("m{n}"), "incident_type": "maintenance", "starts_at": starts, "ends_at": ends});
        team.open_incident(window).await;
    }
    (team, api)
}

#[tokio::test]
async fn a_list_is_filtered_by_each_filter_and_by_all_together() {
    let app = TestApp::at(NOW).await;
    let (team, api) = many(&app).await;
    for (query, expected) in [
        ("", "i6 i5 i4 i3 i2 i1 i0 m1 m0"),
        ("type=incident", "i6 i5 i4 i3 i2 i1 i0"),
        ("type=maintenance", "m1 m0"),
        ("status=resolved", "i6 i3 i0"),
        ("status=scheduled", "m1 m0"),
        (&format!("service={}", id_of(&api)), "i6 i4 i2 i0"),
        ("from=2026-11-23T12:05:00Z", "i6 i5 i4"),
        ("to=2026-11-23T12:02:00Z", "i1 i0 m1 m0"),
        ("from=2026-11-23T12:02:00Z&to=2026-11-23T12:03:00Z", "i2 i1"),
        (&format!("status=resolved&type=incident&service={}&from=2026-11-23T12:02:00Z", id_of(&api)), "i6"),
        ("type=maintenance&status=resolved", ""),
    ] {
        let list = team.get(&format!("/api/incidents?{query}")).await.is(200);
        assert_eq!(titles(&list).join(" "), expected, "{query}");
    }
    for query in ["status=broken", "type=party", "service=nonsense", "from=yesterday", "to=", "limit=ten"] {
        team.get(&format!("/api/incidents?{query}")).await.refuses(400, &[]);
    }
    for place in ["9223372036854775807", "-9223372036854775808", "0"] {
        let cursor = format!("{place}.0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000");
        team.get(&format!("/api/incidents?cursor={cursor}")).await.is(200);
    }
    for (query, field) in
        [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor"), ("cursor=1.x", "cursor")]
    {
        team.get(&format!("/api/incidents?{query}")).await.refuses(400, &[field]);
    }
}

#[tokio::test]
async fn pages_of_a_list_keep_their_filters_and_lose_nothing() {
    let app = TestApp::at(NOW).await;
    let (team, _) = many(&app).await;
    // Incidents that began at one instant are ordered by id.
    for n in 0..4 {
        team.open_incident(json!({"title": format!("same{n}")})).await;
    }
    let all = team.get("/api/incidents?type=incident").await.is(200);
    assert_eq!(all.as_array().expect("a list").len(), 11);
    for limit in [1, 2, 3, 10, 11, 100] {
        let (mut seen, mut pages) = (Vec::new(), 0);
        let mut next = Some(format!("/api/incidents?type=incident&limit={limit}"));
        while let Some(address) = next {
            let answer = team.get(&address).await;
            seen.extend(answer.is(200).as_array().expect("a list").clone());
            next = answer.next_page();
            pages += 1;
        }
        assert_eq!((json!(seen), pages), (all.clone(), 11_usize.div_ceil(limit)), "{limit}");
    }
    // An incident opened in the meantime does not affect later pages.
    let first = team.get("/api/incidents?limit=2&q=same").await;
    team.open_incident(json!({"title": "same as new"})).await;
    let second = team.get(&first.next_page().expect("more")).await;
    assert_eq!((titles(&first.json()), titles(&second.is(200))), (vec!["same3", "same2"], vec!["same1", "same0"]));
    assert_eq!(second.next_page(), None);
}
