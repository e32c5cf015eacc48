//! Incidents and maintenances: opening, updating, planning, and the clock that moves them (domain rules 3.3 to 3.6).
//!
//! Every change loads a [`aggregate::LoadedIncident`], alters it, and writes it back in one transaction, together with the effective
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
pub use scheduler::{LEASE_SECONDS, LeaseHolder};

pub(super) use load::{corrections, lately, of_page};

use super::{audit::AuditEvent, store::incident};
use crate::model::{Action, Incident};

/// What was done to an incident or a maintenance.
fn audit_event(action: Action, incident: &Incident) -> AuditEvent {
    AuditEvent::new(action).on(incident.incident_type.as_str(), incident.id, &incident.title)
}

/// As [`audit_event`], for one that is being changed.
fn incident_audit_event(action: Action, row: &incident::Model) -> AuditEvent {
    AuditEvent::new(action).on(row.kind.as_str(), row.id, &row.title)
}
