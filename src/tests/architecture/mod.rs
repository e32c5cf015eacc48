//! The rules of the house, read from the sources: none of these tests needs a database.

mod rules;
pub mod sources;
