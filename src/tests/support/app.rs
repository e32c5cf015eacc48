//! The server as the tests run it, behind the real router, on a real database.

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
        domain::{Clock, Domain, LeaseHolder},
        router,
        state::AppState,
    },
};

/// The address under which the tests' server says to be found.
pub const ORIGIN: &str = "http://127.0.0.1:3000";
/// The key that signs the tests' sessions.
pub const SECRET: &str = "kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi";
/// A password nobody guesses.
pub const PASSWORD: &str = "lantern over calm water 77";

/// The real router over the real database.
#[derive(Clone)]
pub struct TestApp {
    pub state: AppState,
    pub router: Router,
    pub clock: Clock,
    /// This instance in its claims to the maintenance clock.
    holder: LeaseHolder,
    /// The database, where it is not the one all tests share.
    pub own: Option<Arc<OwnDatabase>>,
}

impl TestApp {
    /// The server as it runs for most tests.
    pub async fn open() -> Self {
        Self::with(&[]).await
    }

    /// The server with these settings besides.
    pub async fn with(flags: &[&str]) -> Self {
        Self::build(flags, Clock::System, Relay::none()).await
    }

    /// The server at an instant that only the test moves.
    pub async fn at(instant: &str) -> Self {
        Self::build(&[], pretended(instant), Relay::none()).await
    }

    /// The server at an instant that only the test moves, on a database of its own. What [`TestApp::tick`] does by itself
    /// it does for every organization: on the shared database tests would move each other's maintenances.
    pub async fn alone_at(instant: &str) -> Self {
        Self::on(OwnDatabase::create().await.into(), pretended(instant)).await
    }

    /// Another instance of the server: the same time, the same database through connections of its own.
    pub async fn beside(&self) -> Self {
        let own = self.own.clone().expect("only an app that is alone has instances beside it");
        Self::on(own, self.clock.clone()).await
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

    /// Lets time pass.
    pub fn pass(&self, seconds: i64) {
        self.clock.advance_seconds(seconds);
    }

    /// Lets this instance do what is due for maintenances, as it does every two seconds; tells how many steps it took.
    pub async fn tick(&self) -> usize {
        assert!(self.own.is_some(), "this would move other tests' maintenances: use `TestApp::alone_at`");
        self.state.system().run_scheduler(self.holder).await.expect("the clock runs")
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let Ok(response) = self.router.clone().oneshot(request).await;
        Answer::read(response).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).expect("request")).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(with_json(request(Method::POST, path), body)).await
    }

    /// A new organization with its admin, signed in.
    pub async fn register(&self, name: &str) -> Team {
        let form = registration(name);
        let answer = self.post("/api/auth/register", &form).await;
        Team::of(self.clone(), &answer.is(201))
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }
}

/// A clock that stands still at this instant.
pub fn pretended(instant: &str) -> Clock {
    Clock::pretend(instant.parse::<Timestamp>().expect("an instant"))
}

/// Settings as they come from the command line; later flags win.
pub fn config(flags: &[&str]) -> Config {
    let data = scratch().join("data").to_string_lossy().into_owned();
    let usual = [
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
    let matches = command.get_matches_from(usual.iter().chain(flags));
    let settings = Settings::from_arg_matches(&matches).expect("settings");
    settings.validate().unwrap_or_else(|error| panic!("{error}"))
}

pub fn request(method: Method, path: &str) -> Builder {
    Request::builder().method(method).uri(path)
}

pub fn with_json(builder: Builder, body: &Value) -> Request<Body> {
    builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).expect("request")
}

/// A registration nobody else has made.
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

/// A page address nobody else has.
pub fn unique(base: &str) -> String {
    format!("{base}-{:012x}", rand::random::<u64>() >> 16)
}
