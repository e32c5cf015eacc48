//! The team: members, invitations, and switching between organizations.

use leptos::prelude::*;

use crate::model::{Invitation, InvitationView, Organization, Result, TeamMember};

/// The organization's members.
#[server]
pub async fn team_members() -> Result<Vec<TeamMember>> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async |org: Viewer| org.members().await).await
}

/// The pending invitations. For admins.
#[server]
pub async fn list_invitations() -> Result<Vec<Invitation>> {
    use crate::server::{domain::Admin, server_fn::prelude::*};
    call(async |org: Admin| org.invitations().await).await
}

/// Invites somebody. Only this answer includes the link.
#[server]
pub async fn invite_member(email: String, #[server(default)] role: String) -> Result<Invitation> {
    use crate::{
        model::{InvitationRequest, Role},
        server::{auth::Invitations, server_fn::prelude::*},
    };
    call_one_time(async move |invitations: Invitations| {
        let role = form_fields::value("role", &role)?.unwrap_or(Role::Member);
        invitations.invite(InvitationRequest { email, role }).await
    })
    .await
}

/// Revokes an invitation.
#[server]
pub async fn revoke_invitation(id: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::prelude::*};
    call(async move |org: Admin| org.revoke_invitation(form_fields::id(&id)?).await).await
}

/// Changes a member's role.
#[server]
pub async fn set_member_role(id: String, role: String) -> Result<()> {
    use crate::{
        model::{Error, Role},
        server::{domain::Admin, server_fn::prelude::*},
    };
    call(async move |org: Admin| {
        let role: Role = role.parse().map_err(|error: Error| Error::field("role", error.message))?;
        org.set_role(form_fields::id(&id)?, role).await.map(drop)
    })
    .await
}

/// Removes a member. An admin can also remove themselves.
#[server]
pub async fn remove_member(id: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::prelude::*};
    call(async move |org: Admin| org.remove_member(form_fields::id(&id)?).await).await
}

/// Leaves the organization and ends the session.
#[server]
pub async fn leave_organization() -> Result<()> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    end_session(async |person: Person| person.leave().await).await
}

/// The caller's organizations.
#[server]
pub async fn my_organizations() -> Result<Vec<Organization>> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    call(async |person: Person| person.organizations().await).await
}

/// Switches to another of the caller's organizations.
#[server]
pub async fn switch_organization(id: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    continue_session("/dashboard", async move |person: Person| person.switch(form_fields::id(&id)?).await).await
}

/// Creates another organization, with the caller as its admin, and switches to it.
#[server]
pub async fn create_organization(organization_name: String, #[server(default)] slug: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::prelude::*};
    let job = async move |account: AccountSecurity<Person>| account.found(&organization_name, &slug).await;
    continue_session("/dashboard", job).await
}

/// An invitation, as shown to the holder of its link.
#[server]
pub async fn view_invitation(token: String) -> Result<InvitationView> {
    use crate::server::{auth::SignIn, server_fn::prelude::*};
    call(async move |sign_in: SignIn| sign_in.invitation(&token).await).await
}

/// Accepts an invitation with a new account and signs in.
#[server]
pub async fn join_as_new(token: String, name: String, password: String) -> Result<()> {
    use crate::{model::NewMember, server::server_fn::prelude::*};
    sign_in(async move |sign_in| sign_in.join_as_new(&token, NewMember { name, password }).await, None).await
}

/// Accepts an invitation with the password of an existing account, and a code if a second factor is on, and signs in.
#[server]
pub async fn join_with_password(token: String, password: String, #[server(default)] code: String) -> Result<()> {
    use crate::server::server_fn::prelude::*;
    sign_in(async move |sign_in| sign_in.join_with_password(&token, password, &code).await, None).await
}

/// Accepts an invitation in the current session and switches to its organization.
#[server]
pub async fn accept_invitation(token: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    continue_session("/dashboard", async move |person: Person| person.accept(&token).await).await
}
