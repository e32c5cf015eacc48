//! The database: its own constraints, and its speed with much data.

mod backup;
mod scale;
mod schema;
