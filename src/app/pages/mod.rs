//! The pages of the team's application, one file each, and the frame around those for members.

pub mod account;
pub mod account_settings;
pub mod backfill;
pub mod confirm;
mod consequences;
pub mod forgotten;
pub mod frame;
mod groups;
mod incident_filters;
pub mod incidents;
pub mod maintenances;
mod move_buttons;
pub mod new_incident;
pub mod new_maintenance;
pub mod not_found;
pub mod overview;
mod page;
pub mod room;
pub mod second_factor;
pub mod service;
mod service_details;
mod service_history;
pub mod services;
pub mod settings;
mod status_control;
pub mod templates;
pub mod welcome;
