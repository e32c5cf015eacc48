//! The database: its own constraints, and its speed with much data.

mod housekeeping;
mod scale;
mod schema;
