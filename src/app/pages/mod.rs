//! Pages of the team's application: a folder for each entry of the navigation, with the components only its pages use.

pub mod account;
pub mod dashboard;
pub mod incidents;
pub mod layout;
pub mod maintenance;
pub mod services;
pub mod settings;
pub mod sign_in;
