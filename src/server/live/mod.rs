//! Live updates: the hub fans events out within this instance, the relay to the other instances.

pub mod hub;
pub mod relay;
pub mod replays;
pub mod versions;
