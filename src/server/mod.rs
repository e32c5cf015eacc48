//! What only the server knows: gated once, in `lib.rs`. Here, and only here, things are put together.

mod api;
mod assets;
mod auth;
pub mod call;
mod commands;
mod config;
pub mod domain;
mod error;
mod forms;
mod jobs;
mod live;
mod net;
mod pages;
mod relay;
mod router;
mod secret;
mod serve;
mod telemetry;

pub use commands::main;
pub use config::{Config, Settings};
pub use router::router;

use axum::extract::FromRef;
use leptos::config::LeptosOptions;
use tokio_util::sync::CancellationToken;

use self::{
    auth::{Passwords, SessionCookie, Throttle, Tokens},
    domain::Domain,
};
use crate::{app::Assets, model::Result};

/// What every request can reach. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    config: Config,
    domain: Domain,
    passwords: Passwords,
    throttle: Throttle,
    tokens: Tokens,
    cookie: SessionCookie,
    names: assets::Names,
    assets: Assets,
    leptos: LeptosOptions,
    /// Told when the server is to stop: sockets close, jobs end.
    stop: CancellationToken,
}

impl AppState {
    /// Puts the parts together.
    ///
    /// # Errors
    /// When the password cost is out of range.
    fn new(config: Config, domain: Domain, names: assets::Names, password_cost: u32) -> Result<Self> {
        Ok(Self {
            passwords: Passwords::new(password_cost)?,
            throttle: Throttle::new(domain.clock().clone(), config.auth_rate),
            tokens: Tokens::new(&config.secret),
            cookie: SessionCookie::new(&config.public_url),
            assets: names.assets(),
            names,
            leptos: LeptosOptions::builder().output_name("aldis").build(),
            stop: CancellationToken::new(),
            config,
            domain,
        })
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
