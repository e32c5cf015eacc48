//! Rate limits and brute-force protection, shared by all instances through Redis if there is one.
//!
//! [`requests`] limits requests per caller, [`backoff`] sign-in attempts, [`mail`] outgoing mail: all are users of
//! [`limiter::RateLimiter`]. [`permits`] limits what is open at the same time, [`queues`] what
//! runs, and [`worker_threads`] what computes.

pub mod backoff;
mod fixed_window;
pub mod limiter;
pub mod mail;
pub mod permits;
pub mod queues;
pub mod requests;
pub mod shared_counters;
pub mod worker_threads;
