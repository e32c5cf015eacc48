//! Incidents: lists, the incident room, updates, postmortems and templates.

#![expect(clippy::too_many_arguments, reason = "an argument is a field of a form")]

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{Incident, IncidentList, IncidentRoom, Result, Template};

/// A page of incidents and maintenances, latest start first. Empty filters do not apply.
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
        server_fn::prelude::*,
    };
    let fields = IncidentFields { kind, status, service, from, to, search, before };
    call(async move |org: Viewer| org.incident_list(fields).await).await
}

/// An incident with the names of its authors.
#[server]
pub async fn room(id: String) -> Result<IncidentRoom> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async move |org: Viewer| org.incident_room(form_fields::id(&id)?).await).await
}

/// Reports that the caller is viewing an incident, or leaving it, and returns the others who are viewing it.
#[server]
pub async fn here(id: String, #[server(default)] leaving: bool) -> Result<Vec<String>> {
    use crate::server::{domain::Person, server_fn::prelude::*};
    call(async move |person: Person| person.heartbeat(form_fields::id(&id)?, leaving).await).await
}

/// A message as HTML, as the public page will show it.
#[server]
pub async fn preview_message(message: String) -> Result<String> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async move |org: Viewer| Ok(org.preview(&message))).await
}

/// An idempotency key for a form.
#[server]
pub async fn form_key() -> Result<String> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async |org: Viewer| Ok(org.form_key())).await
}

/// Opens an incident or saves it as a draft, and redirects to its room. An empty `impact` is derived from the services;
/// a service with an empty status is not affected.
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
        server::{domain::Member, server_fn::prelude::*},
    };
    call_for_redirect(async move |org: Member| {
        let new = NewIncident {
            title,
            message: Some(message),
            status: form_fields::value("status", &status)?,
            impact: form_fields::value("impact", &impact)?,
            services: form_fields::impacts(&services)?,
            is_draft: is_draft.is_some(),
            notify: Some(notify.is_some()),
            ..Default::default()
        };
        let incident = org.open_incident(new, form_fields::key(&key)).await?;
        Ok(format!("/incidents/{}", incident.id))
    })
    .await
}

/// Adds a past incident (domain rule 3.5) and redirects to it. Times are in the organization's time zone.
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
        server::{domain::Member, server_fn::prelude::*},
    };
    call_for_redirect(async move |org: Member| {
        let new = NewIncident {
            title,
            message: Some(message),
            status: Some(IncidentStatus::Resolved),
            started_at: Some(org.local_time("started_at", &started_at).await?),
            resolved_at: Some(org.local_time("resolved_at", &resolved_at).await?),
            impact: form_fields::value("impact", &impact)?,
            services: form_fields::impacts(&services)?,
            correct_uptime: correct_uptime.is_some(),
            notify: Some(false),
            ..Default::default()
        };
        let incident = org.open_incident(new, form_fields::key(&key)).await?;
        Ok(format!("/incidents/{}", incident.id))
    })
    .await
}

/// Posts an update. An empty `status` keeps the status, as does a service's. `step`, the status of the submit button,
/// takes precedence over `status`. `version` is the one the update is based on.
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
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let services = form_fields::impacts(&services)?;
        let update = NewUpdate {
            message: Some(message),
            status: form_fields::value("status", if step.is_empty() { &status } else { &step })?,
            services: (!services.is_empty()).then_some(services),
            display_at: None,
            notify: Some(notify.is_some()),
            version,
        };
        org.post_update(form_fields::id(&id)?, update, form_fields::key(&key)).await.map(|(incident, _)| incident)
    })
    .await
}

/// Changes an incident's title, impact and start. An empty `impact` is derived from the services again; that of a
/// maintenance cannot change. A start equal to `started_was`, the form's value, keeps its milliseconds.
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
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let started_at = match started_at.as_str() {
            text if text.is_empty() || text == started_was => None,
            text => Some(org.local_time("started_at", text).await?),
        };
        let patch = IncidentPatch {
            title: Some(title),
            impact: Some(form_fields::value("impact", &impact)?).filter(|impact| *impact != Some(Impact::Maintenance)),
            started_at,
            version,
            ..Default::default()
        };
        org.update_incident(form_fields::id(&id)?, patch).await
    })
    .await
}

/// Removes a service from an incident; the impact so far remains recorded (domain rule 3.4.8).
#[server]
pub async fn detach_service(id: String, service: String, #[server(default)] version: Option<i64>) -> Result<Incident> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call(async move |org: Member| org.detach_service(form_fields::id(&id)?, form_fields::id(&service)?, version).await)
        .await
}

/// Publishes a draft.
#[server]
pub async fn publish_incident(id: String, #[server(default)] version: Option<i64>) -> Result<Incident> {
    use crate::{
        model::IncidentPatch,
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let patch = IncidentPatch { is_draft: Some(false), version, ..Default::default() };
        org.update_incident(form_fields::id(&id)?, patch).await
    })
    .await
}

/// Changes an update's message and displayed time; earlier versions stay visible. A time equal to `display_was`, the
/// form's value, keeps its milliseconds and so the order of the updates.
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
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let display_at = match display_at.as_str() {
            text if text.is_empty() || text == display_was => None,
            text => Some(org.local_time("display_at", text).await?),
        };
        let patch = UpdatePatch { message: Some(message), display_at, version };
        org.edit_update(form_fields::id(&id)?, form_fields::id(&update_id)?, patch).await
    })
    .await
}

/// Deletes an update.
#[server]
pub async fn delete_update(id: String, update_id: String, #[server(default)] version: Option<i64>) -> Result<Incident> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call(async move |org: Member| org.delete_update(form_fields::id(&id)?, form_fields::id(&update_id)?, version).await)
        .await
}

/// Saves the postmortem; visitors see it if `publish` is set. With `withdraw`, the text is kept and hidden from
/// visitors.
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
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let patch = IncidentPatch {
            postmortem: withdraw.is_none().then_some(postmortem),
            publish_postmortem: Some(publish.is_some()),
            version,
            ..Default::default()
        };
        org.update_incident(form_fields::id(&id)?, patch).await
    })
    .await
}

/// Deletes an incident or maintenance, if `confirm` repeats its title, and redirects to the list.
#[server]
pub async fn delete_incident(
    id: String,
    #[server(default)] confirm: String,
    #[server(default)] version: Option<i64>,
) -> Result<()> {
    use crate::{
        model::IncidentKind,
        server::{domain::Member, server_fn::prelude::*},
    };
    call_for_redirect(async move |org: Member| {
        let kind = org.delete_incident_confirmed(form_fields::id(&id)?, &confirm, version).await?;
        Ok(if kind == IncidentKind::Maintenance { "/maintenances".to_owned() } else { "/incidents".to_owned() })
    })
    .await
}

/// The templates, sorted by name.
#[server]
pub async fn templates() -> Result<Vec<Template>> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async |org: Viewer| org.templates().await).await
}

/// A template with its placeholders filled in, for the form that opens an incident; `None` for an empty `id`.
#[server]
pub async fn filled_template(id: String) -> Result<Option<Template>> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async move |org: Viewer| match form_fields::choice(&id)? {
        Some(id) => org.filled_template(id).await.map(Some),
        None => Ok(None),
    })
    .await
}

/// Adds a template, or replaces the one with `id`; `version` is the one the change is based on.
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
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let status = form_fields::value("status", &status)?;
        let template =
            NewTemplate { name, title, message, status, services: form_fields::impacts(&services)?, version };
        match form_fields::choice(&id)? {
            Some(id) => org.replace_template(id, template).await,
            None => org.create_template(template, None).await.map(|(template, _)| template),
        }
    })
    .await
}

/// Deletes a template.
#[server]
pub async fn delete_template(id: String) -> Result<()> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call(async move |org: Member| org.delete_template(form_fields::id(&id)?).await).await
}
