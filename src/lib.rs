//! Aldis: teams tell their users what works, live.
//!
//! Three rooms: [`model`] is what things are, [`app`] is what people see, [`server`] is what only the server knows. The
//! browser's front door is a crate of its own, `client`.

#![recursion_limit = "256"]

pub mod app;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(test)]
mod tests;
