//! Who is looking at an incident.

use std::collections::BTreeSet;

use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, sea_query::OnConflict};

use super::super::{Viewer, page::names, store::presence};
use crate::{
    model::{IncidentId, Result, UserId},
    server::error::internal,
};

/// After how many seconds without a sign somebody has left.
const GONE_SECONDS: i64 = 30;

impl Viewer {
    /// Notes that this person is at an incident, or leaves it; tells the names of the others who are.
    ///
    /// # Errors
    /// `not_found` when this organization has no such incident.
    pub async fn here(&self, id: IncidentId, leaving: bool) -> Result<Vec<String>> {
        self.require_incident(id).await?;
        let now = self.domain.clock().now();
        let me = presence::Model { org_id: self.organization(), incident_id: id, user_id: self.user(), seen_at: now };
        if leaving {
            me.into_active_model().delete(self.db()).await.map_err(internal)?;
            return Ok(Vec::new());
        }
        let columns = [presence::Column::OrgId, presence::Column::IncidentId, presence::Column::UserId];
        let again = OnConflict::columns(columns).update_column(presence::Column::SeenAt).to_owned();
        presence::Entity::insert(me.into_active_model().reset_all())
            .on_conflict(again)
            .exec_without_returning(self.db())
            .await
            .map_err(internal)?;
        let others = self.scope().find_id::<presence::Entity>(id);
        let others = others.filter(presence::Column::SeenAt.gte(now.plus_seconds(-GONE_SECONDS)));
        let others = others.filter(presence::Column::UserId.ne(self.user())).all(self.db()).await.map_err(internal)?;
        let people: BTreeSet<UserId> = others.into_iter().map(|other| other.user_id).collect();
        Ok(names(self.db(), people).await?.into_values().collect())
    }
}
