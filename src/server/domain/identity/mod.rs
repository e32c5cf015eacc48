//! People and how they prove who they are: accounts, sessions, second factors, teams, invitations and API tokens.

pub mod api_tokens;
pub mod invitations;
pub mod organization;
pub mod organization_switch;
pub mod own_account;
pub mod password_reset;
pub mod registration;
pub mod second_factor;
pub mod secrets;
pub mod session_rotation;
pub mod sessions;
pub mod team;
