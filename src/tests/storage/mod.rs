//! The database: its own constraints, its speed with much data, how few statements a change takes, how few rows a page
//! reads, and what happens when it cannot write.

mod backup;
mod crowd;
mod housekeeping;
mod read_only;
mod reads;
mod scale;
mod schema;
mod statements;
