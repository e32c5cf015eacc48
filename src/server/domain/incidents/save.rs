//! Saves or deletes a loaded incident, with the service statuses that follow, and emits the live events.

use std::collections::BTreeSet;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};

use super::{
    super::{
        store::{incident, incident_impact, incident_service, incident_update},
        tx::Tx,
    },
    aggregate::LoadedIncident,
    impacts::{sync_corrections, sync_impacts},
    load,
    statuses::recompute_statuses,
};
use crate::model::{Audience, Event, Incident, Result, ServiceId, Timestamp, UserId};

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
        write_updates(tx, &self).await?;
        let touched = sync_impacts(tx, &self, at).await?;
        sync_corrections(tx, &self).await?;
        let touched = touched.into_iter().map(|id| (id, None));
        let baselines = self.baselines.iter().map(|(id, status)| (*id, Some(*status)));
        let touched = touched.chain(baselines).collect();
        recompute_statuses(tx, touched, self.cause(), by, at).await?;
        let incident = load::incident(tx.db(), tx.scope(), self.row.id).await?;
        let event = Box::new(incident.clone());
        if self.is_new {
            tx.emit(Event::IncidentCreated(event)).await?;
        } else if self.was_public {
            tx.emit(Event::IncidentUpdated(event)).await?;
        } else {
            // Members have seen the draft; to visitors it is new.
            tx.emit_to(Audience::Members, Event::IncidentUpdated(event.clone())).await?;
            tx.emit_to(Audience::Public, Event::IncidentCreated(event)).await?;
        }
        Ok(incident)
    }

    /// Deletes the incident with its updates and releases its services; returns its last state.
    pub async fn delete(self, tx: &mut Tx, by: Option<UserId>) -> Result<Incident> {
        let (id, cause) = (self.row.id, self.cause());
        let incident = load::incident(tx.db(), tx.scope(), id).await?;
        let open = tx.scope().find::<incident_impact::Entity>().filter(incident_impact::Column::IncidentId.eq(id));
        let open = open.filter(incident_impact::Column::ToAt.is_null()).all(tx.db()).await?;
        let affected: BTreeSet<ServiceId> = open.iter().map(|impact| impact.service_id).collect();
        self.row.into_active_model().delete(tx.db()).await?;
        let touched = affected.into_iter().map(|id| (id, None)).collect();
        let now = tx.now();
        recompute_statuses(tx, touched, cause, by, now).await?;
        tx.emit(Event::IncidentDeleted(Box::new(incident.clone()))).await?;
        Ok(incident)
    }
}

async fn write_row(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    let row = loaded.row.clone().into_active_model().reset_all();
    if loaded.is_new {
        incident::Entity::insert(row).exec_without_returning(tx.db()).await?;
    } else {
        tx.scope().update_id::<incident::Entity>(loaded.row.id).set(row).exec(tx.db()).await?;
    }
    Ok(())
}

async fn write_services(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    let known = tx.scope().find::<incident_service::Entity>();
    let known = known.filter(incident_service::Column::IncidentId.eq(loaded.row.id)).all(tx.db()).await?;
    for gone in known.iter().filter(|known| !loaded.services.iter().any(|row| row.service_id == known.service_id)) {
        gone.clone().into_active_model().delete(tx.db()).await?;
    }
    for service in &loaded.services {
        let row = service.clone().into_active_model().reset_all();
        match known.iter().find(|known| known.service_id == service.service_id) {
            Some(known) if known == service => {}
            Some(_) => {
                let update = tx.scope().update_id::<incident_service::Entity>(service.service_id);
                let update = update.filter(incident_service::Column::IncidentId.eq(loaded.row.id));
                update.set(row).exec(tx.db()).await?;
            }
            None => {
                incident_service::Entity::insert(row).exec_without_returning(tx.db()).await?;
            }
        }
    }
    Ok(())
}

async fn write_updates(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    let known = tx.scope().find::<incident_update::Entity>();
    let known = known.filter(incident_update::Column::IncidentId.eq(loaded.row.id)).all(tx.db()).await?;
    for gone in known.iter().filter(|known| !loaded.updates.iter().any(|update| update.id == known.id)) {
        gone.clone().into_active_model().delete(tx.db()).await?;
    }
    for update in &loaded.updates {
        let row = update.clone().into_active_model().reset_all();
        match known.iter().find(|known| known.id == update.id) {
            Some(known) if known == update => {}
            Some(_) => {
                tx.scope().update_id::<incident_update::Entity>(update.id).set(row).exec(tx.db()).await?;
            }
            None => {
                incident_update::Entity::insert(row).exec_without_returning(tx.db()).await?;
            }
        }
    }
    Ok(())
}
