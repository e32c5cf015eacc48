//! The scheduler on several instances, some of which are killed while they work: every step is taken once, in order
//! (domain rule 3.6.3).
//!
//! `ALDIS_TEST_WINDOWS` sets the number of windows.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::poll_fn,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    task::Poll,
};

use rand::random_range;
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use tokio::{
    runtime::{Builder, Runtime},
    sync::oneshot,
};

use crate::{
    model::{Timestamp, maintenance::REMINDER_SECONDS},
    server::domain::{Clock, LEASE_SECONDS},
    tests::support::{
        app::TestApp,
        clients::{Team, id_of, path_of},
        database::{connect, setting, texts},
    },
};

const NOW: &str = "2026-11-23T01:00:00Z";
const MINUTE: i64 = 60;
/// The services of each organization.
const SERVICES: usize = 6;
/// How far time advances while instances work, in seconds: less than would make a reminder late.
const DURING_WORK: i64 = 5 * MINUTE;
/// The longest time between two runs of the scheduler.
const PAUSE: i64 = 25 * MINUTE;

/// A clock that advances while instances work.
#[derive(Clone)]
struct Time {
    clock: Clock,
    left: Arc<AtomicI64>,
}

impl Time {
    fn of(app: &TestApp) -> Self {
        Self { clock: app.clock.clone(), left: Arc::default() }
    }

    /// Advances the clock, and lets it advance further while instances work.
    fn pass(&self, seconds: i64) {
        self.clock.advance_seconds(seconds);
        self.left.store(DURING_WORK, Ordering::SeqCst);
    }

    /// Sometimes advances a little, and rarely so far that a lease expires under its holder.
    fn advance(&self) {
        let seconds = match random_range(0..400) {
            0 => random_range(LEASE_SECONDS..3 * LEASE_SECONDS),
            1..10 => random_range(1..LEASE_SECONDS / 2),
            _ => return,
        };
        if self.left.fetch_sub(seconds, Ordering::SeqCst) >= seconds {
            self.clock.advance_seconds(seconds);
        }
    }

    /// Polls the work while time advances.
    async fn during<T>(self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.advance();
            work.as_mut().poll(context)
        })
        .await
    }
}

/// An instance with its own runtime, so that killing it stops all of its work.
struct Instance {
    runtime: Runtime,
    app: TestApp,
}

impl Instance {
    async fn start(beside: &TestApp) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let beside = beside.clone();
        let app = runtime.spawn(async move { beside.another_instance().await }).await.expect("started");
        Self { runtime, app }
    }

    /// Runs the scheduler while time advances; returns the number of steps taken.
    async fn work(&self, time: &Time) -> usize {
        let (app, time) = (self.app.clone(), time.clone());
        self.runtime.spawn(async move { time.during(Box::pin(app.tick())).await }).await.expect("worked")
    }

    /// Runs the scheduler and is killed after this many polls, wherever that is: its connections break.
    async fn kill_while_working(self, turns: usize) {
        let app = self.app.clone();
        let (killed, kill) = oneshot::channel::<()>();
        self.runtime.spawn(async move {
            let mut killed = Some(killed);
            let mut turns = turns;
            let mut work = pin!(app.tick());
            poll_fn(|context| {
                if turns == 0 {
                    drop(killed.take());
                    return Poll::Pending;
                }
                turns -= 1;
                work.as_mut().poll(context)
            })
            .await
        });
        assert!(kill.await.is_err(), "killed without an answer");
        self.runtime.shutdown_background();
    }
}

/// A scheduled window.
struct Plan {
    id: String,
    team: usize,
    start: i64,
    end: i64,
    services: BTreeSet<usize>,
}

/// Organizations with windows that overlap and share services.
struct World {
    app: TestApp,
    db: DatabaseConnection,
    teams: Vec<Team>,
    services: Vec<Vec<Value>>,
    plans: Vec<Plan>,
    begun: i64,
    kills: usize,
}

impl World {
    async fn with(windows: usize) -> Self {
        let app = TestApp::alone_at(NOW).await;
        let (mut teams, mut services) = (Vec::new(), Vec::new());
        for _ in 0..(windows / 50).clamp(3, 12) {
            let team = app.register("Acme").await;
            let mut of_team = Vec::new();
            for n in 0..SERVICES {
                of_team.push(team.service(&format!("S{n}")).await);
            }
            teams.push(team);
            services.push(of_team);
        }
        let url = app.own.as_ref().expect("a database of its own").url.clone();
        let begun = app.clock.now().millis();
        let mut world = Self { db: connect(&url).await, app, teams, services, plans: Vec::new(), begun, kills: 0 };
        // Windows overlap often, but services are free at times.
        let room = i64::try_from(windows).expect("a number") * 4 * MINUTE + 6 * 60 * MINUTE;
        for n in 0..windows {
            world.plan(n, room).await;
        }
        world
    }

    async fn plan(&mut self, n: usize, room: i64) {
        let team = n % self.teams.len();
        // Some windows start and end on round times, so that several steps are due at one instant.
        let whole = if random_range(0..3) == 0 { 1 } else { 5 * MINUTE };
        let start = self.begun + random_range(5 * MINUTE..room) / whole * whole * 1000;
        let end = start + random_range(10 * MINUTE..150 * MINUTE) / whole * whole * 1000;
        let services: BTreeSet<usize> = (0..random_range(1..4)).map(|_| random_range(0..SERVICES)).collect();
        let window = json!({
            "title": format!("Window {n}"),
            "incident_type": "maintenance",
            "starts_at": Timestamp::from_millis(start),
            "ends_at": Timestamp::from_millis(end),
            "service_ids": services.iter().map(|n| id_of(&self.services[team][*n])).collect::<Vec<_>>(),
        });
        let planned = self.teams[team].post("/api/incidents", window).await.is(201);
        self.plans.push(Plan { id: id_of(&planned).to_owned(), team, start, end, services });
    }

    /// One number from the database.
    async fn count(&self, sql: &str) -> i64 {
        texts::<1>(&self.db, sql).await[0][0].trim().parse().expect("a number")
    }

    async fn due(&self) -> i64 {
        let now = self.app.clock.now().millis();
        self.count(&format!("SELECT CAST(count(*) AS CHAR(20)) FROM incident WHERE next_at <= {now}")).await
    }

    async fn is_leased(&self) -> bool {
        let now = self.app.clock.now().millis();
        self.count(&format!("SELECT CAST(count(*) AS CHAR(20)) FROM job_lease WHERE until > {now}")).await == 1
    }

    /// Runs both instances until nothing is due. The lease holder does the work.
    async fn work(&self, time: &Time, [one, two]: [&Instance; 2]) -> usize {
        let (mut taken, mut idle) = (0, 0);
        while self.due().await > 0 {
            let (by_one, by_two) = tokio::join!(one.work(time), two.work(time));
            taken += by_one + by_two;
            idle = if by_one + by_two == 0 { idle + 1 } else { 0 };
            // A step that became due after the holder looked is taken the next time.
            assert!(idle < 10, "{} steps are due and not taken", self.due().await);
        }
        taken
    }

    /// Kills one instance while it works. The other waits until the lease expires, then takes over.
    async fn lose(&mut self, time: &Time, dying: Instance, left: &Instance) {
        self.app.pass(LEASE_SECONDS);
        dying.kill_while_working(random_range(1..400)).await;
        if self.is_leased().await && self.due().await > 0 {
            assert_eq!(left.app.tick().await, 0, "the lease of the killed instance is valid");
            self.app.pass(LEASE_SECONDS - 1);
            assert_eq!(left.app.tick().await, 0, "the lease of the killed instance is valid");
            self.app.pass(1);
            assert!(left.work(time).await > 0, "the lease has expired");
            self.kills += 1;
        }
    }

    /// The status changes of each service of a team, if every step was taken at its time.
    fn expected_changes(&self, team: usize) -> BTreeMap<usize, Vec<(String, Timestamp)>> {
        let of_team = || self.plans.iter().filter(|plan| plan.team == team);
        let starts = of_team().map(|plan| (plan.start, &plan.id, true, &plan.services));
        let ends = of_team().map(|plan| (plan.end, &plan.id, false, &plan.services));
        let mut steps: Vec<_> = starts.chain(ends).collect();
        steps.sort();
        let mut worked_on = [0_usize; SERVICES];
        let mut since = [self.begun; SERVICES];
        let mut changes: BTreeMap<usize, Vec<_>> = (0..SERVICES).map(|n| (n, Vec::new())).collect();
        for (at, _, begins, services) in steps {
            for n in services {
                let was = worked_on[*n];
                worked_on[*n] = if begins { was + 1 } else { was - 1 };
                if (was == 0) != (worked_on[*n] == 0) {
                    since[*n] = at.max(since[*n] + 1);
                    let status = if begins { "under_maintenance" } else { "operational" };
                    changes.entry(*n).or_default().push((status.to_owned(), Timestamp::from_millis(since[*n])));
                }
            }
        }
        changes
    }

    /// Asserts that every window has its updates, at their times.
    async fn assert_updates(&self, team: usize) {
        let windows = all_pages(&self.teams[team], "/api/incidents?type=maintenance&limit=100").await;
        let of_team: Vec<_> = self.plans.iter().filter(|plan| plan.team == team).collect();
        assert_eq!(windows.len(), of_team.len());
        let windows: BTreeMap<&str, &Value> = windows.iter().map(|window| (id_of(window), window)).collect();
        for plan in of_team {
            let window = windows[plan.id.as_str()];
            let remind = plan.start - REMINDER_SECONDS * 1000;
            let mut expected = vec![("scheduled", self.begun)];
            expected.extend((remind > self.begun).then_some(("scheduled", remind)));
            expected.extend([("in_progress", plan.start), ("completed", plan.end)]);
            let expected: Vec<_> =
                expected.into_iter().map(|(status, at)| json!([status, Timestamp::from_millis(at)])).collect();
            let updates = window["updates"].as_array().expect("a list").iter().rev();
            let said: Vec<_> = updates.map(|update| json!([update["status"], update["display_at"]])).collect();
            assert_eq!(said, expected, "{window}");
            assert_eq!(window["version"], said.len(), "{window}");
            assert_eq!(window["status"], "completed");
            assert!(window["updates"][0]["notify"] == true);
        }
    }

    /// Asserts that every status change was recorded at its time, and every event emitted once, without gaps.
    async fn assert_changes(&self, team: usize) {
        let mut told = SERVICES;
        for (n, expected) in self.expected_changes(team) {
            let service = &self.services[team][n];
            let history = all_pages(&self.teams[team], &format!("{}/history?limit=100", path_of(service))).await;
            let row = |row: &Value| (row["new_status"].as_str().expect("a word").to_owned(), row["created_at"].clone());
            let changes: Vec<_> = history.iter().rev().map(row).collect();
            let expected: Vec<_> = expected.into_iter().map(|(status, at)| (status, json!(at))).collect();
            assert_eq!(changes, expected, "{service}");
            assert!(history.iter().all(|row| row["cause"] == "maintenance"));
            told += changes.len();
        }
        let steps: usize = self
            .plans
            .iter()
            .filter(|plan| plan.team == team)
            .map(|plan| if plan.start - REMINDER_SECONDS * 1000 > self.begun { 4 } else { 3 })
            .sum();
        let expected = (told + steps).to_string();
        let sql = format!(
            "SELECT event.audience, CAST(count(*) AS CHAR(20)), CAST(min(seq) AS CHAR(20)), CAST(max(seq) AS CHAR(20)), \
             CAST(min(CASE WHEN event.audience = 'public' THEN public_seq ELSE members_seq END) AS CHAR(20)) \
             FROM event JOIN organization ON organization.id = event.org_id WHERE organization.slug = '{}' \
             GROUP BY event.audience ORDER BY event.audience",
            self.teams[team].slug
        );
        let rows = texts::<5>(&self.db, &sql).await;
        assert_eq!(rows.len(), 2, "both audiences");
        for row in rows {
            let [audience, rest @ ..] = row.each_ref().map(|text| text.trim());
            assert_eq!(rest, [expected.as_str(), "1", &expected, &expected], "numbers, {audience}");
        }
    }
}

/// All items of a list, page by page.
async fn all_pages(team: &Team, path: &str) -> Vec<Value> {
    let (mut all, mut next) = (Vec::new(), Some(path.to_owned()));
    while let Some(path) = next {
        let answer = team.get(&path).await;
        next = answer.next_page();
        all.extend(answer.is(200).as_array().expect("a list").iter().cloned());
    }
    all
}

#[tokio::test]
#[ignore = "kills instances at random moments, for which it needs the machine to itself: `scripts/battery scheduler` runs it"]
async fn rule_3_6_3_every_step_is_taken_once_even_when_instances_are_killed() {
    let windows = setting("ALDIS_TEST_WINDOWS").map_or(40, |windows| windows.parse().expect("a number"));
    let mut world = World::with(windows).await;
    let time = Time::of(&world.app);
    let (mut one, mut two) = (Instance::start(&world.app).await, Instance::start(&world.app).await);
    let last = world.plans.iter().map(|plan| plan.end).max().expect("some windows");
    let mut taken_together = 0;
    for round in 1.. {
        if world.app.clock.now().millis() > last {
            break;
        }
        time.pass(random_range(1..PAUSE));
        if (round % 4 == 0 || world.kills == 0) && world.due().await > 1 {
            // The other instance takes over, and a new one is started.
            world.lose(&time, one, &two).await;
            (one, two) = (two, Instance::start(&world.app).await);
        }
        taken_together += world.work(&time, [&one, &two]).await;
    }
    world.work(&time, [&one, &two]).await;
    assert!(world.kills > 0 && taken_together > 0, "{} were killed", world.kills);
    for team in 0..world.teams.len() {
        world.assert_updates(team).await;
        world.assert_changes(team).await;
    }
    for instance in [one, two] {
        instance.runtime.shutdown_background();
    }
    println!("{windows} windows were completed while {} instances were killed", world.kills);
}
