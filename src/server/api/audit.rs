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
        http::extract::{Params, next_link, page_limit},
    },
};

/// Filters and page of the audit log.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only events of this kind.
    action: Option<Action>,
    /// Only events by this user or by API tokens they created.
    actor: Option<UserId>,
    /// Only events at or after this time, RFC 3339.
    from: Option<Timestamp>,
    /// Only events at or before this time, RFC 3339.
    to: Option<Timestamp>,
    /// Maximum number of items, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// Cursor from the `Link` header of the previous page.
    cursor: Option<String>,
}

impl Filter {
    fn query(&self) -> AuditQuery {
        AuditQuery { action: self.action, actor: self.actor, from: self.from, to: self.to, before: self.cursor.clone() }
    }

    /// The `Link` header to the next page, with the same filters.
    fn next(self, limit: u64, cursor: String) -> HeaderMap {
        let filters = [
            ("action", self.action.map(|action| action.to_string())),
            ("actor", self.actor.map(|actor| actor.to_string())),
            ("from", self.from.map(|from| from.to_string())),
            ("to", self.to.map(|to| to.to_string())),
        ];
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let page = [("limit", limit.to_string()), ("cursor", cursor)];
        next_link("/api/audit", &filters.chain(page).collect::<Vec<_>>())
    }
}

/// List audit log entries
///
/// For admins. Newest first. Entries are kept for 400 days.
#[utoipa::path(
    get, path = "/api/audit", tag = "Access", operation_id = "listAudit", security(("bearer" = [])), params(Filter),
    responses(
        (status = 200, description = "The entries. `Link` has the URL of the next page.", body = [AuditEntry]),
        (status = 403, description = "Requires an admin's session.", body = Error),
    ),
)]
pub async fn list(org: Admin, Params(filter): Params<Filter>) -> Result<(HeaderMap, Json<Vec<AuditEntry>>)> {
    let limit = page_limit(filter.limit)?;
    let (entries, next) = org.audit(&filter.query(), limit).await?;
    Ok((next.map(|cursor| filter.next(limit, cursor)).unwrap_or_default(), Json(entries)))
}

/// Export the audit log as CSV
///
/// For admins. Newest first. Returns at most 50,000 entries: use `from` and `to` to export the rest. `limit` is
/// ignored.
#[utoipa::path(
    get, path = "/api/audit.csv", tag = "Access", operation_id = "exportAudit",
    security(("bearer" = [])), params(Filter),
    responses(
        (status = 200, description = "The entries, with a header row.", body = String, content_type = "text/csv"),
        (status = 403, description = "Requires an admin's session.", body = Error),
    ),
)]
pub async fn export(org: Admin, Params(filter): Params<Filter>) -> Result<([(HeaderName, &'static str); 2], Body)> {
    page_limit(filter.limit)?;
    let table = org.audit_csv(filter.query()).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"audit-log.csv\""),
    ];
    Ok((headers, Body::from_stream(table)))
}
