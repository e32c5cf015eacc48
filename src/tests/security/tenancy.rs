//! Tenant isolation: every endpoint, called with the ids of another organization.
//!
//! The endpoints come from the OpenAPI document and the list of server functions, so that new ones are included.

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use super::permissions::{FUNCTIONS, Function};
use crate::tests::support::{
    app::{TestApp, request, with_json},
    clients::{Answer, Team, id_of},
    endpoints::{Field, Operation, document, operations, pairs, path_to},
    fixtures::{NOW, Owner},
};

/// Ids that do not exist.
const UNKNOWN: [&str; 6] = [
    "00000000-0000-0000-0000-000000000000",
    "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
    "garbage",
    "1",
    "..%2F..%2Fetc%2Fpasswd",
    "%27%20OR%201%3D1--",
];

/// Whether the path is public.
fn is_public(operation: &Operation) -> bool {
    operation.path.starts_with("/api/public/") && !operation.is_secured
}

async fn attempt(team: &Team, operation: &Operation, path: &str, body: Option<Value>) -> Answer {
    match body {
        Some(body) => team.send_json(operation.method.clone(), path, &body).await,
        None => team.send(operation.method.clone(), path).await,
    }
}

/// A path with a foreign id for the parameter `name`, and the attacker's own ids for the others.
fn with_one(attacker: &Owner, path: &str, name: &str, id: &str) -> String {
    attacker.path(&path.replace(&format!("{{{name}}}"), id))
}

#[tokio::test]
async fn another_organizations_id_in_a_path_is_answered_like_a_missing_one() {
    let app = TestApp::at(NOW).await;
    let (victim, attacker) = (Owner::of(&app, "Victim").await, Owner::of(&app, "Attacker").await);
    let before = (victim.team.everything().await, attacker.team.everything().await);
    let document = document(&app).await;
    let mut tried = 0;
    for operation in operations(&document) {
        if operation.parameters().is_empty() || is_public(&operation) {
            continue;
        }
        assert!(operation.is_secured, "{} names something without a token", operation.title());
        // The owner is allowed, so a rejection proves something.
        if operation.method == Method::GET {
            attempt(&victim.team, &operation, &victim.path(&operation.path), None).await.is(200);
        }
        let body = operation.examples_for(&document, id_of(&attacker.service)).into_iter().next();
        let refusal = attempt(&attacker.team, &operation, &victim.path(&operation.path), body.clone()).await;
        refusal.refuses(404, &[]);
        for name in operation.parameters() {
            let foreign = victim.id_in(&operation.path, name);
            for id in [foreign].into_iter().chain(UNKNOWN) {
                let path = with_one(&attacker, &operation.path, name, id);
                let answer = attempt(&attacker.team, &operation, &path, body.clone()).await;
                assert_eq!(answer.fingerprint(), refusal.fingerprint(), "{} at {path}", operation.title());
            }
        }
        tried += 1;
    }
    assert!(tried >= 16, "only {tried} operations were attacked");
    assert_eq!((victim.team.everything().await, attacker.team.everything().await), before);
}

/// The value of a field that references this id.
fn naming(field: &str, id: &str) -> Value {
    match field {
        "services" => json!([{"id": id, "status": "degraded"}]),
        "service_ids" => json!([id]),
        _ => json!(id),
    }
}

#[tokio::test]
async fn another_organizations_id_in_a_body_is_answered_like_a_missing_one() {
    let app = TestApp::at(NOW).await;
    let (victim, attacker) = (Owner::of(&app, "Victim").await, Owner::of(&app, "Attacker").await);
    let before = (victim.team.everything().await, attacker.team.everything().await);
    let document = document(&app).await;
    let mut tried = Vec::new();
    for operation in operations(&document) {
        let Some((_, schema)) = operation.body(&document) else { continue };
        let properties = schema["properties"].as_object().into_iter().flatten();
        let names = |field: &str| field.ends_with("_id") || field.ends_with("_ids") || field == "services";
        let path = attacker.path(&operation.path);
        for (field, _) in properties.filter(|(field, _)| names(field)) {
            for mut body in operation.examples_for(&document, id_of(&attacker.service)) {
                // Only one of the fields that name a service.
                for other in ["service_id", "service_ids"] {
                    body.as_object_mut().expect("an object").remove(other);
                }
                body[field] = naming(field, victim.id_for(field));
                let refusal = attempt(&attacker.team, &operation, &path, Some(body.clone())).await;
                refusal.refuses(404, &[field]);
                body[field] = naming(field, UNKNOWN[1]);
                let answer = attempt(&attacker.team, &operation, &path, Some(body)).await;
                assert_eq!(answer.fingerprint(), refusal.fingerprint(), "{} {field}", operation.title());
            }
            tried.push(format!("{} {field}", operation.title()));
        }
    }
    tried.sort();
    assert_eq!(
        tried,
        [
            "POST /api/incidents service_id",
            "POST /api/incidents service_ids",
            "POST /api/incidents services",
            "POST /api/incidents/{id}/updates services",
            "POST /api/services group_id",
            "POST /api/templates services",
            "PUT /api/incidents/{id} services",
            "PUT /api/services/{id} group_id",
            "PUT /api/templates/{id} services",
        ]
    );
    assert_eq!((victim.team.everything().await, attacker.team.everything().await), before);
}

#[tokio::test]
async fn a_list_filtered_by_another_organizations_service_is_empty() {
    let app = TestApp::at(NOW).await;
    let (victim, attacker) = (Owner::of(&app, "Victim").await, Owner::of(&app, "Attacker").await);
    for service in [id_of(&victim.service), UNKNOWN[0]] {
        let answer = attacker.team.get(&format!("/api/incidents?service={service}")).await;
        assert_eq!(answer.is(200), json!([]));
        let listed = attacker.team.browser().call(path_to("incidents"), &[("service", service)]).await;
        assert_eq!(listed.is(200)["items"], json!([]));
    }
    assert_eq!(
        victim.team.get(&format!("/api/incidents?service={}", id_of(&victim.service))).await.is(200)[0]["title"],
        "Upgrade"
    );
}

#[tokio::test]
async fn every_secured_operation_needs_a_token() {
    let app = TestApp::at(NOW).await;
    let victim = Owner::of(&app, "Victim").await;
    let before = victim.team.everything().await;
    let document = document(&app).await;
    for operation in operations(&document).into_iter().filter(|operation| operation.is_secured) {
        let path = victim.path(&operation.path);
        for authorization in [None, Some("Bearer nonsense"), Some("Basic YTpi")] {
            let mut builder = request(operation.method.clone(), &path);
            if let Some(authorization) = authorization {
                builder = builder.header(header::AUTHORIZATION, authorization);
            }
            let request = match operation.example(&document) {
                Some(body) => with_json(builder, &body),
                None => builder.body(Body::empty()).expect("request"),
            };
            let answer = app.send(request).await;
            answer.refuses(401, &[]);
            assert_eq!(answer.header(header::WWW_AUTHENTICATE), "Bearer", "{}", operation.title());
        }
    }
    assert_eq!(victim.team.everything().await, before);
}

#[tokio::test]
async fn the_operations_without_a_token_are_the_listed_ones() {
    let app = TestApp::open().await;
    let open: Vec<String> = operations(&document(&app).await)
        .iter()
        .filter(|operation| !operation.is_secured)
        .map(Operation::title)
        .collect();
    assert_eq!(
        open,
        [
            "POST /api/auth/login",
            "POST /api/auth/register",
            "GET /api/public/{slug}/live",
            "GET /api/public/{slug}/status",
            "GET /api/public/{slug}/timeline",
        ]
    );
}

#[tokio::test]
async fn all_requests_to_missing_pages_get_the_same_answer() {
    let app = TestApp::open().await;
    let expected = app.get("/api/public/nobody-has-this/status").await;
    expected.refuses(404, &[]);
    for slug in ["ab", "UPPER", "api", "x%00y", "..%2F..", &"x".repeat(200), "%F0%9F%92%A9", "a'b"] {
        for document in ["status", "timeline"] {
            let answer = app.get(&format!("/api/public/{slug}/{document}")).await;
            assert_eq!((answer.status, &answer.text), (expected.status, &expected.text), "{slug}");
        }
    }
}

/// Whether it has a field that references something owned.
fn takes_an_id(function: &Function) -> bool {
    function.kinds().any(Field::is_owned)
}

#[tokio::test]
async fn another_organizations_id_in_a_server_function_is_answered_like_a_missing_one() {
    let app = TestApp::at(NOW).await;
    let (victim, attacker) = (Owner::of(&app, "Victim").await, Owner::of(&app, "Attacker").await);
    let before = (victim.team.everything().await, attacker.team.everything().await);
    let mut tried = 0;
    for function in FUNCTIONS.iter().filter(|function| takes_an_id(function)) {
        let path = path_to(function.name);
        let call = async |fields: Vec<(String, &str)>| attacker.team.browser().call(path, &pairs(&fields)).await;
        let foreign = function.fields(|field| victim.id_of_kind(field));
        let refusal = call(foreign.clone()).await;
        assert_eq!(refusal.status, 404, "{}: {}", function.name, refusal.text);
        for unknown in [UNKNOWN[0], UNKNOWN[1]] {
            let answer = call(function.fields(|_| unknown)).await;
            assert_eq!(answer.fingerprint(), refusal.fingerprint(), "{} with {unknown}", function.name);
        }
        let garbage = call(function.fields(|_| "garbage")).await;
        assert_eq!(garbage.status, 404, "{}", function.name);
        // One foreign id, the others the attacker's own.
        for one in function.kinds().filter(|field| field.is_owned()) {
            let owner = |field| if field == one { victim.id_of_kind(field) } else { attacker.id_of_kind(field) };
            let answer = call(function.fields(owner)).await;
            assert_eq!(answer.status, 404, "{} with a foreign {one:?}: {}", function.name, answer.text);
        }
        // The same as a plain form.
        let plain = attacker.team.browser().submit("/services", path, &pairs(&foreign)).await;
        assert_eq!(plain.status, 404, "{}", function.name);
        tried += 1;
    }
    assert!(tried >= 25, "only {tried} functions were tried");
    assert_eq!((victim.team.everything().await, attacker.team.everything().await), before);
}

#[tokio::test]
async fn a_service_cannot_be_moved_into_another_organizations_group() {
    let app = TestApp::at(NOW).await;
    let (victim, attacker) = (Owner::of(&app, "Victim").await, app.register("Attacker").await);
    let service = attacker.service("Own").await;
    for group in [id_of(&victim.group), UNKNOWN[1], "garbage"] {
        let fields = [("id", id_of(&service)), ("name", "Own"), ("group_id", group)];
        let answer = attacker.browser().call(path_to("edit_service"), &fields).await;
        assert_eq!(answer.status, 404, "{group}: {}", answer.text);
    }
    assert_eq!(attacker.services().await, [service]);
}

#[tokio::test]
async fn every_server_function_that_needs_a_session_rejects_requests_without_one() {
    let app = TestApp::at(NOW).await;
    let victim = Owner::of(&app, "Victim").await;
    let before = victim.team.everything().await;
    for function in FUNCTIONS.iter().filter(|function| function.needs_session()) {
        let fields = function.fields(|field| victim.id_of_kind(field));
        for cookie in [None, Some("aldis="), Some("aldis=nonsense"), Some("__Host-aldis=nonsense")] {
            let mut browser = app.browser();
            browser.cookie = cookie.map(str::to_owned);
            let answer = browser.call(path_to(function.name), &pairs(&fields)).await;
            answer.refuses(401, &[]);
        }
        let plain = app.browser().submit("/services", path_to(function.name), &pairs(&fields)).await;
        let redirect = (plain.status.as_u16(), plain.header(header::LOCATION));
        assert_eq!(redirect, (303, "/login?next=%2Fservices"), "{}", function.name);
    }
    assert_eq!(victim.team.everything().await, before);
}

#[tokio::test]
async fn an_organization_can_do_with_its_own_ids_what_it_cannot_with_foreign_ones() {
    let app = TestApp::at(NOW).await;
    for function in FUNCTIONS.iter().filter(|function| function.is_callable()) {
        let owner = Owner::of(&app, "Owner").await;
        let fields = function.fields(|field| owner.id_of_kind(field));
        let answer = owner.team.browser().call(path_to(function.name), &pairs(&fields)).await;
        assert!(answer.status == 200 || answer.status == 302, "{}: {} {}", function.name, answer.status, answer.text);
    }
}
