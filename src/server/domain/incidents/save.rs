//! Saves or deletes a loaded incident, with the service statuses that follow, and emits the live events.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ColumnTrait, QueryFilter};

use super::{
    super::{
        store::{VALUES_MAX, changes, incident, incident_service, incident_update, insert_all, save_all},
        tx::{Erasure, Tx},
    },
    aggregate::LoadedIncident,
    impacts::{open_impacts, sync_corrections, sync_impacts},
    load,
    statuses::recompute_statuses,
};
use crate::model::{Audience, Event, Incident, IncidentChange, Result, Timestamp, UpdateId, UserId};

impl LoadedIncident {
    /// Writes the incident under a new version and recomputes the statuses of its services, as of `at`.
    pub async fn save(mut self, tx: &mut Tx, by: Option<UserId>, at: Timestamp) -> Result<Incident> {
        self.raise_impact();
        self.measure();
        self.row.version += 1;
        self.row.updated_at = tx.moment_after(self.row.updated_at);
        self.row.next_at = self.schedule().and_then(|schedule| schedule.next()).map(|(at, _)| at);
        write_row(tx, &self).await?;
        write_services(tx, &self).await?;
        let written = write_updates(tx, &self).await?;
        let touched = sync_impacts(tx, &self, at).await?;
        sync_corrections(tx, &self).await?;
        let touched = touched.into_iter().map(|id| (id, None));
        let baselines = self.baselines.iter().map(|(id, status)| (*id, Some(*status)));
        let touched = touched.chain(baselines).collect();
        recompute_statuses(tx, touched, self.cause(), by, at).await?;
        let was_draft = self.stored.map(|stored| stored.row.is_draft);
        let incident = load::from_rows(self.row, self.services, self.updates)?;
        let created = || Event::IncidentCreated(Box::new(incident.clone()));
        let updated = || {
            let is_changed = |id| written.changed.contains(&id);
            let change = IncidentChange::new(incident.clone(), incident.version - 1, is_changed, written.removed);
            Event::IncidentUpdated(Box::new(change))
        };
        if was_draft.is_none() {
            tx.emit(created())?;
        } else if was_draft == Some(false) {
            tx.emit(updated())?;
        } else {
            // Members have seen the draft; to visitors it is new.
            tx.emit_to(Audience::Public, created())?;
            tx.emit_to(Audience::Members, updated())?;
        }
        Ok(incident)
    }

    /// Deletes the incident with its updates and releases its services; returns its last state.
    pub async fn delete(self, tx: &mut Tx, by: Option<UserId>) -> Result<Incident> {
        let (id, cause) = (self.row.id, self.cause());
        let is_draft = self.row.is_draft;
        let incident = load::from_rows(self.row, self.services, self.updates)?;
        let touched = open_impacts(tx, id).await?.into_iter().map(|impact| (impact.service_id, None)).collect();
        tx.scope().delete::<incident::Entity>().filter(incident::Column::Id.eq(id)).exec(tx.db()).await?;
        let now = tx.now();
        recompute_statuses(tx, touched, cause, by, now).await?;
        tx.erase(Erasure::Incident(id)).await?;
        let deleted = Event::IncidentDeleted { id };
        if is_draft {
            tx.emit_to(Audience::Members, deleted)?;
        } else {
            tx.emit(deleted)?;
        }
        Ok(incident)
    }
}

async fn write_row(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    match &loaded.stored {
        None => insert_all(tx.db(), vec![loaded.row.clone()]).await?,
        Some(stored) => {
            let update = tx.scope().update_id::<incident::Entity>(loaded.row.id);
            update.set(changes(&stored.row, &loaded.row)).exec(tx.db()).await?;
        }
    }
    Ok(())
}

async fn write_services(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    use incident_service::{Column, Entity};
    let stored = loaded.stored.as_ref().map_or(&[][..], |stored| &stored.services[..]);
    let (gone, changed) = difference(stored, &loaded.services, |row| row.service_id);
    for ids in gone.chunks(VALUES_MAX) {
        let gone = tx.scope().delete::<Entity>().filter(Column::IncidentId.eq(loaded.row.id));
        gone.filter(Column::ServiceId.is_in(ids.iter().copied())).exec(tx.db()).await?;
    }
    Ok(save_all(tx.db(), changed).await?)
}

/// The updates of an incident that a change has written.
struct WrittenUpdates {
    changed: BTreeSet<UpdateId>,
    removed: Vec<UpdateId>,
}

async fn write_updates(tx: &Tx, loaded: &LoadedIncident) -> Result<WrittenUpdates> {
    use incident_update::{Column, Entity};
    let stored = loaded.stored.as_ref().map_or(&[][..], |stored| &stored.updates[..]);
    let (removed, changed) = difference(stored, &loaded.updates, |row| row.id);
    for ids in removed.chunks(VALUES_MAX) {
        tx.scope().delete::<Entity>().filter(Column::Id.is_in(ids.iter().copied())).exec(tx.db()).await?;
    }
    let written = WrittenUpdates { changed: changed.iter().map(|row| row.id).collect(), removed };
    save_all(tx.db(), changed).await?;
    Ok(written)
}

/// The ids of the rows that are gone, and the rows that are new or have changed.
fn difference<M: Clone + PartialEq, I: Ord + Copy>(before: &[M], after: &[M], id: fn(&M) -> I) -> (Vec<I>, Vec<M>) {
    let known: BTreeMap<I, &M> = before.iter().map(|row| (id(row), row)).collect();
    let left: BTreeSet<I> = after.iter().map(id).collect();
    let gone = known.keys().filter(|id| !left.contains(id)).copied().collect();
    let changed = after.iter().filter(|row| known.get(&id(row)) != Some(row)).cloned().collect();
    (gone, changed)
}
