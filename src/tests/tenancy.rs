//! One organization at the doors of another: every door, with every id it takes.
//!
//! What is tried comes from the OpenAPI document and the list of server functions, so that what is new is tried too.

use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use super::{
    TestApp,
    clients::{Answer, Team, id_of},
    doors::{FUNCTIONS, Field, Function, Guard, Operation, document, operations, path_to},
    request, with_json,
};

/// Ids that are nobody's.
const UNKNOWN: [&str; 6] = [
    "00000000-0000-0000-0000-000000000000",
    "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000",
    "garbage",
    "1",
    "..%2F..%2Fetc%2Fpasswd",
    "%27%20OR%201%3D1--",
];

struct Victim {
    team: Team,
    service: Value,
    group: Value,
}

impl Victim {
    async fn of(app: &TestApp) -> Self {
        let team = app.register("Victim").await;
        let group = team.group("Core").await;
        let new = json!({"name": "API", "group_id": id_of(&group)});
        let service = team.post("/api/services", new).await.is(201);
        team.service("Second").await;
        team.change(&service, json!({"status": "degraded"})).await;
        team.change(&service, json!({"status": "operational"})).await;
        Self { team, service, group }
    }

    /// The victim's own id for a parameter of a path. A path of a new kind must be added here.
    fn id_in(&self, path: &str, parameter: &str) -> &str {
        match (path.split('/').nth(2), parameter) {
            (Some("services"), "id") => id_of(&self.service),
            (Some("groups"), "id") => id_of(&self.group),
            _ => panic!("say which id of the victim belongs in {{{parameter}}} of {path}"),
        }
    }

    /// The victim's own id for a field of a body. A field of a new kind must be added here.
    fn id_for(&self, field: &str) -> &str {
        match field {
            "group_id" => id_of(&self.group),
            _ => panic!("say which id of the victim belongs in the field {field}"),
        }
    }

    fn id_of_kind(&self, field: Field) -> Option<&str> {
        match field {
            Field::Service => Some(id_of(&self.service)),
            Field::Group => Some(id_of(&self.group)),
            Field::Plain(_) => None,
        }
    }
}

/// Whether what the path names is for everybody.
fn is_public(operation: &Operation) -> bool {
    operation.path.starts_with("/api/public/") && !operation.is_secured
}

async fn attempt(team: &Team, operation: &Operation, path: &str, body: Option<Value>) -> Answer {
    match body {
        Some(body) => team.send_json(operation.method.clone(), path, &body).await,
        None => team.send(operation.method.clone(), path).await,
    }
}

#[tokio::test]
async fn another_organizations_id_in_a_path_is_answered_as_one_that_does_not_exist() {
    let app = TestApp::open().await;
    let (victim, attacker) = (Victim::of(&app).await, app.register("Attacker").await);
    let before = victim.team.everything().await;
    let document = document(&app).await;
    let mut tried = 0;
    for operation in operations(&document) {
        let parameters = operation.parameters();
        if parameters.is_empty() || is_public(&operation) {
            continue;
        }
        assert!(operation.is_secured, "{} names something without a token", operation.title());
        assert_eq!(parameters.len(), 1, "teach this test to fill several parameters: {}", operation.path);
        let name = parameters[0];
        let body = operation.example(&document);
        let place = format!("{{{name}}}");
        let foreign = operation.path.replace(&place, victim.id_in(&operation.path, name));
        // Its owner is let in, so a refusal says something.
        if operation.method == Method::GET {
            attempt(&victim.team, &operation, &foreign, None).await.is(200);
        }
        let refusal = attempt(&attacker, &operation, &foreign, body.clone()).await;
        refusal.refuses(404, &[]);
        for unknown in UNKNOWN {
            let answer = attempt(&attacker, &operation, &operation.path.replace(&place, unknown), body.clone()).await;
            assert_eq!(answer.fingerprint(), refusal.fingerprint(), "{} with {unknown}", operation.title());
        }
        tried += 1;
    }
    assert!(tried >= 7, "only {tried} operations were attacked");
    assert_eq!(victim.team.everything().await, before);
    assert_eq!(attacker.services().await, [] as [Value; 0]);
}

#[tokio::test]
async fn another_organizations_id_in_a_body_is_answered_as_one_that_does_not_exist() {
    let app = TestApp::open().await;
    let (victim, attacker) = (Victim::of(&app).await, app.register("Attacker").await);
    let own = Victim { service: attacker.service("Own").await, group: attacker.group("Own").await, team: attacker };
    let before = victim.team.everything().await;
    let document = document(&app).await;
    let mut tried = Vec::new();
    for operation in operations(&document) {
        let Some((_, schema)) = operation.body(&document) else { continue };
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (field, _) in properties.filter(|(field, _)| field.ends_with("_id") || field.ends_with("_ids")) {
            let mut path = operation.path.clone();
            for name in operation.parameters() {
                path = path.replace(&format!("{{{name}}}"), own.id_in(&operation.path, name));
            }
            let mut body = operation.example(&document).expect("an example");
            body[field] = json!(victim.id_for(field));
            let refusal = attempt(&own.team, &operation, &path, Some(body.clone())).await;
            refusal.refuses(404, &[field]);
            body[field] = json!(UNKNOWN[1]);
            let answer = attempt(&own.team, &operation, &path, Some(body)).await;
            assert_eq!(answer.fingerprint(), refusal.fingerprint(), "{}", operation.title());
            tried.push(operation.title());
        }
    }
    assert_eq!(tried, ["POST /api/services", "PUT /api/services/{id}"]);
    assert_eq!(victim.team.everything().await, before);
    assert_eq!(own.team.services().await, [own.service]);
}

#[tokio::test]
async fn every_secured_operation_needs_a_token() {
    let app = TestApp::open().await;
    let victim = Victim::of(&app).await;
    let before = victim.team.everything().await;
    let document = document(&app).await;
    for operation in operations(&document).into_iter().filter(|operation| operation.is_secured) {
        let mut path = operation.path.clone();
        for name in operation.parameters() {
            path = path.replace(&format!("{{{name}}}"), victim.id_in(&operation.path, name));
        }
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
async fn what_needs_no_token_is_listed() {
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
async fn a_page_that_does_not_exist_is_answered_alike_whatever_was_asked_for() {
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

/// The fields of a function, with `id` in place of what belongs to somebody.
fn fields<'a>(function: &Function, id: impl Fn(Field) -> &'a str) -> Vec<(&'static str, &'a str)> {
    let value = |field| match field {
        Field::Plain(text) => text,
        owned => id(owned),
    };
    function.fields.iter().map(|(name, field)| (*name, value(*field))).collect()
}

#[tokio::test]
async fn another_organizations_id_in_a_server_function_is_answered_as_one_that_does_not_exist() {
    let app = TestApp::open().await;
    let (victim, attacker) = (Victim::of(&app).await, app.register("Attacker").await);
    let before = victim.team.everything().await;
    let mut tried = 0;
    for function in FUNCTIONS {
        if function.fields.iter().all(|(_, field)| matches!(field, Field::Plain(_))) {
            continue;
        }
        let path = path_to(function.name);
        let foreign = fields(function, |field| victim.id_of_kind(field).expect("an id"));
        let refusal = attacker.browser().call(path, &foreign).await;
        assert_eq!(refusal.status, 404, "{}: {}", function.name, refusal.text);
        for unknown in [UNKNOWN[0], UNKNOWN[1]] {
            let answer = attacker.browser().call(path, &fields(function, |_| unknown)).await;
            assert_eq!(answer.fingerprint(), refusal.fingerprint(), "{} with {unknown}", function.name);
        }
        let garbage = attacker.browser().call(path, &fields(function, |_| "garbage")).await;
        assert_eq!(garbage.status, 404, "{}", function.name);
        // The same without JavaScript leads nowhere either.
        let plain = attacker.browser().submit("/services", path, &foreign).await;
        assert_eq!(plain.status, 404, "{}", function.name);
        tried += 1;
    }
    assert!(tried >= 8, "only {tried} functions were attacked");
    assert_eq!(victim.team.everything().await, before);
    assert_eq!(attacker.services().await, [] as [Value; 0]);
}

#[tokio::test]
async fn an_edit_cannot_put_an_own_service_into_another_organizations_group() {
    let app = TestApp::open().await;
    let (victim, attacker) = (Victim::of(&app).await, app.register("Attacker").await);
    let service = attacker.service("Own").await;
    for group in [id_of(&victim.group), UNKNOWN[1], "garbage"] {
        let fields = [("id", id_of(&service)), ("name", "Own"), ("group_id", group)];
        let answer = attacker.browser().call(path_to("edit_service"), &fields).await;
        assert_eq!(answer.status, 404, "{group}: {}", answer.text);
    }
    assert_eq!(attacker.services().await, [service]);
}

#[tokio::test]
async fn every_server_function_that_needs_a_session_says_so() {
    let app = TestApp::open().await;
    let victim = Victim::of(&app).await;
    let before = victim.team.everything().await;
    for function in FUNCTIONS.iter().filter(|function| function.guard == Guard::Session) {
        let fields = fields(function, |field| victim.id_of_kind(field).expect("an id"));
        for cookie in [None, Some("aldis="), Some("aldis=nonsense"), Some("__Host-aldis=nonsense")] {
            let mut browser = app.browser();
            browser.cookie = cookie.map(str::to_owned);
            let answer = browser.call(path_to(function.name), &fields).await;
            answer.refuses(401, &[]);
        }
        let plain = app.browser().submit("/services", path_to(function.name), &fields).await;
        assert_eq!((plain.status.as_u16(), plain.header(header::LOCATION)), (303, "/login"), "{}", function.name);
    }
    assert_eq!(victim.team.everything().await, before);
}

#[tokio::test]
async fn one_organization_can_do_to_its_own_what_it_cannot_do_to_others() {
    let app = TestApp::open().await;
    for function in FUNCTIONS.iter().filter(|function| function.guard == Guard::Session) {
        let victim = Victim::of(&app).await;
        let fields = fields(function, |field| victim.id_of_kind(field).expect("an id"));
        let answer = victim.team.browser().call(path_to(function.name), &fields).await;
        assert!(answer.status == 200 || answer.status == 302, "{}: {} {}", function.name, answer.status, answer.text);
    }
}
