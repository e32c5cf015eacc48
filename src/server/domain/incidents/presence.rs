//! Presence: which members have an incident open.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect,
    sea_query::OnConflict,
};

use super::super::{
    Person, System,
    store::{incident, presence},
};
use crate::{
    model::{Code, Error, IncidentId, Result, UserId},
    server::domain::identity::people::user_names,
};

/// The time after the last heartbeat when a member counts as gone, in seconds.
const TIMEOUT_SECONDS: i64 = 30;
/// How long presence is kept, in seconds: an hour.
const RETENTION_SECONDS: i64 = 3_600;

impl Person {
    /// Records that this member has an incident open, or has closed it; returns the names of the others. Programs are
    /// not present, and a token for reading must not write.
    ///
    /// # Errors
    /// `not_found` when this organization has no such incident.
    pub async fn heartbeat(&self, id: IncidentId, leaving: bool) -> Result<Vec<String>> {
        match self.note_presence(id, leaving).await {
            // Reading needs no writing: who else is there is shown all the same.
            Err(error) if error.code == Code::Unavailable => {}
            noted => noted?,
        }
        if leaving {
            return Ok(Vec::new());
        }
        let now = self.domain.clock().now();
        let others = self.scope().find_id::<presence::Entity>(id);
        let others = others.filter(presence::Column::SeenAt.gte(now.plus_seconds(-TIMEOUT_SECONDS)));
        let others = others.filter(presence::Column::UserId.ne(self.user())).all(self.db()).await?;
        let people: BTreeSet<UserId> = others.into_iter().map(|other| other.user_id).collect();
        Ok(user_names(self.db(), people).await?.into_values().collect())
    }

    async fn note_presence(&self, id: IncidentId, leaving: bool) -> Result<()> {
        let now = self.domain.clock().now();
        let me = presence::Model { org_id: self.organization(), incident_id: id, user_id: self.user(), seen_at: now };
        let tx = self.domain.begin(self.organization()).await?;
        // The incident is locked first, so that it cannot be deleted in the meantime; a deletion locks in the same
        // order, so there is no deadlock.
        let incident = self.scope().find_id::<incident::Entity>(id).lock_exclusive();
        incident.one(&tx).await?.ok_or_else(Error::not_found)?;
        let me = me.into_active_model();
        if leaving {
            me.delete(&tx).await?;
            return Ok(tx.commit().await?);
        }
        let columns = [presence::Column::OrgId, presence::Column::IncidentId, presence::Column::UserId];
        let refresh = OnConflict::columns(columns).update_column(presence::Column::SeenAt).to_owned();
        let upsert = presence::Entity::insert(me.reset_all()).on_conflict(refresh);
        upsert.exec_without_returning(&tx).await?;
        Ok(tx.commit().await?)
    }
}

impl System {
    /// Deletes the presence of members who were last seen an hour ago.
    pub async fn forget_old_presence(&self) -> Result<u64> {
        let oldest = self.domain.database_now().await?.plus_seconds(-RETENTION_SECONDS);
        let old = Condition::all().add(presence::Column::SeenAt.lt(oldest));
        self.domain.delete_in_batches::<presence::Entity>(old).await
    }
}
