//! Services, their status and its history.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;

use crate::{
    model::{Cause, Error, NewService, Result, Service, ServiceId, ServicePatch, StatusChange, Timestamp, Uptime},
    server::{
        auth::ChangeRequest,
        domain::{Changer, HistoryRange, Member, Viewer},
        http::extract::{Body, Created, Id, Idempotency, Paging, Params, created, next_link, page_limit},
    },
};

/// List services
///
/// In page order.
#[utoipa::path(
    get, path = "/api/services", tag = "Services", operation_id = "listServices",
    security(("bearer" = [])), params(Paging),
    responses((status = 200, description = "The services. `Link` has the URL of the next page.", body = [Service])),
)]
pub async fn list(org: Viewer, Params(paging): Params<Paging>) -> Result<(HeaderMap, Json<Vec<Service>>)> {
    let limit = paging.limit()?;
    let (services, next) = org.services(paging.cursor.as_deref(), limit).await?;
    let headers = next.map_or_else(HeaderMap::new, |last| {
        next_link("/api/services", &[("limit", limit.to_string()), ("cursor", last.to_string())])
    });
    Ok((headers, Json(services)))
}

/// Create a service
///
/// With an `Idempotency-Key`, the request can be retried without creating a duplicate.
#[utoipa::path(
    post, path = "/api/services", tag = "Services", operation_id = "createService", security(("bearer" = [])),
    params(Idempotency), request_body = NewService,
    responses(
        (status = 201, body = Service,
         description = "The new service; for a retry with the same key, the one created then."),
        (status = 404, description = "The group does not exist.", body = Error),
        (status = 409, body = Error,
         description = "The key was used for another request, or the object created with it has been deleted."),
    ),
)]
pub async fn create(
    org: Member,
    Idempotency(key): Idempotency,
    Body(new): Body<NewService>,
) -> Result<Created<Service>> {
    org.create_service(new, key).await.map(created)
}

/// Show a service
#[utoipa::path(
    get, path = "/api/services/{id}", tag = "Services", operation_id = "showService", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "Id of the service.")),
    responses((status = 200, description = "The service.", body = Service)),
)]
pub async fn show(org: Viewer, Id(id): Id<ServiceId>) -> Result<Json<Service>> {
    org.service(id).await.map(Json)
}

/// Update a service
///
/// Changes its status, name, description or group. Omitted fields stay unchanged.
/// With `version`, a change based on an older state is rejected.
#[utoipa::path(
    put, path = "/api/services/{id}", tag = "Services", operation_id = "updateService", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "Id of the service.")), request_body = ServicePatch,
    responses(
        (status = 200, description = "The updated service.", body = Service),
        (status = 409, description = "It has been changed since: `version` is not the current one.", body = Error),
    ),
)]
pub async fn update(
    org: ChangeRequest,
    id: Result<Id<ServiceId>>,
    body: Result<Body<ServicePatch>>,
) -> Result<Json<Service>> {
    let change = async |changer: &Changer| {
        let (Id(id), Body(patch)) = (id?, body?);
        changer.update_service(id, patch, Cause::Api).await
    };
    org.make(change).await.map(Json)
}

/// Delete a service
///
/// Its history remains.
#[utoipa::path(
    delete, path = "/api/services/{id}", tag = "Services", operation_id = "deleteService", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "Id of the service.")),
    responses((status = 204, description = "The service has been deleted.")),
)]
pub async fn delete(org: Member, Id(id): Id<ServiceId>) -> Result<StatusCode> {
    org.delete_service(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Time range and page of a history.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryParams {
    /// Only changes at or after this time, RFC 3339.
    from: Option<Timestamp>,
    /// Only changes at or before this time, RFC 3339.
    to: Option<Timestamp>,
    /// Maximum number of items, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// Cursor from the `Link` header of the previous page.
    cursor: Option<String>,
}

/// List a service's status changes
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/services/{id}/history", tag = "Services", operation_id = "serviceHistory",
    security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "Id of the service."), HistoryParams),
    responses((status = 200, body = [StatusChange],
               description = "The status changes. `Link` has the URL of the next page.")),
)]
pub async fn history(
    org: Viewer,
    Id(id): Id<ServiceId>,
    Params(HistoryParams { from, to, limit, cursor }): Params<HistoryParams>,
) -> Result<(HeaderMap, Json<Vec<StatusChange>>)> {
    let limit = page_limit(limit)?;
    let range = HistoryRange { from, to, before: cursor, limit: Some(limit) };
    let (changes, next) = org.history(id, range).await?;
    let headers = next.map_or_else(HeaderMap::new, |cursor| {
        let mut query = vec![("limit", limit.to_string()), ("cursor", cursor)];
        query.extend(from.map(|from| ("from", from.to_string())));
        query.extend(to.map(|to| ("to", to.to_string())));
        next_link(&format!("/api/services/{id}/history"), &query)
    });
    Ok((headers, Json(changes)))
}

/// Show a service's uptime over the last 90 days
#[utoipa::path(
    get, path = "/api/services/{id}/uptime", tag = "Services", operation_id = "serviceUptime",
    security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "Id of the service.")),
    responses((status = 200, description = "The uptime in percent, and each day in UTC.", body = Uptime)),
)]
pub async fn uptime(org: Viewer, Id(id): Id<ServiceId>) -> Result<Json<Uptime>> {
    org.uptime(id).await.map(Json)
}
