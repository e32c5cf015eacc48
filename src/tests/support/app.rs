//! The server under test: the real router on a real database.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Method, Request, header, request::Builder},
};
use clap::{Args, Command, FromArgMatches};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{
    clients::{Answer, Browser, Team},
    database::{OwnDatabase, database_url, scratch},
};
use crate::{
    model::Timestamp,
    server::{
        Config, Relay, Settings,
        domain::{Clock, Domain, LeaseHolder, SchedulerRun},
        router,
        state::AppState,
    },
};

/// The server's public URL.
pub const ORIGIN: &str = "http://127.0.0.1:3000";
/// The secret that session keys are derived from.
pub const SECRET: &str = "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi";
/// A strong password.
pub const PASSWORD: &str = "lantern over calm water 77";

/// An instance of the server.
#[derive(Clone)]
pub struct TestApp {
    pub state: AppState,
    pub router: Router,
    pub clock: Clock,
    /// This instance as a holder of the scheduler's lease.
    holder: LeaseHolder,
    /// Its own database, if it does not use the shared one.
    pub own: Option<Arc<OwnDatabase>>,
}

impl TestApp {
    /// The server with default settings.
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    /// The server with additional settings.
    pub async fn with(flags: &[&str]) -> Self {
        Self::build(flags, Clock::System, Relay::none()).await
    }

    /// The server at this time, which only the test moves.
    pub async fn at(instant: &str) -> Self {
        Self::build(&[], pretended(instant), Relay::none()).await
    }

    /// As [`TestApp::at`], with its own database. [`TestApp::tick`] runs the scheduler for all organizations: on the
    /// shared database, tests would affect each other's maintenances.
    pub async fn alone_at(instant: &str) -> Self {
        Self::on(OwnDatabase::create().await.into(), pretended(instant)).await
    }

    /// Another instance with the same clock and database, and its own connections.
    pub async fn another_instance(&self) -> Self {
        self.instance_ahead(0).await
    }

    /// Another instance on the same database, on a machine whose clock is ahead.
    pub async fn instance_ahead(&self, seconds: i64) -> Self {
        let own = self.own.clone().expect("only an app with its own database can have other instances");
        Self::on(own, self.clock.ahead_by(seconds)).await
    }

    /// Another instance on the same database, which it has not opened.
    pub async fn closed_instance(&self) -> Self {
        let own = self.own.clone().expect("only an app with its own database can have other instances");
        let domain = Domain::closed(&own.url, Relay::none(), self.clock.clone()).await.expect("an address");
        let state = AppState::for_tests(config(&["--database-url", &own.url]), domain);
        Self { own: Some(own), ..Self::of(state, self.clock.clone()) }
    }

    pub async fn build(flags: &[&str], clock: Clock, relay: Relay) -> Self {
        let domain = Domain::open(database_url(), relay, clock.clone()).await.expect("the database opens");
        Self::of(AppState::for_tests(config(flags), domain), clock)
    }

    async fn on(own: Arc<OwnDatabase>, clock: Clock) -> Self {
        let domain = Domain::open(&own.url, Relay::none(), clock.clone()).await.expect("the database opens");
        let app = Self::of(AppState::for_tests(config(&["--database-url", &own.url]), domain), clock);
        Self { own: Some(own), ..app }
    }

    pub fn of(state: AppState, clock: Clock) -> Self {
        Self { router: router(state.clone()), state, clock, holder: LeaseHolder::default(), own: None }
    }

    /// The same, over the database of another.
    pub fn over(self, other: Self) -> Self {
        Self { own: other.own, ..self }
    }

    /// Moves the clock forward.
    pub fn pass(&self, seconds: i64) {
        self.clock.advance_seconds(seconds);
    }

    /// Runs the maintenance scheduler once, as each instance does every two seconds, and returns the number of steps.
    pub async fn tick(&self) -> usize {
        assert!(self.own.is_some(), "this would affect other tests' maintenances: use `TestApp::alone_at`");
        self.state.system().run_scheduler(self.holder, || {}).await.expect("the scheduler runs")
    }

    /// Runs one round of the scheduler, in which each organization has its turn, and returns the number of steps.
    pub async fn round(&self) -> Option<usize> {
        assert!(self.own.is_some(), "this would affect other tests' maintenances: use `TestApp::alone_at`");
        let mut run = SchedulerRun::default();
        self.state.system().run_round(self.holder, &mut run).await.expect("the scheduler runs")
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let answer = self.send_only(request).await;
        // Before the test reads them or moves the clock.
        self.state.last_uses_noted().await;
        answer
    }

    /// As [`TestApp::send`], without waiting for what is noted after the answer.
    pub async fn send_only(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        Answer::read(response).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).expect("request")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(with_json(request(Method::POST, path), body)).await
    }

    /// A new organization with its admin's session.
    pub async fn register(&self, name: &str) -> Team {
        let form = registration(name);
        let answer = self.post("/api/auth/register", &form).await;
        Team::of(self.clone(), &answer.is(201))
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }
}

/// A clock stopped at this time.
pub fn pretended(instant: &str) -> Clock {
    Clock::pretend(instant.parse::<Timestamp>().expect("an instant"))
}

/// Settings from these command-line flags; later ones win.
pub fn config(flags: &[&str]) -> Config {
    let data = scratch().join("data").to_string_lossy().into_owned();
    let defaults = [
        "--database-url",
        database_url(),
        "--data-dir",
        &data,
        "--jwt-secret",
        SECRET,
        "--public-url",
        ORIGIN,
        "--registration",
        "open",
        "--auth-rate",
        "1000000",
        "--api-rate",
        "1000000",
    ];
    let command = Settings::augment_args(Command::new("aldis").no_binary_name(true).args_override_self(true));
    let matches = command.get_matches_from(defaults.iter().chain(flags));
    let settings = Settings::from_arg_matches(&matches).expect("settings");
    settings.validate().unwrap_or_else(|error| panic!("{error}"))
}

pub fn request(method: Method, path: &str) -> Builder {
    Request::builder().method(method).uri(path)
}

pub fn with_json(builder: Builder, body: &Value) -> Request<Body> {
    builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).expect("request")
}

/// A unique registration.
pub fn registration(name: &str) -> Value {
    let slug = unique("team");
    json!({
        "organization_name": name,
        "slug": slug,
        "name": "Ada Lovelace",
        "email": format!("{slug}@example.com"),
        "password": PASSWORD,
    })
}

/// A unique page address.
pub fn unique(base: &str) -> String {
    format!("{base}-{:012x}", rand::random::<u64>() >> 16)
}
