//! Replays the demonstration's past: each change, made at its own time.

use std::collections::BTreeMap;

use super::super::{
    incidents::{LoadedIncident, UpdateDraft, recompute_statuses},
    markdown,
    tx::Tx,
};
use crate::model::{Cause, IncidentId, IncidentStatus, Result, ServiceId, ServiceImpact, ServiceStatus, UserId};

/// Sets a service's baseline.
pub(super) async fn set_baseline(tx: &mut Tx, id: ServiceId, status: ServiceStatus, by: UserId) -> Result<()> {
    let now = tx.now();
    recompute_statuses(tx, BTreeMap::from([(id, Some(status))]), Cause::Manual, Some(by), now).await
}

/// Posts an update, by a member or by the scheduler.
pub(super) async fn post_update(
    tx: &mut Tx,
    id: IncidentId,
    (status, message): (IncidentStatus, Option<String>),
    services: Vec<ServiceImpact>,
    by: Option<UserId>,
) -> Result<()> {
    let mut incident = LoadedIncident::load(tx, id).await?;
    incident.row.is_reminded = true;
    let services = (!services.is_empty()).then_some(services);
    let draft = UpdateDraft { status, message, services, display_at: None, by, notify: true };
    incident.append_update(tx, draft).await?;
    let now = tx.now();
    incident.save(tx, by, now).await.map(drop)
}

/// Publishes a postmortem.
pub(super) async fn publish_postmortem(tx: &mut Tx, id: IncidentId, text: &str, by: UserId) -> Result<()> {
    let mut incident = LoadedIncident::load(tx, id).await?;
    incident.row.postmortem = Some(text.to_owned());
    incident.row.postmortem_html = Some(markdown::render(text));
    incident.row.postmortem_at = Some(tx.now());
    let now = tx.now();
    incident.save(tx, Some(by), now).await.map(drop)
}
