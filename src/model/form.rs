//! A form that was sent without JavaScript and refused: shown again with what was typed and what to do.

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

/// What the server remembers of an accepted form, sent without JavaScript, while it renders the page again to tell it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormAnswer {
    /// The address the form was sent to.
    pub action: String,
    /// What the server function answered, as JSON.
    pub answer: String,
}
