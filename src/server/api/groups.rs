//! Groups of services.

use axum::{Json, http::StatusCode};

use crate::{
    model::{Error, GroupId, GroupPatch, NewGroup, Result, ServiceGroup},
    server::{
        domain::{Member, Viewer},
        http::extract::{Body, Id, Made, Once, made},
    },
};

/// List the groups, in their order; there are at most 100
#[utoipa::path(
    get, path = "/api/groups", tag = "Groups", operation_id = "listGroups", security(("bearer" = [])),
    responses((status = 200, description = "The groups.", body = [ServiceGroup])),
)]
pub async fn list(org: Viewer) -> Result<Json<Vec<ServiceGroup>>> {
    org.groups().await.map(Json)
}

/// Add a group
///
/// With an `Idempotency-Credential` the request can be sent again without adding a second one.
#[utoipa::path(
    post, path = "/api/groups", tag = "Groups", operation_id = "createGroup", security(("bearer" = [])),
    params(Once), request_body = NewGroup,
    responses(
        (status = 201, description = "The new group; sent again with its key, the one made then.", body = ServiceGroup),
        (status = 409, description = "The key was used for another request, or what it made has been deleted.", body = Error),
    ),
)]
pub async fn create(org: Member, Once(key): Once, Body(new): Body<NewGroup>) -> Result<Made<ServiceGroup>> {
    org.create_group(new, key).await.map(made)
}

/// Show a group
#[utoipa::path(
    get, path = "/api/groups/{id}", tag = "Groups", operation_id = "showGroup", security(("bearer" = [])),
    params(("id" = GroupId, Path, description = "The group.")),
    responses((status = 200, description = "The group.", body = ServiceGroup)),
)]
pub async fn show(org: Viewer, Id(id): Id<GroupId>) -> Result<Json<ServiceGroup>> {
    org.group(id).await.map(Json)
}

/// Rename or move a group; what is absent stays
///
/// With `version` a change that was made on an older state is refused.
#[utoipa::path(
    put, path = "/api/groups/{id}", tag = "Groups", operation_id = "updateGroup", security(("bearer" = [])),
    params(("id" = GroupId, Path, description = "The group.")), request_body = GroupPatch,
    responses(
        (status = 200, description = "The group as it is now.", body = ServiceGroup),
        (status = 409, description = "Somebody else changed it meanwhile: `version` is not the present one.", body = Error),
    ),
)]
pub async fn update(org: Member, Id(id): Id<GroupId>, Body(patch): Body<GroupPatch>) -> Result<Json<ServiceGroup>> {
    org.update_group(id, patch).await.map(Json)
}

/// Delete a group; its services stay, without a group
#[utoipa::path(
    delete, path = "/api/groups/{id}", tag = "Groups", operation_id = "deleteGroup", security(("bearer" = [])),
    params(("id" = GroupId, Path, description = "The group.")),
    responses((status = 204, description = "The group is gone.")),
)]
pub async fn delete(org: Member, Id(id): Id<GroupId>) -> Result<StatusCode> {
    org.delete_group(id).await.map(|()| StatusCode::NO_CONTENT)
}
