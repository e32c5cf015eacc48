//! Posts, corrects and deletes updates.

use serde_json::json;

use super::{
    super::{Member, markdown, store::incident_update, tx::Tx},
    aggregate::LoadedIncident,
    append_update::UpdateDraft,
    audit_event, incident_audit_event,
};
use crate::{
    model::{
        Action, Error, Incident, IncidentId, IncidentUpdate, NewUpdate, Result, ServiceStatus, UpdateEdit, UpdateId,
        UpdatePatch,
    },
    server::{domain::idempotency::IdempotencyKey, error::internal},
};

const OPERATION: &str = "post_update";
/// The most earlier texts of one update that are kept.
const EDITS_MAX: usize = 50;

impl Member {
    /// Says something about an incident or a maintenance; its status and its services follow (domain rule 3.4). A
    /// maintenance begins early or ends late this way too (domain rule 3.6.4).
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for an incident or service that is not this organization's;
    /// `conflict` when the version is not the present one, or the key was used for something else.
    pub async fn post_update(
        &self,
        id: IncidentId,
        new: NewUpdate,
        key: Option<IdempotencyKey>,
    ) -> Result<(Incident, IncidentUpdate)> {
        self.post_update_once(id, new, key).await.map(|(incident, update, _)| (incident, update))
    }

    /// As [`Member::post_update`], and tells whether this was made before.
    ///
    /// # Errors
    /// As [`Member::post_update`].
    pub async fn post_update_once(
        &self,
        id: IncidentId,
        new: NewUpdate,
        key: Option<IdempotencyKey>,
    ) -> Result<(Incident, IncidentUpdate, bool)> {
        // The version says what its writer had seen, not what is asked for: who sends again may have seen their own update.
        let asked = (id, NewUpdate { version: None, ..new.clone() });
        let mut tx = self.begin().await?;
        let mut case = tx.case(id).await?;
        if let Some(made) = tx.created_before(key.as_ref(), OPERATION, &asked).await? {
            let (incident, update) = with_update(tx.incident(id).await?, UpdateId::from_uuid(made))?;
            return Ok((incident, update, true));
        }
        let new = new.check(tx.now())?;
        case.require_version(new.version)?;
        if let Some(at) = new.display_at {
            case.require_place(at)?;
        }
        let word = UpdateDraft {
            status: new.status.unwrap_or(case.row.status),
            message: new.message,
            services: new.services,
            display_at: new.display_at,
            by: Some(self.user()),
            notify: new.notify.unwrap_or(true),
        };
        let update = tx.say(&mut case, word).await?;
        let now = tx.now();
        let incident = tx.settle_case(case, Some(self.user()), now).await?;
        tx.remember(key, OPERATION, &asked, update.uuid()).await?;
        let (incident, update) = with_update(incident, update)?;
        let audit_event = audit_event(Action::UpdatePosted, &incident).setting("status", update.status);
        tx.audit(audit_event.setting("message", &update.message));
        tx.commit().await?;
        Ok((incident, update, false))
    }

    /// Changes what an update says or where it stands. What visitors could have read before stays in its history, and
    /// nobody is notified (domain rule 3.11.2).
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for an update that is not this incident's; `conflict` when the
    /// version is not the present one.
    pub async fn edit_update(&self, id: IncidentId, update: UpdateId, patch: UpdatePatch) -> Result<Incident> {
        let patch = patch.check(self.domain.clock().now())?;
        let mut tx = self.begin().await?;
        let mut case = tx.case(id).await?;
        case.require_version(patch.version)?;
        if let Some(at) = patch.display_at {
            case.require_place(at)?;
        }
        let (now, is_draft) = (tx.now(), case.row.is_draft);
        let row = case.updates.iter_mut().find(|row| row.id == update).ok_or_else(Error::not_found)?;
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
            return tx.incident(id).await;
        }
        row.updated_at = now;
        let after = row.clone();
        if after.message != before.message {
            tx.require_text_room(&case).await?;
        }
        let told = |row: &incident_update::Model| json!({"message": row.message, "display_at": row.display_at});
        tx.audit(incident_audit_event(Action::UpdateEdited, &case.row).changing(&told(&before), &told(&after)));
        self.rederived(tx, case, |why| Error::field("display_at", why)).await
    }

    /// Deletes an update; the incident's status is again that of the newest that is left.
    ///
    /// # Errors
    /// `invalid` for the only update, and where a maintenance would take a step back; `not_found` for an update that is
    /// not this incident's; `conflict` when the version is not the present one.
    pub async fn delete_update(&self, id: IncidentId, update: UpdateId, version: Option<i64>) -> Result<Incident> {
        let mut tx = self.begin().await?;
        let mut case = tx.case(id).await?;
        case.require_version(version)?;
        let place = case.updates.iter().position(|row| row.id == update).ok_or_else(Error::not_found)?;
        if case.updates.len() == 1 {
            return Err(Error::invalid("This is the only update. Edit it, or delete the whole incident."));
        }
        let gone = case.updates.remove(place);
        tx.audit(incident_audit_event(Action::UpdateDeleted, &case.row).setting("message", gone.message));
        self.rederived(tx, case, Error::invalid).await
    }

    /// Lets the status follow from the updates as they are now. An incident that is over by that says nothing of its
    /// services any more (domain rule 3.4.5); a maintenance takes no step back (domain rule 3.6.1).
    async fn rederived(&self, mut tx: Tx, mut case: LoadedIncident, refuse: fn(String) -> Error) -> Result<Incident> {
        let (was, ended) = (case.row.status, case.row.resolved_at);
        case.derive();
        let is = case.row.status;
        if !was.may_become(is) {
            let (was, is) = (was.label().to_lowercase(), is.label().to_lowercase());
            let why = format!("This maintenance is {was} and cannot become {is} again");
            return Err(refuse(format!("{why}, as it would by that. Change what the update says instead.")));
        }
        // What is not over any more, or was over later, may be shown again.
        if ended.is_some_and(|before| case.row.resolved_at.is_none_or(|now| now > before)) {
            tx.require_text_room(&case).await.map_err(|mut error| match error.fields.remove("message") {
                Some(why) => refuse(why),
                None => error,
            })?;
        }
        if case.row.status.has_ended() {
            for service in &mut case.services {
                service.status = ServiceStatus::Operational;
            }
        }
        let now = tx.now();
        let incident = tx.settle_case(case, Some(self.user()), now).await?;
        tx.commit().await?;
        Ok(incident)
    }
}

fn with_update(incident: Incident, id: UpdateId) -> Result<(Incident, IncidentUpdate)> {
    let update = incident.updates.iter().find(|update| update.id == id).cloned();
    // Deleted since, should the request come again: the newest stands for it.
    let update = update.or_else(|| incident.latest().cloned()).ok_or_else(Error::internal)?;
    Ok((incident, update))
}
