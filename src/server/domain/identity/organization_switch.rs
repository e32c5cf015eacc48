//! One person in several organizations: a session acts in one of them, and is exchanged for one in another.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter,
};

use super::{
    registration::{account, held, insert_first_admin, insert_organization, organization_of, organizations_of},
    sessions::{NewSession, insert_session},
};
use crate::{
    model::{
        Account, Action, Code, Error, NewOrganization, Organization, OrganizationId, Result, SessionId, Timestamp,
    },
    server::domain::{
        Caller, Person,
        audit::{self, AuditEvent},
        store::{self, organization, session},
    },
};

/// Organizations a person belongs to at most when they make another.
const ORGANIZATIONS_MAX: usize = 50;

impl Person {
    /// The organizations they belong to, in the order they joined.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "these are the organizations the person belongs to")]
    pub async fn organizations(&self) -> Result<Vec<Organization>> {
        let ids = organizations_of(self.db(), self.user()).await?;
        let rows = organization::Entity::find().filter(organization::Column::Id.is_in(ids.iter().copied()));
        let mut rows = rows.all(self.db()).await?;
        rows.sort_by_key(|row| ids.iter().position(|id| *id == row.id));
        rows.into_iter().map(organization_of).collect()
    }

    /// Goes on in another of their organizations, in a new session in place of this one.
    ///
    /// # Errors
    /// `not_found` when they do not belong to it.
    pub async fn switch(&self, to: OrganizationId) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let account = account(&tx, self.user(), to).await?.ok_or_else(Error::not_found)?;
        let audit_event =
            AuditEvent::new(Action::OrganizationSwitched).on("organization", to, &account.organization.name);
        audit::write(&tx, to, now, &self.actor(), audit_event).await?;
        let session = exchange(&tx, self.session(), account, now, self.caller()).await?;
        tx.commit().await?;
        self.domain.tell_end(self.session().uuid());
        Ok(session)
    }
}

impl Person {
    /// Makes another organization, of which they are the admin, and goes on in it, in a new session in place of this one.
    ///
    /// # Errors
    /// `conflict` when the page address is taken or they belong to as many organizations as they can.
    pub async fn found(&self, new: &NewOrganization) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let made = insert_organization(&tx, &new.name, &new.slug, now).await?;
        // Held, so that those they make at the same time are counted one after the other.
        held(&tx, self.user()).await?;
        if organizations_of(&tx, self.user()).await?.len() >= ORGANIZATIONS_MAX {
            let why = format!(
                "You belong to {ORGANIZATIONS_MAX} organizations, as many as one can. Leave one of them first."
            );
            return Err(Error::new(Code::Conflict, why));
        }
        insert_first_admin(&tx, made.id, self.user(), now).await?;
        let account = account(&tx, self.user(), made.id).await?.ok_or_else(Error::unauthorized)?;
        let audit_event = AuditEvent::new(Action::OrganizationCreated).on("organization", made.id, &made.name);
        audit::write(&tx, made.id, now, &self.actor(), audit_event).await?;
        let session = exchange(&tx, self.session(), account, now, self.caller()).await?;
        tx.commit().await?;
        self.domain.tell_end(self.session().uuid());
        Ok(session)
    }
}

/// Begins a session in place of another, which it outlives by nothing. Tell of the old one's end after the
/// commit.
#[expect(clippy::disallowed_methods, reason = "the person's own session, which may act in another organization")]
pub(in crate::server::domain) async fn exchange(
    db: &DatabaseTransaction,
    old: SessionId,
    account: Account,
    now: Timestamp,
    caller: &Caller,
) -> Result<NewSession> {
    // What ends all sessions must not miss the one that takes this one's place.
    held(db, account.user.id).await?;
    let row = session::Entity::find_by_id(old).one(db).await?.ok_or_else(Error::unauthorized)?;
    // Of two who exchange it at once, one finds it gone.
    let deleted = session::Entity::delete_by_id(old).exec(db).await?;
    if deleted.rows_affected == 0 {
        return Err(Error::unauthorized());
    }
    let new = insert_session(db, account, now, row.authenticated_at, caller, row.is_lasting).await?;
    let end = session::ActiveModel { id: Unchanged(new.id), expires_at: Set(row.expires_at), ..Default::default() };
    end.update(db).await?;
    Ok(NewSession { expires_at: row.expires_at, ..new })
}
