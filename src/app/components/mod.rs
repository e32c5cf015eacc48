//! Components that pages share. They carry label, role, focus and contrast, so that pages get these right by using
//! them.

pub mod action;
pub mod call;
pub mod copyable;
pub mod duration;
pub mod each;
pub mod edit_basis;
pub mod field;
pub mod filter;
pub mod form;
pub mod icon;
pub mod incident;
pub mod incident_row;
pub mod notices;
pub mod role_choices;
pub mod sections;
pub mod services_affected;
pub mod status;
pub mod time;
