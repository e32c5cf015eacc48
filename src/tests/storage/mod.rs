//! The database: its own constraints, its speed with much data, and what happens when it cannot write.

mod read_only;
mod scale;
mod schema;
