//! Services through the REST API: create, show, change, delete, and the paginated list.

use sea_orm::{
    ConnectionTrait,
    sea_query::{Alias, Expr, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tests::support::{
    app::TestApp,
    clients::{Team, id_of, in_public, path_of},
    database::{connect, database_url},
};

const FIELDS: [&str; 12] = [
    "baseline",
    "created_at",
    "description",
    "group_id",
    "id",
    "name",
    "organization_id",
    "position",
    "status",
    "status_since",
    "updated_at",
    "version",
];

fn names(services: &[Value]) -> Vec<&str> {
    services.iter().map(|service| service["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn a_new_service_is_operational_ungrouped_and_last() {
    let app = TestApp::at("2026-03-01T12:00:00.123Z").await;
    let team = app.register("Acme").await;
    team.service("Web").await;
    let service = team.post("/api/services", json!({"name": "  API  "})).await.is(201);
    let fields: Vec<_> = service.as_object().expect("an object").keys().collect();
    assert_eq!(fields, FIELDS);
    assert_eq!(service["name"], "API");
    assert_eq!(service["description"], "");
    assert_eq!(service["status"], "operational");
    assert_eq!(service["group_id"], Value::Null);
    assert_eq!(service["position"], 1);
    assert_eq!(service["organization_id"], team.organization["id"]);
    for instant in ["created_at", "updated_at", "status_since"] {
        assert_eq!(service[instant], "2026-03-01T12:00:00.123Z");
    }
    assert_eq!(team.get(&path_of(&service)).await.is(200), service);
    assert_eq!(team.services().await[1], service);
    assert_eq!(team.public("status").await["services"][1], in_public(&service));
}

#[tokio::test]
async fn a_new_service_may_set_its_status_group_and_position() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    for name in ["one", "two"] {
        team.post("/api/services", json!({"name": name, "group_id": id_of(&group)})).await.is(201);
    }
    let new = json!({
        "name": "API",
        "description": "REST\nand webhooks",
        "status": "degraded",
        "group_id": id_of(&group),
        "position": 0,
    });
    let service = team.post("/api/services", new.clone()).await.is(201);
    for (field, value) in new.as_object().expect("an object") {
        assert_eq!(&service[field], value, "{field}");
    }
    assert_eq!(names(&team.services().await), ["API", "one", "two"]);
    assert_eq!(team.history(&service).await, [] as [Value; 0], "creating a service is no status change");
}

#[tokio::test]
async fn a_put_changes_only_the_fields_it_contains() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let new = json!({"name": "API", "description": "REST", "status": "degraded"});
    let before = team.post("/api/services", new).await.is(201);
    for (field, value) in [
        ("name", json!("Gateway")),
        ("description", json!("")),
        ("status", json!("under_maintenance")),
        ("status", json!("partial_outage")),
    ] {
        app.pass(60);
        let was = team.get(&path_of(&before)).await.is(200);
        let mut expected = was.clone();
        expected[field] = value.clone();
        expected["updated_at"] = json!(app.clock.now());
        expected["version"] = json!(was["version"].as_i64().expect("a number") + 1);
        if field == "status" {
            expected["status_since"] = expected["updated_at"].clone();
            expected["baseline"] = value.clone();
        }
        assert_eq!(team.change(&before, json!({field: value})).await, expected);
        assert_eq!(team.get(&path_of(&before)).await.is(200), expected);
    }
}

#[tokio::test]
async fn a_put_that_changes_nothing_does_nothing() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    team.service("Web").await;
    let seq = team.seq().await;
    app.pass(60);
    for same in [
        json!({}),
        json!({"name": "API"}),
        json!({"status": "operational"}),
        json!({"position": 0}),
        json!({"group_id": null}),
        json!({"name": " API ", "description": " ", "status": "operational", "group_id": null, "position": 0}),
    ] {
        assert_eq!(team.change(&service, same.clone()).await, service, "{same}");
    }
    assert_eq!(team.seq().await, seq);
    assert_eq!(team.history(&service).await, [] as [Value; 0]);
}

#[tokio::test]
async fn a_null_group_removes_a_service_from_its_group_and_an_absent_one_does_not() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    let loose = team.service("Loose").await;
    let service = team.service("API").await;
    let grouped = team.change(&service, json!({"group_id": id_of(&group)})).await;
    assert_eq!((&grouped["group_id"], &grouped["position"]), (&group["id"], &json!(0)));
    let renamed = team.change(&service, json!({"name": "Gateway"})).await;
    assert_eq!(renamed["group_id"], group["id"]);
    let out = team.change(&service, json!({"group_id": null})).await;
    assert_eq!((&out["group_id"], &out["position"]), (&Value::Null, &json!(1)));
    assert_eq!(team.get(&path_of(&loose)).await.is(200)["position"], 0);
}

#[tokio::test]
async fn r_04_read_only_fields_are_refused_and_unchanged() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    for field in [
        "id",
        "org_id",
        "organization_id",
        "created_at",
        "updated_at",
        "deleted_at",
        "status_since",
        "baseline",
        "role",
        "password_hash",
        "__proto__",
    ] {
        team.put(&path_of(&service), json!({field: service["id"]})).await.refuses(400, &[field]);
        team.post("/api/services", json!({"name": "x", field: null})).await.refuses(400, &[field]);
    }
    assert_eq!(team.services().await, [service]);
}

#[tokio::test]
async fn every_invalid_field_is_named() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!(" \t ")),
        ("name", json!("x".repeat(101))),
        ("name", json!("a\u{0000}b")),
        ("name", json!("right\u{202e}left")),
        ("name", json!(1)),
        ("description", json!("x".repeat(501))),
        ("description", json!({})),
        ("status", json!("broken")),
        ("status", json!("Operational")),
        ("status", json!(0)),
        ("position", json!(-1)),
        ("position", json!(1.5)),
        ("position", json!(9_999_999_999_i64)),
        ("position", json!("0")),
        ("group_id", json!("nonsense")),
        ("group_id", json!(7)),
    ] {
        team.put(&path_of(&service), json!({field: value})).await.refuses(400, &[field]);
        let mut new = json!({"name": "New"});
        new[field] = value;
        team.post("/api/services", new).await.refuses(400, &[field]);
    }
    team.post("/api/services", json!({"description": "nameless"})).await.is(400);
    team.put(&path_of(&service), json!({"group_id": Uuid::max()})).await.refuses(404, &["group_id"]);
    assert_eq!(team.services().await, [service]);
}

#[tokio::test]
async fn text_is_stored_as_written() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    for name in [
        "é".repeat(100),
        "👩‍🚀 rocket ☃ 日本語 עברית".to_owned(),
        "Robert'); DROP TABLE service;--".to_owned(),
        "100% \\ \" ' ` $1 ? :name".to_owned(),
        "naïve".to_owned(),
        "NAÏVE".to_owned(),
    ] {
        let service = team.post("/api/services", json!({"name": name, "description": name})).await.is(201);
        let stored = team.get(&path_of(&service)).await.is(200);
        assert_eq!((&stored["name"], &stored["description"]), (&json!(name), &json!(name)));
    }
}

#[tokio::test]
async fn a_list_is_paginated_with_links() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    for n in 0..7 {
        let group = if n % 2 == 0 { json!(id_of(&group)) } else { Value::Null };
        team.post("/api/services", json!({"name": format!("s{n}"), "group_id": group})).await.is(201);
    }
    let all = team.services().await;
    assert_eq!(names(&all), ["s1", "s3", "s5", "s0", "s2", "s4", "s6"]);
    for limit in 1..=8 {
        let (mut seen, mut pages) = (Vec::new(), 0);
        let mut next = Some(format!("/api/services?limit={limit}"));
        while let Some(address) = next {
            let answer = team.get(&address).await;
            seen.extend(answer.is(200).as_array().expect("a list").clone());
            next = answer.next_page();
            pages += 1;
        }
        assert_eq!(seen, all);
        assert_eq!(pages, 7_usize.div_ceil(limit));
    }
    assert_eq!(team.get("/api/services?limit=100").await.next_page(), None);
}

#[tokio::test]
async fn an_invalid_page_is_refused() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let service = team.service("API").await;
    for (query, fields) in [
        ("limit=0", &["limit"][..]),
        ("limit=101", &["limit"]),
        ("limit=18446744073709551616", &[]),
        ("limit=-1", &[]),
        ("limit=ten", &[]),
        ("limit=", &[]),
        ("cursor=", &["cursor"]),
        ("cursor=nonsense", &["cursor"]),
        ("cursor=00000000-0000-7000-8000-000000000000", &["cursor"]),
    ] {
        team.get(&format!("/api/services?{query}")).await.refuses(400, fields);
    }
    for (query, fields) in [
        ("limit=0", &["limit"][..]),
        ("cursor=1.x", &["cursor"]),
        ("from=yesterday", &[]),
        ("to=2026-02-30T00:00:00Z", &[]),
    ] {
        team.get(&format!("{}/history?{query}", path_of(&service))).await.refuses(400, fields);
    }
}

#[tokio::test]
async fn a_deleted_service_is_gone_from_every_endpoint() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let (first, gone, last) = (team.service("first").await, team.service("gone").await, team.service("last").await);
    team.change(&gone, json!({"status": "major_outage"})).await;
    assert!(team.delete(&path_of(&gone)).await.is(204).is_null());
    let path = path_of(&gone);
    for answer in [
        team.get(&path).await,
        team.put(&path, json!({"status": "operational"})).await,
        team.delete(&path).await,
        team.get(&format!("{path}/history")).await,
    ] {
        answer.refuses(404, &[]);
    }
    let services = team.services().await;
    assert_eq!(names(&services), ["first", "last"]);
    assert_eq!(services[1]["position"], 1);
    let page = team.public("status").await;
    assert_eq!(page["services"], json!(services.iter().map(in_public).collect::<Vec<_>>()));
    assert_eq!(page["page"]["description"], "All Systems Operational");
    assert_eq!(team.public("timeline").await["status_changes"], json!([]));
    // Its name can be used again.
    team.service("gone").await;
    for service in [first, last] {
        team.get(&path_of(&service)).await.is(200);
    }
}

#[tokio::test]
async fn the_headline_summarizes_all_services() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let headline = async |team: &Team| {
        let page = &team.public("status").await["page"];
        (page["indicator"].as_str().expect("word").to_owned(), page["description"].as_str().expect("text").to_owned())
    };
    let told = |indicator: &str, description: &str| (indicator.to_owned(), description.to_owned());
    assert_eq!(headline(&team).await, told("none", "All Systems Operational"));
    let (api, web) = (team.service("API").await, team.service("Web").await);
    for (service, status, expected) in [
        (&api, "under_maintenance", told("maintenance", "Service Under Maintenance")),
        (&api, "degraded", told("minor", "Partially Degraded Service")),
        (&web, "degraded", told("minor", "Degraded System Service")),
        (&web, "partial_outage", told("minor", "Minor Service Outage")),
        (&api, "major_outage", told("major", "Partial System Outage")),
        (&web, "major_outage", told("critical", "Major System Outage")),
    ] {
        team.change(service, json!({"status": status})).await;
        assert_eq!(headline(&team).await, expected);
    }
}

#[tokio::test]
async fn r_70_an_organization_has_at_most_five_hundred_services() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let db = connect(database_url()).await;
    let text = team.organization["id"].as_str().expect("an id");
    let organization: Uuid = text.parse().expect("an id");
    let columns = [
        "org_id",
        "id",
        "name",
        "description",
        "baseline",
        "status",
        "status_since",
        "position",
        "created_at",
        "updated_at",
    ];
    let mut insert = Query::insert();
    insert.into_table(Alias::new("service")).columns(columns.map(Alias::new));
    for n in 0..499_i64 {
        let id = Uuid::from_u128((u128::from(rand::random::<u64>()) << 64) | u128::from(n.unsigned_abs()));
        let (up, at) = ("operational", 1_700_000_000_000_i64);
        let name = format!("s{n}");
        let values: [Expr; 10] = [
            organization.into(),
            id.into(),
            name.into(),
            "".into(),
            up.into(),
            up.into(),
            at.into(),
            n.into(),
            at.into(),
            at.into(),
        ];
        insert.values_panic(values);
    }
    db.execute(&insert).await.expect("inserted");
    team.service("the last one").await;
    let error = team.post("/api/services", json!({"name": "one too many"})).await.refuses(400, &[]);
    assert!(error["error"].as_str().expect("text").contains("500"));
    // All of them are listed in a few pages, and the public page renders.
    let (mut count, mut next) = (0, Some("/api/services".to_owned()));
    while let Some(address) = next {
        let answer = team.get(&address).await;
        count += answer.is(200).as_array().expect("a list").len();
        next = answer.next_page();
    }
    assert_eq!(count, 500);
    assert_eq!(app.get(&format!("/public/{}", team.slug)).await.status, 200);
}
