//! Pages without navigation: start page, login, registration, password reset, invitations, re-authentication.

pub mod confirm;
pub mod forgotten_password;
pub mod invite;
pub mod login;
pub mod welcome;
