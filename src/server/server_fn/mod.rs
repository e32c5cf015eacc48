//! Adapters between server functions, form posts and the domain.

pub mod call;
pub mod plain_forms;
