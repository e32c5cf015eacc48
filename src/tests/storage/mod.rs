//! The database: its own constraints, its speed with much data, how few statements a change takes, and what happens when
//! it cannot write.

mod backup;
mod housekeeping;
mod read_only;
mod scale;
mod schema;
mod statements;
