//! Accounts, sessions, second factors, teams and organizations.

mod account;
mod auth;
mod invitation_mail;
mod invitations;
mod logins;
mod mail;
mod notices;
mod organizations;
mod password_reset;
mod second_factor;
mod session_rotation;
mod sessions;
mod team;
