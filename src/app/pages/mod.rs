//! The pages of the team's application, by entry of the navigation.

pub mod account;
pub mod dashboard;
pub mod incidents;
pub mod layout;
pub mod maintenance;
pub mod services;
pub mod settings;
pub mod sign_in;
