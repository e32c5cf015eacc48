//! Maintenances: scheduling, rescheduling, automations, conflicts and series.

#![expect(clippy::too_many_arguments, reason = "an argument is a field of a form")]

use std::collections::BTreeMap;

use leptos::prelude::*;

use crate::model::{Calendar, Conflict, Incident, IncidentList, Result, Series, Timestamp};

/// Schedules a maintenance and redirects to it. Times are in the organization's time zone; `recurrence` is an RFC 5545
/// rule or empty.
#[server]
pub async fn schedule_maintenance(
    title: String,
    starts: String,
    ends: String,
    #[server(default)] message: String,
    #[server(default)] services: BTreeMap<String, String>,
    #[server(default)] remind: Option<String>,
    #[server(default)] start: Option<String>,
    #[server(default)] end: Option<String>,
    #[server(default)] notify_start: Option<String>,
    #[server(default)] notify_end: Option<String>,
    #[server(default)] notify: Option<String>,
    #[server(default)] recurrence: String,
    #[server(default)] is_draft: Option<String>,
    #[server(default)] key: String,
) -> Result<()> {
    use crate::{
        model::{Automations, IncidentKind, NewIncident},
        server::{domain::Member, server_fn::prelude::*},
    };
    call_for_redirect(async move |org: Member| {
        let automations = Automations {
            remind: remind.is_some(),
            start: start.is_some(),
            end: end.is_some(),
            notify_start: notify_start.is_some(),
            notify_end: notify_end.is_some(),
        };
        let new = NewIncident {
            title,
            message: Some(message),
            incident_type: IncidentKind::Maintenance,
            starts_at: Some(org.local_time("starts", &starts).await?),
            ends_at: Some(org.local_time("ends", &ends).await?),
            services: form_fields::impacts(&services)?,
            automations: Some(automations),
            recurrence: Some(recurrence).filter(|rule| !rule.trim().is_empty()),
            is_draft: is_draft.is_some(),
            notify: Some(notify.is_some()),
            ..Default::default()
        };
        let maintenance =
            org.open_incident(new, form_fields::key(&key)).await.map_err(form_fields::named_as_in_forms)?;
        Ok(format!("/incidents/{}", maintenance.id))
    })
    .await
}

/// Moves a maintenance that has not started, or the end of one that has. A time equal to the form's value, `starts_was`
/// or `ends_was`, keeps its milliseconds.
#[server]
pub async fn reschedule(
    id: String,
    #[server(default)] starts: String,
    ends: String,
    #[server(default)] starts_was: String,
    #[server(default)] ends_was: String,
    #[server(default)] version: Option<i64>,
) -> Result<Incident> {
    use crate::{
        model::IncidentPatch,
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let starts_at = match starts.as_str() {
            text if text.is_empty() || text == starts_was => None,
            text => Some(org.local_time("starts", text).await?),
        };
        let ends_at = match ends.as_str() {
            text if !text.is_empty() && text == ends_was => None,
            text => Some(org.local_time("ends", text).await?),
        };
        let patch = IncidentPatch { starts_at, ends_at, version, ..Default::default() };
        org.update_incident(form_fields::id(&id)?, patch).await.map_err(form_fields::named_as_in_forms)
    })
    .await
}

/// Sets what the scheduler does for a maintenance.
#[server]
pub async fn set_automations(
    id: String,
    #[server(default)] remind: Option<String>,
    #[server(default)] start: Option<String>,
    #[server(default)] end: Option<String>,
    #[server(default)] notify_start: Option<String>,
    #[server(default)] notify_end: Option<String>,
    #[server(default)] version: Option<i64>,
) -> Result<Incident> {
    use crate::{
        model::{Automations, IncidentPatch},
        server::{domain::Member, server_fn::prelude::*},
    };
    call(async move |org: Member| {
        let automations = Automations {
            remind: remind.is_some(),
            start: start.is_some(),
            end: end.is_some(),
            notify_start: notify_start.is_some(),
            notify_end: notify_end.is_some(),
        };
        let patch = IncidentPatch { automations: Some(automations), version, ..Default::default() };
        org.update_incident(form_fields::id(&id)?, patch).await
    })
    .await
}

/// What a window on these services would conflict with. Without both times, only what affects the services now.
#[server]
pub async fn conflicts(
    #[server(default)] starts_at: Option<Timestamp>,
    #[server(default)] ends_at: Option<Timestamp>,
    #[server(default)] services: BTreeMap<String, String>,
) -> Result<Vec<Conflict>> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async move |org: Viewer| {
        let services = form_fields::impacts(&services)?.into_iter().map(|impact| impact.id).collect();
        org.conflicts(starts_at.zip(ends_at), services).await
    })
    .await
}

/// A page of the scheduled maintenances, the next one first; `after` is the cursor of the previous page.
#[server]
pub async fn planned_maintenances(#[server(default)] after: String) -> Result<Calendar> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async move |org: Viewer| org.calendar(&after).await).await
}

/// A page of past maintenances, latest start first; `before` is the cursor of the previous page.
#[server]
pub async fn past_maintenances(#[server(default)] before: String) -> Result<IncidentList> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async move |org: Viewer| org.past_maintenances(before).await).await
}

/// The active series.
#[server]
pub async fn series_list() -> Result<Vec<Series>> {
    use crate::server::{domain::Viewer, server_fn::prelude::*};
    call(async |org: Viewer| org.series().await).await
}

/// Ends a series and cancels its upcoming windows.
#[server]
pub async fn end_series(id: String) -> Result<()> {
    use crate::server::{domain::Member, server_fn::prelude::*};
    call(async move |org: Member| org.end_series(form_fields::id(&id)?).await).await
}
