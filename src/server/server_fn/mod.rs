//! Adapters between server functions, form posts and the domain.

pub mod call;
pub mod form_fields;
pub mod plain_forms;
pub mod session_flow;

/// What the bodies of server functions use.
pub mod prelude {
    pub use crate::server::http::redirect::own_or_dashboard;

    pub use super::{
        call::{call, call_and_redirect, call_for_redirect, call_one_time},
        form_fields,
        session_flow::{continue_session, end_session, sign_in, sign_in_or_challenge},
    };
}
