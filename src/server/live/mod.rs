//! Live updates: the hub fans events out inside this instance, the relay carries them to the others.

pub mod hub;
pub mod relay;
