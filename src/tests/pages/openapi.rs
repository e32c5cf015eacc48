//! The OpenAPI document is complete and correct.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Map, Value};

use crate::tests::support::{
    app::{ORIGIN, TestApp},
    clients::{Team, id_of},
    endpoints::{Operation, document, operations, with_service},
    fixtures::{NOW, Owner},
};

/// All operations. A change here is a change of the API.
const SNAPSHOT: [&str; 45] = [
    "GET /api/audit",
    "GET /api/audit.csv",
    "POST /api/auth/login",
    "POST /api/auth/logout",
    "GET /api/auth/me",
    "POST /api/auth/register",
    "GET /api/groups",
    "POST /api/groups",
    "GET /api/groups/{id}",
    "PUT /api/groups/{id}",
    "DELETE /api/groups/{id}",
    "GET /api/incidents",
    "POST /api/incidents",
    "GET /api/incidents/{id}",
    "PUT /api/incidents/{id}",
    "DELETE /api/incidents/{id}",
    "POST /api/incidents/{id}/updates",
    "PUT /api/incidents/{id}/updates/{uid}",
    "DELETE /api/incidents/{id}/updates/{uid}",
    "GET /api/live",
    "GET /api/maintenance-series",
    "DELETE /api/maintenance-series/{id}",
    "GET /api/public/{slug}/live",
    "GET /api/public/{slug}/status",
    "GET /api/public/{slug}/timeline",
    "GET /api/services",
    "POST /api/services",
    "GET /api/services/{id}",
    "PUT /api/services/{id}",
    "DELETE /api/services/{id}",
    "GET /api/services/{id}/history",
    "GET /api/services/{id}/uptime",
    "GET /api/team",
    "GET /api/team/invitations",
    "POST /api/team/invitations",
    "DELETE /api/team/invitations/{id}",
    "PUT /api/team/{user_id}",
    "DELETE /api/team/{user_id}",
    "GET /api/templates",
    "POST /api/templates",
    "PUT /api/templates/{id}",
    "DELETE /api/templates/{id}",
    "GET /api/tokens",
    "POST /api/tokens",
    "DELETE /api/tokens/{id}",
];

#[tokio::test]
async fn the_operations_are_the_documented_ones() {
    let app = TestApp::open().await;
    let mut titles: Vec<_> = operations(&document(&app).await).iter().map(Operation::title).collect();
    let mut expected = SNAPSHOT.map(str::to_owned);
    titles.sort();
    expected.sort();
    assert_eq!(titles, expected);
}

#[tokio::test]
async fn the_document_is_complete_and_deterministic() {
    let app = TestApp::open().await;
    let answer = app.get("/api/openapi.json").await;
    let document = answer.is(200);
    assert!(document["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    assert_eq!(document["servers"][0]["url"], ORIGIN);
    assert_eq!(document["components"]["securitySchemes"]["bearer"]["scheme"], "bearer");
    assert_eq!(TestApp::open().await.get("/api/openapi.json").await.text, answer.text);
    let mut references = BTreeSet::new();
    collect_references(&document, &mut references);
    assert!(references.len() > 10);
    for reference in references {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} leads outside"));
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

fn collect_references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect_references(value, into));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_references(value, into)),
        _ => {}
    }
}

#[tokio::test]
async fn every_operation_documents_its_purpose_and_errors() {
    let app = TestApp::open().await;
    let document = document(&app).await;
    let tags: Vec<&str> =
        document["tags"].as_array().expect("tags").iter().filter_map(|tag| tag["name"].as_str()).collect();
    let mut ids = BTreeSet::new();
    for operation in operations(&document) {
        let (title, detail) = (operation.title(), &operation.detail);
        let id = detail["operationId"].as_str().unwrap_or_else(|| panic!("{title} has no id"));
        assert!(ids.insert(id.to_owned()), "{id} occurs twice");
        assert!(detail["summary"].as_str().is_some_and(|text| !text.is_empty() && !text.ends_with('.')), "{title}");
        assert!(detail["tags"][0].as_str().is_some_and(|tag| tags.contains(&tag)), "{title}");
        let parameters: Vec<&Value> = detail["parameters"].as_array().into_iter().flatten().collect();
        for name in operation.parameters() {
            assert!(
                parameters.iter().any(|p| p["name"] == name && p["in"] == "path" && p["required"] == true),
                "{title}"
            );
        }
        assert!(parameters.iter().all(|parameter| parameter["description"].is_string()), "{title}");
        let responses = detail["responses"].as_object().expect("responses");
        let has_body = detail.get("requestBody").is_some();
        let has_query = parameters.iter().any(|parameter| parameter["in"] == "query");
        for (applies, status) in [
            (operation.is_secured, "401"),
            (has_body || has_query, "400"),
            (has_body, "413"),
            (has_body, "415"),
            (!operation.parameters().is_empty(), "404"),
        ] {
            assert_eq!(responses.contains_key(status), applies || responses.contains_key(status), "{title}: {status}");
            assert!(!applies || responses.contains_key(status), "{title} does not say {status}");
        }
        assert!(responses.keys().any(|status| status.starts_with('2') || status == "101"), "{title}");
        for (status, response) in responses {
            assert!(response["description"].as_str().is_some_and(|text| text.ends_with('.')), "{title} {status}");
            if status.starts_with('4') || status.starts_with('5') {
                let schema = &response["content"]["application/json"]["schema"]["$ref"];
                assert_eq!(schema, "#/components/schemas/Error", "{title} {status}");
            }
        }
    }
}

/// Why a value does not match a schema; `None` if it does.
fn fault(document: &Value, schema: &Value, value: &Value) -> Option<String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document.pointer(reference.strip_prefix('#')?).expect("no dangling reference");
        return fault(document, schema, value).map(|why| format!("{reference}: {why}"));
    }
    for (kind, all) in [("allOf", true), ("oneOf", false), ("anyOf", false)] {
        let Some(schemas) = schema[kind].as_array() else { continue };
        let faults: Vec<_> = schemas.iter().filter_map(|schema| fault(document, schema, value)).collect();
        let is_wrong = if all { !faults.is_empty() } else { faults.len() == schemas.len() };
        if is_wrong {
            return Some(format!("{kind}: {}", faults.join("; ")));
        }
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is_of = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("unknown type {other}"),
    };
    if !types.is_empty() && !types.iter().any(is_of) {
        return Some(format!("{value} is no {types:?}"));
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Some(format!("{value} is none of {words:?}"));
    }
    match value {
        Value::Object(fields) => fault_of_fields(document, schema, fields),
        Value::Array(values) => values.iter().find_map(|value| fault(document, schema.get("items")?, value)),
        _ => None,
    }
}

fn fault_of_fields(document: &Value, schema: &Value, fields: &Map<String, Value>) -> Option<String> {
    let properties = schema["properties"].as_object()?;
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !fields.contains_key(name) {
            return Some(format!("{name} is missing"));
        }
    }
    for (name, value) in fields {
        let Some(schema) = properties.get(name) else { return Some(format!("{name} is not documented")) };
        if let Some(why) = fault(document, schema, value) {
            return Some(format!("{name}: {why}"));
        }
    }
    None
}

/// Calls an operation, with a documented example as its body, and checks the response against the document.
async fn try_out(team: &Team, operation: &Operation, path: &str, body: Option<&Value>, document: &Value) -> u16 {
    let answer = match body {
        Some(body) => team.send_json(operation.method.clone(), path, body).await,
        None => team.send(operation.method.clone(), path).await,
    };
    let status = answer.status.as_u16();
    let response = &operation.detail["responses"][status.to_string()];
    assert!(response.is_object(), "{} answers {status}, which is not documented: {}", operation.title(), answer.text);
    let schema = &response["content"]["application/json"]["schema"];
    if schema.is_object() {
        let why = fault(document, schema, &answer.json());
        assert_eq!(why, None, "{} answers {status} with {}", operation.title(), answer.text);
    } else if response["content"]["text/csv"].is_object() {
        assert!(answer.text.starts_with("time,"), "{} answers with no table", operation.title());
    } else {
        assert_eq!(answer.text, "", "{} answers with something undocumented", operation.title());
    }
    status
}

/// The example of a schema or of its list items, if any.
fn example_of<'a>(document: &'a Value, schema: &'a Value) -> Option<(&'a Value, &'a Value)> {
    let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
    let pointer = schema["$ref"].as_str()?.strip_prefix('#')?;
    let schema = document.pointer(pointer)?;
    Some((schema, schema.get("example")?))
}

#[tokio::test]
async fn every_body_and_every_response_has_a_valid_example() {
    let app = TestApp::open().await;
    let document = document(&app).await;
    let (mut bodies, mut answers) = (0, 0);
    for operation in operations(&document) {
        let title = operation.title();
        if let Some((name, schema)) = operation.body(&document) {
            let examples = operation.examples(&document);
            assert!(!examples.is_empty(), "{title}: {name} has no example");
            for example in examples {
                assert_eq!(fault(&document, schema, &example), None, "{title}: {example}");
                bodies += 1;
            }
        }
        let responses = operation.detail["responses"].as_object().expect("responses");
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
            let schema = &response["content"]["application/json"]["schema"];
            if schema.is_object() {
                let found = example_of(&document, schema);
                let (schema, example) = found.unwrap_or_else(|| panic!("{title} shows no answer for {status}"));
                assert_eq!(fault(&document, schema, example), None, "{title} {status}");
                answers += 1;
            }
        }
    }
    assert!(bodies > 20 && answers > 25, "{bodies} bodies and {answers} answers were looked at");
}

#[tokio::test]
async fn every_operation_answers_as_documented() {
    let app = TestApp::at(NOW).await;
    let document = document(&app).await;
    for operation in operations(&document) {
        let owner = Owner::of(&app, "Acme").await;
        // The example's id is at the end of the path.
        let path = |body: &Value| match operation.subject(body) {
            Some(subject) => format!("/api/incidents/{}", owner.id_of_kind(subject)),
            None => owner.path(&operation.path),
        };
        let bodies = operation.examples(&document).into_iter().map(|body| with_service(&body, id_of(&owner.service)));
        let bodies: Vec<Value> = bodies.collect();
        let mut statuses = Vec::new();
        for body in &bodies {
            statuses.push(try_out(&owner.team, &operation, &path(body), Some(body), &document).await);
        }
        if bodies.is_empty() {
            statuses.push(try_out(&owner.team, &operation, &path(&Value::Null), None, &document).await);
        }
        let expected: &[u16] = match operation.title().as_str() {
            // The example's user may exist already, with another password.
            "POST /api/auth/register" => &[201, 409],
            "POST /api/auth/login" => &[200, 401],
            // Requested without a WebSocket.
            title if title.ends_with("/live") => &[426],
            title if title.starts_with("DELETE") || title.ends_with("logout") => &[204],
            title if title.starts_with("POST") => &[201],
            _ => &[200],
        };
        assert!(statuses.iter().all(|status| expected.contains(status)), "{}: {statuses:?}", operation.title());
    }
}

#[tokio::test]
async fn the_live_frames_are_the_documented_ones() {
    let app = TestApp::at(NOW).await;
    let port = app.listen().await;
    let document = document(&app).await;
    let owner = Owner::of(&app, "Acme").await;
    let team = &owner.team;
    let readers = [port.public_feed(team, Some(0)).await, port.member_feed_since(team, 0).await];
    team.delete(&owner.path("/api/incidents/{id}")).await.is(204);
    team.delete(&owner.path("/api/services/{id}")).await.is(204);
    let tips = [port.public_feed(team, None).await.hello().await, port.member_feed(team).await.hello().await];
    for (mut reader, tip) in readers.into_iter().zip(tips) {
        let schema = serde_json::json!({"$ref": "#/components/schemas/Control"});
        let hello = reader.next().await;
        assert_eq!(fault(&document, &schema, &hello), None);
        let mut kinds = BTreeSet::new();
        for seq in 1..=tip {
            let frame = reader.event(seq).await;
            kinds.insert(frame["type"].to_string());
            let event = serde_json::json!({"type": frame["type"], "data": frame["data"]});
            let schema = serde_json::json!({"$ref": "#/components/schemas/Event"});
            assert_eq!(fault(&document, &schema, &event), None);
        }
        assert_eq!(kinds.len(), 7, "{kinds:?}");
    }
}

#[tokio::test]
async fn the_documentation_for_people_names_every_operation() {
    let app = TestApp::open().await;
    let html = app.get("/api").await.text;
    for operation in operations(&document(&app).await) {
        let summary = operation.detail["summary"].as_str().expect("a summary");
        assert!(html_escape::decode_html_entities(&html).contains(summary), "{}", operation.title());
        assert!(html.contains(&operation.path), "{}", operation.title());
    }
}

#[tokio::test]
async fn other_methods_are_refused_in_the_documented_shape() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    for operation in operations(&document(&app).await) {
        let path = operation.path.replace("{id}", "x").replace("{uid}", "x").replace("{slug}", &team.slug);
        team.send(Method::PATCH, &path).await.refuses(405, &[]);
    }
}
