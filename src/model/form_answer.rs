//! Forms that were sent without JavaScript: refused, and shown again with what was typed and what to do; or answered with
//! something that is told once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;

/// What the server remembers of a refused form while it renders the page again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormFailure {
    /// The address the form was sent to: the path of its server function.
    pub action: String,
    /// Why it was refused.
    pub error: Error,
    /// What was typed, by field name; never a password.
    pub values: BTreeMap<String, String>,
}

/// What the server remembers of the answer to a form while it renders the page again, when that answer tells something
/// that is told once: a secret, or a link with one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormAnswer {
    /// The address the form was sent to: the path of its server function.
    pub action: String,
    /// What the function answered, as JSON.
    pub answer: String,
}
