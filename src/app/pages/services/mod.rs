//! Services: the list with its groups, and one service with its history.

pub mod details;
pub mod groups;
pub mod history;
pub mod list;
pub mod move_buttons;
pub mod service;
pub mod status_control;
