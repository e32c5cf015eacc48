//! HTTP: listener, router, headers, extractors, client addresses and static files.

pub mod assets;
pub mod client_ip;
pub mod csp_report;
pub mod extract;
mod headers;
pub mod listener;
pub mod router;
