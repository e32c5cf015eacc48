//! The reader's own account: settings, second factor, creating another organization.

pub mod new_organization;
pub mod second_factor;
pub mod settings;
