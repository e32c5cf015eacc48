//! The database: its own constraints, its speed with much data, how few statements a change takes, how few rows a page
//! reads, what happens when it cannot write, and its copies.

mod backup;
mod crowd;
mod housekeeping;
mod read_only;
mod reads;
mod restore;
mod scale;
mod schema;
mod statements;
