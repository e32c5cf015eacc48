//! Maintenance: the calendar, recurring series, and the scheduler (domain rule 3.6).

mod calendar;
mod expansion;
mod recurrence;
mod scheduler;
mod series;

pub use scheduler::{LEASE_SECONDS, LeaseHolder, SchedulerRun};

pub(super) use series::begin_series;
