//! Posts, corrects and deletes updates.

use serde_json::json;

use super::{
    super::{
        Member, markdown,
        store::incident_update,
        tx::{Erasure, Tx},
    },
    aggregate::LoadedIncident,
    answers::require_room,
    append_update::UpdateDraft,
    audit_events::{audit_event, row_audit_event},
    load,
};
use crate::{
    model::{
        Action, Error, Incident, IncidentId, IncidentUpdate, NewUpdate, Result, ServiceStatus, UpdateEdit, UpdateId,
        UpdatePatch,
    },
    server::{domain::idempotency::IdempotencyKey, error::internal},
};

const OPERATION: &str = "post_update";
/// The most entries in the edit history of an update.
const EDITS_MAX: usize = 50;

impl Member {
    /// Posts an update; the incident's status and its services follow (domain rule 3.4). Starts a maintenance early or
    /// ends it late, too (domain rule 3.6.4).
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for an incident or service that is not this organization's;
    /// `conflict` when the version is not the current one, or the key was used for something else.
    pub async fn post_update(
        &self,
        id: IncidentId,
        new: NewUpdate,
        key: Option<IdempotencyKey>,
    ) -> Result<(Incident, IncidentUpdate)> {
        self.post_update_once(id, new, key).await.map(|(incident, update, _)| (incident, update))
    }

    /// As [`Member::post_update`]; also returns whether this is a replay of an earlier request.
    ///
    /// # Errors
    /// As [`Member::post_update`].
    pub async fn post_update_once(
        &self,
        id: IncidentId,
        new: NewUpdate,
        key: Option<IdempotencyKey>,
    ) -> Result<(Incident, IncidentUpdate, bool)> {
        // Without the version: a client that repeats the request may have seen its own update by then.
        let asked = (id, NewUpdate { version: None, ..new.clone() });
        let mut tx = self.begin().await?;
        let mut incident = LoadedIncident::load(&tx, id).await?;
        if let Some(made) = tx.created_before(key.as_ref(), OPERATION, &asked).await? {
            let incident = load::incident(tx.db(), tx.scope(), id).await?;
            let (incident, update) = with_update(incident, UpdateId::from_uuid(made))?;
            return Ok((incident, update, true));
        }
        let new = new.check(tx.now())?;
        incident.require_version(new.version)?;
        if let Some(at) = new.display_at {
            incident.require_display_time(at)?;
        }
        let draft = UpdateDraft {
            status: new.status.unwrap_or(incident.row.status),
            message: new.message,
            services: new.services,
            display_at: new.display_at,
            by: Some(self.user()),
            notify: new.notify.unwrap_or(true),
        };
        let update = incident.append_update(&tx, draft).await?;
        let now = tx.now();
        let incident = incident.save(&mut tx, Some(self.user()), now).await?;
        tx.remember(key, OPERATION, &asked, update.uuid()).await?;
        let (incident, update) = with_update(incident, update)?;
        let audit_event = audit_event(Action::UpdatePosted, &incident).setting("status", update.status);
        tx.audit(audit_event.setting("message", &update.message));
        tx.commit().await?;
        Ok((incident, update, false))
    }

    /// Edits the message or the display time of an update. A published message goes into the edit history, and nobody
    /// is notified (domain rule 3.11.2).
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for an update that is not this incident's; `conflict` when the
    /// version is not the current one.
    pub async fn edit_update(&self, id: IncidentId, update: UpdateId, patch: UpdatePatch) -> Result<Incident> {
        let patch = patch.check(self.domain.clock().now())?;
        let mut tx = self.begin().await?;
        let mut incident = LoadedIncident::load(&tx, id).await?;
        incident.require_version(patch.version)?;
        if let Some(at) = patch.display_at {
            incident.require_display_time(at)?;
        }
        let (now, is_draft) = (tx.now(), incident.row.is_draft);
        let row = incident.updates.iter_mut().find(|row| row.id == update).ok_or_else(Error::not_found)?;
        let before = row.clone();
        if let Some(message) = patch.message.filter(|message| *message != row.message) {
            let mut edits: Vec<UpdateEdit> = serde_json::from_str(&row.edits).map_err(internal)?;
            let html = std::mem::replace(&mut row.html, markdown::render(&message));
            let message = std::mem::replace(&mut row.message, message);
            if !is_draft {
                edits.insert(0, UpdateEdit { message, html, edited_at: now });
                edits.truncate(EDITS_MAX);
            }
            row.edits = serde_json::to_string(&edits).map_err(internal)?;
            row.render_version = markdown::RENDER_VERSION;
        }
        row.display_at = patch.display_at.unwrap_or(row.display_at);
        if *row == before {
            return load::incident(tx.db(), tx.scope(), id).await;
        }
        row.updated_at = now;
        row.measure();
        let after = row.clone();
        if after.bytes > before.bytes {
            require_room(&tx, &mut incident, "message").await?;
        }
        let fields = |row: &incident_update::Model| json!({"message": row.message, "display_at": row.display_at});
        tx.audit(row_audit_event(Action::UpdateEdited, &incident.row).changing(&fields(&before), &fields(&after)));
        self.save_derived(tx, incident, |why| Error::field("display_at", why)).await
    }

    /// Deletes an update; the incident's status becomes that of the newest one left.
    ///
    /// # Errors
    /// `invalid` for the only update, and where a maintenance would take a step back; `not_found` for an update that is
    /// not this incident's; `conflict` when the version is not the current one.
    pub async fn delete_update(&self, id: IncidentId, update: UpdateId, version: Option<i64>) -> Result<Incident> {
        let mut tx = self.begin().await?;
        let mut incident = LoadedIncident::load(&tx, id).await?;
        incident.require_version(version)?;
        let index = incident.updates.iter().position(|row| row.id == update).ok_or_else(Error::not_found)?;
        if incident.updates.len() == 1 {
            return Err(Error::invalid("This is the only update. Edit it, or delete the whole incident."));
        }
        let gone = incident.updates.remove(index);
        tx.erase(Erasure::Text(id)).await?;
        // Without its text: it may have been published by mistake.
        tx.audit(row_audit_event(Action::UpdateDeleted, &incident.row).setting("status", gone.status));
        self.save_derived(tx, incident, Error::invalid).await
    }

    /// Derives the status from the changed updates and saves. An incident that has ended by that releases its services
    /// (domain rule 3.4.5); a maintenance takes no step back (domain rule 3.6.1).
    async fn save_derived(
        &self,
        mut tx: Tx,
        mut incident: LoadedIncident,
        reject: fn(String) -> Error,
    ) -> Result<Incident> {
        let was = incident.row.status;
        incident.derive_status();
        let is = incident.row.status;
        if !was.may_become(is) {
            let (was, is) = (was.label().to_lowercase(), is.label().to_lowercase());
            let why = format!("This maintenance is {was} and cannot go back to {is}.");
            return Err(reject(format!("{why} Edit the message of the update instead.")));
        }
        // Reopened, it is in force again.
        if was.has_ended() && !is.has_ended() {
            require_room(&tx, &mut incident, "message").await.map_err(|mut error| {
                match error.fields.remove("message") {
                    Some(why) => reject(why),
                    None => error,
                }
            })?;
        }
        if incident.row.status.has_ended() {
            for service in &mut incident.services {
                service.status = ServiceStatus::Operational;
            }
        }
        let now = tx.now();
        let incident = incident.save(&mut tx, Some(self.user()), now).await?;
        tx.commit().await?;
        Ok(incident)
    }
}

fn with_update(incident: Incident, id: UpdateId) -> Result<(Incident, IncidentUpdate)> {
    let update = incident.updates.iter().find(|update| update.id == id).cloned();
    // When the update of a repeated request has been deleted, the newest one takes its place in the answer.
    let update = update.or_else(|| incident.latest().cloned()).ok_or_else(Error::internal)?;
    Ok((incident, update))
}
