//! The audit log.

use axum::{
    Json,
    body::Body,
    http::{HeaderMap, HeaderName, header},
};
use serde::Deserialize;

use crate::{
    model::{Action, AuditEntry, Error, Result, Timestamp, UserId},
    server::{
        domain::{Admin, AuditQuery},
        http::extract::{Params, limited, next_link},
    },
};

/// Which entries.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only this kind of deed.
    action: Option<Action>,
    /// Only what this person did, or tokens they made.
    actor: Option<UserId>,
    /// Only what was done at this instant or later, RFC 3339.
    from: Option<Timestamp>,
    /// Only what was done at this instant or earlier, RFC 3339.
    to: Option<Timestamp>,
    /// At most this many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

impl Filter {
    fn query(&self) -> AuditQuery {
        AuditQuery { action: self.action, actor: self.actor, from: self.from, to: self.to, before: self.cursor.clone() }
    }

    /// The header that leads on, with the same filters.
    fn next(self, limit: u64, cursor: String) -> HeaderMap {
        let filters = [
            ("action", self.action.map(|action| action.to_string())),
            ("actor", self.actor.map(|actor| actor.to_string())),
            ("from", self.from.map(|from| from.to_string())),
            ("to", self.to.map(|to| to.to_string())),
        ];
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let place = [("limit", limit.to_string()), ("cursor", cursor)];
        next_link("/api/audit", &filters.chain(place).collect::<Vec<_>>())
    }
}

/// Read the audit log, newest first
///
/// For admins. Entries are kept for 400 days.
#[utoipa::path(
    get, path = "/api/audit", tag = "Access", operation_id = "listAudit", security(("bearer" = [])), params(Filter),
    responses(
        (status = 200, description = "The entries; `Link` leads to older ones.", body = [AuditEntry]),
        (status = 403, description = "Only admins may, in a session.", body = Error),
    ),
)]
pub async fn list(org: Admin, Params(filter): Params<Filter>) -> Result<(HeaderMap, Json<Vec<AuditEntry>>)> {
    let limit = limited(filter.limit)?;
    let (entries, next) = org.audit(&filter.query(), limit).await?;
    Ok((next.map(|cursor| filter.next(limit, cursor)).unwrap_or_default(), Json(entries)))
}

/// Export the audit log as CSV, newest first
///
/// For admins. At most 50 000 entries: narrow the time to get the others. `limit` changes nothing here.
#[utoipa::path(
    get, path = "/api/audit.csv", tag = "Access", operation_id = "exportAudit", security(("bearer" = [])), params(Filter),
    responses(
        (status = 200, description = "A table with a head.", body = String, content_type = "text/csv"),
        (status = 403, description = "Only admins may, in a session.", body = Error),
    ),
)]
pub async fn export(org: Admin, Params(filter): Params<Filter>) -> Result<([(HeaderName, &'static str); 2], Body)> {
    limited(filter.limit)?;
    let table = org.audit_csv(filter.query()).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-log.csv\""),
    ];
    Ok((headers, Body::from_stream(table)))
}
