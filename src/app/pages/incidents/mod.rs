//! Incidents: the list, opening one, adding a past one, templates, and the incident room.

pub mod backfill;
pub mod filters;
pub mod list;
pub mod new;
pub mod preview;
pub mod room;
pub mod templates;
