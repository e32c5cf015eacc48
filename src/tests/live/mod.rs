//! The live feeds, and instances that tell each other what has happened.

mod feeds;
mod incidents;
mod instances;
mod presence;
mod returning;
