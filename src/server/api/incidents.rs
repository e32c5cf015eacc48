//! Incidents and maintenances with their updates, the templates they are opened with, and the series they come from.

use axum::{
    Json,
    http::{HeaderMap, StatusCode},
};
use serde::Deserialize;

use crate::{
    model::{
        Error, Incident, IncidentId, IncidentKind, IncidentPatch, IncidentStatus, IncidentUpdate, NewIncident,
        NewTemplate, NewUpdate, Result, Series, SeriesId, ServiceId, Template, TemplateId, Timestamp, UpdateId,
        UpdatePatch,
    },
    server::{
        domain::{IncidentQuery, Member, Viewer},
        http::extract::{Body, Id, Made, Once, Params, limited, made, next_link},
    },
};

const PATH: &str = "/api/incidents";

/// Which incidents.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those in this status.
    status: Option<IncidentStatus>,
    /// Only incidents, or only maintenances.
    #[serde(rename = "type")]
    kind: Option<IncidentKind>,
    /// Only those that affect this service.
    service: Option<ServiceId>,
    /// Only those that began at this instant or later, RFC 3339.
    from: Option<Timestamp>,
    /// Only those that began at this instant or earlier, RFC 3339.
    to: Option<Timestamp>,
    /// Only those that say this: in their title, a message or the postmortem.
    q: Option<String>,
    /// At most this many, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

impl Filter {
    fn query(&self, limit: u64) -> IncidentQuery {
        IncidentQuery {
            kind: self.kind,
            status: self.status,
            service: self.service,
            from: self.from,
            to: self.to,
            search: self.q.clone(),
            before: self.cursor.clone(),
            limit: Some(limit),
            ..IncidentQuery::default()
        }
    }

    /// The header that leads on, with the same filters.
    fn next(self, limit: u64, cursor: String) -> HeaderMap {
        let filters = [
            ("status", self.status.map(|status| status.to_string())),
            ("type", self.kind.map(|kind| kind.to_string())),
            ("service", self.service.map(|service| service.to_string())),
            ("from", self.from.map(|from| from.to_string())),
            ("to", self.to.map(|to| to.to_string())),
            ("q", self.q),
        ];
        let filters = filters.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let place = [("limit", limit.to_string()), ("cursor", cursor)];
        next_link(PATH, &filters.chain(place).collect::<Vec<_>>())
    }
}

/// What a deletion was decided on.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Basis {
    /// The incident's version it was decided on: refused with 409 when it is not the present one.
    version: Option<i64>,
}

/// List incidents and maintenances, newest beginning first
///
/// Drafts are among them: they are the team's own.
#[utoipa::path(
    get, path = "/api/incidents", tag = "Incidents", operation_id = "listIncidents", security(("bearer" = [])),
    params(Filter), responses((status = 200, description = "The incidents.", body = [Incident])),
)]
pub async fn list(org: Viewer, Params(filter): Params<Filter>) -> Result<(HeaderMap, Json<Vec<Incident>>)> {
    let limit = limited(filter.limit)?;
    let (incidents, next) = org.incidents(filter.query(limit)).await?;
    let headers = next.map_or_else(HeaderMap::new, |cursor| filter.next(limit, cursor));
    Ok((headers, Json(incidents)))
}

/// Open an incident, enter one of the past, or plan a maintenance
///
/// With `recurrence` a whole series is planned; the answer is its first window. With an `Idempotency-Credential` the request can
/// be sent again without opening a second one.
#[utoipa::path(
    post, path = "/api/incidents", tag = "Incidents", operation_id = "openIncident", security(("bearer" = [])),
    params(Once),
    request_body(content = NewIncident, examples(
        ("An incident" = (value = json!({
            "title": "Elevated error rates on checkout",
            "message": "We are looking into **failed payments**.",
            "status": "investigating",
            "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "partial_outage"}],
        }))),
        ("The shortest incident" = (value = json!({
            "title": "Checkout is down",
            "description": "Nobody can pay.",
            "impact": "critical",
            "incident_type": "incident",
            "service_id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e",
        }))),
        ("An incident of the past" = (value = json!({
            "title": "Payments failed for 20 minutes",
            "message": "A certificate had expired.",
            "started_at": "2026-11-20T09:10:00Z",
            "resolved_at": "2026-11-20T09:30:00Z",
            "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "major_outage"}],
            "correct_uptime": true,
        }))),
        ("A maintenance" = (value = json!({
            "title": "Database upgrade",
            "message": "Checkout will be read-only.",
            "incident_type": "maintenance",
            "starts_at": "2027-03-02T02:00:00Z",
            "ends_at": "2027-03-02T03:00:00Z",
            "service_ids": ["01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e"],
            "automations": {"remind": true, "start": true, "end": true, "notify_start": true, "notify_end": true},
        }))),
        ("A maintenance that comes back" = (value = json!({
            "title": "Weekly certificate rotation",
            "incident_type": "maintenance",
            "starts_at": "2027-03-02T02:00:00Z",
            "ends_at": "2027-03-02T02:15:00Z",
            "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "under_maintenance"}],
            "recurrence": "FREQ=WEEKLY;COUNT=10",
        }))),
    )),
    responses(
        (status = 201, description = "The new incident; sent again with its key, the one made then.", body = Incident),
        (status = 404, description = "There is no such service.", body = Error),
        (status = 409, description = "The key was used for another request, or what it made has been deleted.", body = Error),
    ),
)]
pub async fn open(org: Member, Once(key): Once, Body(new): Body<NewIncident>) -> Result<Made<Incident>> {
    org.open_incident_once(new, key).await.map(made)
}

/// Show an incident or a maintenance with everything said about it
#[utoipa::path(
    get, path = "/api/incidents/{id}", tag = "Incidents", operation_id = "showIncident", security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "The incident.")),
    responses((status = 200, description = "The incident.", body = Incident)),
)]
pub async fn show(org: Viewer, Id(id): Id<IncidentId>) -> Result<Json<Incident>> {
    org.incident(id).await.map(Json)
}

/// Change an incident's title, impact, beginning, services or postmortem, or a maintenance's plan; what is absent stays
///
/// The status changes by updates only. With `version` a change that was made on an older state is refused.
#[utoipa::path(
    put, path = "/api/incidents/{id}", tag = "Incidents", operation_id = "updateIncident", security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "The incident.")),
    request_body(content = IncidentPatch, examples(
        ("Another title and impact" = (value = json!({
            "title": "Checkout unavailable",
            "impact": "critical",
            "version": 3,
        }))),
        ("A maintenance at another time" = (value = json!({
            "starts_at": "2027-03-09T02:00:00Z",
            "ends_at": "2027-03-09T03:00:00Z",
            "version": 1,
        }))),
        ("What a maintenance does by itself" = (value = json!({
            "automations": {"remind": true, "start": true, "end": false, "notify_start": true, "notify_end": true},
        }))),
        ("What was learned from an incident that is over" = (value = json!({
            "postmortem": "## What happened\n\nA certificate had expired. It is renewed by itself now.",
            "publish_postmortem": true,
        }))),
    )),
    responses(
        (status = 200, description = "The incident as it is now.", body = Incident),
        (status = 409, description = "Somebody else changed it meanwhile: `version` is not the present one.", body = Error),
    ),
)]
pub async fn update(org: Member, Id(id): Id<IncidentId>, Body(patch): Body<IncidentPatch>) -> Result<Json<Incident>> {
    org.update_incident(id, patch).await.map(Json)
}

/// Delete an incident or a maintenance with everything said about it
///
/// Services it held are released. What it changed stays in their history.
#[utoipa::path(
    delete, path = "/api/incidents/{id}", tag = "Incidents", operation_id = "deleteIncident", security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "The incident."), Basis),
    responses(
        (status = 204, description = "The incident is gone."),
        (status = 409, description = "Somebody else changed it meanwhile: `version` is not the present one.", body = Error),
    ),
)]
pub async fn delete(org: Member, Id(id): Id<IncidentId>, Params(basis): Params<Basis>) -> Result<StatusCode> {
    org.delete_incident(id, basis.version).await.map(|()| StatusCode::NO_CONTENT)
}

/// Post an update; the incident's status and its services follow
///
/// A status that ends the incident releases its services: they recover to their own status. Of those named, the status
/// named becomes their own, Operational too. What is over already says nothing of services.
#[utoipa::path(
    post, path = "/api/incidents/{id}/updates", tag = "Incidents", operation_id = "postUpdate", security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "The incident."), Once), request_body = NewUpdate,
    responses(
        (status = 201, description = "The new update; sent again with its key, the one made then.", body = IncidentUpdate),
        (status = 409, description = "`version` is not the present one, or the key was used for another request.", body = Error),
    ),
)]
pub async fn post(
    org: Member,
    Id(id): Id<IncidentId>,
    Once(key): Once,
    Body(new): Body<NewUpdate>,
) -> Result<Made<IncidentUpdate>> {
    org.post_update_once(id, new, key).await.map(|(_, update, again)| made((update, again)))
}

/// Change what an update says or where it stands; what it said before stays to be seen
#[utoipa::path(
    put, path = "/api/incidents/{id}/updates/{uid}", tag = "Incidents", operation_id = "editUpdate",
    security(("bearer" = [])),
    params(
        ("id" = IncidentId, Path, description = "The incident."),
        ("uid" = UpdateId, Path, description = "The update."),
    ),
    request_body = UpdatePatch,
    responses(
        (status = 200, description = "The update as it is now.", body = IncidentUpdate),
        (status = 409, description = "Somebody else changed the incident meanwhile: `version` is not the present one.", body = Error),
    ),
)]
pub async fn edit(
    org: Member,
    Id((id, update)): Id<(IncidentId, UpdateId)>,
    Body(patch): Body<UpdatePatch>,
) -> Result<Json<IncidentUpdate>> {
    let incident = org.edit_update(id, update, patch).await?;
    incident.updates.into_iter().find(|known| known.id == update).map(Json).ok_or_else(Error::not_found)
}

/// Delete an update; the incident's status is again that of the newest that is left
///
/// A maintenance takes no step back: an update that ended it, or began it, stays.
#[utoipa::path(
    delete, path = "/api/incidents/{id}/updates/{uid}", tag = "Incidents", operation_id = "deleteUpdate",
    security(("bearer" = [])),
    params(
        ("id" = IncidentId, Path, description = "The incident."),
        ("uid" = UpdateId, Path, description = "The update."),
        Basis,
    ),
    responses(
        (status = 204, description = "The update is gone."),
        (status = 400, description = "It is the incident's only update, or a maintenance would take a step back.", body = Error),
        (status = 409, description = "Somebody else changed the incident meanwhile: `version` is not the present one.", body = Error),
    ),
)]
pub async fn withdraw(
    org: Member,
    Id((id, update)): Id<(IncidentId, UpdateId)>,
    Params(basis): Params<Basis>,
) -> Result<StatusCode> {
    org.delete_update(id, update, basis.version).await.map(|_| StatusCode::NO_CONTENT)
}

/// List the series of maintenances that go on, newest first
#[utoipa::path(
    get, path = "/api/maintenance-series", tag = "Incidents", operation_id = "listSeries", security(("bearer" = [])),
    responses((status = 200, description = "The series.", body = [Series])),
)]
pub async fn series(org: Viewer) -> Result<Json<Vec<Series>>> {
    org.series().await.map(Json)
}

/// End a series; its windows that have not begun are cancelled, and drafts among them deleted
///
/// A series ends by itself when its rule names no further window and the last one is over.
#[utoipa::path(
    delete, path = "/api/maintenance-series/{id}", tag = "Incidents", operation_id = "endSeries",
    security(("bearer" = [])),
    params(("id" = SeriesId, Path, description = "The series.")),
    responses((status = 204, description = "The series has ended.")),
)]
pub async fn end_series(org: Member, Id(id): Id<SeriesId>) -> Result<StatusCode> {
    org.end_series(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// List the templates, by name; there are at most 200
#[utoipa::path(
    get, path = "/api/templates", tag = "Incidents", operation_id = "listTemplates", security(("bearer" = [])),
    responses((status = 200, description = "The templates.", body = [Template])),
)]
pub async fn templates(org: Viewer) -> Result<Json<Vec<Template>>> {
    org.templates().await.map(Json)
}

/// Add a template
///
/// In its texts `{{services}}`, `{{organization}}`, `{{date}}` and `{{time}}` are filled in when an incident is opened with
/// it. With an `Idempotency-Credential` the request can be sent again without adding a second one.
#[utoipa::path(
    post, path = "/api/templates", tag = "Incidents", operation_id = "createTemplate", security(("bearer" = [])),
    params(Once), request_body = NewTemplate,
    responses(
        (status = 201, description = "The new template; sent again with its key, the one made then.", body = Template),
        (status = 404, description = "There is no such service.", body = Error),
        (status = 409, description = "The key was used for another request, or what it made has been deleted.", body = Error),
    ),
)]
pub async fn create_template(org: Member, Once(key): Once, Body(new): Body<NewTemplate>) -> Result<Made<Template>> {
    org.create_template(new, key).await.map(made)
}

/// Put another template in the place of one
///
/// With `version` a change that was made on an older state is refused.
#[utoipa::path(
    put, path = "/api/templates/{id}", tag = "Incidents", operation_id = "replaceTemplate", security(("bearer" = [])),
    params(("id" = TemplateId, Path, description = "The template.")), request_body = NewTemplate,
    responses(
        (status = 200, description = "The template as it is now.", body = Template),
        (status = 409, description = "Somebody else changed it meanwhile: `version` is not the present one.", body = Error),
    ),
)]
pub async fn replace_template(
    org: Member,
    Id(id): Id<TemplateId>,
    Body(new): Body<NewTemplate>,
) -> Result<Json<Template>> {
    org.replace_template(id, new).await.map(Json)
}

/// Delete a template
#[utoipa::path(
    delete, path = "/api/templates/{id}", tag = "Incidents", operation_id = "deleteTemplate", security(("bearer" = [])),
    params(("id" = TemplateId, Path, description = "The template.")),
    responses((status = 204, description = "The template is gone.")),
)]
pub async fn delete_template(org: Member, Id(id): Id<TemplateId>) -> Result<StatusCode> {
    org.delete_template(id).await.map(|()| StatusCode::NO_CONTENT)
}
