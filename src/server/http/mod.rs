//! HTTP: listener, router, headers, extractors, redirects, client addresses and static files.

pub mod assets;
mod availability;
pub mod client_ip;
pub mod csp_report;
mod default_headers;
pub mod extract;
pub mod headers;
pub mod listener;
pub mod readiness;
pub mod redirect;
pub mod router;
