//! Errors as responses; internal errors are logged and hidden from clients.

use std::{fmt::Display, num::TryFromIntError, panic::Location};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use sea_orm::{
    ConnAcquireErr, DbBackend, DbErr, RuntimeErr,
    sqlx::{self, mysql::MySqlDatabaseError, postgres::PgDatabaseError},
};

use crate::model::Error;

/// The database has no connection free, or another transaction is in the way.
const BUSY: &str = "The database is busy. Try again in a moment.";
/// The database is full, or may only be read.
const READ_ONLY: &str = "The server cannot save changes at the moment. Reading still works.";
/// A time limit has passed.
const CUT: &str = "This took too long and was stopped. Try again in a moment.";
/// The database does not respond.
const UNREACHABLE: &str = "The database cannot be reached at the moment. Try again in a moment.";

/// Logs the cause of an internal error and where it occurred, and returns an error that reveals neither.
#[track_caller]
pub fn internal(cause: impl Display) -> Error {
    tracing::error!(%cause, at = %Location::caller(), "internal error");
    Error::internal()
}

impl From<TryFromIntError> for Error {
    #[track_caller]
    fn from(cause: TryFromIntError) -> Self {
        internal(cause)
    }
}

/// What passes is `unavailable`, with a reason that reveals nothing of the cause; everything else is internal.
impl From<DbErr> for Error {
    #[track_caller]
    fn from(cause: DbErr) -> Self {
        let Some(reason) = passing_reason(&cause) else { return internal(cause) };
        tracing::warn!(%cause, at = %Location::caller(), "the database is unavailable");
        Self::unavailable(reason)
    }
}

/// Whether an error says that the database cannot be reached.
#[must_use]
pub fn is_unreachable(error: &Error) -> bool {
    error.message == UNREACHABLE
}

/// Of a database that cannot be reached.
#[must_use]
pub fn unreachable() -> Error {
    Error::unavailable(UNREACHABLE)
}

/// Whether the database cannot be reached now and may answer later: it is down, starting or busy.
#[must_use]
pub fn is_passing(error: &DbErr) -> bool {
    matches!(passing_reason(error), Some(UNREACHABLE | BUSY))
}

/// As [`is_passing`], of an error of the driver. Encryption that fails is a matter of settings.
#[must_use]
pub fn is_of_driver_passing(error: &sqlx::Error) -> bool {
    matches!(reason_of_driver(error), Some(UNREACHABLE | BUSY)) && !matches!(error, sqlx::Error::Tls(_))
}

/// Why the database cannot do this now, if it may be able to later.
fn passing_reason(error: &DbErr) -> Option<&'static str> {
    let cause = match error {
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => return Some(BUSY),
        DbErr::ConnectionAcquire(_) => return Some(UNREACHABLE),
        DbErr::Conn(RuntimeErr::SqlxError(cause))
        | DbErr::Exec(RuntimeErr::SqlxError(cause))
        | DbErr::Query(RuntimeErr::SqlxError(cause)) => cause,
        _ => return None,
    };
    reason_of_driver(cause)
}

fn reason_of_driver(cause: &sqlx::Error) -> Option<&'static str> {
    match cause {
        sqlx::Error::PoolTimedOut => Some(BUSY),
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => {
            Some(UNREACHABLE)
        }
        sqlx::Error::Database(error) => {
            if let Some(error) = error.try_downcast_ref::<MySqlDatabaseError>() {
                reason_of(DbBackend::MySql, &error.number().to_string())
            } else if let Some(error) = error.try_downcast_ref::<PgDatabaseError>() {
                reason_of(DbBackend::Postgres, error.code())
            } else {
                reason_of(DbBackend::Sqlite, &error.code()?)
            }
        }
        _ => None,
    }
}

/// The reason for an error code of the database: the SQLSTATE of PostgreSQL, the number of MySQL and MariaDB, the
/// extended result code of SQLite.
fn reason_of(database: DbBackend, code: &str) -> Option<&'static str> {
    match database {
        DbBackend::Postgres => match code {
            "57014" => Some(CUT),
            // Read-only, disk full.
            "25006" | "53100" => Some(READ_ONLY),
            // Serialization, deadlock, lock timeout, idle in a transaction.
            "40001" | "40P01" | "55P03" | "25P03" => Some(BUSY),
            _ if code.starts_with("53") => Some(BUSY),
            // Shutting down or starting; the connection is lost.
            _ if code.starts_with("57") || code.starts_with("08") => Some(UNREACHABLE),
            _ => None,
        },
        DbBackend::MySql => match code.parse().ok()? {
            // The time limits of MariaDB and MySQL, and a statement that was killed.
            1969 | 3024 | 1317 => Some(CUT),
            // Read-only by option, mode or transaction; disk, table or partition full.
            1290 | 1836 | 1792 | 1021 | 1114 => Some(READ_ONLY),
            // Lock timeout, deadlock, a row changed since the snapshot, too many connections.
            1205 | 1213 | 1020 | 1040 | 1203 => Some(BUSY),
            // Shutting down; the connection is lost.
            1053 | 1927 | 2006 | 2013 => Some(UNREACHABLE),
            _ => None,
        },
        // The lowest byte is the primary code.
        _ => match code.parse::<u32>().ok()? & 0xff {
            // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL.
            5 | 6 | 15 => Some(BUSY),
            // SQLITE_READONLY, SQLITE_FULL.
            8 | 13 => Some(READ_ONLY),
            // SQLITE_INTERRUPT.
            9 => Some(CUT),
            // SQLITE_IOERR, SQLITE_CANTOPEN.
            10 | 14 => Some(UNREACHABLE),
            _ => None,
        },
    }
}

/// The HTTP status of an error.
#[must_use]
pub fn status_of(error: &Error) -> StatusCode {
    StatusCode::from_u16(error.code.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// The `Retry-After` header of an error, if it has one.
#[must_use]
pub fn retry_after(error: &Error) -> Option<HeaderValue> {
    error.retry_after.map(HeaderValue::from)
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, retry_after) = (status_of(&self), retry_after(&self));
        let mut response = (status, Json(self)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::model::Code;

    #[test]
    fn what_passes_is_unavailable_and_the_rest_internal() {
        let sqlx = |error: sqlx::Error| RuntimeErr::SqlxError(error.into());
        let io = || sqlx::Error::Io(io::Error::from(io::ErrorKind::ConnectionRefused));
        for (error, reason) in [
            (DbErr::ConnectionAcquire(ConnAcquireErr::Timeout), Some(BUSY)),
            (DbErr::ConnectionAcquire(ConnAcquireErr::ConnectionClosed), Some(UNREACHABLE)),
            (DbErr::Conn(sqlx(io())), Some(UNREACHABLE)),
            (DbErr::Query(sqlx(io())), Some(UNREACHABLE)),
            (DbErr::Exec(sqlx(sqlx::Error::PoolTimedOut)), Some(BUSY)),
            (DbErr::Exec(sqlx(sqlx::Error::WorkerCrashed)), Some(UNREACHABLE)),
            (DbErr::Exec(sqlx(sqlx::Error::RowNotFound)), None),
            (DbErr::RecordNotFound("it".into()), None),
        ] {
            assert_eq!(passing_reason(&error), reason, "{error}");
            let error = Error::from(error);
            let expected = reason.map_or((Code::Internal, None), |_| (Code::Unavailable, Some(5)));
            assert_eq!((error.code, error.retry_after), expected);
        }
    }

    #[test]
    fn codes_of_the_databases_have_reasons() {
        for (database, codes, reason) in [
            (DbBackend::Postgres, &["25006", "53100"][..], Some(READ_ONLY)),
            (DbBackend::Postgres, &["53300", "40001", "40P01", "55P03"], Some(BUSY)),
            (DbBackend::Postgres, &["57014"], Some(CUT)),
            (DbBackend::Postgres, &["57P01", "57P03", "08006"], Some(UNREACHABLE)),
            (DbBackend::Postgres, &["23505", "42703"], None),
            (DbBackend::MySql, &["1290", "1836", "1021", "1114", "1792"], Some(READ_ONLY)),
            (DbBackend::MySql, &["1205", "1213"], Some(BUSY)),
            (DbBackend::MySql, &["1969", "3024"], Some(CUT)),
            (DbBackend::MySql, &["2006", "2013"], Some(UNREACHABLE)),
            (DbBackend::MySql, &["1062", "1054"], None),
            // SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_LOCKED.
            (DbBackend::Sqlite, &["5", "517", "6"], Some(BUSY)),
            // SQLITE_READONLY, SQLITE_READONLY_DBMOVED, SQLITE_FULL.
            (DbBackend::Sqlite, &["8", "1032", "13"], Some(READ_ONLY)),
            (DbBackend::Sqlite, &["9"], Some(CUT)),
            // SQLITE_IOERR_FSYNC.
            (DbBackend::Sqlite, &["1034", "14"], Some(UNREACHABLE)),
            // SQLITE_ERROR, SQLITE_CONSTRAINT_UNIQUE.
            (DbBackend::Sqlite, &["1", "2067"], None),
        ] {
            for code in codes {
                assert_eq!(reason_of(database, code), reason, "{database:?} {code}");
            }
        }
    }
}
