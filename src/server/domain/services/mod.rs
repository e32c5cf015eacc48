//! Services: create, change, reorder and delete them, and record each change of a status.

mod groups;
pub mod history;
mod list;
mod status_page;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Select,
};

use super::{
    Member, Viewer,
    audit::AuditEvent,
    idempotency::{IdempotencyKey, gone_since},
    new_id,
    store::{service, service_group, status_change},
    tx::Tx,
};
use crate::model::{
    Action, Cause, Code, Error, Event, GroupId, Layers, NewService, Placement, Result, Service, ServiceId,
    ServicePatch, StatusChangeId, Timestamp, UserId, check::require_version,
};

const OPERATION: &str = "create_service";
/// The most services an organization may have.
const SERVICES_MAX: usize = 500;

impl Viewer {
    /// One service.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn service(&self, id: ServiceId) -> Result<Service> {
        let row = self.scope().find_id::<service::Entity>(id).filter(service::Column::DeletedAt.is_null());
        row.one(self.db()).await?.map(Into::into).ok_or_else(Error::not_found)
    }
}

impl Member {
    /// Creates a service, last in its group unless a position is given. A repeated idempotency key returns the service
    /// created the first time, and `true`.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a group that is not this organization's; `conflict` for a
    /// key that was used for another request.
    pub async fn create_service(&self, new: NewService, key: Option<IdempotencyKey>) -> Result<(Service, bool)> {
        let asked = new.clone();
        let new = new.check()?;
        let mut tx = self.begin().await?;
        if let Some(created) = tx.created_before(key.as_ref(), OPERATION, &asked).await? {
            return Ok((tx.service(ServiceId::from_uuid(created)).await.map_err(gone_since)?.into(), true));
        }
        if tx.services().await?.len() >= SERVICES_MAX {
            return Err(Error::invalid(format!(
                "Your organization has reached its limit of {SERVICES_MAX} services. Delete one first."
            )));
        }
        if let Some(group) = new.group_id {
            tx.require_group(group).await?;
        }
        let baseline = new.status.unwrap_or_default();
        let row = service::Model {
            org_id: self.organization(),
            id: ServiceId::from_uuid(new_id()),
            group_id: new.group_id,
            name: new.name,
            description: new.description,
            baseline,
            status: Layers { baseline, ..Layers::default() }.effective(),
            status_since: tx.now(),
            position: i64::try_from(tx.siblings(new.group_id).await?.len())?,
            created_at: tx.now(),
            updated_at: tx.now(),
            deleted_at: None,
            version: 1,
        };
        let id = row.id;
        service::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
        super::incidents::require_services_fit(&tx).await?;
        let moved_others = match new.position {
            Some(position) => tx.arrange(new.group_id, id, position).await?,
            None => false,
        };
        let service = Service::from(tx.service(id).await?);
        tx.emit(Event::ServiceCreated(service.clone())).await?;
        tx.emit_page_if(moved_others).await?;
        tx.audit(audit_event(Action::ServiceCreated, &service).setting("status", service.status));
        tx.remember(key, OPERATION, &asked, service.id.uuid()).await?;
        tx.commit().await?;
        Ok((service, false))
    }

    /// Changes a service. A new status is a new baseline; if that changes the effective status, the change is recorded
    /// with its cause (domain rules 3.1.2 and 3.1.4). A patch without changes does nothing.
    ///
    /// # Errors
    /// `invalid` with the fields at fault; `not_found` for a service or group that is not this organization's;
    /// `conflict` when the version is not the current one.
    pub async fn update_service(&self, id: ServiceId, patch: ServicePatch, cause: Cause) -> Result<Service> {
        let patch = patch.check()?;
        let mut tx = self.begin().await?;
        let before = tx.service(id).await?;
        require_version(patch.version, before.version)?;
        let mut after = before.clone();
        if let Some(name) = patch.name {
            after.name = name;
        }
        if let Some(description) = patch.description {
            after.description = description;
        }
        if let Some(group) = patch.group_id
            && group != before.group_id
        {
            if let Some(group) = group {
                tx.require_group(group).await?;
            }
            after.group_id = group;
            after.position = i64::try_from(tx.siblings(group).await?.len())?;
        }
        if let Some(baseline) = patch.status {
            after.baseline = baseline;
            after.status = super::incidents::effective_status(&tx, id, baseline).await?;
        }
        if after.status != before.status {
            after.status_since = tx.moment_after(before.updated_at);
            tx.record_status_change(&before, &after, cause, Some(self.user())).await?;
        }
        if after != before {
            after.version += 1;
            after.updated_at = tx.moment_after(before.updated_at);
            tx.save(&after).await?;
        }
        if after.name != before.name || after.description.len() > before.description.len() {
            super::incidents::require_services_fit(&tx).await?;
        }
        let mut moved_others = false;
        if after.group_id != before.group_id {
            moved_others = tx.renumber_group(before.group_id).await?;
        }
        if let Some(position) = patch.position {
            moved_others |= tx.arrange(after.group_id, id, position).await?;
        }
        let mut now = tx.service(id).await?;
        if now == before && !moved_others {
            return Ok(before.into());
        }
        if now.version == before.version {
            now.version += 1;
            tx.save(&now).await?;
        }
        let service = Service::from(now);
        tx.emit(Event::ServiceUpdated(service.clone())).await?;
        tx.emit_page_if(moved_others).await?;
        tx.audit(audit_event(Action::ServiceChanged, &service).changing(&Service::from(before), &service));
        tx.commit().await?;
        Ok(service)
    }

    /// Moves a service one position up or down within its group, unless it is at the end.
    ///
    /// # Errors
    /// `not_found` for a service that is not this organization's.
    pub async fn move_service(&self, id: ServiceId, direction: Placement) -> Result<()> {
        let mut tx = self.begin().await?;
        let service = Service::from(tx.service(id).await?);
        let group = service.group_id;
        let siblings = tx.siblings(group).await?;
        let index = siblings.iter().position(|row| row.id == id).unwrap_or(0);
        let target = match direction {
            Placement::Up => index.saturating_sub(1),
            Placement::Down => index + 1,
        };
        let moved = tx.arrange(group, id, i32::try_from(target)?).await?;
        tx.emit_page_if(moved).await?;
        if moved {
            tx.audit(audit_event(Action::ServiceMoved, &service).setting("direction", direction));
        }
        tx.commit().await
    }

    /// Deletes a service. Its name and history are kept for past incidents.
    ///
    /// # Errors
    /// `not_found` for a service that is not this organization's.
    pub async fn delete_service(&self, id: ServiceId) -> Result<()> {
        let mut tx = self.begin().await?;
        let mut row = tx.service(id).await?;
        row.updated_at = tx.moment_after(row.updated_at);
        row.deleted_at = Some(row.updated_at);
        tx.save(&row).await?;
        let group = row.group_id;
        let service = Service::from(row);
        tx.audit(audit_event(Action::ServiceDeleted, &service));
        tx.emit(Event::ServiceDeleted(service)).await?;
        let moved_others = tx.renumber_group(group).await?;
        tx.emit_page_if(moved_others).await?;
        tx.commit().await
    }

    /// Deletes a service after the user has typed its name to confirm.
    ///
    /// # Errors
    /// `invalid` when the name differs; `not_found` for a service that is not this organization's.
    pub async fn delete_confirmed(&self, id: ServiceId, confirm: &str) -> Result<()> {
        let name = self.service(id).await?.name;
        if confirm.trim() != name {
            return Err(Error::field("confirm", format!("Type “{name}” to confirm the deletion.")));
        }
        self.delete_service(id).await
    }
}

/// An audit event about a service.
fn audit_event(action: Action, service: &Service) -> AuditEvent {
    AuditEvent::new(action).on("service", service.id, &service.name)
}

impl Tx {
    /// A service of this organization that has not been deleted.
    pub(in crate::server::domain) async fn service(&self, id: ServiceId) -> Result<service::Model> {
        let row = self.scope().find_id::<service::Entity>(id).filter(service::Column::DeletedAt.is_null());
        row.one(self.db()).await?.ok_or_else(Error::not_found)
    }

    /// All services of this organization, by position.
    pub(in crate::server::domain) async fn services(&self) -> Result<Vec<service::Model>> {
        Ok(self.present().all(self.db()).await?)
    }

    /// The services of one group, or of none, by position.
    pub(in crate::server::domain) async fn siblings(&self, group: Option<GroupId>) -> Result<Vec<service::Model>> {
        let within = match group {
            Some(group) => service::Column::GroupId.eq(group),
            None => service::Column::GroupId.is_null(),
        };
        Ok(self.present().filter(within).all(self.db()).await?)
    }

    fn present(&self) -> Select<service::Entity> {
        self.scope()
            .find()
            .filter(service::Column::DeletedAt.is_null())
            .order_by_asc(service::Column::Position)
            .order_by_asc(service::Column::Id)
    }

    /// Checks that the group is this organization's.
    pub(in crate::server::domain) async fn require_group(&self, id: GroupId) -> Result<()> {
        let known = self.scope().find_id::<service_group::Entity>(id).one(self.db()).await?;
        known.map(drop).ok_or_else(|| {
            let fault = Error::field("group_id", "There is no such group.");
            Error { code: Code::NotFound, ..fault }
        })
    }

    /// Saves a service's row.
    pub(in crate::server::domain) async fn save(&self, row: &service::Model) -> Result<()> {
        let update = self.scope().update_id::<service::Entity>(row.id);
        update.set(row.clone().into_active_model().reset_all()).exec(self.db()).await?;
        Ok(())
    }

    /// The time of this change, but later than `last`: two states of a row never have the same time.
    pub(in crate::server::domain) fn moment_after(&self, last: Timestamp) -> Timestamp {
        self.now().max(last.plus_millis(1))
    }

    /// Records a change of the effective status (domain rule 3.1.4).
    pub(in crate::server::domain) async fn record_status_change(
        &self,
        before: &service::Model,
        after: &service::Model,
        cause: Cause,
        changed_by: Option<UserId>,
    ) -> Result<()> {
        status_change::Entity::insert(status_change::ActiveModel {
            org_id: Set(after.org_id),
            id: Set(StatusChangeId::from_uuid(new_id())),
            service_id: Set(after.id),
            old_status: Set(before.status),
            new_status: Set(after.status),
            cause: Set(cause),
            changed_by: Set(changed_by),
            created_at: Set(after.status_since),
        })
        .exec_without_returning(self.db())
        .await?;
        Ok(())
    }

    /// Moves a service to a position in its group and renumbers the group. Returns whether other services moved.
    pub(in crate::server::domain) async fn arrange(
        &self,
        group: Option<GroupId>,
        id: ServiceId,
        position: i32,
    ) -> Result<bool> {
        let mut rows = self.siblings(group).await?;
        if let Some(from) = rows.iter().position(|row| row.id == id) {
            let row = rows.remove(from);
            let index = usize::try_from(position).unwrap_or(0).min(rows.len());
            rows.insert(index, row);
        }
        self.renumber(rows, Some(id)).await
    }

    /// Renumbers a group after a service has left it. Returns whether others moved.
    async fn renumber_group(&self, group: Option<GroupId>) -> Result<bool> {
        let rows = self.siblings(group).await?;
        self.renumber(rows, None).await
    }

    async fn renumber(&self, rows: Vec<service::Model>, chosen: Option<ServiceId>) -> Result<bool> {
        let mut others = false;
        for (position, mut row) in (0_i64..).zip(rows) {
            if row.position != position {
                row.position = position;
                row.updated_at = self.moment_after(row.updated_at);
                self.save(&row).await?;
                others |= Some(row.id) != chosen;
            }
        }
        Ok(others)
    }

    /// Emits the whole page if more than one service changed.
    pub(in crate::server::domain) async fn emit_page_if(&mut self, changed: bool) -> Result<()> {
        if changed {
            let page = self.page().await?;
            self.emit(Event::PageUpdated(Box::new(page))).await?;
        }
        Ok(())
    }
}
