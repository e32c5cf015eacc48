//! Who may do what, and what nobody may: every door, everybody who comes to it, and what attackers send.

mod api_tokens;
mod audit;
mod connections;
mod csrf;
mod demands;
mod headers;
mod limits;
mod matrix;
mod public_safety;
mod redirects;
mod storm;
mod tenancy;
mod tokens;
