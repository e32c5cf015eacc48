//! The doors to incidents: open, update, correct, learn from.

#![expect(clippy::too_many_arguments, reason = "an argument is a field of a form")]

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{Incident, IncidentList, IncidentRoom, Result, Template};

/// Incidents and maintenances, newest beginning first; empty filters let everything through.
#[server]
pub async fn incidents(
    #[server(default)] kind: String,
    #[server(default)] status: String,
    #[server(default)] service: String,
    #[server(default)] from: String,
    #[server(default)] to: String,
    #[server(default)] search: String,
    #[server(default)] before: String,
) -> Result<IncidentList> {
    use crate::server::{
        domain::{IncidentFields, Viewer},
        server_fn::call,
    };
    let fields = IncidentFields { kind, status, service, from, to, search, before };
    call::call(async move |org: Viewer| org.incident_list(fields).await).await
}

/// One incident with the names of who wrote what.
#[server]
pub async fn room(id: String) -> Result<IncidentRoom> {
    use crate::server::{domain::Viewer, server_fn::call};
    call::call(async move |org: Viewer| org.incident_room(call::id(&id)?).await).await
}

/// Says that the reader is at an incident, or leaves it, and tells who else is there.
#[server]
pub async fn here(id: String, #[server(default)] leaving: bool) -> Result<Vec<String>> {
    use crate::server::{domain::Viewer, server_fn::call};
    call::call(async move |org: Viewer| org.heartbeat(call::id(&id)?, leaving).await).await
}

/// A message as the public page will show it.
#[server]
pub async fn preview_message(message: String) -> Result<String> {
    use crate::server::{domain::Viewer, server_fn::call::call};
    call(async move |org: Viewer| Ok(org.preview(&message))).await
}

/// A key that lets a form be sent twice without being obeyed twice.
#[server]
pub async fn form_key() -> Result<String> {
    use crate::server::{domain::Viewer, server_fn::call::call};
    call(async |org: Viewer| Ok(org.form_key())).await
}

/// Opens an incident, or keeps it as a draft, and leads to its room. An empty `impact` follows from the services, an
/// empty service is not affected.
#[server]
pub async fn open_incident(
    title: String,
    #[server(default)] message: String,
    #[server(default)] status: String,
    #[server(default)] impact: String,
    #[server(default)] services: BTreeMap<String, String>,
    #[server(default)] is_draft: Option<String>,
    #[server(default)] notify: Option<String>,
    #[server(default)] key: String,
) -> Result<()> {
    use crate::{
        model::NewIncident,
        server::{domain::Member, server_fn::call},
    };
    call::lead(async move |org: Member| {
        let new = NewIncident {
            title,
            message: Some(message),
            status: call::word("status", &status)?,
            impact: call::word("impact", &impact)?,
            services: call::impacts(&services)?,
            is_draft: is_draft.is_some(),
            notify: Some(notify.is_some()),
            ..Default::default()
        };
        let incident = org.open_incident(new, call::key(&key)).await?;
        Ok(format!("/incidents/{}", incident.id))
    })
    .await
}

/// Enters an incident that is over (domain rule 3.5) and leads to it. Times are in the organization's zone.
#[server]
pub async fn backfill_incident(
    title: String,
    started_at: String,
    resolved_at: String,
    #[server(default)] message: String,
    #[server(default)] impact: String,
    #[server(default)] services: BTreeMap<String, String>,
    #[server(default)] correct_uptime: Option<String>,
    #[server(default)] key: String,
) -> Result<()> {
    use crate::{
        model::{IncidentStatus, NewIncident},
        server::{domain::Member, server_fn::call},
    };
    call::lead(async move |org: Member| {
        let new = NewIncident {
            title,
            message: Some(message),
            status: Some(IncidentStatus::Resolved),
            started_at: Some(org.local_time("started_at", &started_at).await?),
            resolved_at: Some(org.local_time("resolved_at", &resolved_at).await?),
            impact: call::word("impact", &impact)?,
            services: call::impacts(&services)?,
            correct_uptime: correct_uptime.is_some(),
            notify: Some(false),
            ..Default::default()
        };
        let incident = org.open_incident(new, call::key(&key)).await?;
        Ok(format!("/incidents/{}", incident.id))
    })
    .await
}

/// Posts an update. An empty `status` keeps the status, an empty service its own; `step` is the status of the button
/// that sent it and goes before the chosen one; `version` is the one it was written on.
#[server]
pub async fn post_update(
    id: String,
    #[server(default)] message: String,
    #[server(default)] status: String,
    #[server(default)] step: String,
    #[server(default)] services: BTreeMap<String, String>,
    #[server(default)] notify: Option<String>,
    #[server(default)] version: Option<i64>,
    #[server(default)] key: String,
) -> Result<Incident> {
    use crate::{
        model::NewUpdate,
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let said = call::impacts(&services)?;
        let update = NewUpdate {
            message: Some(message),
            status: call::word("status", if step.is_empty() { &status } else { &step })?,
            services: (!said.is_empty()).then_some(said),
            display_at: None,
            notify: Some(notify.is_some()),
            version,
        };
        org.post_update(call::id(&id)?, update, call::key(&key)).await.map(|(incident, _)| incident)
    })
    .await
}

/// Changes an incident's title, impact and beginning. An empty `impact` follows from the services again, that of a
/// maintenance cannot change; a beginning as the form showed it, `started_was`, stays to the millisecond.
#[server]
pub async fn edit_incident(
    id: String,
    title: String,
    #[server(default)] impact: String,
    #[server(default)] started_at: String,
    #[server(default)] started_was: String,
    #[server(default)] version: Option<i64>,
) -> Result<Incident> {
    use crate::{
        model::{Impact, IncidentPatch},
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let started_at = match started_at.as_str() {
            text if text.is_empty() || text == started_was => None,
            text => Some(org.local_time("started_at", text).await?),
        };
        let patch = IncidentPatch {
            title: Some(title),
            impact: Some(call::word("impact", &impact)?).filter(|impact| *impact != Some(Impact::Maintenance)),
            started_at,
            version,
            ..Default::default()
        };
        org.update_incident(call::id(&id)?, patch).await
    })
    .await
}

/// Takes a service out of an incident; what it suffered stays (domain rule 3.4.8).
#[server]
pub async fn detach_service(id: String, service: String, #[server(default)] version: Option<i64>) -> Result<Incident> {
    use crate::server::{domain::Member, server_fn::call};
    call::call(async move |org: Member| org.detach_service(call::id(&id)?, call::id(&service)?, version).await).await
}

/// Lets everybody see a draft.
#[server]
pub async fn publish_incident(id: String, #[server(default)] version: Option<i64>) -> Result<Incident> {
    use crate::{
        model::IncidentPatch,
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let patch = IncidentPatch { is_draft: Some(false), version, ..Default::default() };
        org.update_incident(call::id(&id)?, patch).await
    })
    .await
}

/// Changes what an update says, and when it is shown to have been said; what it said before stays to be seen. A time as
/// the form showed it, `display_was`, stays to the millisecond, and with it the order of the updates.
#[server]
pub async fn edit_update(
    id: String,
    update_id: String,
    message: String,
    #[server(default)] display_at: String,
    #[server(default)] display_was: String,
    #[server(default)] version: Option<i64>,
) -> Result<Incident> {
    use crate::{
        model::UpdatePatch,
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let display_at = match display_at.as_str() {
            text if text.is_empty() || text == display_was => None,
            text => Some(org.local_time("display_at", text).await?),
        };
        let patch = UpdatePatch { message: Some(message), display_at, version };
        org.edit_update(call::id(&id)?, call::id(&update_id)?, patch).await
    })
    .await
}

/// Deletes an update that should not have been posted.
#[server]
pub async fn delete_update(id: String, update_id: String, #[server(default)] version: Option<i64>) -> Result<Incident> {
    use crate::server::{domain::Member, server_fn::call};
    call::call(async move |org: Member| org.delete_update(call::id(&id)?, call::id(&update_id)?, version).await).await
}

/// Writes down what was learned; visitors see it once `publish` is set. With `withdraw` the text stays as it is, and
/// visitors do not see it any more.
#[server]
pub async fn write_postmortem(
    id: String,
    #[server(default)] postmortem: String,
    #[server(default)] publish: Option<String>,
    #[server(default)] withdraw: Option<String>,
    #[server(default)] version: Option<i64>,
) -> Result<Incident> {
    use crate::{
        model::IncidentPatch,
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let patch = IncidentPatch {
            postmortem: withdraw.is_none().then_some(postmortem),
            publish_postmortem: Some(publish.is_some()),
            version,
            ..Default::default()
        };
        org.update_incident(call::id(&id)?, patch).await
    })
    .await
}

/// Deletes an incident or a maintenance; `confirm` must repeat its title. Leads back to the list.
#[server]
pub async fn delete_incident(
    id: String,
    #[server(default)] confirm: String,
    #[server(default)] version: Option<i64>,
) -> Result<()> {
    use crate::{
        model::IncidentKind,
        server::{domain::Member, server_fn::call},
    };
    call::lead(async move |org: Member| {
        let kind = org.delete_incident_confirmed(call::id(&id)?, &confirm, version).await?;
        Ok(if kind == IncidentKind::Maintenance { "/maintenances".to_owned() } else { "/incidents".to_owned() })
    })
    .await
}

/// The templates, by name.
#[server]
pub async fn templates() -> Result<Vec<Template>> {
    use crate::server::{domain::Viewer, server_fn::call::call};
    call(async |org: Viewer| org.templates().await).await
}

/// A template with its placeholders filled in, for the form that opens an incident; an empty `id` is none.
#[server]
pub async fn filled_template(id: String) -> Result<Option<Template>> {
    use crate::server::{domain::Viewer, server_fn::call};
    call::call(async move |org: Viewer| match call::choice(&id)? {
        Some(id) => org.filled_template(id).await.map(Some),
        None => Ok(None),
    })
    .await
}

/// Adds a template, or puts it in the place of the one with `id`, written on its `version`.
#[server]
pub async fn save_template(
    #[server(default)] id: String,
    name: String,
    title: String,
    #[server(default)] message: String,
    #[server(default)] status: String,
    #[server(default)] services: BTreeMap<String, String>,
    #[server(default)] version: Option<i64>,
) -> Result<Template> {
    use crate::{
        model::NewTemplate,
        server::{domain::Member, server_fn::call},
    };
    call::call(async move |org: Member| {
        let status = call::word("status", &status)?;
        let template = NewTemplate { name, title, message, status, services: call::impacts(&services)?, version };
        match call::choice(&id)? {
            Some(id) => org.replace_template(id, template).await,
            None => org.create_template(template, None).await.map(|(template, _)| template),
        }
    })
    .await
}

/// Deletes a template.
#[server]
pub async fn delete_template(id: String) -> Result<()> {
    use crate::server::{domain::Member, server_fn::call};
    call::call(async move |org: Member| org.delete_template(call::id(&id)?).await).await
}
