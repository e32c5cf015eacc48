//! Incidents and maintenances, their updates, incident templates and maintenance series.

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
        http::extract::{Body, Created, Id, Idempotency, Params, created, next_link, page_limit},
    },
};

const PATH: &str = "/api/incidents";

/// Filters and page of the incidents.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Only those with this status.
    status: Option<IncidentStatus>,
    /// Only incidents, or only maintenances.
    #[serde(rename = "type")]
    kind: Option<IncidentKind>,
    /// Only those that affect this service.
    service: Option<ServiceId>,
    /// Only those that started at or after this time, RFC 3339.
    from: Option<Timestamp>,
    /// Only those that started at or before this time, RFC 3339.
    to: Option<Timestamp>,
    /// Only those whose title, status, messages or postmortem contain this text, in capitals or not. A page looks at a
    /// limited amount of text; it may be empty and still have a next page.
    q: Option<String>,
    /// Maximum number of items, 1 to 100.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u64>,
    /// Cursor from the `Link` header of the previous page.
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

    /// The `Link` header to the next page, with the same filters.
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
        let page = [("limit", limit.to_string()), ("cursor", cursor)];
        next_link(PATH, &filters.chain(page).collect::<Vec<_>>())
    }
}

/// Optimistic locking of a deletion.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Basis {
    /// The incident's version that the deletion is based on. If it is not the current one, the request is rejected with
    /// 409.
    version: Option<i64>,
}

/// List incidents and maintenances
///
/// Latest start first, drafts included.
#[utoipa::path(
    get, path = "/api/incidents", tag = "Incidents", operation_id = "listIncidents", security(("bearer" = [])),
    params(Filter),
    responses((status = 200, description = "The incidents. `Link` has the URL of the next page.", body = [Incident])),
)]
pub async fn list(org: Viewer, Params(filter): Params<Filter>) -> Result<(HeaderMap, Json<Vec<Incident>>)> {
    let limit = page_limit(filter.limit)?;
    let (incidents, next) = org.incidents(filter.query(limit)).await?;
    let headers = next.map_or_else(HeaderMap::new, |cursor| filter.next(limit, cursor));
    Ok((headers, Json(incidents)))
}

/// Open an incident or schedule a maintenance
///
/// With `resolved_at`, a past incident is added. With `recurrence`, a series of maintenances is scheduled; the
/// response is its first window. With an `Idempotency-Key`, the request can be retried without creating a duplicate.
#[utoipa::path(
    post, path = "/api/incidents", tag = "Incidents", operation_id = "openIncident", security(("bearer" = [])),
    params(Idempotency),
    request_body(content = NewIncident, examples(
        ("An incident" = (value = json!({
            "title": "Elevated error rates on checkout",
            "message": "We are looking into **failed payments**.",
            "status": "investigating",
            "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "partial_outage"}],
        }))),
        ("A minimal incident" = (value = json!({
            "title": "Checkout is down",
            "description": "Nobody can pay.",
            "impact": "critical",
            "incident_type": "incident",
            "service_id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e",
        }))),
        ("A past incident" = (value = json!({
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
        ("A recurring maintenance" = (value = json!({
            "title": "Weekly certificate rotation",
            "incident_type": "maintenance",
            "starts_at": "2027-03-02T02:00:00Z",
            "ends_at": "2027-03-02T02:15:00Z",
            "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "under_maintenance"}],
            "recurrence": "FREQ=WEEKLY;COUNT=10",
        }))),
    )),
    responses(
        (status = 201, body = Incident,
         description = "The new incident; for a retry with the same key, the one created then."),
        (status = 404, description = "A service does not exist.", body = Error),
        (status = 409, body = Error,
         description = "The key was used for another request, or the object created with it has been deleted."),
    ),
)]
pub async fn open(
    org: Member,
    Idempotency(key): Idempotency,
    Body(new): Body<NewIncident>,
) -> Result<Created<Incident>> {
    org.open_incident_once(new, key).await.map(created)
}

/// Show an incident or maintenance with its updates
#[utoipa::path(
    get, path = "/api/incidents/{id}", tag = "Incidents", operation_id = "showIncident", security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "Id of the incident.")),
    responses((status = 200, description = "The incident.", body = Incident)),
)]
pub async fn show(org: Viewer, Id(id): Id<IncidentId>) -> Result<Json<Incident>> {
    org.incident(id).await.map(Json)
}

/// Update an incident or maintenance
///
/// Changes its title, impact, start, services or postmortem, or a maintenance's schedule and automations. Omitted
/// fields stay unchanged. The status changes only with updates. With `version`, a change based on an older state is
/// rejected.
#[utoipa::path(
    put, path = "/api/incidents/{id}", tag = "Incidents", operation_id = "updateIncident", security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "Id of the incident.")),
    request_body(content = IncidentPatch, examples(
        ("Change title and impact" = (value = json!({
            "title": "Checkout unavailable",
            "impact": "critical",
            "version": 3,
        }))),
        ("Reschedule a maintenance" = (value = json!({
            "starts_at": "2027-03-09T02:00:00Z",
            "ends_at": "2027-03-09T03:00:00Z",
            "version": 1,
        }))),
        ("Set a maintenance's automations" = (value = json!({
            "automations": {"remind": true, "start": true, "end": false, "notify_start": true, "notify_end": true},
        }))),
        ("Publish a postmortem" = (value = json!({
            "postmortem": "## What happened\n\nA certificate had expired. It is now renewed automatically.",
            "publish_postmortem": true,
        }))),
    )),
    responses(
        (status = 200, description = "The updated incident.", body = Incident),
        (status = 409, description = "It has been changed since: `version` is not the current one.", body = Error),
    ),
)]
pub async fn update(org: Member, Id(id): Id<IncidentId>, Body(patch): Body<IncidentPatch>) -> Result<Json<Incident>> {
    org.update_incident(id, patch).await.map(Json)
}

/// Delete an incident or maintenance with its updates
///
/// Affected services recover. Status changes it caused remain in their history.
#[utoipa::path(
    delete, path = "/api/incidents/{id}", tag = "Incidents", operation_id = "deleteIncident", security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "Id of the incident."), Basis),
    responses(
        (status = 204, description = "The incident has been deleted."),
        (status = 409, description = "It has been changed since: `version` is not the current one.", body = Error),
    ),
)]
pub async fn delete(org: Member, Id(id): Id<IncidentId>, Params(basis): Params<Basis>) -> Result<StatusCode> {
    org.delete_incident(id, basis.version).await.map(|()| StatusCode::NO_CONTENT)
}

/// Post an update
///
/// Sets the status of the incident and its services. When a status ends the incident, its services recover to their
/// baseline; a status given in `services` becomes the service's baseline, `operational` included. Updates of an
/// incident that has ended cannot set services.
#[utoipa::path(
    post, path = "/api/incidents/{id}/updates", tag = "Incidents", operation_id = "postUpdate",
    security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "Id of the incident."), Idempotency), request_body = NewUpdate,
    responses(
        (status = 201, body = IncidentUpdate,
         description = "The new update; for a retry with the same key, the one created then."),
        (status = 409, body = Error,
         description = "`version` is not the current one, or the key was used for another request."),
    ),
)]
pub async fn post(
    org: Member,
    Id(id): Id<IncidentId>,
    Idempotency(key): Idempotency,
    Body(new): Body<NewUpdate>,
) -> Result<Created<IncidentUpdate>> {
    org.post_update_once(id, new, key).await.map(|(_, update, is_replay)| created((update, is_replay)))
}

/// Edit an update
///
/// Changes its message or displayed time. Earlier versions stay visible.
#[utoipa::path(
    put, path = "/api/incidents/{id}/updates/{uid}", tag = "Incidents", operation_id = "editUpdate",
    security(("bearer" = [])),
    params(
        ("id" = IncidentId, Path, description = "Id of the incident."),
        ("uid" = UpdateId, Path, description = "Id of the update."),
    ),
    request_body = UpdatePatch,
    responses(
        (status = 200, description = "The edited update.", body = IncidentUpdate),
        (status = 409, body = Error,
         description = "The incident has been changed since: `version` is not the current one."),
    ),
)]
pub async fn edit(
    org: Member,
    Id((id, update)): Id<(IncidentId, UpdateId)>,
    Body(patch): Body<UpdatePatch>,
) -> Result<Json<IncidentUpdate>> {
    let incident = org.edit_update(id, update, patch).await?;
    incident.updates.into_iter().find(|candidate| candidate.id == update).map(Json).ok_or_else(Error::not_found)
}

/// Delete an update
///
/// The incident's status becomes that of the latest remaining update. An update that started or ended a maintenance
/// cannot be deleted.
#[utoipa::path(
    delete, path = "/api/incidents/{id}/updates/{uid}", tag = "Incidents", operation_id = "deleteUpdate",
    security(("bearer" = [])),
    params(
        ("id" = IncidentId, Path, description = "Id of the incident."),
        ("uid" = UpdateId, Path, description = "Id of the update."),
        Basis,
    ),
    responses(
        (status = 204, description = "The update has been deleted."),
        (status = 400, body = Error,
         description = "It is the incident's only update, or it started or ended a maintenance."),
        (status = 409, body = Error,
         description = "The incident has been changed since: `version` is not the current one."),
    ),
)]
pub async fn withdraw(
    org: Member,
    Id((id, update)): Id<(IncidentId, UpdateId)>,
    Params(basis): Params<Basis>,
) -> Result<StatusCode> {
    org.delete_update(id, update, basis.version).await.map(|_| StatusCode::NO_CONTENT)
}

/// List active maintenance series
///
/// Newest first.
#[utoipa::path(
    get, path = "/api/maintenance-series", tag = "Incidents", operation_id = "listSeries", security(("bearer" = [])),
    responses((status = 200, description = "The series.", body = [Series])),
)]
pub async fn series(org: Viewer) -> Result<Json<Vec<Series>>> {
    org.series().await.map(Json)
}

/// End a maintenance series
///
/// Its upcoming windows are cancelled, and drafts among them deleted. A series ends automatically when its last window
/// is over.
#[utoipa::path(
    delete, path = "/api/maintenance-series/{id}", tag = "Incidents", operation_id = "endSeries",
    security(("bearer" = [])),
    params(("id" = SeriesId, Path, description = "Id of the series.")),
    responses((status = 204, description = "The series has been ended.")),
)]
pub async fn end_series(org: Member, Id(id): Id<SeriesId>) -> Result<StatusCode> {
    org.end_series(id).await.map(|()| StatusCode::NO_CONTENT)
}

/// List incident templates
///
/// Sorted by name. There are at most 200.
#[utoipa::path(
    get, path = "/api/templates", tag = "Incidents", operation_id = "listTemplates", security(("bearer" = [])),
    responses((status = 200, description = "The templates.", body = [Template])),
)]
pub async fn templates(org: Viewer) -> Result<Json<Vec<Template>>> {
    org.templates().await.map(Json)
}

/// Create an incident template
///
/// The placeholders `{{services}}`, `{{organization}}`, `{{date}}` and `{{time}}` are filled in when an incident is
/// opened with it. With an `Idempotency-Key`, the request can be retried without creating a duplicate.
#[utoipa::path(
    post, path = "/api/templates", tag = "Incidents", operation_id = "createTemplate", security(("bearer" = [])),
    params(Idempotency), request_body = NewTemplate,
    responses(
        (status = 201, body = Template,
         description = "The new template; for a retry with the same key, the one created then."),
        (status = 404, description = "A service does not exist.", body = Error),
        (status = 409, body = Error,
         description = "The key was used for another request, or the object created with it has been deleted."),
    ),
)]
pub async fn create_template(
    org: Member,
    Idempotency(key): Idempotency,
    Body(new): Body<NewTemplate>,
) -> Result<Created<Template>> {
    org.create_template(new, key).await.map(created)
}

/// Replace an incident template
///
/// With `version`, a change based on an older state is rejected.
#[utoipa::path(
    put, path = "/api/templates/{id}", tag = "Incidents", operation_id = "replaceTemplate", security(("bearer" = [])),
    params(("id" = TemplateId, Path, description = "Id of the template.")), request_body = NewTemplate,
    responses(
        (status = 200, description = "The new template.", body = Template),
        (status = 409, description = "It has been changed since: `version` is not the current one.", body = Error),
    ),
)]
pub async fn replace_template(
    org: Member,
    Id(id): Id<TemplateId>,
    Body(new): Body<NewTemplate>,
) -> Result<Json<Template>> {
    org.replace_template(id, new).await.map(Json)
}

/// Delete an incident template
#[utoipa::path(
    delete, path = "/api/templates/{id}", tag = "Incidents", operation_id = "deleteTemplate", security(("bearer" = [])),
    params(("id" = TemplateId, Path, description = "Id of the template.")),
    responses((status = 204, description = "The template has been deleted.")),
)]
pub async fn delete_template(org: Member, Id(id): Id<TemplateId>) -> Result<StatusCode> {
    org.delete_template(id).await.map(|()| StatusCode::NO_CONTENT)
}
