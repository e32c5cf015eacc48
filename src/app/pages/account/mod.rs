//! Pages of a person's own account.

pub mod new_organization;
pub mod second_factor;
pub mod settings;
