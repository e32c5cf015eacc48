//! The dashboard: the state of the organization at a glance.

pub mod overview;
