//! Server functions: the interface's calls to the server, each through `call` and a handle.
//!
//! Mutations take flat, URL-encoded fields, so that each works as a plain form without JavaScript (UI-03).

mod access;
mod account;
mod incidents;
mod maintenances;
mod team;

use leptos::prelude::*;

pub use self::{access::*, account::*, incidents::*, maintenances::*, team::*};
use crate::model::{Account, History, Placement, Result, Service, StatusPage};

/// Creates an organization with its first admin, signs them in and redirects to the dashboard.
#[server]
pub async fn register(
    organization_name: String,
    #[server(default)] slug: String,
    name: String,
    email: String,
    password: String,
) -> Result<()> {
    use crate::{model::RegistrationForm, server::server_fn::prelude::*};
    let form = RegistrationForm { email, password, name, organization_name, slug: Some(slug) };
    sign_in(async move |sign_in| sign_in.register(form).await, None).await
}

/// Ends the session and redirects to the start page.
#[server]
pub async fn logout() -> Result<()> {
    crate::server::server_fn::session_flow::sign_out().await
}

/// The current user and organization.
#[server]
pub async fn me() -> Result<Account> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async |org: Viewer| Ok(org.account())).await
}

/// The organization's status page as its members see it.
#[server]
pub async fn board() -> Result<StatusPage> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async |org: Viewer| org.board().await).await
}

/// A page of a service's status changes, newest first; `before` is the cursor of the previous page.
#[server]
pub async fn service_history(id: String, #[server(default)] before: Option<String>) -> Result<History> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async move |org: Viewer| org.history_page(form_fields::id(&id)?, before).await).await
}

/// Adds a service at the end of its group. An empty `group_id` means no group.
#[server]
pub async fn add_service(
    name: String,
    #[server(default)] description: String,
    #[server(default)] group_id: String,
) -> Result<Service> {
    use crate::{
        model::NewService,
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let new = NewService { name, description, group_id: form_fields::choice(&group_id)?, ..Default::default() };
        org.create_service(new, None).await.map(|(service, _)| service)
    })
    .await
}

/// Changes a service's name, description and group. `version` is the one the changes are based on.
#[server]
pub async fn edit_service(
    id: String,
    name: String,
    #[server(default)] description: String,
    #[server(default)] group_id: String,
    #[server(default)] version: Option<i64>,
) -> Result<Service> {
    use crate::{
        model::{Cause, ServicePatch},
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let patch = ServicePatch {
            name: Some(name),
            description: Some(description),
            group_id: Some(form_fields::choice(&group_id)?),
            version,
            ..Default::default()
        };
        org.update_service(form_fields::id(&id)?, patch, Cause::Manual).await
    })
    .await
}

/// Sets a service's status.
#[server]
pub async fn set_service_status(id: String, status: String) -> Result<Service> {
    use crate::{
        model::{Cause, ServicePatch},
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        org.update_service(form_fields::id(&id)?, ServicePatch::status(status.parse()?), Cause::Manual).await
    })
    .await
}

/// Moves a service up or down by one within its group.
#[server]
pub async fn move_service(id: String, direction: Placement) -> Result<()> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call(async move |org: Member| org.move_service(form_fields::id(&id)?, direction).await).await
}

/// Deletes a service, if `confirm` repeats its name, and redirects to the list.
#[server]
pub async fn delete_service(id: String, #[server(default)] confirm: String) -> Result<()> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call_and_redirect("/services", async move |org: Member| org.delete_confirmed(form_fields::id(&id)?, &confirm).await)
        .await
}

/// Adds a group at the end of the page.
#[server]
pub async fn add_group(name: String) -> Result<()> {
    use crate::{
        model::NewGroup,
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| org.create_group(NewGroup { name, position: None }, None).await.map(drop)).await
}

/// Renames a group. `version` is the one the change is based on.
#[server]
pub async fn rename_group(id: String, name: String, #[server(default)] version: Option<i64>) -> Result<()> {
    use crate::{
        model::GroupPatch,
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        org.update_group(form_fields::id(&id)?, GroupPatch { name: Some(name), position: None, version })
            .await
            .map(drop)
    })
    .await
}

/// Moves a group up or down by one.
#[server]
pub async fn move_group(id: String, direction: Placement) -> Result<()> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call(async move |org: Member| org.move_group(form_fields::id(&id)?, direction).await).await
}

/// Deletes a group. Its services remain, without a group.
#[server]
pub async fn delete_group(id: String) -> Result<()> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call(async move |org: Member| org.delete_group(form_fields::id(&id)?).await).await
}

/// Renames the organization. For admins.
#[server]
pub async fn rename_organization(name: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::prelude::*};
    call(async move |org: Admin| org.rename_organization(&name).await.map(drop)).await
}

/// The time zones an organization can choose.
#[server]
pub async fn time_zones() -> Result<Vec<String>> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async |org: Viewer| Ok(org.time_zones())).await
}

/// Sets the organization's time zone. For admins.
#[server]
pub async fn set_time_zone(time_zone: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::prelude::*};
    call(async move |org: Admin| org.set_time_zone(&time_zone).await).await
}
