//! Pages of incidents: the list, opening one, recording a past one, templates, and the incident room.

pub mod backfill;
pub mod consequences;
pub mod filters;
pub mod list;
pub mod new;
pub mod room;
pub mod templates;
