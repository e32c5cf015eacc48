//! Identity: users, organizations and their members, and the credentials that authenticate them.

pub mod api_tokens;
pub mod invitations;
pub mod last_use;
pub mod login;
pub mod operator;
pub mod organization;
pub mod organization_switch;
pub mod own_account;
pub mod password_reset;
pub mod people;
pub mod registration;
pub mod second_factor;
pub mod secrets;
pub mod session_rotation;
pub mod sessions;
pub mod team;
pub mod unverified;
