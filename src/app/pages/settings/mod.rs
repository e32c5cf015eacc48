//! Settings of the organization: general, team, API tokens, audit log.

pub mod api_tokens;
pub mod audit;
pub mod invitations;
pub mod page;
pub mod team;
