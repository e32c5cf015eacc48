//! Switching organizations: a session acts in one of the user's organizations, and is replaced by one in another.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, EntityTrait, QueryFilter,
};

use super::{
    people::{find_account, lock_user, organization_of, organizations_of},
    registration::{insert_first_admin, insert_organization},
    sessions::{NewSession, insert_session},
};
use crate::{
    model::{
        Account, Action, Code, Error, NewOrganization, Organization, OrganizationId, Result, SessionId, Timestamp,
    },
    server::domain::{
        Caller, Person,
        audit::{self, AuditEvent},
        store::{WriteTx, organization, session},
    },
};

/// The most organizations a user may belong to when creating another.
const ORGANIZATIONS_MAX: usize = 50;

impl Person {
    /// The organizations the user belongs to, in the order they joined.
    #[expect(clippy::disallowed_methods, reason = "these are the organizations the user belongs to")]
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        let ids = organizations_of(self.db(), self.user()).await?;
        let mut rows = organization::Entity::find()
            .filter(organization::Column::Id.is_in(ids.iter().copied()))
            .all(self.db())
            .await?;
        rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
        rows.into_iter().map(organization_of).collect()
    }

    /// Switches to another of the user's organizations, in a new session that replaces this one.
    ///
    /// # Errors
    /// `not_found` when they do not belong to it.
    pub async fn switch(&self, to: OrganizationId) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = self.domain.begin(self.user()).await?;
        let account = find_account(&tx, self.user(), to).await?.ok_or_else(Error::not_found)?;
        let audit_event =
            AuditEvent::new(Action::OrganizationSwitched).on("organization", to, &account.organization.name);
        audit::write(&tx, to, now, &self.actor(), audit_event).await?;
        let session = replace_session(&tx, self.session(), account, now, self.caller()).await?;
        tx.commit().await?;
        self.domain.publish_revocation(self.session().uuid());
        Ok(session)
    }

    /// Creates another organization with the user as its admin, and switches to it.
    ///
    /// # Errors
    /// `conflict` when the page address is taken or the user belongs to too many organizations.
    pub async fn found(&self, new: &NewOrganization) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = self.domain.begin(self.user()).await?;
        let created = insert_organization(&tx, &new.name, &new.slug, now).await?;
        // Locked, so that concurrent requests are counted one after the other.
        lock_user(&tx, self.user()).await?;
        if organizations_of(&tx, self.user()).await?.len() >= ORGANIZATIONS_MAX {
            let why = format!(
                "Your account has reached its limit of {ORGANIZATIONS_MAX} organizations. Leave one of them first."
            );
            return Err(Error::new(Code::Conflict, why));
        }
        insert_first_admin(&tx, created.id, self.user(), now).await?;
        let account = find_account(&tx, self.user(), created.id).await?.ok_or_else(Error::unauthorized)?;
        let audit_event = AuditEvent::new(Action::OrganizationCreated).on("organization", created.id, &created.name);
        audit::write(&tx, created.id, now, &self.actor(), audit_event).await?;
        let session = replace_session(&tx, self.session(), account, now, self.caller()).await?;
        tx.commit().await?;
        self.domain.versions().note_creation();
        self.domain.publish_revocation(self.session().uuid());
        Ok(session)
    }
}

/// Replaces a session by a new one with the same expiry. Publish the revocation of the old one after the commit.
#[expect(clippy::disallowed_methods, reason = "the user's own session, which may act in another organization")]
pub(in crate::server::domain) async fn replace_session(
    db: &WriteTx,
    old: SessionId,
    account: Account,
    now: Timestamp,
    caller: &Caller,
) -> Result<NewSession> {
    // Locked, so that an operation that ends all sessions does not miss the new one.
    lock_user(db, account.user.id).await?;
    let row = session::Entity::find_by_id(old).one(db).await?.ok_or_else(Error::unauthorized)?;
    // Of two concurrent requests, one finds it gone.
    let deleted = session::Entity::delete_by_id(old).exec(db).await?;
    if deleted.rows_affected == 0 {
        return Err(Error::unauthorized());
    }
    let new = insert_session(db, account, now, row.authenticated_at, caller, row.is_lasting).await?;
    let end = session::ActiveModel { id: Unchanged(new.id), expires_at: Set(row.expires_at), ..Default::default() };
    end.update(db).await?;
    Ok(NewSession { expires_at: row.expires_at, ..new })
}
