//! Service groups: create, rename, reorder and delete them.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select,
};

use crate::{
    model::{Action, Error, GroupId, GroupPatch, NewGroup, Placement, Result, ServiceGroup, check::require_version},
    server::domain::{
        Member, Viewer,
        audit::AuditEvent,
        idempotency::{IdempotencyKey, gone_since},
        new_id,
        store::{Scope, service, service_group},
        tx::Tx,
    },
};

const OPERATION: &str = "create_group";
/// The most groups an organization may have.
const GROUPS_MAX: usize = 100;

impl Viewer {
    /// The groups, by position.
    pub async fn groups(&self) -> Result<Vec<ServiceGroup>> {
        let rows = in_order(self.scope()).all(self.db()).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// One group.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn group(&self, id: GroupId) -> Result<ServiceGroup> {
        let row = self.scope().find_id::<service_group::Entity>(id).one(self.db()).await?;
        row.map(Into::into).ok_or_else(Error::not_found)
    }
}

impl Member {
    /// Creates a group, last unless a position is given. A repeated idempotency key returns the group created the first
    /// time, and `true`.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `conflict` for a key that was used for another request.
    pub async fn create_group(&self, new: NewGroup, key: Option<IdempotencyKey>) -> Result<(ServiceGroup, bool)> {
        let asked = new.clone();
        let new = new.check()?;
        let mut tx = self.begin().await?;
        if let Some(created) = tx.created_before(key.as_ref(), OPERATION, &asked).await? {
            return Ok((tx.group(GroupId::from_uuid(created)).await.map_err(gone_since)?.into(), true));
        }
        let count = tx.groups().await?.len();
        if count >= GROUPS_MAX {
            return Err(Error::invalid(format!(
                "Your organization has reached its limit of {GROUPS_MAX} groups. Delete one first."
            )));
        }
        let row = service_group::Model {
            org_id: self.organization(),
            id: GroupId::from_uuid(new_id()),
            name: new.name,
            position: i64::try_from(count)?,
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
        };
        let id = row.id;
        service_group::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
        if let Some(position) = new.position {
            tx.arrange_groups(id, position).await?;
        }
        let group = tx.group(id).await?;
        tx.emit_page_if(true)?;
        tx.audit(audit_event(Action::GroupCreated, &group));
        tx.remember(key, OPERATION, &asked, id.uuid()).await?;
        tx.commit().await?;
        Ok((group.into(), false))
    }

    /// Changes a group. A patch without changes does nothing.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a group that is not this organization's; `conflict` when the
    /// version is not the current one.
    pub async fn update_group(&self, id: GroupId, patch: GroupPatch) -> Result<ServiceGroup> {
        let patch = patch.check()?;
        let mut tx = self.begin().await?;
        let mut row = tx.group(id).await?;
        require_version(patch.version, row.version)?;
        let before = ServiceGroup::from(row.clone());
        let mut changed = false;
        if let Some(name) = patch.name
            && name != row.name
        {
            row.name = name;
            row.updated_at = tx.moment_after(row.updated_at);
            tx.save_group(&row).await?;
            changed = true;
        }
        if let Some(position) = patch.position {
            changed |= tx.arrange_groups(id, position).await?;
        }
        let mut group = tx.group(id).await?;
        if changed {
            group.version += 1;
            tx.save_group(&group).await?;
        }
        tx.emit_page_if(changed)?;
        if changed {
            tx.audit(audit_event(Action::GroupChanged, &group).changing(&before, &group.clone().into()));
        }
        tx.commit().await?;
        Ok(group.into())
    }

    /// Moves a group one position up or down, unless it is at the end.
    ///
    /// # Errors
    /// `not_found` for a group that is not this organization's.
    pub async fn move_group(&self, id: GroupId, direction: Placement) -> Result<()> {
        let mut tx = self.begin().await?;
        let group = tx.group(id).await?;
        let index = tx.groups().await?.iter().position(|row| row.id == id).unwrap_or(0);
        let target = match direction {
            Placement::Up => index.saturating_sub(1),
            Placement::Down => index + 1,
        };
        let changed = tx.arrange_groups(id, i32::try_from(target)?).await?;
        tx.emit_page_if(changed)?;
        if changed {
            tx.audit(audit_event(Action::GroupMoved, &group).setting("direction", direction));
        }
        tx.commit().await
    }

    /// Deletes a group. Its services are kept, after those without a group.
    ///
    /// # Errors
    /// `not_found` for a group that is not this organization's.
    pub async fn delete_group(&self, id: GroupId) -> Result<()> {
        let mut tx = self.begin().await?;
        let group = tx.group(id).await?;
        tx.audit(audit_event(Action::GroupDeleted, &group));
        let orphans = tx.siblings(Some(id)).await?;
        let ungrouped = tx.siblings(None).await?.len();
        for (position, mut row) in (ungrouped..).zip(orphans) {
            row.group_id = None;
            row.position = i64::try_from(position)?;
            row.version += 1;
            row.updated_at = tx.moment_after(row.updated_at);
            tx.save(&row).await?;
        }
        // Deleted services may still refer to it.
        tx.scope()
            .update::<service::Entity>()
            .set(service::ActiveModel { group_id: Set(None), ..Default::default() })
            .filter(service::Column::GroupId.eq(id))
            .exec(tx.db())
            .await?;
        service_group::Entity::delete(group.into_active_model()).exec(tx.db()).await?;
        tx.renumber_groups(tx.groups().await?).await?;
        tx.emit_page_if(true)?;
        tx.commit().await
    }
}

/// An audit event about a group.
fn audit_event(action: Action, group: &service_group::Model) -> AuditEvent {
    AuditEvent::new(action).on("group", group.id, &group.name)
}

impl Tx {
    async fn group(&self, id: GroupId) -> Result<service_group::Model> {
        let row = self.scope().find_id::<service_group::Entity>(id).one(self.db()).await?;
        row.ok_or_else(Error::not_found)
    }

    async fn groups(&self) -> Result<Vec<service_group::Model>> {
        Ok(in_order(self.scope()).all(self.db()).await?)
    }

    async fn save_group(&self, row: &service_group::Model) -> Result<()> {
        let update = self.scope().update_id::<service_group::Entity>(row.id);
        update.set(row.clone().into_active_model().reset_all()).exec(self.db()).await?;
        Ok(())
    }

    /// Moves a group to a position and renumbers all. Returns whether anything moved.
    async fn arrange_groups(&self, id: GroupId, position: i32) -> Result<bool> {
        let mut rows = self.groups().await?;
        if let Some(from) = rows.iter().position(|row| row.id == id) {
            let row = rows.remove(from);
            let index = usize::try_from(position).unwrap_or(0).min(rows.len());
            rows.insert(index, row);
        }
        self.renumber_groups(rows).await
    }

    async fn renumber_groups(&self, rows: Vec<service_group::Model>) -> Result<bool> {
        let mut changed = false;
        for (position, mut row) in (0_i64..).zip(rows) {
            if row.position != position {
                row.position = position;
                row.updated_at = self.moment_after(row.updated_at);
                self.save_group(&row).await?;
                changed = true;
            }
        }
        Ok(changed)
    }
}

fn in_order(scope: Scope) -> Select<service_group::Entity> {
    scope.find().order_by_asc(service_group::Column::Position).order_by_asc(service_group::Column::Id)
}
