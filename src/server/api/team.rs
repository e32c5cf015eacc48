//! The team: members and invitations.

use axum::{Json, http::StatusCode};

use crate::{
    model::{Error, Invitation, InvitationId, InvitationRequest, Result, RoleRequest, TeamMember, UserId},
    server::{
        auth::Invitations,
        domain::{Admin, Viewer},
        http::extract::{Body, Id},
    },
};

/// List members
///
/// There are at most 200.
#[utoipa::path(
    get, path = "/api/team", tag = "Team", operation_id = "listMembers", security(("bearer" = [])),
    responses((status = 200, description = "The members, in the order they joined.", body = [TeamMember])),
)]
pub async fn list(org: Viewer) -> Result<Json<Vec<TeamMember>>> {
    org.members().await.map(Json)
}

/// Change a member's role
///
/// For admins. The last admin cannot be demoted. The pending invitations of a demoted admin are revoked.
#[utoipa::path(
    put, path = "/api/team/{user_id}", tag = "Team", operation_id = "setRole", security(("bearer" = [])),
    params(("user_id" = UserId, Path, description = "Id of the member.")), request_body = RoleRequest,
    responses(
        (status = 200, description = "The updated member.", body = TeamMember),
        (status = 409, description = "This is the only admin.", body = Error),
    ),
)]
pub async fn set_role(org: Admin, Id(user): Id<UserId>, Body(request): Body<RoleRequest>) -> Result<Json<TeamMember>> {
    org.set_role(user, request.role).await.map(Json)
}

/// Remove a member
///
/// For admins, who can also remove themselves. The member's sessions in this organization end immediately, as do the
/// API tokens and invitations they created. The last admin cannot be removed.
#[utoipa::path(
    delete, path = "/api/team/{user_id}", tag = "Team", operation_id = "removeMember", security(("bearer" = [])),
    params(("user_id" = UserId, Path, description = "Id of the member.")),
    responses(
        (status = 204, description = "The member has been removed."),
        (status = 403, description = "Requires an admin's session.", body = Error),
        (status = 409, description = "This is the only admin.", body = Error),
    ),
)]
pub async fn remove(org: Admin, Id(user): Id<UserId>) -> Result<StatusCode> {
    org.remove_member(user).await.map(|()| StatusCode::NO_CONTENT)
}

/// List pending invitations
///
/// For admins. Their links are not included.
#[utoipa::path(
    get, path = "/api/team/invitations", tag = "Team", operation_id = "listInvitations", security(("bearer" = [])),
    responses(
        (status = 200, description = "The invitations, newest first.", body = [Invitation]),
        (status = 403, description = "Requires an admin's session.", body = Error),
    ),
)]
pub async fn invitations(org: Admin) -> Result<Json<Vec<Invitation>>> {
    org.invitations().await.map(Json)
}

/// Invite a member
///
/// For admins. Only this response includes the link, which can be used once within 7 days. Inviting the same address
/// again revokes the earlier invitation.
#[utoipa::path(
    post, path = "/api/team/invitations", tag = "Team", operation_id = "inviteMember", security(("bearer" = [])),
    request_body = InvitationRequest,
    responses(
        (status = 201, description = "The invitation with its link.", body = Invitation),
        (status = 409, description = "A member already has this email address.", body = Error),
        (status = 429, body = Error,
         description = "Too many invitations by this organization or to this address; see `Retry-After`."),
    ),
)]
pub async fn invite(
    invitations: Invitations,
    Body(request): Body<InvitationRequest>,
) -> Result<(StatusCode, Json<Invitation>)> {
    invitations.invite(request).await.map(|invitation| (StatusCode::CREATED, Json(invitation)))
}

/// Revoke an invitation
///
/// Its link stops working immediately.
#[utoipa::path(
    delete, path = "/api/team/invitations/{id}", tag = "Team", operation_id = "revokeInvitation",
    security(("bearer" = [])),
    params(("id" = InvitationId, Path, description = "Id of the invitation.")),
    responses(
        (status = 204, description = "The invitation has been revoked."),
        (status = 403, description = "Requires an admin's session.", body = Error),
    ),
)]
pub async fn revoke_invitation(org: Admin, Id(id): Id<InvitationId>) -> Result<StatusCode> {
    org.revoke_invitation(id).await.map(|()| StatusCode::NO_CONTENT)
}
