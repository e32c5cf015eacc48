//! Service groups: create, rename, reorder and delete them.

use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder, Select};

use super::ordering::{place, renumber};
use crate::{
    model::{Action, Error, GroupId, GroupPatch, NewGroup, Placement, Result, ServiceGroup, check::require_version},
    server::domain::{
        Member, Viewer,
        audit::AuditEvent,
        idempotency::{IdempotencyKey, gone_since},
        new_id,
        store::{Scope, changes, insert_all, service, service_group, upsert},
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
        let groups = tx.groups().await?;
        if groups.len() >= GROUPS_MAX {
            return Err(Error::invalid(format!(
                "Your organization has reached its limit of {GROUPS_MAX} groups. Delete one first."
            )));
        }
        let mut group = service_group::Model {
            org_id: self.organization(),
            id: GroupId::from_uuid(new_id()),
            name: new.name,
            position: 0,
            created_at: tx.now(),
            updated_at: tx.now(),
            version: 1,
        };
        let moved = place(&mut group, groups, new.position);
        insert_all(tx.db(), vec![group.clone()]).await?;
        tx.shift::<service_group::Model>(moved).await?;
        tx.emit_page_if(true)?;
        tx.audit(audit_event(Action::GroupCreated, &group));
        tx.remember(key, OPERATION, &asked, group.id.uuid()).await?;
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
        let before = tx.group(id).await?;
        require_version(patch.version, before.version)?;
        let mut after = before.clone();
        if let Some(name) = patch.name {
            after.name = name;
        }
        let moved = match patch.position {
            Some(position) => place(&mut after, tx.groups().await?, Some(position)),
            None => Vec::new(),
        };
        if after == before && moved.is_empty() {
            return Ok(after.into());
        }
        after.version += 1;
        after.updated_at = tx.moment_after(before.updated_at);
        let update = tx.scope().update_id::<service_group::Entity>(id);
        update.set(changes(&before, &after)).exec(tx.db()).await?;
        tx.shift::<service_group::Model>(moved).await?;
        tx.emit_page_if(true)?;
        let audit_event = audit_event(Action::GroupChanged, &after);
        let (before, after) = (before.into(), ServiceGroup::from(after));
        tx.audit(audit_event.changing(&before, &after));
        tx.commit().await?;
        Ok(after)
    }

    /// Moves a group one position up or down, unless it is at the end.
    ///
    /// # Errors
    /// `not_found` for a group that is not this organization's.
    pub async fn move_group(&self, id: GroupId, direction: Placement) -> Result<()> {
        let mut tx = self.begin().await?;
        let groups = tx.groups().await?;
        let index = groups.iter().position(|row| row.id == id).ok_or_else(Error::not_found)?;
        let target = match direction {
            Placement::Up => index.saturating_sub(1),
            Placement::Down => index + 1,
        };
        let before = groups[index].clone();
        let mut group = before.clone();
        let mut moved = place(&mut group, groups, Some(i32::try_from(target)?));
        if moved.is_empty() {
            return Ok(());
        }
        tx.audit(audit_event(Action::GroupMoved, &group).setting("direction", direction));
        moved.push((id, group.position - before.position));
        tx.shift::<service_group::Model>(moved).await?;
        tx.emit_page_if(true)?;
        tx.commit().await
    }

    /// Deletes a group. Its services are kept, after those without a group.
    ///
    /// # Errors
    /// `not_found` for a group that is not this organization's.
    pub async fn delete_group(&self, id: GroupId) -> Result<()> {
        use service::Column;
        let mut tx = self.begin().await?;
        let group = tx.group(id).await?;
        tx.audit(audit_event(Action::GroupDeleted, &group));
        let services = tx.services().await?;
        let ungrouped = services.iter().filter(|row| row.group_id.is_none()).count();
        let orphans = services.into_iter().filter(|row| row.group_id == Some(id));
        let orphans = (i64::try_from(ungrouped)?..).zip(orphans).map(|(position, row)| service::Model {
            group_id: None,
            position,
            version: row.version + 1,
            updated_at: tx.moment_after(row.updated_at),
            ..row
        });
        let columns = [Column::GroupId, Column::Position, Column::Version, Column::UpdatedAt];
        upsert(tx.db(), orphans.collect(), columns).await?;
        // Deleted services may still refer to it.
        tx.scope()
            .update::<service::Entity>()
            .set(service::ActiveModel { group_id: Set(None), ..Default::default() })
            .filter(Column::GroupId.eq(id))
            .exec(tx.db())
            .await?;
        tx.scope().delete::<service_group::Entity>().filter(service_group::Column::Id.eq(id)).exec(tx.db()).await?;
        tx.shift::<service_group::Model>(renumber(tx.groups().await?, 0..)).await?;
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
}

fn in_order(scope: Scope) -> Select<service_group::Entity> {
    scope.find().order_by_asc(service_group::Column::Position).order_by_asc(service_group::Column::Id)
}
