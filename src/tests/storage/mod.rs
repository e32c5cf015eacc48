//! The database: its own constraints, its speed with much data, how few statements a change takes, what happens when it
//! cannot write, and its copies.

mod backup;
mod housekeeping;
mod read_only;
mod restore;
mod scale;
mod schema;
mod statements;
