//! Statements: a change takes few of them, however many services it concerns.
//!
//! Counted is what the drivers are sent, except `BEGIN`, `COMMIT`, settings of the transaction (`SET …`), and the note of
//! a token's last use, which is made at most once every five minutes. For SQLite, what is one message counts once.

use sea_orm::{
    ConnectionTrait,
    sea_query::{Alias, Expr, Query},
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    server::domain::statement_log,
    tests::support::{
        app::TestApp,
        clients::{Answer, Team, id_of, impacts, incident_path, path_of},
        database::{connect, database_url},
    },
};

/// The statements of a request.
struct Sent {
    answer: Answer,
    /// Those of the authentication: none for a service, whose caller the transaction verifies.
    before: Vec<String>,
    /// Those of the transaction, which begins by locking the organization.
    inside: Vec<String>,
}

async fn sent(request: impl Future<Output = Answer>) -> Sent {
    statement_log::take();
    let answer = request.await;
    let mut before = statement_log::take();
    before.retain(|sql| !sql.starts_with("SET ") && !sql.starts_with("UPDATE \"api_token\""));
    let begin = before.iter().position(|sql| sql.starts_with("SELECT \"organization\".\"id\""));
    let inside = before.split_off(begin.expect("the organization is locked"));
    Sent { answer, before, inside }
}

impl Sent {
    /// The counts of a request that must have succeeded with this status, within these limits.
    #[track_caller]
    fn within(&self, status: u16, before: usize, inside: usize) -> (usize, usize) {
        self.answer.is(status);
        assert!(self.before.len() <= before, "{:#?}", self.before);
        assert!(self.inside.len() <= inside, "{} of {inside}: {:#?}", self.inside.len(), self.inside);
        (self.before.len(), self.inside.len())
    }
}

/// A team with this many services, in one group.
async fn team_with(app: &TestApp, count: usize) -> (Team, Vec<Value>) {
    let team = app.register("Acme").await;
    let organization: Uuid = id_of(&team.organization).parse().expect("an id");
    let group = team.group("All").await;
    let group: Uuid = id_of(&group).parse().expect("an id");
    let columns = [
        "org_id",
        "id",
        "group_id",
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
    let first = u128::from(rand::random::<u64>()) << 64;
    for n in 0..count {
        let position = i64::try_from(n).expect("few");
        let values: [Expr; 11] = [
            organization.into(),
            Uuid::from_u128(first | u128::from(position.unsigned_abs())).into(),
            group.into(),
            format!("Service {n}").into(),
            "".into(),
            "operational".into(),
            "operational".into(),
            0_i64.into(),
            position.into(),
            0_i64.into(),
            0_i64.into(),
        ];
        insert.values_panic(values);
    }
    connect(database_url()).await.execute(&insert).await.expect("inserted");
    let mut services = Vec::new();
    let mut path = Some("/api/services?limit=100".to_owned());
    while let Some(at) = path {
        let page = team.get(&at).await;
        services.extend(page.is(200).as_array().expect("a list").clone());
        path = page.next_page();
    }
    assert_eq!(services.len(), count);
    (team, services)
}

/// The statements before and inside the transaction of each change, with this many services.
async fn counts(app: &TestApp, count: usize) -> Vec<(&'static str, (usize, usize))> {
    let (team, services) = team_with(app, count).await;
    let mut counts = Vec::new();
    let first = path_of(&services[0]);
    // A status is set most often: SQLite's thread is sent what is read and what is written.
    let most = if database_url().starts_with("sqlite:") { 2 } else { 8 };
    counts.push(("a status", sent(team.put(&first, json!({"status": "degraded"}))).await.within(200, 0, most)));
    counts.push(("a name", sent(team.put(&first, json!({"name": "Renamed"}))).await.within(200, 0, 8)));
    let moved = sent(team.put(&first, json!({"position": count - 1}))).await;
    counts.push(("a position", moved.within(200, 0, 12)));
    let moved = sent(team.put(&path_of(&services[2]), json!({"position": 0, "group_id": null}))).await;
    counts.push(("a group", moved.within(200, 0, 12)));

    let all: Vec<_> = services.iter().map(|service| (service, "partial_outage")).collect();
    let new = json!({"title": "Down", "services": impacts(&all)});
    let opened = sent(team.post("/api/incidents", new)).await;
    counts.push(("an incident", opened.within(201, 1, 40)));
    let incident = opened.answer.json();
    assert_eq!(incident, team.incident(&incident).await, "the answer is what is stored");
    let updates = format!("{}/updates", incident_path(&incident));
    let one = json!({"message": "One is better.", "services": impacts(&[(&services[1], "operational")])});
    counts.push(("an update on one", sent(team.post(&updates, one)).await.within(201, 1, 17)));
    let title = json!({"title": "Almost up"});
    counts.push(("a title", sent(team.put(&incident_path(&incident), title)).await.within(200, 1, 40)));
    let end = json!({"status": "resolved", "message": "Over."});
    counts.push(("an end", sent(team.post(&updates, end)).await.within(201, 1, 40)));
    counts.push(("a new start", sent(team.post(&updates, json!({"status": "monitoring"}))).await.within(201, 1, 40)));
    let others: Vec<_> = services[1..].iter().map(|service| (service, "degraded")).collect();
    let fewer = json!({"services": impacts(&others)});
    counts.push(("a detached service", sent(team.put(&incident_path(&incident), fewer)).await.within(200, 1, 40)));
    assert_eq!(team.incident(&incident).await["services"].as_array().map(Vec::len), Some(count - 1));
    counts.push(("a deletion", sent(team.delete(&incident_path(&incident))).await.within(204, 1, 40)));
    for service in &services[1..] {
        assert_eq!(team.get(&path_of(service)).await.is(200)["status"], "operational");
    }

    let deleted = sent(team.delete(&path_of(&services[1]))).await;
    counts.push(("a deleted service", deleted.within(204, 1, 12)));
    let deleted = sent(team.delete(&format!("/api/groups/{}", group_of(&services[1])))).await;
    counts.push(("a deleted group", deleted.within(204, 1, 18)));
    counts
}

fn group_of(service: &Value) -> &str {
    service["group_id"].as_str().expect("a group")
}

#[tokio::test]
async fn a_change_takes_few_statements_however_many_services_there_are() {
    let app = TestApp::open().await;
    let (few, many) = (counts(&app, 30).await, counts(&app, 300).await);
    for (change, (before, inside)) in &many {
        println!("{change}: {before} before the transaction, {inside} in it");
    }
    for ((change, few), (_, many)) in few.into_iter().zip(many) {
        // Rows are written in batches whose sizes are powers of two: up to four tables, and up to two batches more.
        assert!(few.0 == many.0 && many.1 <= few.1 + 8, "{change}: {few:?} with few services, {many:?} with many");
    }
}

#[tokio::test]
async fn a_request_with_an_api_token_is_authenticated_by_one_statement() {
    let app = TestApp::open().await;
    let (team, services) = team_with(&app, 3).await;
    let new = json!({"name": "Robot", "scope": "write"});
    let secret = team.post("/api/tokens", new).await.is(201)["secret"].as_str().expect("a secret").to_owned();
    let robot = Team { token: secret, ..team.clone() };
    let change = async |status: &str| sent(robot.put(&path_of(&services[0]), json!({"status": status}))).await;
    change("degraded").await.within(200, 1, 8);
    change("operational").await.within(200, 0, 8);
}
