//! Incidents and maintenances: what may happen to them, and what follows from it.

mod backfills;
mod clock;
mod clock_rules;
mod drafts;
mod endings;
mod impact;
mod input;
mod maintenance_updates;
mod maintenances;
mod requests;
mod series;
mod updates;
