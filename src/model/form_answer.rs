//! Answers to forms sent without JavaScript: errors, shown with the submitted values, and one-time secrets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Error;

/// A rejected form, to render its page again with the error.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormFailure {
    /// The path of the server function it was sent to.
    pub action: String,
    /// Why it was rejected.
    pub error: Error,
    /// The submitted values by field name, without passwords.
    pub values: BTreeMap<String, String>,
}

/// The answer to a form that can be shown only once, such as a secret or a link with one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormAnswer {
    /// The path of the server function it was sent to.
    pub action: String,
    /// The answer of the server function, as JSON.
    pub answer: String,
}
