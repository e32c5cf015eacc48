//! Pages of scheduled maintenance: the list and scheduling one.

pub mod list;
pub mod new;
