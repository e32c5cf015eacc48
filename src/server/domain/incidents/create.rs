//! Creates the rows of a new incident or maintenance.

use sea_orm::PaginatorTrait;

use super::{
    super::{
        new_id,
        store::{incident, insert_all},
        tx::Tx,
    },
    aggregate::LoadedIncident,
    append_update::UpdateDraft,
    impacts::impact_row,
};
use crate::{
    model::{
        Automations, Error, Impact, Incident, IncidentId, IncidentKind, IncidentStatus, NewIncident, Result, SeriesId,
        ServiceImpact, ServiceStatus, Timestamp, UserId,
    },
    server::error::internal,
};

/// The most incidents and maintenances of an organization: lists and pages are tested with 100 000. Tests use a
/// lower limit.
const INCIDENTS_MAX: u64 = if cfg!(test) { 2_000 } else { 200_000 };

/// How many more incidents and maintenances the organization may have.
pub(super) async fn remaining_capacity(tx: &Tx) -> Result<usize> {
    let count = tx.scope().find::<incident::Entity>().count(tx.db()).await?;
    usize::try_from(INCIDENTS_MAX.saturating_sub(count)).map_err(internal)
}

/// The error when [`remaining_capacity`] is used up.
pub(super) fn capacity_reached() -> Error {
    Error::invalid(format!(
        "Your organization has reached its limit of {INCIDENTS_MAX} incidents and maintenances. Delete old ones first."
    ))
}

/// Creates an incident from checked input, or one window of a series.
pub(in crate::server::domain) async fn create_incident(
    tx: &mut Tx,
    new: &NewIncident,
    by: Option<UserId>,
    occurrence: Option<(SeriesId, Timestamp)>,
) -> Result<Incident> {
    let status = new.status.unwrap_or(match new.incident_type {
        IncidentKind::Incident => IncidentStatus::Investigating,
        IncidentKind::Maintenance => IncidentStatus::Scheduled,
    });
    let mut loaded = LoadedIncident::new(new_row(tx, new, status, by, occurrence));
    loaded.set_automations(new.automations.unwrap_or_default());
    let impacts = impacts_of(new);
    let mut draft = UpdateDraft {
        status,
        message: new.message.clone(),
        services: None,
        display_at: new.resolved_at,
        by,
        notify: new.notify.unwrap_or(true) && new.resolved_at.is_none(),
    };
    if status.has_ended() {
        attach_past(tx, &mut loaded, &impacts).await?;
    } else {
        draft.services = Some(impacts.clone());
    }
    loaded.append_update(tx, draft).await?;
    if let Some((from, _)) = new.started_at.zip(new.resolved_at) {
        loaded.row.started_at = from;
        loaded.row.backfilled_at = Some(tx.now());
    }
    let now = tx.now();
    let correction = new.correct_uptime.then(|| loaded.row.started_at.min(now)).zip(loaded.row.resolved_at);
    let corrections = correction.map_or_else(Vec::new, |(from, to)| {
        let impaired = impacts.iter().filter(|impact| impact.status != ServiceStatus::Operational);
        impaired.map(|impact| impact_row(&loaded.row, *impact, (from, Some(to)), true)).collect()
    });
    let incident = loaded.save(tx, by, now).await?;
    insert_all(tx.db(), corrections).await?;
    Ok(incident)
}

/// Attaches the services of an incident that is entered after its end. Its one update records what they recovered from.
async fn attach_past(tx: &Tx, loaded: &mut LoadedIncident, impacts: &[ServiceImpact]) -> Result<()> {
    loaded.attach(tx, impacts).await?;
    for service in &mut loaded.services {
        service.worst = service.status;
    }
    loaded.row.reached = Impact::automatic(Impact::None, impacts.iter().map(|impact| impact.status));
    Ok(())
}

fn new_row(
    tx: &Tx,
    new: &NewIncident,
    status: IncidentStatus,
    created_by: Option<UserId>,
    occurrence: Option<(SeriesId, Timestamp)>,
) -> incident::Model {
    let automations = Automations::default();
    incident::Model {
        org_id: tx.organization().id,
        id: IncidentId::from_uuid(new_id()),
        kind: new.incident_type,
        title: new.title.clone(),
        status,
        reached: Impact::None,
        impact_override: new.impact.filter(|_| new.incident_type == IncidentKind::Incident),
        is_draft: new.is_draft,
        started_at: new.starts_at.or(new.started_at).unwrap_or(tx.now()),
        monitoring_at: None,
        resolved_at: None,
        backfilled_at: None,
        created_at: tx.now(),
        created_by,
        updated_at: tx.now(),
        version: 0,
        scheduled_start: new.starts_at,
        scheduled_end: new.ends_at,
        planned_at: new.starts_at.map(|_| tx.now()),
        is_reminded: false,
        remind: automations.remind,
        auto_start: automations.start,
        auto_end: automations.end,
        notify_start: automations.notify_start,
        notify_end: automations.notify_end,
        next_at: None,
        series_id: occurrence.map(|(series, _)| series),
        occurrence_at: occurrence.map(|(_, at)| at),
        postmortem: None,
        postmortem_html: None,
        postmortem_at: None,
        head_bytes: 0,
        bytes: 0,
    }
}

/// The service impacts of a request. Services named without a status are not impaired by an incident, and under
/// maintenance in a maintenance.
pub(super) fn impacts_of(new: &NewIncident) -> Vec<ServiceImpact> {
    let default = match new.incident_type {
        IncidentKind::Incident => ServiceStatus::Operational,
        IncidentKind::Maintenance => ServiceStatus::UnderMaintenance,
    };
    let named = new.service_ids.iter().filter(|id| !new.services.iter().any(|impact| impact.id == **id));
    new.services.iter().copied().chain(named.map(|id| ServiceImpact { id: *id, status: default })).collect()
}
