//! The dashboard: overall status, services, open incidents, upcoming maintenance.

pub mod overview;
