//! The team: members, invitations, and going from one organization to another.

use leptos::prelude::*;

use crate::model::{Invitation, InvitationView, Organization, Result, TeamMember};

/// Everybody who belongs to the organization.
#[server]
pub async fn team_members() -> Result<Vec<TeamMember>> {
    use crate::server::{domain::Viewer, server_fn::call::call};
    call(async |org: Viewer| org.members().await).await
}

/// The invitations that stand; admins only.
#[server]
pub async fn list_invitations() -> Result<Vec<Invitation>> {
    use crate::server::{domain::Admin, server_fn::call::call};
    call(async |org: Admin| org.invitations().await).await
}

/// Invites somebody; the link is told this once.
#[server]
pub async fn invite_member(email: String, #[server(default)] role: String) -> Result<Invitation> {
    use crate::{
        model::{InvitationRequest, Role},
        server::{auth::Invitations, server_fn::call},
    };
    call::told_once(async move |invitations: Invitations| {
        let role = call::word("role", &role)?.unwrap_or(Role::Member);
        invitations.invite(InvitationRequest { email, role }).await
    })
    .await
}

/// Takes an invitation back.
#[server]
pub async fn revoke_invitation(id: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::call};
    call::call(async move |org: Admin| org.revoke_invitation(call::id(&id)?).await).await
}

/// Gives a member another role.
#[server]
pub async fn set_member_role(id: String, role: String) -> Result<()> {
    use crate::{
        model::{Error, Role},
        server::{domain::Admin, server_fn::call},
    };
    call::call(async move |org: Admin| {
        let role: Role = role.parse().map_err(|error: Error| Error::field("role", error.message))?;
        org.set_role(call::id(&id)?, role).await.map(drop)
    })
    .await
}

/// Removes a member. An admin who removes themselves leaves.
#[server]
pub async fn remove_member(id: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::call};
    call::call(async move |org: Admin| org.remove_member(call::id(&id)?).await).await
}

/// Leaves the organization, which ends this session.
#[server]
pub async fn leave_organization() -> Result<()> {
    use crate::server::{domain::Person, server_fn::call};
    call::depart(async |person: Person| person.leave().await).await
}

/// The organizations the person belongs to.
#[server]
pub async fn my_organizations() -> Result<Vec<Organization>> {
    use crate::server::{domain::Person, server_fn::call::call};
    call(async |person: Person| person.organizations().await).await
}

/// Goes on in another of the person's organizations.
#[server]
pub async fn switch_organization(id: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::call};
    call::go_on_in(async move |person: Person| person.switch(call::id(&id)?).await).await
}

/// Makes another organization, whose admin one is, and goes on in it.
#[server]
pub async fn create_organization(organization_name: String, #[server(default)] slug: String) -> Result<()> {
    use crate::server::{auth::AccountSecurity, domain::Person, server_fn::call};
    let job = async move |desk: AccountSecurity<Person>| desk.found(&organization_name, &slug).await;
    call::go_on_with("/dashboard", job).await
}

/// What the holder of an invitation's link may know of it.
#[server]
pub async fn view_invitation(token: String) -> Result<InvitationView> {
    use crate::server::{auth::SignIn, server_fn::call::call};
    call(async move |door: SignIn| door.invitation(&token).await).await
}

/// Accepts an invitation as somebody new, and signs them in.
#[server]
pub async fn join_as_new(token: String, name: String, password: String) -> Result<()> {
    use crate::{model::NewMember, server::server_fn::call};
    call::sign_in_with(async move |door| door.join_as_new(&token, NewMember { name, password }).await, None).await
}

/// Accepts an invitation as who has its address and knows the password, with a code where they have a second factor, and
/// signs them in.
#[server]
pub async fn join_with_password(token: String, password: String, #[server(default)] code: String) -> Result<()> {
    use crate::server::server_fn::call;
    call::sign_in_with(async move |door| door.join_with_password(&token, password, &code).await, None).await
}

/// Accepts an invitation as who is signed in, and goes on in its organization.
#[server]
pub async fn accept_invitation(token: String) -> Result<()> {
    use crate::server::{domain::Person, server_fn::call};
    call::go_on_in(async move |person: Person| person.accept(&token).await).await
}
