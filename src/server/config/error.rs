//! Configuration errors.

/// An invalid setting. Names the variable, and never contains a secret value.
#[derive(Debug, thiserror::Error)]
#[error("{variable}: {reason}")]
pub struct ConfigError {
    variable: &'static str,
    reason: String,
}

impl ConfigError {
    /// An error about one variable.
    pub fn new(variable: &'static str, reason: impl Into<String>) -> Self {
        Self { variable, reason: reason.into() }
    }

    /// The same error about another variable.
    #[must_use]
    pub fn of(self, variable: &'static str) -> Self {
        Self { variable, ..self }
    }
}
