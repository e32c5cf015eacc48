//! Pagination of lists that change between pages.

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{id_of, path_of},
};

fn names(services: &[Value]) -> Vec<&str> {
    services.iter().map(|service| service["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn a_list_continues_after_a_service_deleted_in_the_meantime() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    for n in 0..6 {
        let group = if n < 4 { json!(id_of(&group)) } else { Value::Null };
        let new = json!({"name": format!("s{n}"), "group_id": group, "position": 0});
        team.post("/api/services", new).await.is(201);
    }
    // Newest first, so that a service that moves up has an older id than the deleted one.
    let all = team.services().await;
    assert_eq!(names(&all), ["s5", "s4", "s3", "s2", "s1", "s0"]);
    let first = team.get("/api/services?limit=3").await;
    assert_eq!(names(first.is(200).as_array().expect("a list")), ["s5", "s4", "s3"]);
    let next = first.next_page().expect("another page");
    team.delete(&path_of(&all[2])).await.is(204);
    team.delete(&path_of(&all[0])).await.is(204);
    let second = team.get(&next).await;
    assert_eq!(names(second.is(200).as_array().expect("a list")), ["s2", "s1", "s0"]);
    assert_eq!(second.next_page(), None);
    // Across groups, and when the previous services have been deleted.
    let first = team.get("/api/services?limit=2").await;
    team.delete(&path_of(&all[1])).await.is(204);
    let second = team.get(&first.next_page().expect("another page")).await;
    assert_eq!(names(second.is(200).as_array().expect("a list")), ["s1", "s0"]);
    let other = app.register("Other").await;
    other.get(&next).await.refuses(400, &["cursor"]);
}
