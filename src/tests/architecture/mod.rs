//! Architecture tests: rules for the sources and documents, checked without a database.

mod outline;
mod rules;

pub mod sources;
