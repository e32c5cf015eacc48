//! The database: its own constraints, its speed with much data, and how few statements a change takes.

mod backup;
mod housekeeping;
mod scale;
mod schema;
mod statements;
