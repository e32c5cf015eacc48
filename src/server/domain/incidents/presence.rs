//! Who is looking at an incident.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect, sea_query::OnConflict,
};

use super::super::{
    Viewer,
    store::{self, incident, presence},
};
use crate::{
    model::{Error, IncidentId, Result, UserId},
    server::domain::identity::people::user_names,
};

/// After how many seconds without a sign somebody has left.
const GONE_SECONDS: i64 = 30;

impl Viewer {
    /// Notes that this person is at an incident, or leaves it; tells the names of the others who are.
    ///
    /// # Errors
    /// `not_found` when this organization has no such incident.
    pub async fn here(&self, id: IncidentId, leaving: bool) -> Result<Vec<String>> {
        let now = self.domain.clock().now();
        let me = presence::Model { org_id: self.organization(), incident_id: id, user_id: self.user(), seen_at: now };
        let tx = store::begin(self.domain.db()).await?;
        // Held until this is noted, so that nobody deletes it meanwhile; and before what belongs to it, in the order in
        // which a deletion takes them, so that neither waits for the other.
        let incident = self.scope().find_id::<incident::Entity>(id).lock_exclusive();
        incident.one(&tx).await?.ok_or_else(Error::not_found)?;
        let me = me.into_active_model();
        if leaving {
            me.delete(&tx).await?;
            tx.commit().await?;
            return Ok(Vec::new());
        }
        let columns = [presence::Column::OrgId, presence::Column::IncidentId, presence::Column::UserId];
        let again = OnConflict::columns(columns).update_column(presence::Column::SeenAt).to_owned();
        let noted = presence::Entity::insert(me.reset_all()).on_conflict(again);
        noted.exec_without_returning(&tx).await?;
        tx.commit().await?;
        let others = self.scope().find_id::<presence::Entity>(id);
        let others = others.filter(presence::Column::SeenAt.gte(now.plus_seconds(-GONE_SECONDS)));
        let others = others.filter(presence::Column::UserId.ne(self.user())).all(self.db()).await?;
        let people: BTreeSet<UserId> = others.into_iter().map(|other| other.user_id).collect();
        Ok(user_names(self.db(), people).await?.into_values().collect())
    }
}
