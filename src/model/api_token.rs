//! API tokens: how programs come in.

use serde::{Deserialize, Serialize};

use super::{
    Error, Result, Timestamp, UserId,
    check::{Check, NAME_MAX},
    wire::{id, wire_enum},
};

id! {
    /// Names an API token.
    TokenId;
}

wire_enum! {
    /// What a program with the token may do.
    TokenScope {
        /// Read what members see.
        Read = "read",
        /// Also change services, incidents and maintenances, as members do.
        Write = "write",
    }
}

impl TokenScope {
    /// The scope in words.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Read and write",
        }
    }
}

/// An API token. Its secret is known to nobody but who holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// How its secret begins, to tell tokens apart.
    pub hint: String,
    /// What it allows.
    pub scope: TokenScope,
    /// Who made it.
    pub created_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it stops working by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within five minutes.
    pub last_used_at: Option<Timestamp>,
    /// The secret, to send as `Authorization: Bearer …`: told in the answer to its making, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A request for a token.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Deploy pipeline", "scope": "write"}))]
pub struct TokenRequest {
    /// What it is for, 1 to 100 characters.
    pub name: String,
    /// What it allows; `read` when absent.
    #[serde(default = "read")]
    pub scope: TokenScope,
    /// When it stops working by itself; never, when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

const fn read() -> TokenScope {
    TokenScope::Read
}

impl TokenRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        let name = check.line("name", &self.name, NAME_MAX);
        if self.expires_at.is_some_and(|end| end <= now) {
            check.fault("expires_at", "Choose a time to come.");
        }
        check.finish()?;
        Ok(Self { name, ..self })
    }
}

/// The end of a token that lasts so many days, as the form offers it; empty means that it has none.
///
/// # Errors
/// `invalid` for what is no number of days up to ten years.
pub fn end_after_days(days: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    if days.is_empty() {
        return Ok(None);
    }
    let fault = || Error::field("days", "Choose how long the token shall work.");
    let days: i64 = days.parse().map_err(|_| fault())?;
    if (1..=3650).contains(&days) { Ok(Some(now.plus_seconds(days * 86_400))) } else { Err(fault()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_needs_a_name_and_an_end_to_come() {
        let now = Timestamp::from_millis(1_000_000);
        let request = |name: &str, end| TokenRequest { name: name.into(), scope: TokenScope::Read, expires_at: end };
        assert_eq!(request(" CI ", None).check(now).map(|request| request.name), Ok("CI".into()));
        let error = request("", Some(now)).check(now).expect_err("two faults");
        assert_eq!(error.fields.keys().collect::<Vec<_>>(), ["expires_at", "name"]);
        assert_eq!(end_after_days("", now), Ok(None));
        assert_eq!(end_after_days("1", now), Ok(Some(now.plus_seconds(86_400))));
        for days in ["0", "-1", "x", "99999999999999999999", "4000"] {
            assert!(end_after_days(days, now).is_err(), "{days}");
        }
    }
}
