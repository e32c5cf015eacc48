//! Ordering: after any changes, positions stay dense (0, 1, 2, …) in each group and among the groups.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::tests::support::{
    app::TestApp,
    clients::{Answer, Team, id_of, in_public, path_of},
    endpoints::path_to,
};

/// A seeded random number generator.
struct Dice(u64);

impl Dice {
    /// A number from 0 to `sides` - 1.
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    /// A random element, if there is one.
    fn pick(&mut self, from: &[Value]) -> Option<Value> {
        if from.is_empty() { None } else { Some(from[self.roll(from.len())].clone()) }
    }
}

/// A random group, or none.
fn some_group(dice: &mut Dice, groups: &[Value]) -> Value {
    match dice.pick(groups) {
        Some(group) if dice.roll(3) > 0 => group["id"].clone(),
        _ => Value::Null,
    }
}

/// Makes a random change; none if there is nothing to change.
async fn act(team: &Team, dice: &mut Dice) -> Option<(String, Answer)> {
    let (services, groups) = (team.services().await, team.groups().await);
    let group = some_group(dice, &groups);
    let place = json!(dice.roll(6));
    let direction = ["up", "down"][dice.roll(2)];
    let act = dice.roll(12);
    let told = format!("{act}: group {group}, place {place}, {direction}");
    let answer = match act {
        0 | 1 => team.post("/api/services", json!({"name": "s", "group_id": group})).await,
        2 => team.post("/api/services", json!({"name": "s", "group_id": group, "position": place})).await,
        3 => team.put(&path_of(&dice.pick(&services)?), json!({"position": place})).await,
        4 => team.put(&path_of(&dice.pick(&services)?), json!({"group_id": group})).await,
        5 => team.put(&path_of(&dice.pick(&services)?), json!({"group_id": group, "position": place})).await,
        6 => team.delete(&path_of(&dice.pick(&services)?)).await,
        7 => {
            let service = dice.pick(&services)?;
            let fields = [("id", id_of(&service)), ("direction", direction)];
            team.browser().call(path_to("move_service"), &fields).await
        }
        8 => team.post("/api/groups", json!({"name": "g", "position": place})).await,
        9 => team.put(&format!("/api/groups/{}", id_of(&dice.pick(&groups)?)), json!({"position": place})).await,
        10 => {
            let group = dice.pick(&groups)?;
            team.browser().call(path_to("move_group"), &[("id", id_of(&group)), ("direction", direction)]).await
        }
        _ => team.delete(&format!("/api/groups/{}", id_of(&dice.pick(&groups)?))).await,
    };
    Some((told, answer))
}

fn is_dense(positions: &[u64]) -> bool {
    positions.iter().copied().eq(0..u64::try_from(positions.len()).expect("few"))
}

fn position_of(thing: &Value) -> u64 {
    thing["position"].as_u64().expect("a place")
}

#[tokio::test]
async fn random_changes_leave_no_gap_and_no_duplicate_position() {
    let app = TestApp::open().await;
    for seed in [1, 2026] {
        let team = app.register("Acme").await;
        let mut dice = Dice(seed);
        let mut done = Vec::new();
        for _ in 0..40 {
            let Some((told, answer)) = act(&team, &mut dice).await else { continue };
            assert!(answer.status.is_success(), "seed {seed}: {told}: {}", answer.text);
            done.push(told);
            let page = team.public("status").await;
            let groups: Vec<u64> = page["groups"].as_array().expect("a list").iter().map(position_of).collect();
            assert!(is_dense(&groups), "seed {seed}: groups at {groups:?} after {done:#?}");
            let mut positions: BTreeMap<String, Vec<u64>> = BTreeMap::new();
            for service in page["services"].as_array().expect("a list") {
                positions.entry(service["group_id"].to_string()).or_default().push(position_of(service));
            }
            // The page lists them in order, so dense means 0, 1, 2 in this order.
            assert!(
                positions.values().all(|positions| is_dense(positions)),
                "seed {seed}: {positions:?} after {done:#?}"
            );
            let services: Vec<_> = team.services().await.iter().map(in_public).collect();
            assert_eq!(page["services"], json!(services));
        }
    }
}

#[tokio::test]
async fn moving_a_service_within_its_group_shifts_the_others() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let order = async || -> String {
        team.services().await.iter().map(|service| service["name"].as_str().expect("a name").to_owned()).collect()
    };
    let mut services = Vec::new();
    for name in ["a", "b", "c", "d"] {
        services.push(team.service(name).await);
    }
    for (which, place, expected) in
        [(0, 2, "bcad"), (3, 0, "dbca"), (1, 1, "dbca"), (2, 1, "dcba"), (0, 99, "dcba"), (3, 99, "cbad")]
    {
        let moved = team.change(&services[which], json!({"position": place})).await;
        assert_eq!(order().await, expected);
        assert_eq!(moved["position"], expected.find(moved["name"].as_str().expect("a name")).expect("there"));
    }
    let mut browser = team.browser();
    for (which, direction, expected) in [(2, "up", "cbad"), (2, "down", "bcad"), (3, "down", "bcad"), (3, "up", "bcda")]
    {
        let fields = [("id", id_of(&services[which])), ("direction", direction)];
        browser.call(path_to("move_service"), &fields).await.is(200);
        assert_eq!(order().await, expected);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_changes_leave_no_gap() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let group = team.group("Core").await;
    let tasks = (0..4).map(|n| {
        let (team, group) = (team.clone(), group["id"].clone());
        tokio::spawn(async move {
            for round in 0..6 {
                let new = json!({"name": format!("{n}/{round}"), "group_id": group, "position": n});
                let service = team.post("/api/services", new).await.is(201);
                match round % 3 {
                    0 => _ = team.change(&service, json!({"group_id": null})).await,
                    1 => _ = team.change(&service, json!({"position": 0})).await,
                    _ => _ = team.delete(&path_of(&service)).await.is(204),
                }
            }
        })
    });
    for task in futures::future::join_all(tasks).await {
        task.expect("ran to its end");
    }
    let services = team.services().await;
    for group in [Value::Null, group["id"].clone()] {
        let positions: Vec<u64> = services.iter().filter(|s| s["group_id"] == group).map(position_of).collect();
        assert!(is_dense(&positions) && positions.len() == 8, "{positions:?}");
    }
}

#[tokio::test]
async fn each_move_of_a_service_is_later_than_its_last_change() {
    let app = TestApp::at("2026-03-01T12:00:00Z").await;
    let team = app.register("Acme").await;
    let services = [team.service("a").await, team.service("b").await];
    for (seconds, position, time) in [(0, 1, "12:00:00.001"), (0, 0, "12:00:00.002"), (60, 1, "12:01:00.000")] {
        app.pass(seconds);
        team.change(&services[0], json!({"position": position})).await;
        for service in team.services().await {
            assert_eq!(service["updated_at"], format!("2026-03-01T{time}Z"), "{service}");
        }
    }
}
