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

/// List the members; there are at most 200
#[utoipa::path(
    get, path = "/api/team", tag = "Team", operation_id = "listMembers", security(("bearer" = [])),
    responses((status = 200, description = "The members, in the order they joined.", body = [TeamMember])),
)]
pub async fn list(org: Viewer) -> Result<Json<Vec<TeamMember>>> {
    org.members().await.map(Json)
}

/// Give a member another role
///
/// For admins. The last admin stays one. A member who is an admin no more loses the invitations they made.
#[utoipa::path(
    put, path = "/api/team/{user_id}", tag = "Team", operation_id = "setRole", security(("bearer" = [])),
    params(("user_id" = UserId, Path, description = "The member.")), request_body = RoleRequest,
    responses(
        (status = 200, description = "The member as they are now.", body = TeamMember),
        (status = 409, description = "This is the only admin.", body = Error),
    ),
)]
pub async fn set_role(org: Admin, Id(user): Id<UserId>, Body(request): Body<RoleRequest>) -> Result<Json<TeamMember>> {
    org.set_role(user, request.role).await.map(Json)
}

/// Remove a member
///
/// For admins. The member's sessions here, the API tokens and the invitations they made end at once. Whoever removes
/// themselves leaves. The last admin stays.
#[utoipa::path(
    delete, path = "/api/team/{user_id}", tag = "Team", operation_id = "removeMember", security(("bearer" = [])),
    params(("user_id" = UserId, Path, description = "The member.")),
    responses(
        (status = 204, description = "They belong to the organization no more."),
        (status = 403, description = "Only admins may, in a session.", body = Error),
        (status = 409, description = "This is the only admin.", body = Error),
    ),
)]
pub async fn remove(org: Admin, Id(user): Id<UserId>) -> Result<StatusCode> {
    org.remove_member(user).await.map(|()| StatusCode::NO_CONTENT)
}

/// List the invitations that stand
///
/// For admins. Links are not among what is told.
#[utoipa::path(
    get, path = "/api/team/invitations", tag = "Team", operation_id = "listInvitations", security(("bearer" = [])),
    responses(
        (status = 200, description = "The invitations, newest first.", body = [Invitation]),
        (status = 403, description = "Only admins may, in a session.", body = Error),
    ),
)]
pub async fn invitations(org: Admin) -> Result<Json<Vec<Invitation>>> {
    org.invitations().await.map(Json)
}

/// Invite somebody
///
/// For admins. The answer is the only one that tells the link, which works once and for 7 days. Inviting the same address
/// again ends the earlier invitation.
#[utoipa::path(
    post, path = "/api/team/invitations", tag = "Team", operation_id = "inviteMember", security(("bearer" = [])),
    request_body = InvitationRequest,
    responses(
        (status = 201, description = "The invitation with its link.", body = Invitation),
        (status = 409, description = "Somebody with this address is a member already.", body = Error),
        (status = 429, description = "Enough invitations have been mailed today, by the organization or to this address; `Retry-After` says when to try again.", body = Error),
    ),
)]
pub async fn invite(
    invitations: Invitations,
    Body(request): Body<InvitationRequest>,
) -> Result<(StatusCode, Json<Invitation>)> {
    invitations.invite(request).await.map(|invitation| (StatusCode::CREATED, Json(invitation)))
}

/// Take an invitation back: its link opens nothing any more
#[utoipa::path(
    delete, path = "/api/team/invitations/{id}", tag = "Team", operation_id = "revokeInvitation", security(("bearer" = [])),
    params(("id" = InvitationId, Path, description = "The invitation.")),
    responses(
        (status = 204, description = "The invitation is revoked."),
        (status = 403, description = "Only admins may, in a session.", body = Error),
    ),
)]
pub async fn revoke_invitation(org: Admin, Id(id): Id<InvitationId>) -> Result<StatusCode> {
    org.revoke_invitation(id).await.map(|()| StatusCode::NO_CONTENT)
}
