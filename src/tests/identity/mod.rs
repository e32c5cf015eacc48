//! Accounts and organizations: how people come in, who they are, and which teams they are in.

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
