//! Authorization of every endpoint, and attacks on the server.

mod api_tokens;
mod audit;
mod connections;
mod csrf;
mod fuzz;
mod headers;
mod matrix;
mod neighbours;
mod permissions;
mod public_policy;
mod public_safety;
mod rate_limits;
mod recent_callers;
mod redirects;
mod session_tokens;
mod tenancy;
