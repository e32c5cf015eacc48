//! The database: its own constraints, and its speed with much data.

mod scale;
mod schema;
