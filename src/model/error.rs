//! The one error a client can see, for REST, server functions and forms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use server_fn::{
    codec::JsonEncoding,
    error::{FromServerFnError, ServerFnErrorErr},
};

use super::wire::wire_enum;

/// The result of anything a client asked for.
pub type Result<T, E = Error> = std::result::Result<T, E>;

wire_enum! {
    /// What went wrong, in a form programs can rely on.
    Code {
        /// The request cannot be understood or breaks a rule; `fields` may say where.
        Invalid = "invalid",
        /// Nobody is signed in, or the session has ended.
        Unauthorized = "unauthorized",
        /// Somebody is signed in, but their role does not allow this.
        Forbidden = "forbidden",
        /// Somebody is signed in, but gave their password too long ago for this; `/confirm` asks for it again.
        ConfirmPassword = "confirm_password",
        /// The password is right, and a code of the second factor must come with it, as `code`.
        SecondFactorRequired = "second_factor_required",
        /// Absent, or another organization's: both look alike.
        NotFound = "not_found",
        /// The method does not exist on this path.
        MethodNotAllowed = "method_not_allowed",
        /// Something with that name, address or key exists already.
        Conflict = "conflict",
        /// The body is larger than the server accepts.
        TooLarge = "too_large",
        /// The body is not of the content type the server reads.
        UnsupportedMediaType = "unsupported_media_type",
        /// Too many attempts; `retry_after` says how many seconds to wait.
        TooManyRequests = "too_many_requests",
        /// The server cannot answer right now; trying again later may help.
        Unavailable = "unavailable",
        /// The server failed. The cause is in its log, never in the answer.
        Internal = "internal",
    }
}

impl Code {
    /// The HTTP status that carries this code (product.md section 4).
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

/// One sentence for a person, a code for a program, and the fields at fault where a form has them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[error("{message}")]
#[schema(as = Error, example = json!({"error": "Please correct the marked fields.", "code": "invalid", "fields": {"name": "Enter a name."}}))]
pub struct Error {
    /// One sentence that says what is wrong and, where that helps, what to do.
    #[serde(rename = "error")]
    pub message: String,
    /// The kind of failure.
    pub code: Code,
    /// For each field at fault, why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// Seconds to wait before the next attempt, with `too_many_requests` and `unavailable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u32>,
}

impl Error {
    /// An error of the given kind with the given sentence.
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

    /// Something with that value exists already.
    pub fn taken(field: impl Into<String>, why: impl Into<String>) -> Self {
        let (field, why) = (field.into(), why.into());
        Self { fields: BTreeMap::from([(field, why.clone())]), ..Self::new(Code::Conflict, why) }
    }

    /// Absent, or another organization's.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here under that address or id.")
    }

    /// Nobody is signed in.
    #[must_use]
    pub fn unauthorized() -> Self {
        Self::new(Code::Unauthorized, "Log in to do this: no valid session or token came with the request.")
    }

    /// The role of who is signed in does not allow this.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(Code::Forbidden, "Your role does not allow this. An admin of the organization can change your role.")
    }

    /// What protects an account is changed only by who gave the password a short while ago.
    #[must_use]
    pub fn confirm_password() -> Self {
        Self::new(Code::ConfirmPassword, "Please confirm your password first: you gave it more than 15 minutes ago.")
    }

    /// Too many attempts.
    #[must_use]
    pub fn too_many_requests(retry_after: u32) -> Self {
        Self {
            retry_after: Some(retry_after),
            ..Self::new(Code::TooManyRequests, format!("Too many attempts. Try again in {retry_after} s."))
        }
    }

    /// The server cannot answer right now.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self { retry_after: Some(5), ..Self::new(Code::Unavailable, message) }
    }

    /// The server failed; whoever calls this has logged the cause.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(Code::Internal, "Something went wrong on our side. Please try again.")
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
                Self::invalid("The form was incomplete or not understood. Reload the page and try again.")
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
