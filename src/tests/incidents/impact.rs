//! Effects of incidents on service statuses, and the impact of incidents (domain rules 3.1, 3.3 and 3.12).

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, impacts, incident_path, path_of},
    fixtures::NOW,
};

/// From best to worst (domain rule 3.1.1).
const SEVERITY: [&str; 5] = ["operational", "under_maintenance", "degraded", "partial_outage", "major_outage"];

/// An organization with one service.
async fn one_service(app: &TestApp) -> (Team, Value) {
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    (team, service)
}

/// The statuses, causes and authors of a history, oldest first.
async fn changes(team: &Team, service: &Value) -> Vec<(String, String, String, Value)> {
    let word = |change: &Value, field: &str| change[field].as_str().expect("a word").to_owned();
    let history = team.history(service).await;
    let told = history.iter().rev().map(|change| {
        let author = change.get("changed_by").cloned().unwrap_or_default();
        (word(change, "old_status"), word(change, "new_status"), word(change, "cause"), author)
    });
    told.collect()
}

#[tokio::test]
async fn rule_3_1_1_the_worse_of_two_statuses_is_the_one_further_down_the_five() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    for (n, low) in SEVERITY.iter().enumerate() {
        for high in &SEVERITY[n..] {
            let first = team.open_incident(json!({"title": "a", "services": impacts(&[(&api, high)])})).await;
            let second = team.open_incident(json!({"title": "b", "services": impacts(&[(&api, low)])})).await;
            assert_eq!(team.status_of(&api).await, *high, "{low} and {high}");
            for incident in [first, second] {
                team.delete(&incident_path(&incident)).await.is(204);
            }
            assert_eq!(team.status_of(&api).await, "operational");
        }
    }
}

#[tokio::test]
async fn rule_3_1_2_the_status_is_the_worst_of_the_incidents_and_the_baseline() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let incident = team.open_incident(json!({"title": "Slow", "services": impacts(&[(&api, "degraded")])})).await;
    let layers = async || {
        let seen = team.get(&path_of(&api)).await.is(200);
        (seen["status"].as_str().expect("a word").to_owned(), seen["baseline"].as_str().expect("a word").to_owned())
    };
    let are = |status: &str, baseline: &str| (status.to_owned(), baseline.to_owned());
    assert_eq!(layers().await, are("degraded", "operational"));
    team.change(&api, json!({"status": "partial_outage"})).await;
    assert_eq!(layers().await, are("partial_outage", "partial_outage"));
    team.post_update(&incident, json!({"services": impacts(&[(&api, "major_outage")])})).await;
    assert_eq!(layers().await, are("major_outage", "partial_outage"));
    // A baseline set while an incident is worse shows after the incident.
    let set = team.change(&api, json!({"status": "under_maintenance"})).await;
    assert_eq!((&set["status"], &set["baseline"]), (&json!("major_outage"), &json!("under_maintenance")));
    team.post_update(&incident, json!({"status": "resolved"})).await;
    assert_eq!(layers().await, are("under_maintenance", "under_maintenance"));
}

#[tokio::test]
async fn rule_3_1_2_a_maintenance_replaces_the_baseline_and_an_incident_shows_through() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    team.change(&api, json!({"status": "major_outage"})).await;
    let maintenance = json!({
        "title": "Upgrade",
        "incident_type": "maintenance",
        "status": "in_progress",
        "starts_at": "2026-11-23T12:00:00Z",
        "ends_at": "2026-11-23T13:00:00Z",
        "service_id": id_of(&api),
    });
    let maintenance = team.open_incident(maintenance).await;
    assert_eq!(team.status_of(&api).await, "under_maintenance");
    let incident = team.open_incident(json!({"title": "Worse", "services": impacts(&[(&api, "degraded")])})).await;
    assert_eq!(team.status_of(&api).await, "degraded");
    team.post_update(&incident, json!({"status": "resolved"})).await;
    assert_eq!(team.status_of(&api).await, "under_maintenance");
    team.post_update(&maintenance, json!({"status": "verifying"})).await;
    assert_eq!(team.status_of(&api).await, "under_maintenance");
    team.post_update(&maintenance, json!({"status": "completed"})).await;
    assert_eq!(team.status_of(&api).await, "major_outage", "the baseline was never touched");
}

#[tokio::test]
async fn rule_3_1_3_resolving_one_of_two_incidents_leaves_the_others_impact_in_force() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let worse = team.open_incident(json!({"title": "a", "services": impacts(&[(&api, "major_outage")])})).await;
    let milder = team.open_incident(json!({"title": "b", "services": impacts(&[(&api, "degraded")])})).await;
    team.post_update(&worse, json!({"status": "resolved"})).await;
    assert_eq!(team.status_of(&api).await, "degraded");
    team.post_update(&milder, json!({"status": "resolved"})).await;
    assert_eq!(team.status_of(&api).await, "operational");
    let told: Vec<_> = changes(&team, &api).await.into_iter().map(|(_, new, ..)| new).collect();
    assert_eq!(told, ["major_outage", "degraded", "operational"], "the milder one changed nothing when it began");
}

#[tokio::test]
async fn rule_3_1_4_each_change_of_the_effective_status_is_one_row_with_its_cause_and_author() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let web = team.service("Web").await;
    app.pass(60);
    let both = impacts(&[(&api, "degraded"), (&web, "partial_outage")]);
    let incident = team.open_incident(json!({"title": "Slow", "services": both})).await;
    app.pass(60);
    team.post_update(&incident, json!({"services": impacts(&[(&api, "major_outage")])})).await;
    app.pass(60);
    team.change(&web, json!({"status": "major_outage"})).await;
    team.post_update(&incident, json!({"status": "resolved"})).await;
    let ada = &team.user["id"];
    let row = |old: &str, new: &str, cause: &str| (old.to_owned(), new.to_owned(), cause.to_owned(), ada.clone());
    assert_eq!(
        changes(&team, &api).await,
        [
            row("operational", "degraded", "incident"),
            row("degraded", "major_outage", "incident"),
            row("major_outage", "operational", "incident"),
        ]
    );
    assert_eq!(
        changes(&team, &web).await,
        [row("operational", "partial_outage", "incident"), row("partial_outage", "major_outage", "api")]
    );
    let history = team.history(&api).await;
    let instants: Vec<_> = history.iter().rev().map(|change| change["created_at"].as_str().expect("text")).collect();
    assert_eq!(instants, ["2026-11-23T12:01:00.000Z", "2026-11-23T12:02:00.000Z", "2026-11-23T12:03:00.000Z"]);
}

#[tokio::test]
async fn rule_3_1_4_a_change_to_the_same_status_records_and_emits_nothing() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let incident = team.open_incident(json!({"title": "Slow", "services": impacts(&[(&api, "degraded")])})).await;
    let (history, seq) = (team.history(&api).await, team.seq().await);
    let service = team.get(&path_of(&api)).await.is(200);
    team.post_update(&incident, json!({"services": impacts(&[(&api, "degraded")])})).await;
    team.post_update(&incident, json!({"message": "No news."})).await;
    team.open_incident(json!({"title": "Also", "services": impacts(&[(&api, "degraded")])})).await;
    team.change(&api, json!({"status": "operational"})).await;
    assert_eq!(team.history(&api).await, history);
    assert_eq!(team.get(&path_of(&api)).await.is(200), service);
    assert_eq!(team.seq().await, seq + 3, "only events of the incidents");
}

#[tokio::test]
async fn rule_3_3_1_an_incident_takes_four_impacts_and_a_maintenance_its_own() {
    let app = TestApp::at(NOW).await;
    let (team, _) = one_service(&app).await;
    for impact in ["none", "minor", "major", "critical"] {
        let incident = team.open_incident(json!({"title": "x", "impact": impact})).await;
        assert_eq!((&incident["impact"], &incident["impact_override"]), (&json!(impact), &json!(impact)));
    }
    let before = team.incidents().await;
    for impact in ["maintenance", "huge", ""] {
        team.post("/api/incidents", json!({"title": "x", "impact": impact})).await.refuses(400, &["impact"]);
        team.put(&incident_path(&before[0]), json!({"impact": impact})).await.refuses(400, &["impact"]);
    }
    let window = json!({
        "title": "x",
        "incident_type": "maintenance",
        "starts_at": "2026-11-24T12:00:00Z",
        "ends_at": "2026-11-24T13:00:00Z",
    });
    assert_eq!(team.incidents().await, before);
    let maintenance = team.open_incident(window.clone()).await;
    assert_eq!(maintenance["impact"], "maintenance", "domain rule 3.6.6");
    team.put(&incident_path(&maintenance), json!({"impact": "major"})).await.refuses(400, &["impact"]);
    let mut wrong = window;
    wrong["impact"] = json!("major");
    team.post("/api/incidents", wrong).await.refuses(400, &["impact"]);
}

#[tokio::test]
async fn rule_3_3_2_the_automatic_impact_is_the_worst_of_the_services_and_an_override_wins_until_cleared() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let web = team.service("Web").await;
    for (status, impact) in SEVERITY.iter().zip(["none", "none", "minor", "major", "critical"]) {
        let services = impacts(&[(&web, "operational"), (&api, status)]);
        let incident = team.open_incident(json!({"title": "x", "services": services})).await;
        assert_eq!(incident["impact"], impact, "{status}");
        assert_eq!(incident.get("impact_override"), None);
    }
    assert_eq!(team.open_incident(json!({"title": "x"})).await["impact"], "none", "nothing is affected");
    let incident = team.open_incident(json!({"title": "x", "services": impacts(&[(&api, "degraded")])})).await;
    assert_eq!(team.update_incident(&incident, json!({"impact": "critical"})).await["impact"], "critical");
    team.post_update(&incident, json!({"services": impacts(&[(&api, "partial_outage")])})).await;
    assert_eq!(team.incident(&incident).await["impact"], "critical");
    assert_eq!(team.update_incident(&incident, json!({"impact": "none"})).await["impact"], "none", "also a milder one");
    let cleared = team.update_incident(&incident, json!({"impact": null})).await;
    assert_eq!((&cleared["impact"], cleared.get("impact_override")), (&json!("major"), None));
}

#[tokio::test]
async fn rule_3_3_3_recovery_never_lowers_the_automatic_impact() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let incident = team.open_incident(json!({"title": "x", "services": impacts(&[(&api, "partial_outage")])})).await;
    for (update, impact) in [
        (json!({"services": impacts(&[(&api, "degraded")])}), "major"),
        (json!({"services": impacts(&[(&api, "major_outage")])}), "critical"),
        (json!({"services": impacts(&[(&api, "operational")])}), "critical"),
        (json!({"status": "resolved"}), "critical"),
        (json!({"status": "investigating"}), "critical"),
    ] {
        team.post_update(&incident, update.clone()).await;
        assert_eq!(team.incident(&incident).await["impact"], impact, "{update}");
    }
    assert_eq!(team.update_incident(&incident, json!({"services": []})).await["impact"], "critical");
}

#[tokio::test]
async fn rule_3_3_4_the_impact_alone_never_changes_a_services_status() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let incident = team.open_incident(json!({"title": "x", "impact": "critical", "service_id": id_of(&api)})).await;
    assert_eq!(incident["services"][0]["status"], "operational");
    assert_eq!(team.status_of(&api).await, "operational");
    assert_eq!(team.history(&api).await, [] as [Value; 0]);
    assert_eq!(team.public("status").await["page"]["indicator"], "none", "domain rule 3.2: it comes from the services");
}

#[tokio::test]
async fn rule_3_12_one_incident_affects_many_services_and_releases_them_all() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let mut services = Vec::new();
    for n in 0..6 {
        services.push(team.service(&format!("s{n}")).await);
    }
    let pairs: Vec<_> = services.iter().zip(SEVERITY.iter().cycle().copied()).collect();
    let incident = team.open_incident(json!({"title": "x", "services": impacts(&pairs)})).await;
    assert_eq!(incident["service_id"], services[0]["id"]);
    assert_eq!(incident["services"].as_array().expect("a list").len(), 6);
    for (service, status) in &pairs {
        assert_eq!(team.status_of(service).await, *status);
    }
    team.post_update(&incident, json!({"status": "resolved"})).await;
    for (service, _) in &pairs {
        assert_eq!(team.status_of(service).await, "operational", "released");
    }
    // The worst status in the incident is kept.
    let told = team.incident(&incident).await;
    for (service, (_, worst)) in told["services"].as_array().expect("a list").iter().zip(&pairs) {
        assert_eq!((&service["status"], &service["worst"]), (&json!("operational"), &json!(worst)));
    }
}

#[tokio::test]
async fn deleting_an_incident_releases_its_services_and_keeps_their_history() {
    let app = TestApp::at(NOW).await;
    let (team, api) = one_service(&app).await;
    let incident = team.open_incident(json!({"title": "x", "services": impacts(&[(&api, "major_outage")])})).await;
    let kept = team.open_incident(json!({"title": "y", "services": impacts(&[(&api, "degraded")])})).await;
    app.pass(60);
    team.delete(&incident_path(&incident)).await.is(204);
    assert_eq!(team.status_of(&api).await, "degraded");
    assert_eq!(team.history(&api).await.len(), 2);
    for answer in [
        team.get(&incident_path(&incident)).await,
        team.put(&incident_path(&incident), json!({"title": "z"})).await,
        team.post(&format!("{}/updates", incident_path(&incident)), json!({"message": "z"})).await,
        team.delete(&incident_path(&incident)).await,
    ] {
        answer.refuses(404, &[]);
    }
    assert_eq!(team.incidents().await, [team.incident(&kept).await]);
}
