//! Rate limits, shared by all instances through Redis where there is one.

pub mod backoff;
pub mod fixed_window;
pub mod mail;
pub mod permits;
pub mod requests;
pub mod shared_counters;
