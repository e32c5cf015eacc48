//! Instances of the server that share a Redis.

use super::{
    app::{SECRET, TestApp, config, pretended, unique},
    database::database_url,
};
use crate::server::{
    Heartbeats, Relay,
    domain::{Clock, Domain},
    receive_from_instances,
    state::AppState,
};

/// An instance connected to the others through Redis.
pub async fn connected(redis: &str) -> TestApp {
    join(redis, &[], Clock::System).await
}

/// As [`connected`], with these settings and at this time.
async fn join(redis: &str, flags: &[&str], clock: Clock) -> TestApp {
    let heartbeats = Heartbeats::ignored();
    let relay = Relay::open(redis, &heartbeats).expect("an address");
    let domain = Domain::open(database_url(), relay.clone(), clock.clone()).await.expect("the database opens");
    let state = AppState::for_tests(config(flags), domain);
    tokio::spawn(receive_from_instances(relay, state.system(), heartbeats, state.stop()));
    TestApp::of(state, clock)
}

/// Two instances with shared counters, separated from others by their secret.
pub async fn pair(redis: &str, flags: &[&str]) -> [TestApp; 2] {
    let (secret, clock) = (unique(SECRET), pretended("2026-03-01T12:00:00Z"));
    let flags = [&["--jwt-secret", secret.as_str()], flags].concat();
    [join(redis, &flags, clock.clone()).await, join(redis, &flags, clock).await]
}
