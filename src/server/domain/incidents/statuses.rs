//! Effective service statuses, derived from baselines, incidents and maintenances (domain rules 3.1.2 to 3.1.4).

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, FromQueryResult, JoinType, QueryFilter, QueryOrder, QueryResult,
    QuerySelect, QueryTrait, RelationTrait, Statement,
    sea_query::{Expr, ExprTrait, IntoCondition},
};

use super::super::{
    store::{Scope, VALUES_MAX, incident_impact, insert_all, service, upsert},
    tx::Tx,
};
use crate::model::{Cause, Error, Event, IncidentKind, Layers, Result, ServiceId, ServiceStatus, Timestamp, UserId};

/// A service with the impacts on it of open incidents and of maintenances under way.
pub(in crate::server::domain) struct ReportedService {
    pub service: service::Model,
    incidents: Vec<ServiceStatus>,
    maintenance: Option<ServiceStatus>,
}

/// A service and one of the impacts on it.
#[derive(FromQueryResult)]
struct ImpactRow {
    #[sea_orm(nested)]
    service: service::Model,
    impact_kind: Option<IncidentKind>,
    impact_status: Option<ServiceStatus>,
}

impl ReportedService {
    /// The query of those of these services that have not been deleted.
    pub fn query(scope: Scope, ids: &[ServiceId], backend: DbBackend) -> Statement {
        let rows = scope.find::<service::Entity>();
        let rows = rows.filter(service::Column::Id.is_in(ids.iter().copied()));
        let rows = rows.filter(service::Column::DeletedAt.is_null());
        let in_force = incident_impact::Relation::Service
            .def()
            .on_condition(|impact, _| Expr::col((impact, incident_impact::Column::ToAt)).is_null().into_condition());
        // The same status by many incidents is one row.
        let rows = rows.distinct().join_rev(JoinType::LeftJoin, in_force);
        let rows = rows.column_as(incident_impact::Column::Kind, "impact_kind");
        let rows = rows.column_as(incident_impact::Column::Status, "impact_status");
        rows.order_by_asc(service::Column::Id).build(backend)
    }

    /// The service in the rows of a query for one.
    ///
    /// # Errors
    /// `not_found` when there is none with its id.
    pub fn one_of(rows: &[QueryResult]) -> Result<Self> {
        Self::all_of(rows)?.pop().ok_or_else(Error::not_found)
    }

    /// The services in the rows of a query, in the order of their creation.
    fn all_of(rows: &[QueryResult]) -> Result<Vec<Self>> {
        let mut all: Vec<Self> = Vec::new();
        for row in rows {
            let ImpactRow { service, impact_kind, impact_status } = ImpactRow::from_query_result(row, "")?;
            if all.last().is_none_or(|last| last.service.id != service.id) {
                all.push(Self { service, incidents: Vec::new(), maintenance: None });
            }
            if let (Some(reported), Some(kind), Some(status)) = (all.last_mut(), impact_kind, impact_status) {
                reported.add(kind, status);
            }
        }
        Ok(all)
    }

    /// Loads those of these services that have not been deleted, in the order of their creation.
    async fn load_all(tx: &Tx, ids: &[ServiceId]) -> Result<Vec<Self>> {
        let mut all = Vec::new();
        for ids in ids.chunks(VALUES_MAX) {
            let rows = tx.db().query_all_raw(Self::query(tx.scope(), ids, tx.db().get_database_backend())).await?;
            all.append(&mut Self::all_of(&rows)?);
        }
        Ok(all)
    }

    fn add(&mut self, kind: IncidentKind, status: ServiceStatus) {
        match kind {
            IncidentKind::Incident => self.incidents.push(status),
            IncidentKind::Maintenance => self.maintenance = Ord::max(self.maintenance, Some(status)),
        }
    }

    /// Its effective status with this baseline (domain rule 3.1.2).
    pub fn effective(&self, baseline: ServiceStatus) -> ServiceStatus {
        Layers { baseline, incidents: &self.incidents, maintenance: self.maintenance }.effective()
    }
}

/// Recomputes the effective status of these services, some with a new baseline; records and emits each change (domain
/// rule 3.1.4), in the order of the services' creation.
pub(in crate::server::domain) async fn recompute_statuses(
    tx: &mut Tx,
    services: BTreeMap<ServiceId, Option<ServiceStatus>>,
    cause: Cause,
    by: Option<UserId>,
    at: Timestamp,
) -> Result<()> {
    use service::Column;
    let ids: Vec<ServiceId> = services.keys().copied().collect();
    let (mut changed, mut history) = (Vec::new(), Vec::new());
    for reported in ReportedService::load_all(tx, &ids).await? {
        let before = &reported.service;
        let mut after = before.clone();
        after.baseline = services.get(&before.id).copied().flatten().unwrap_or(before.baseline);
        after.status = reported.effective(after.baseline);
        if after == *before {
            continue;
        }
        after.updated_at = tx.moment_after(before.updated_at);
        if after.status != before.status {
            // The changes of one service keep the order in which they were made, whatever their planned times.
            after.status_since = Ord::max(at, before.status_since.plus_millis(1));
            history.push(Tx::status_change(before, &after, cause, by));
        }
        changed.push(after);
    }
    insert_all(tx.db(), history).await?;
    let columns = [Column::Baseline, Column::Status, Column::StatusSince, Column::UpdatedAt];
    upsert(tx.db(), changed.clone(), columns).await?;
    for service in changed {
        tx.emit(Event::ServiceUpdated(service.into()))?;
    }
    Ok(())
}
