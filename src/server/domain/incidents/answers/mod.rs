//! Bounded answers: every page and list has a budget in bytes. What fits is chosen by the sizes that rows are
//! stored with, before anything is loaded, so the budget bounds memory as well.

pub mod budget;
mod choose;
pub mod excerpts;
mod public;
mod room;
pub mod size;

pub use choose::{page_incidents, timeline};
pub use public::incident_page_of;
pub use room::{require_room, require_services_fit, require_update_count};
