//! The audit log: every change and every security event is recorded once, with actor and address.

use std::collections::BTreeSet;

use axum::http::{Method, header};
use serde_json::{Value, json};

use super::permissions::FUNCTIONS;
use crate::tests::support::{
    app::{PASSWORD, TestApp},
    clients::{Team, id_of, path_of},
    endpoints::{document, operations, pairs, path_to},
    fixtures::{NOW, Owner},
};

async fn entries(team: &Team, query: &str) -> Vec<Value> {
    team.get(&format!("/api/audit{query}")).await.is(200).as_array().expect("a list").clone()
}

/// How many entries there are.
async fn count(team: &Team) -> usize {
    let (mut all, mut path) = (0, "/api/audit".to_owned());
    loop {
        let page = team.get(&path).await;
        all += page.is(200).as_array().expect("a list").len();
        match page.next_page() {
            Some(next) => path = next,
            None => return all,
        }
    }
}

#[tokio::test]
async fn r_10_every_change_through_the_api_is_recorded_once() {
    let app = TestApp::at(NOW).await;
    let document = document(&app).await;
    let mut tried = 0;
    for operation in operations(&document).into_iter().filter(|operation| operation.is_secured) {
        if operation.path == "/api/auth/logout" {
            continue;
        }
        let owner = Owner::of(&app, "Owner").await;
        let (path, before) = (owner.path(&operation.path), count(&owner.team).await);
        let body = operation.examples_for(&document, id_of(&owner.service)).into_iter().next();
        let answer = match &body {
            Some(body) => owner.team.send_json(operation.method.clone(), &path, body).await,
            None => owner.team.send(operation.method.clone(), &path).await,
        };
        let written = count(&owner.team).await - before;
        if operation.method == Method::GET {
            assert_eq!(written, 0, "{}", operation.title());
            continue;
        }
        assert!(answer.status.is_success(), "{}: {}", operation.title(), answer.text);
        assert_eq!(written, 1, "{}: {}", operation.title(), answer.text);
        let entry = entries(&owner.team, "?limit=1").await.remove(0);
        assert_eq!(entry["actor"]["id"], owner.team.user["id"], "{}", operation.title());
        assert_eq!(entry["request_id"], answer.header("x-request-id"), "{}", operation.title());
        assert_eq!(entry["ip"], "0.0.0.0", "{}", operation.title());
        tried += 1;
    }
    assert!(tried >= 18, "only {tried} operations were tried");
}

/// Functions that change nothing, some of them only in this test, or that are recorded in another organization.
const READ_ONLY: [&str; 25] = [
    "team_members",
    "list_invitations",
    "my_organizations",
    "switch_organization",
    "my_account",
    "publish_incident",
    "move_service",
    "move_group",
    "me",
    "board",
    "service_history",
    "time_zones",
    "incidents",
    "room",
    "here",
    "preview_message",
    "form_key",
    "templates",
    "filled_template",
    "planned_maintenances",
    "conflicts",
    "past_maintenances",
    "series_list",
    "api_tokens",
    "audit_log",
];

#[tokio::test]
async fn r_10_every_change_through_a_form_is_recorded_once() {
    let app = TestApp::at(NOW).await;
    let mut tried = 0;
    // After these the caller can no longer read the log; `team.rs` and `organizations.rs` in `identity` test them.
    let seen = |name: &str| !["leave_organization", "create_organization"].contains(&name);
    for function in FUNCTIONS.iter().filter(|function| function.is_callable() && seen(function.name)) {
        let owner = Owner::of(&app, "Owner").await;
        let before = count(&owner.team).await;
        let fields = function.fields(|field| owner.id_of_kind(field));
        let answer = owner.team.browser().call(path_to(function.name), &pairs(&fields)).await;
        assert!(answer.status == 200 || answer.status == 302, "{}: {}", function.name, answer.text);
        let written = count(&owner.team.log_in_again().await).await - 1 - before;
        let expected = usize::from(!READ_ONLY.contains(&function.name));
        assert_eq!(written, expected, "{}: {}", function.name, answer.text);
        tried += expected;
    }
    assert!(tried >= 20, "only {tried} functions were tried");
}

#[tokio::test]
async fn requests_that_change_nothing_and_rejected_ones_are_not_recorded() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let before = count(&team).await;
    team.change(&service, json!({"name": "API", "status": "operational"})).await;
    team.put(&path_of(&service), json!({"name": ""})).await.refuses(400, &["name"]);
    team.delete("/api/services/garbage").await.refuses(404, &[]);
    assert_eq!(count(&team).await, before);
}

#[tokio::test]
async fn r_10_security_events_are_recorded() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let form = |password: &str| json!({"email": team.email, "password": password});
    app.post("/api/auth/login", &form("wrong, and long enough")).await.refuses(401, &[]);
    team.audited("login_failed").await;
    let again = team.log_in_again().await;
    assert_eq!(again.send(Method::POST, "/api/auth/logout").await.status, 204);
    let actions: Vec<Value> = entries(&team, "").await.iter().map(|entry| entry["action"].clone()).collect();
    assert_eq!(actions, ["logged_out", "logged_in", "login_failed", "organization_created"]);
    let entry = &entries(&team, "?action=login_failed").await[0];
    assert_eq!(entry["actor"]["id"], team.user["id"]);
    assert!(!team.get("/api/audit").await.text.contains("long enough"));
}

#[tokio::test]
async fn r_10_attempts_on_an_account_are_recorded_in_each_organization() {
    let app = TestApp::at(NOW).await;
    let (team, other) = (app.register("Acme").await, app.register("Other").await);
    other.invite_at(&team.email, "member").await.accept(&team).await.0.is(200);
    let team = team.log_in_again().await;
    let call = async |name: &str, fields: &[(&str, &str)]| team.browser().call(path_to(name), fields).await;
    call("confirm_password", &[("password", "wrong, and long enough")]).await.refuses(400, &["password"]);
    assert_eq!(call("confirm_password", &[("password", PASSWORD)]).await.status, 200);
    assert_eq!(call("begin_second_factor", &[]).await.status, 200);
    let login = json!({"email": team.email, "password": "wrong, and long enough"});
    app.post("/api/auth/login", &login).await.refuses(401, &[]);
    other.audited("login_failed").await;
    for (action, count) in
        [("password_refused", 1), ("password_confirmed", 1), ("two_factor_begun", 1), ("login_failed", 1)]
    {
        let recorded = entries(&other, &format!("?action={action}")).await;
        assert_eq!(recorded.len(), count, "{action}");
        assert_eq!(recorded[0]["actor"]["id"], team.user["id"]);
    }
    assert!(!other.get("/api/audit").await.text.contains("long enough"));
}

#[tokio::test]
async fn r_10_long_texts_are_truncated() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let long = "é".repeat(5_000);
    let incident = team.open_incident(json!({"title": "Down", "message": long})).await;
    team.post_update(&incident, json!({"message": long})).await;
    for entry in entries(&team, "").await {
        for (field, change) in entry["changes"].as_object().expect("an object") {
            let length = change["to"].as_str().map_or(0, |text| text.chars().count());
            assert!(length <= 201, "{field}: {length}");
        }
    }
}

#[tokio::test]
async fn r_53_a_long_export_is_streamed_and_complete() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let group = team.group("Group 0").await;
    let path = format!("/api/groups/{}", id_of(&group));
    for n in 1..600 {
        team.put(&path, json!({"name": format!("Group {n}")})).await.is(200);
    }
    let export = team.get("/api/audit.csv").await;
    assert_eq!(export.status, 200);
    let mut table = csv::Reader::from_reader(export.text.as_bytes());
    let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>().expect("a table");
    let names: Vec<String> = rows.iter().map(|row| row[6].to_owned()).collect();
    let mut expected: Vec<String> = (0..600).rev().map(|n| format!("Group {n}")).collect();
    expected.push("Acme".into());
    assert_eq!(names, expected);
    let narrowed = team.get("/api/audit.csv?action=group_created").await;
    assert_eq!(narrowed.text.lines().count(), 2, "{}", narrowed.text);
    team.get("/api/audit.csv?cursor=x").await.refuses(400, &["cursor"]);
    team.get("/api/audit.csv?limit=0").await.refuses(400, &["limit"]);
}

#[tokio::test]
async fn the_log_is_filtered_and_its_pages_are_complete() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    for n in 0..5 {
        app.pass(60);
        team.service(&format!("Service {n}")).await;
    }
    let all = entries(&team, "?action=service_created").await;
    assert_eq!(all.len(), 5);
    let (mut seen, mut path) = (Vec::new(), "/api/audit?action=service_created&limit=2".to_owned());
    loop {
        let page = team.get(&path).await;
        seen.extend(page.is(200).as_array().expect("a list").clone());
        let Some(next) = page.next_page() else { break };
        path = next;
    }
    assert_eq!(seen, all);
    let within = "?action=service_created&from=2026-11-23T12:02:00Z&to=2026-11-23T12:03:00Z";
    let names: Vec<Value> = entries(&team, within).await.iter().map(|entry| entry["target"]["name"].clone()).collect();
    assert_eq!(names, ["Service 2", "Service 1"]);
    let me = team.user["id"].as_str().expect("an id");
    assert_eq!(entries(&team, &format!("?actor={me}")).await.len(), 6);
    assert_eq!(entries(&team, "?actor=00000000-0000-7000-8000-000000000000").await, Vec::<Value>::new());
    for wrong in ["?action=nonsense", "?from=yesterday", "?limit=0", "?limit=101", "?cursor=x", "?cursor=1.x"] {
        assert_eq!(team.get(&format!("/api/audit{wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn the_log_can_be_filtered_by_former_members() {
    let app = TestApp::at(NOW).await;
    let team = app.register("Acme").await;
    let (left, stranger) = (team.colleague("member").await, app.register("Other").await);
    let people = async || {
        let all = [("action", ""), ("actor", ""), ("from", ""), ("to", ""), ("before", "")];
        let page = team.browser().call(path_to("audit_log"), &all).await.is(200);
        let people: Vec<(String, String)> = serde_json::from_value(page["people"].clone()).expect("people");
        people.into_iter().map(|(id, _)| id).collect::<BTreeSet<_>>()
    };
    let [us, them, others] = [&team, &left, &stranger].map(|person| id_of(&person.user).to_owned());
    let both = BTreeSet::from([us, them.clone()]);
    assert_eq!(people().await, both);
    assert_eq!(team.delete(&format!("/api/team/{them}")).await.status, 204);
    assert_eq!(people().await, both);
    assert!(!both.contains(&others));
}

#[tokio::test]
async fn r_53_the_export_has_no_formulas() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    for name in ["=HYPERLINK(\"http://x.example\")", "a,b\"c", "+1", "-1", "@x"] {
        team.service(name).await;
    }
    let export = team.get("/api/audit.csv").await;
    assert_eq!(export.status, 200);
    assert_eq!(export.header(header::CONTENT_TYPE), "text/csv; charset=utf-8");
    assert!(export.header(header::CONTENT_DISPOSITION).starts_with("attachment"));
    let mut table = csv::Reader::from_reader(export.text.as_bytes());
    let column = table.headers().expect("a head").iter().position(|name| name == "target").expect("a column");
    let rows: Vec<csv::StringRecord> = table.records().collect::<Result<_, _>>().expect("a table");
    let names: Vec<&str> = rows.iter().map(|row| &row[column]).collect();
    assert_eq!(names, ["'@x", "'-1", "'+1", "a,b\"c", "'=HYPERLINK(\"http://x.example\")", "Acme"]);
    for row in &rows {
        assert!(row.iter().all(|field| !field.starts_with(['=', '+', '-', '@', '\t', '\r'])), "{row:?}");
    }
}

#[tokio::test]
async fn rule_3_5_a_correction_of_the_past_is_recorded_as_one() {
    let team = TestApp::at(NOW).await.register("Acme").await;
    let service = team.service("API").await;
    let past = json!({
        "title": "Was down", "started_at": "2026-11-20T08:00:00Z", "resolved_at": "2026-11-20T09:00:00Z",
        "services": [{"id": service["id"], "status": "major_outage"}], "correct_uptime": true,
    });
    team.open_incident(past).await;
    let entry = &entries(&team, "?action=incident_opened").await[0];
    assert_eq!(entry["changes"]["correct_uptime"]["to"], true);
    assert_eq!(entry["target"]["name"], "Was down");
}

#[tokio::test]
async fn entries_older_than_400_days_are_deleted() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    app.pass(400 * 86_400 - 3600);
    let team = team.log_in_again().await;
    assert_eq!(app.state.system().forget_old_audit().await, Ok(0));
    assert_eq!(count(&team).await, 2);
    app.pass(3601);
    assert_eq!(app.state.system().forget_old_audit().await, Ok(1));
    assert_eq!(count(&team).await, 1);
}
