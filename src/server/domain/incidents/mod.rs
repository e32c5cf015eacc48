//! Incidents and maintenances: opening, updating, scheduling, and the scheduler (domain rules 3.3 to 3.6).
//!
//! Every change loads a [`LoadedIncident`], alters it and saves it in one transaction, together with the effective
//! statuses of services that follow.

mod aggregate;
#[cfg(test)]
mod agreement;
mod answers;
mod append_update;
mod audit_events;
mod create;
mod cursor;
mod edit;
mod impacts;
mod load;
mod maintenance;
mod open;
mod presence;
mod read;
mod save;
mod search;
mod statuses;
mod templates;
mod updates;

#[cfg(test)]
pub use answers::budget::ANSWER_MAX;
pub use answers::incident_page_of;
pub use maintenance::{LEASE_SECONDS, LeaseHolder, SchedulerRun};
pub use read::{IncidentFields, IncidentQuery};

pub(super) use aggregate::LoadedIncident;
pub(super) use answers::{page_incidents, require_services_fit, timeline};
pub(super) use append_update::UpdateDraft;
pub(super) use create::create_incident;
pub(super) use load::corrections;
pub(super) use statuses::{ReportedService, recompute_statuses};
