//! Groups of services.

use axum::{Json, http::StatusCode};

use crate::{
    model::{Error, GroupId, GroupPatch, NewGroup, Result, ServiceGroup},
    server::{
        domain::{Member, Viewer},
        http::extract::{Body, Created, Id, Idempotency, created},
    },
};

/// List groups
///
/// In page order. There are at most 100.
#[utoipa::path(
    get, path = "/api/groups", tag = "Groups", operation_id = "listGroups", security(("bearer" = [])),
    responses((status = 200, description = "The groups.", body = [ServiceGroup])),
)]
pub async fn list(org: Viewer) -> Result<Json<Vec<ServiceGroup>>> {
    org.groups().await.map(Json)
}

/// Create a group
///
/// With an `Idempotency-Key`, the request can be retried without creating a duplicate.
#[utoipa::path(
    post, path = "/api/groups", tag = "Groups", operation_id = "createGroup", security(("bearer" = [])),
    params(Idempotency), request_body = NewGroup,
    responses(
        (status = 201, body = ServiceGroup,
         description = "The new group; for a retry with the same key, the one created then."),
        (status = 409, body = Error,
         description = "The key was used for another request, or the object created with it has been deleted."),
    ),
)]
pub async fn create(
    org: Member,
    Idempotency(key): Idempotency,
    Body(new): Body<NewGroup>,
) -> Result<Created<ServiceGroup>> {
    org.create_group(new, key).await.map(created)
}

/// Show a group
#[utoipa::path(
    get, path = "/api/groups/{id}", tag = "Groups", operation_id = "showGroup", security(("bearer" = [])),
    params(("id" = GroupId, Path, description = "Id of the group.")),
    responses((status = 200, description = "The group.", body = ServiceGroup)),
)]
pub async fn show(org: Viewer, Id(id): Id<GroupId>) -> Result<Json<ServiceGroup>> {
    org.group(id).await.map(Json)
}

/// Update a group
///
/// Renames or moves it. Omitted fields stay unchanged.
/// With `version`, a change based on an older state is rejected.
#[utoipa::path(
    put, path = "/api/groups/{id}", tag = "Groups", operation_id = "updateGroup", security(("bearer" = [])),
    params(("id" = GroupId, Path, description = "Id of the group.")), request_body = GroupPatch,
    responses(
        (status = 200, description = "The updated group.", body = ServiceGroup),
        (status = 409, description = "It has been changed since: `version` is not the current one.", body = Error),
    ),
)]
pub async fn update(org: Member, Id(id): Id<GroupId>, Body(patch): Body<GroupPatch>) -> Result<Json<ServiceGroup>> {
    org.update_group(id, patch).await.map(Json)
}

/// Delete a group
///
/// Its services remain, without a group.
#[utoipa::path(
    delete, path = "/api/groups/{id}", tag = "Groups", operation_id = "deleteGroup", security(("bearer" = [])),
    params(("id" = GroupId, Path, description = "Id of the group.")),
    responses((status = 204, description = "The group has been deleted.")),
)]
pub async fn delete(org: Member, Id(id): Id<GroupId>) -> Result<StatusCode> {
    org.delete_group(id).await.map(|()| StatusCode::NO_CONTENT)
}
