//! API tokens, with which programs authenticate.

use serde::{Deserialize, Serialize};

use super::{
    Error, Result, Timestamp, UserId,
    check::{Check, NAME_MAX},
    wire::{id, wire_enum},
};

id! {
    /// The id of an API token.
    TokenId;
}

wire_enum! {
    /// The permissions of an API token.
    TokenScope {
        /// Read everything that members can see.
        Read = "read",
        /// Also change services, incidents and maintenances, as a member.
        Write = "write",
    }
}

impl TokenScope {
    /// The display name.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Read => "Read",
            Self::Write => "Read and write",
        }
    }
}

/// An API token. Only a hash of its secret is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApiToken {
    /// Its id.
    pub id: TokenId,
    /// Its name, which says what it is used for.
    pub name: String,
    /// The first characters of the secret, to tell tokens apart.
    pub hint: String,
    /// Its permissions.
    pub scope: TokenScope,
    /// The user who created it.
    pub created_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires; null if never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, accurate to five minutes.
    pub last_used_at: Option<Timestamp>,
    /// The secret, to send as `Authorization: Bearer …`. Returned only once, when the token is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// A request to create an API token.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Deploy pipeline", "scope": "write"}))]
pub struct TokenRequest {
    /// A name that says what it is used for, 1 to 100 characters.
    pub name: String,
    /// Its permissions; `read` by default.
    #[serde(default = "read")]
    pub scope: TokenScope,
    /// When it expires; never by default.
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
            check.fault("expires_at", "Choose a time in the future.");
        }
        check.finish()?;
        Ok(Self { name, ..self })
    }
}

/// The expiry of a token from the form's number of days; empty means that it never expires.
///
/// # Errors
/// `invalid` unless it is a number of days up to ten years.
pub fn end_after_days(days: &str, now: Timestamp) -> Result<Option<Timestamp>> {
    if days.is_empty() {
        return Ok(None);
    }
    let fault = || Error::field("days", "Choose when the token expires.");
    let days: i64 = days.parse().map_err(|_| fault())?;
    if (1..=3650).contains(&days) { Ok(Some(now.plus_seconds(days * 86_400))) } else { Err(fault()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_needs_a_name_and_an_expiry_in_the_future() {
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
