//! Errors as responses; internal errors are logged and hidden from clients.

use std::{fmt::Display, num::TryFromIntError, panic::Location};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sea_orm::DbErr;

use crate::model::Error;

/// Logs the cause of an internal error and where it occurred, and returns an error that reveals neither.
#[track_caller]
pub fn internal(cause: impl Display) -> Error {
    tracing::error!(%cause, at = %Location::caller(), "internal error");
    Error::internal()
}

/// Converts these errors into internal ones, so that `?` suffices.
macro_rules! internal_causes {
    ($($cause:ty),+) => {$(
        impl From<$cause> for Error {
            #[track_caller]
            fn from(cause: $cause) -> Self {
                internal(cause)
            }
        }
    )+};
}

internal_causes!(DbErr, TryFromIntError);

/// The HTTP status of an error.
#[must_use]
pub fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = status_of(&self);
        let retry_after = self.retry_after;
        let mut response = (status, Json(self)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
