//! The pages of the team's application, one file each, and the frame around those for members.

pub mod account;
pub mod frame;
mod groups;
mod move_buttons;
pub mod not_found;
pub mod overview;
mod page;
pub mod service;
mod service_details;
mod service_history;
pub mod services;
pub mod settings;
mod status_control;
pub mod welcome;
