//! Architecture tests: rules for the sources and documents, checked without a database.

mod circles;
mod citations;
mod language;
mod outline;
mod rooms;
mod rules;
mod strings;
mod texts;

pub mod sources;
