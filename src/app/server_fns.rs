//! Every door from the interface to the server: one line each, through `call` into a handle.
//!
//! Mutations take flat, URL-encoded fields, so that each works as a plain form without JavaScript (style rule 29).

mod access;
mod account;
mod incidents;
mod maintenances;
mod team;

use leptos::prelude::*;

pub use self::{access::*, account::*, incidents::*, maintenances::*, team::*};
use crate::model::{Account, History, Placement, Result, Service, StatusPage};

/// Creates an organization with its first admin, signs them in and leads to the dashboard.
#[server]
pub async fn register(
    organization_name: String,
    #[server(default)] slug: String,
    name: String,
    email: String,
    password: String,
) -> Result<()> {
    use crate::{model::RegistrationForm, server::server_fn::call};
    let form = RegistrationForm { email, password, name, organization_name, slug: Some(slug) };
    call::sign_in_with(async move |door| door.register(form).await, None).await
}

/// Ends the session and leads to the start page.
#[server]
pub async fn logout() -> Result<()> {
    crate::server::server_fn::call::sign_out().await
}

/// Who is signed in.
#[server]
pub async fn me() -> Result<Account> {
    use crate::server::{domain::Viewer, server_fn::call::call};
    call(async |org: Viewer| Ok(org.account())).await
}

/// The organization's groups and services as its members see them.
#[server]
pub async fn board() -> Result<StatusPage> {
    use crate::server::{domain::Viewer, server_fn::call::call};
    call(async |org: Viewer| org.board().await).await
}

/// One service's status changes, newest first; `before` continues where a page ended.
#[server]
pub async fn service_history(id: String, #[server(default)] before: Option<String>) -> Result<History> {
    use crate::server::{domain::Viewer, server_fn::call};
    call::call(async move |org: Viewer| org.history_page(call::id(&id)?, before).await).await
}

/// Adds a service at the end of its group; an empty `group_id` means none.
#[server]
pub async fn add_service(
    name: String,
    #[server(default)] description: String,
    #[server(default)] group_id: String,
) -> Result<Service> {
    use crate::{
        model::NewService,
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let new = NewService { name, description, group_id: call::choice(&group_id)?, ..Default::default() };
        org.create_service(new, None).await.map(|(service, _)| service)
    })
    .await
}

/// Changes a service's name, description and group; `version` is the one they were written on.
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
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let patch = ServicePatch {
            name: Some(name),
            description: Some(description),
            group_id: Some(call::choice(&group_id)?),
            version,
            ..Default::default()
        };
        org.update_service(call::id(&id)?, patch, Cause::Manual).await
    })
    .await
}

/// Sets a service's status.
#[server]
pub async fn set_service_status(id: String, status: String) -> Result<Service> {
    use crate::{
        model::{Cause, ServicePatch},
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        org.update_service(call::id(&id)?, ServicePatch::status(status.parse()?), Cause::Manual).await
    })
    .await
}

/// Moves a service one place up or down inside its group.
#[server]
pub async fn move_service(id: String, direction: Placement) -> Result<()> {
    use crate::server::{domain::Member, server_fn::call};
    call::call(async move |org: Member| org.move_service(call::id(&id)?, direction).await).await
}

/// Deletes a service; `confirm` must repeat its name. Leads back to the list.
#[server]
pub async fn delete_service(id: String, #[server(default)] confirm: String) -> Result<()> {
    use crate::server::{domain::Member, server_fn::call};
    call::then("/services", async move |org: Member| org.delete_confirmed(call::id(&id)?, &confirm).await).await
}

/// Adds a group at the end of the page.
#[server]
pub async fn add_group(name: String) -> Result<()> {
    use crate::{
        model::NewGroup,
        server::{domain::Member, server_fn::call::call},
    };
    call(async move |org: Member| org.create_group(NewGroup { name, position: None }, None).await.map(drop)).await
}

/// Renames a group; `version` is the one the name was written on.
#[server]
pub async fn rename_group(id: String, name: String, #[server(default)] version: Option<i64>) -> Result<()> {
    use crate::{
        model::GroupPatch,
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        org.update_group(call::id(&id)?, GroupPatch { name: Some(name), position: None, version }).await.map(drop)
    })
    .await
}

/// Moves a group one place up or down on the page.
#[server]
pub async fn move_group(id: String, direction: Placement) -> Result<()> {
    use crate::server::{domain::Member, server_fn::call};
    call::call(async move |org: Member| org.move_group(call::id(&id)?, direction).await).await
}

/// Deletes a group; its services stay, without a group.
#[server]
pub async fn delete_group(id: String) -> Result<()> {
    use crate::server::{domain::Member, server_fn::call};
    call::call(async move |org: Member| org.delete_group(call::id(&id)?).await).await
}

/// Renames the organization; admins only.
#[server]
pub async fn rename_organization(name: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::call::call};
    call(async move |org: Admin| org.rename_organization(&name).await.map(drop)).await
}

/// The zones an organization can go by.
#[server]
pub async fn time_zones() -> Result<Vec<String>> {
    use crate::server::{domain::Viewer, server_fn::call::call};
    call(async |org: Viewer| Ok(org.time_zones())).await
}

/// Sets the zone the organization's page goes by; admins only.
#[server]
pub async fn set_time_zone(time_zone: String) -> Result<()> {
    use crate::server::{domain::Admin, server_fn::call::call};
    call(async move |org: Admin| org.set_time_zone(&time_zone).await).await
}
