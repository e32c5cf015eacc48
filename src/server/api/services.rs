//! Services, their status and the history of it.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;

use crate::{
    model::{Cause, Error, NewService, Result, Service, ServiceId, ServicePatch, StatusChange, Timestamp, Uptime},
    server::{
        domain::{HistoryRange, Member, Viewer},
        http::extract::{Body, Id, Made, Once, Paging, Params, limited, made, next_link},
    },
};

/// List the services, in page order
#[utoipa::path(
    get, path = "/api/services", tag = "Services", operation_id = "listServices", security(("bearer" = [])), params(Paging),
    responses((status = 200, description = "The services.", body = [Service])),
)]
pub async fn list(org: Viewer, Params(paging): Params<Paging>) -> Result<(HeaderMap, Json<Vec<Service>>)> {
    let limit = paging.limit()?;
    let (services, next) = org.services(paging.cursor.as_deref(), limit).await?;
    let headers = next.map_or_else(HeaderMap::new, |last| {
        next_link("/api/services", &[("limit", limit.to_string()), ("cursor", last.to_string())])
    });
    Ok((headers, Json(services)))
}

/// Add a service
///
/// With an `Idempotency-Credential` the request can be sent again without adding a second one.
#[utoipa::path(
    post, path = "/api/services", tag = "Services", operation_id = "createService", security(("bearer" = [])),
    params(Once), request_body = NewService,
    responses(
        (status = 201, description = "The new service; sent again with its key, the one made then.", body = Service),
        (status = 404, description = "There is no such group.", body = Error),
        (status = 409, description = "The key was used for another request, or what it made has been deleted.", body = Error),
    ),
)]
pub async fn create(org: Member, Once(key): Once, Body(new): Body<NewService>) -> Result<Made<Service>> {
    org.create_service(new, key).await.map(made)
}

/// Show a service
#[utoipa::path(
    get, path = "/api/services/{id}", tag = "Services", operation_id = "showService", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "The service.")),
    responses((status = 200, description = "The service.", body = Service)),
)]
pub async fn show(org: Viewer, Id(id): Id<ServiceId>) -> Result<Json<Service>> {
    org.service(id).await.map(Json)
}

/// Change a service, its status above all; what is absent stays
///
/// With `version` a change that was made on an older state is refused.
#[utoipa::path(
    put, path = "/api/services/{id}", tag = "Services", operation_id = "updateService", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "The service.")), request_body = ServicePatch,
    responses(
        (status = 200, description = "The service as it is now.", body = Service),
        (status = 409, description = "Somebody else changed it meanwhile: `version` is not the present one.", body = Error),
    ),
)]
pub async fn update(org: Member, Id(id): Id<ServiceId>, Body(patch): Body<ServicePatch>) -> Result<Json<Service>> {
    org.update_service(id, patch, Cause::Api).await.map(Json)
}

/// Delete a service; its history stays
#[utoipa::path(
    delete, path = "/api/services/{id}", tag = "Services", operation_id = "deleteService", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "The service.")),
    responses((status = 204, description = "The service is gone.")),
)]
pub async fn delete(org: Member, Id(id): Id<ServiceId>) -> Result<StatusCode> {
    org.delete_service(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// Which part of a history.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryParams {
    /// Nothing older than this, RFC 3339.
    from: Option<Timestamp>,
    /// Nothing newer than this, RFC 3339.
    to: Option<Timestamp>,
    /// At most this many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// List a service's status changes, newest first
#[utoipa::path(
    get, path = "/api/services/{id}/history", tag = "Services", operation_id = "serviceHistory", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "The service."), HistoryParams),
    responses((status = 200, description = "The changes.", body = [StatusChange])),
)]
pub async fn history(
    org: Viewer,
    Id(id): Id<ServiceId>,
    Params(HistoryParams { from, to, limit, cursor }): Params<HistoryParams>,
) -> Result<(HeaderMap, Json<Vec<StatusChange>>)> {
    let limit = limited(limit)?;
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

/// Show how much of the last 90 days a service worked
#[utoipa::path(
    get, path = "/api/services/{id}/uptime", tag = "Services", operation_id = "serviceUptime", security(("bearer" = [])),
    params(("id" = ServiceId, Path, description = "The service.")),
    responses((status = 200, description = "The figure, and each day in UTC.", body = Uptime)),
)]
pub async fn uptime(org: Viewer, Id(id): Id<ServiceId>) -> Result<Json<Uptime>> {
    org.uptime(id).await.map(Json)
}
