//! The error that clients receive, for REST, server functions and forms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

use super::wire::wire_enum;

/// The result of a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

wire_enum! {
    /// An error code for programs.
    Code {
        /// The request is malformed or breaks a rule; `fields` may give the reasons by field.
        Invalid = "invalid",
        /// The request has no valid session or token.
        Unauthorized = "unauthorized",
        /// The role or the scope of the token does not allow this.
        Forbidden = "forbidden",
        /// The operation needs a recent password confirmation; `/confirm` asks for it.
        ConfirmPassword = "confirm_password",
        /// The password is correct, but two-factor authentication also requires a `code`.
        SecondFactorRequired = "second_factor_required",
        /// The resource does not exist, or belongs to another organization.
        NotFound = "not_found",
        /// The method does not exist on this path.
        MethodNotAllowed = "method_not_allowed",
        /// The name, address or key is already in use, or the resource has changed in the meantime.
        Conflict = "conflict",
        /// The body is larger than the server accepts.
        TooLarge = "too_large",
        /// The content type of the body is not supported.
        UnsupportedMediaType = "unsupported_media_type",
        /// Too many requests; `retry_after` gives the seconds to wait.
        TooManyRequests = "too_many_requests",
        /// The server is temporarily unavailable; try again later.
        Unavailable = "unavailable",
        /// The server failed; the cause is in its log.
        Internal = "internal",
    }
}

impl Code {
    /// The HTTP status of this code (docs/api.md, table of codes).
    #[must_use]
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Invalid => 400,
            Self::Unauthorized | Self::SecondFactorRequired => 401,
            Self::Forbidden | Self::ConfirmPassword => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
            Self::Unavailable => 503,
        }
    }
}

/// An error: a message for people, a code for programs, and the reason for each invalid field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{message}")]
#[schema(as = Error, example = json!({"error": "Please correct the marked fields.", "code": "invalid", "fields": {"name": "Enter a name."}}))]
pub struct Error {
    /// A message for people: what is wrong and, where it helps, what to do.
    #[serde(rename = "error")]
    pub message: String,
    /// The error code.
    pub code: Code,
    /// The reason for each invalid field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// The seconds to wait before the next attempt, with `too_many_requests` and `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Error {
    /// An error with this code and message.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), code, fields: BTreeMap::new(), retry_after: None }
    }

    /// The request breaks a rule.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::Invalid, message)
    }

    /// One field breaks a rule.
    pub fn field(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::fields(BTreeMap::from([(name.into(), why.into())]))
    }

    /// Several fields break rules.
    #[must_use]
    pub fn fields(fields: BTreeMap<String, String>) -> Self {
        Self { fields, ..Self::invalid("Please correct the marked fields.") }
    }

    /// A conflict over one field.
    pub fn taken(field: impl Into<String>, why: impl Into<String>) -> Self {
        let (field, why) = (field.into(), why.into());
        Self { fields: BTreeMap::from([(field, why.clone())]), ..Self::new(Code::Conflict, why) }
    }

    /// The resource does not exist, or belongs to another organization.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "This does not exist or has been deleted.")
    }

    /// The request has no valid session or token.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "Log in to do this: the request has no valid session or token.")
    }

    /// The role does not allow this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(Code::Forbidden, "Your role does not allow this. An admin of the organization can change your role.")
    }

    /// The operation needs a recent password confirmation.
    #[must_use]
    pub fn confirm_password() -> Self {
        Self::new(
            Code::ConfirmPassword,
            "Please confirm your password first: you last entered it more than 15 minutes ago.",
        )
    }

    /// A rate limit was reached.
    #[must_use]
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(Code::TooManyRequests, format!("Too many attempts. Try again in {retry_after} s."))
        }
    }

    /// The server is temporarily unavailable.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(Code::Unavailable, message) }
    }

    /// The server failed; the caller has logged the cause.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Code::Internal, "Something went wrong on our side. Try again in a moment.")
    }
}

impl FromServerFnError for Error {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::Request(_) => {
                Self::unavailable("The server could not be reached. Check your connection and try again.")
            }
            ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_) => {
                Self::invalid("The form was incomplete or could not be read. Reload the page and try again.")
            }
            _ => Self::internal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wire_shape_is_the_documented_one() {
        let error = Error::field("name", "Enter a name.");
        let json = serde_json::to_value(&error).expect("serializable");
        assert_eq!(
            json,
            serde_json::json!({
                "error": "Please correct the marked fields.", "code": "invalid", "fields": {"name": "Enter a name."},
            })
        );
        assert_eq!(serde_json::from_value::<Error>(json).expect("readable"), error);
    }
}
