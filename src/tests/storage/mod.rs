//! The database: what it holds by itself, and how it bears much.

mod scale;
mod schema;
