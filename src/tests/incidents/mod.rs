//! Incidents and maintenances: input, lifecycle, impact, scheduler and series.

mod backfills;
mod drafts;
mod endings;
mod impact;
mod input;
mod maintenance_scheduler;
mod maintenance_updates;
mod maintenances;
mod requests;
mod scheduler_rules;
mod search;
mod series;
mod updates;
