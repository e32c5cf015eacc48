//! Aldis, a multi-tenant status page with live updates.
//!
//! [`model`] has the data types and rules of server and client, [`app`] the user interface, and [`server`] everything that
//! runs on the server only. The client's entry point is the crate `client`.

#![recursion_limit = "256"]

pub mod app;
pub mod model;
#[cfg(feature = "ssr")]
pub mod server;
#[cfg(test)]
mod tests;
