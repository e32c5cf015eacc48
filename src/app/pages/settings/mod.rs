//! Settings of the organization: name, time zone, API tokens, audit log; and the team.

pub mod api_tokens;
pub mod audit;
pub mod invitations;
pub mod page;
pub mod team;
