//! Incidents and maintenances: opening, updating, planning, and the clock that moves them (domain rules 3.3 to 3.6).
//!
//! Every change loads a [`aggregate::Case`], alters it, and writes it back in one transaction, together with the effective
//! statuses that follow from it.

mod aggregate;
#[cfg(test)]
mod agreement;
pub(super) mod append_update;
mod calendar;
mod edit;
mod load;
mod open;
mod presence;
mod read;
mod recurrence;
mod scheduler;
mod search;
mod series;
mod statuses;
mod templates;
mod updates;

pub use read::{IncidentFields, IncidentQuery};
pub use scheduler::{ClockHolder, LEASE_SECONDS};

pub(super) use load::{corrections, lately, of_page};

use super::{audit::Deed, store::incident};
use crate::model::{Action, Incident};

/// What was done to an incident or a maintenance.
fn deed(action: Action, incident: &Incident) -> Deed {
    Deed::new(action).on(incident.incident_type.as_str(), incident.id, &incident.title)
}

/// As [`deed`], for one that is being changed.
fn case_deed(action: Action, row: &incident::Model) -> Deed {
    Deed::new(action).on(row.kind.as_str(), row.id, &row.title)
}
