//! The database: its own constraints, and its speed with much data.

mod backup;
mod housekeeping;
mod scale;
mod schema;
