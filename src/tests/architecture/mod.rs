//! Architecture tests: rules for the sources and documents, checked without a database.

mod circles;
mod outline;
mod rules;

pub mod sources;
