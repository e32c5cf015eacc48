//! Service groups through the REST API.

use sea_orm::{
    ConnectionTrait,
    sea_query::{Alias, Expr, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::tests::support::{
    app::TestApp,
    clients::{id_of, path_of},
    database::{connect, database_url},
};

fn path(group: &Value) -> String {
    format!("/api/groups/{}", id_of(group))
}

fn names(groups: &[Value]) -> Vec<&str> {
    groups.iter().map(|group| group["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn a_group_is_created_shown_renamed_and_moved() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let core = team.group("Core").await;
    let fields: Vec<_> = core.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["created_at", "id", "name", "organization_id", "position", "updated_at", "version"]);
    assert_eq!((&core["position"], &core["organization_id"]), (&json!(0), &team.organization["id"]));
    assert_eq!(team.get(&path(&core)).await.is(200), core);
    team.group("Edge").await;
    team.post("/api/groups", json!({"name": "First", "position": 0})).await.is(201);
    assert_eq!(names(&team.groups().await), ["First", "Core", "Edge"]);
    app.pass(60);
    let renamed = team.put(&path(&core), json!({"name": " Platform "})).await.is(200);
    assert_eq!((&renamed["name"], &renamed["position"]), (&json!("Platform"), &json!(1)));
    assert_eq!(renamed["updated_at"], "2026-03-01T12:01:00.000Z");
    let moved = team.put(&path(&core), json!({"position": 99})).await.is(200);
    assert_eq!(moved["position"], 2, "there is no position after the last");
    assert_eq!(names(&team.groups().await), ["First", "Edge", "Platform"]);
    assert_eq!(team.public("status").await["groups"], json!(team.groups().await));
}

#[tokio::test]
async fn a_change_without_differences_does_nothing() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    let seq = team.seq().await;
    app.pass(60);
    for same in [json!({}), json!({"name": "Core"}), json!({"position": 0}), json!({"position": 7, "name": "Core"})] {
        assert_eq!(team.put(&path(&group), same).await.is(200), group);
    }
    assert_eq!(team.seq().await, seq);
}

#[tokio::test]
async fn every_invalid_field_is_named() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    for (field, value) in [
        ("name", json!("")),
        ("name", json!("x".repeat(101))),
        ("name", json!("\u{7}bell")),
        ("name", json!(false)),
        ("position", json!(-1)),
        ("position", json!("first")),
        ("id", json!("x")),
        ("organization_id", group["organization_id"].clone()),
        ("services", json!([])),
    ] {
        team.put(&path(&group), json!({field: value})).await.refuses(400, &[field]);
        let mut new = json!({"name": "New"});
        new[field] = value;
        team.post("/api/groups", new).await.refuses(400, &[field]);
    }
    assert_eq!(team.groups().await, [group]);
}

#[tokio::test]
async fn the_services_of_a_deleted_group_follow_those_without_a_group() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let (doomed, other) = (team.group("Doomed").await, team.group("Other").await);
    let loose = team.service("loose").await;
    let mut inside = Vec::new();
    for name in ["one", "two", "gone"] {
        inside.push(team.post("/api/services", json!({"name": name, "group_id": id_of(&doomed)})).await.is(201));
    }
    let apart = team.post("/api/services", json!({"name": "apart", "group_id": id_of(&other)})).await.is(201);
    team.change(&inside[0], json!({"status": "degraded"})).await;
    // A deleted service still refers to its group.
    team.delete(&path_of(&inside[2])).await.is(204);

    assert!(team.delete(&path(&doomed)).await.is(204).is_null());
    for answer in
        [team.get(&path(&doomed)).await, team.put(&path(&doomed), json!({})).await, team.delete(&path(&doomed)).await]
    {
        answer.refuses(404, &[]);
    }
    let services = team.services().await;
    let places: Vec<_> = services
        .iter()
        .map(|s| (s["name"].as_str().expect("a name"), s["group_id"].clone(), s["position"].clone()))
        .collect();
    let none = Value::Null;
    assert_eq!(
        places,
        [
            ("loose", none.clone(), json!(0)),
            ("one", none.clone(), json!(1)),
            ("two", none, json!(2)),
            ("apart", other["id"].clone(), json!(0)),
        ]
    );
    assert_eq!(services[0], loose);
    assert_eq!(services[3], apart);
    assert_eq!(services[1]["status"], "degraded");
    assert_eq!(team.history(&inside[0]).await.len(), 1);
    let groups = team.groups().await;
    assert_eq!((names(&groups), &groups[0]["position"]), (vec!["Other"], &json!(0)));
    team.post("/api/services", json!({"name": "late", "group_id": id_of(&doomed)})).await.refuses(404, &["group_id"]);
}

#[tokio::test]
async fn two_groups_may_have_the_same_name() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    assert_ne!(team.group("Core").await["id"], team.group("Core").await["id"]);
}

#[tokio::test]
async fn r_70_an_organization_has_at_most_a_hundred_groups() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let db = connect(database_url()).await;
    let organization: Uuid = id_of(&team.organization).parse().expect("an id");
    let columns = ["org_id", "id", "name", "position", "created_at", "updated_at"];
    let mut insert = Query::insert();
    insert.into_table(Alias::new("service_group")).columns(columns.map(Alias::new));
    for n in 0..99_i64 {
        let id = Uuid::from_u128((u128::from(rand::random::<u64>()) << 64) | u128::from(n.unsigned_abs()));
        let values: [Expr; 6] =
            [organization.into(), id.into(), format!("g{n}").into(), n.into(), 0_i64.into(), 0_i64.into()];
        insert.values_panic(values);
    }
    db.execute(&insert).await.expect("inserted");
    team.group("the last one").await;
    let error = team.post("/api/groups", json!({"name": "one too many"})).await.refuses(400, &[]);
    assert!(error["error"].as_str().expect("text").contains("100"));
    assert_eq!(team.groups().await.len(), 100);
}
