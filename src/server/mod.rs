//! The server: HTTP, the rules and their storage, live updates and background jobs. Built only with the feature `ssr`.

mod api;
pub mod auth;
mod commands;
mod config;
pub mod domain;
mod encryption;
mod error;
mod http;
mod jobs;
mod live;
pub mod mail;
mod pages;
mod public_cache;
mod rate_limit;
pub mod server_fn;
mod snapshots;
pub mod state;
mod supervisor;
mod telemetry;

pub use commands::main;
pub use config::{Config, Settings};
pub use http::assets::Files;
#[cfg(test)]
pub(crate) use http::listener::{Answers, ConnectionLimits, accept};
pub use http::router::router;
#[cfg(test)]
pub(crate) use jobs::{clean_up, receive_from_instances};
#[cfg(test)]
pub(crate) use live::relay::Relay;
#[cfg(test)]
pub(crate) use pages::TeamPages;
#[cfg(test)]
pub(crate) use snapshots::StateSnapshots;
#[cfg(test)]
pub(crate) use supervisor::Heartbeats;
