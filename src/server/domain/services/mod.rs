//! Services: create, change, reorder and delete them, and record each change of a status.

mod groups;
pub mod history;
mod list;
mod ordering;
mod status_page;

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QueryOrder, Select};

use self::ordering::{place, renumber};
use super::{
    Changer, Member, Viewer,
    audit::AuditEvent,
    idempotency::{IdempotencyKey, gone_since},
    incidents::ReportedService,
    new_id,
    store::{changes, insert_all, service, service_group, status_change},
    tx::{Rows, Tx},
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
        let services = tx.services().await?;
        if services.len() >= SERVICES_MAX {
            return Err(Error::invalid(format!(
                "Your organization has reached its limit of {SERVICES_MAX} services. Delete one first."
            )));
        }
        if let Some(group) = new.group_id {
            tx.require_group(group).await?;
        }
        let baseline = new.status.unwrap_or_default();
        let mut row = service::Model {
            org_id: self.organization(),
            id: ServiceId::from_uuid(new_id()),
            group_id: new.group_id,
            name: new.name,
            description: new.description,
            baseline,
            status: Layers { baseline, ..Layers::default() }.effective(),
            status_since: tx.now(),
            position: 0,
            created_at: tx.now(),
            updated_at: tx.now(),
            deleted_at: None,
            version: 1,
        };
        let siblings = services.into_iter().filter(|other| other.group_id == row.group_id).collect();
        let moved = place(&mut row, siblings, new.position);
        let moved_others = !moved.is_empty();
        insert_all(tx.db(), vec![row.clone()]).await?;
        super::incidents::require_services_fit(&tx).await?;
        tx.shift::<service::Model>(moved).await?;
        let service = Service::from(row);
        tx.emit(Event::ServiceCreated(service.clone()))?;
        tx.emit_page_if(moved_others)?;
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
        let query = ReportedService::query(self.scope(), &[id], self.db().get_database_backend());
        let (tx, rows) = self.begin_reading(vec![query]).await?;
        self.change_service(tx, &rows, patch, cause).await
    }

    /// Changes the service in the rows of [`ReportedService::query`], in this transaction.
    async fn change_service(&self, mut tx: Tx, rows: &[Rows], patch: ServicePatch, cause: Cause) -> Result<Service> {
        let reported = ReportedService::one_of(rows.first().map_or(&[], Vec::as_slice))?;
        let id = reported.service.id;
        let before = &reported.service;
        require_version(patch.version, before.version)?;
        let mut after = before.clone();
        if let Some(name) = patch.name {
            after.name = name;
        }
        if let Some(description) = patch.description {
            after.description = description;
        }
        if let Some(baseline) = patch.status {
            after.baseline = baseline;
            after.status = reported.effective(baseline);
        }
        let mut moved = Vec::new();
        let group = patch.group_id.unwrap_or(before.group_id);
        if group != before.group_id {
            if let Some(group) = group {
                tx.require_group(group).await?;
            }
            let mut left = tx.siblings(before.group_id).await?;
            left.retain(|row| row.id != id);
            moved.extend(renumber(left, 0..));
        }
        if group != before.group_id || patch.position.is_some() {
            after.group_id = group;
            moved.extend(place(&mut after, tx.siblings(group).await?, patch.position));
        }
        if after == *before && moved.is_empty() {
            return Ok(after.into());
        }
        after.version += 1;
        after.updated_at = tx.moment_after(before.updated_at);
        if after.status != before.status {
            after.status_since = after.updated_at;
            let change = Tx::status_change(before, &after, cause, Some(self.user()));
            tx.defer_insertion(change);
        }
        tx.save(before, &after);
        if after.name != before.name || after.description.len() > before.description.len() {
            tx.flush().await?;
            super::incidents::require_services_fit(&tx).await?;
        }
        let moved_others = !moved.is_empty();
        tx.shift::<service::Model>(moved).await?;
        let (before, service) = (reported.service.into(), Service::from(after));
        tx.emit(Event::ServiceUpdated(service.clone()))?;
        tx.emit_page_if(moved_others)?;
        tx.audit(audit_event(Action::ServiceChanged, &service).changing(&before, &service));
        tx.commit().await?;
        Ok(service)
    }

    /// Moves a service one position up or down within its group, unless it is at the end.
    ///
    /// # Errors
    /// `not_found` for a service that is not this organization's.
    pub async fn move_service(&self, id: ServiceId, direction: Placement) -> Result<()> {
        let mut tx = self.begin().await?;
        let before = tx.service(id).await?;
        let siblings = tx.siblings(before.group_id).await?;
        let index = siblings.iter().position(|row| row.id == id).unwrap_or(0);
        let target = match direction {
            Placement::Up => index.saturating_sub(1),
            Placement::Down => index + 1,
        };
        let mut after = before.clone();
        let mut moved = place(&mut after, siblings, Some(i32::try_from(target)?));
        if moved.is_empty() {
            return Ok(());
        }
        moved.push((id, after.position - before.position));
        tx.shift::<service::Model>(moved).await?;
        tx.emit_page_if(true)?;
        tx.audit(audit_event(Action::ServiceMoved, &before.into()).setting("direction", direction));
        tx.commit().await
    }

    /// Deletes a service. Its name and history are kept for past incidents.
    ///
    /// # Errors
    /// `not_found` for a service that is not this organization's.
    pub async fn delete_service(&self, id: ServiceId) -> Result<()> {
        let mut tx = self.begin().await?;
        let before = tx.service(id).await?;
        let mut row = before.clone();
        row.updated_at = tx.moment_after(row.updated_at);
        row.deleted_at = Some(row.updated_at);
        tx.save(&before, &row);
        tx.flush().await?;
        let left = renumber(tx.siblings(row.group_id).await?, 0..);
        let moved_others = !left.is_empty();
        tx.shift::<service::Model>(left).await?;
        let service = Service::from(row);
        tx.audit(audit_event(Action::ServiceDeleted, &service));
        tx.emit(Event::ServiceDeleted(service))?;
        tx.emit_page_if(moved_others)?;
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

impl Changer {
    /// As [`Member::update_service`].
    ///
    /// # Errors
    /// Also `unauthorized` and `forbidden`, after those of the patch itself.
    pub async fn update_service(&self, id: ServiceId, patch: ServicePatch, cause: Cause) -> Result<Service> {
        let caller = match self {
            Self::Member(member) => return member.update_service(id, patch, cause).await,
            Self::Unverified(caller) => caller,
        };
        let patch = patch.check()?;
        let queries = |scope, backend| vec![ReportedService::query(scope, &[id], backend)];
        let (member, tx, rows) = caller.begin_reading(queries).await?;
        member.change_service(tx, &rows, patch, cause).await
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

    /// Saves what has changed of a service, before the commit.
    fn save(&mut self, before: &service::Model, after: &service::Model) {
        let update = self.scope().update_id::<service::Entity>(after.id);
        self.defer(update.set(changes(before, after)));
    }

    /// The time of this change, but later than `last`: two states of a row never have the same time.
    pub(in crate::server::domain) fn moment_after(&self, last: Timestamp) -> Timestamp {
        self.now().max(last.plus_millis(1))
    }

    /// The record of a change of the effective status (domain rule 3.1.4).
    pub(in crate::server::domain) fn status_change(
        before: &service::Model,
        after: &service::Model,
        cause: Cause,
        changed_by: Option<UserId>,
    ) -> status_change::Model {
        status_change::Model {
            org_id: after.org_id,
            id: StatusChangeId::from_uuid(new_id()),
            service_id: after.id,
            old_status: before.status,
            new_status: after.status,
            cause,
            changed_by,
            created_at: after.status_since,
        }
    }

    /// Makes clients reload the page if more than one service changed.
    pub(in crate::server::domain) fn emit_page_if(&mut self, changed: bool) -> Result<()> {
        if changed { self.emit(Event::PageUpdated {}) } else { Ok(()) }
    }
}
