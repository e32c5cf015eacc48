//! Registration: creates an organization and its first admin.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, SqlErr};

use super::{
    people::account_of,
    sessions::{NewSession, insert_session},
};
use crate::{
    model::{Account, Action, Error, OrganizationId, Registration, Result, Role, Slug, Timestamp, UserId},
    server::domain::{
        Caller, Site,
        audit::{self, Actor, AuditEvent},
        new_id,
        store::{Lane, membership, organization, user_account},
    },
};

impl Site {
    /// Registers an organization with its first admin, and opens a session.
    ///
    /// # Errors
    /// `conflict` when the page address or the e-mail address is taken.
    pub async fn register(&self, new: &Registration, password_hash: String, caller: &Caller) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = self.domain.begin(Lane::Anonymous).await?;
        let account = insert_account(&tx, new, password_hash, now).await?;
        let (organization, actor) = (account.organization.clone(), Actor::person(account.user.id, &new.name, caller));
        let session = insert_session(&tx, account, now, now, caller, true).await?;
        let audit_event =
            AuditEvent::new(Action::OrganizationCreated).on("organization", organization.id, &organization.name);
        audit::write(&tx, organization.id, now, &actor, audit_event).await?;
        tx.commit().await?;
        self.domain.versions().note_creation();
        Ok(session)
    }
}

/// Creates an organization and its first admin.
pub(in crate::server::domain) async fn insert_account(
    db: &impl ConnectionTrait,
    new: &Registration,
    password_hash: String,
    now: Timestamp,
) -> Result<Account> {
    let organization = insert_organization(db, &new.organization_name, &new.slug, now).await?;
    let user = user_account::Model {
        id: UserId::from_uuid(new_id()),
        email: new.email.to_string(),
        name: new.name.clone(),
        password_hash,
        created_at: now,
        disabled_at: None,
        totp_secret: String::new(),
        totp_since: None,
        totp_step: 0,
    };
    let row: user_account::ActiveModel = user.clone().into();
    user_account::Entity::insert(row.reset_all())
        .exec_without_returning(db)
        .await
        .map_err(taken("email", "An account with this email address already exists. Log in instead."))?;
    let membership = insert_first_admin(db, organization.id, user.id, now).await?;
    account_of(organization, user, &membership)
}

/// Creates an organization without members.
pub(in crate::server::domain) async fn insert_organization(
    db: &impl ConnectionTrait,
    name: &str,
    slug: &Slug,
    now: Timestamp,
) -> Result<organization::Model> {
    let organization = organization::Model {
        id: OrganizationId::from_uuid(new_id()),
        name: name.to_owned(),
        slug: slug.to_string(),
        public_seq: 0,
        members_seq: 0,
        created_at: now,
        time_zone: "UTC".into(),
    };
    let row: organization::ActiveModel = organization.clone().into();
    organization::Entity::insert(row.reset_all())
        .exec_without_returning(db)
        .await
        .map_err(taken("slug", "This page address is taken. Choose another."))?;
    Ok(organization)
}

/// Makes a user the admin of an organization without members.
pub(in crate::server::domain) async fn insert_first_admin(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    user: UserId,
    now: Timestamp,
) -> Result<membership::Model> {
    let membership = membership::Model {
        org_id: organization,
        user_id: user,
        role: Role::Admin,
        created_at: now,
        last_seen_at: None,
    };
    let row: membership::ActiveModel = membership.clone().into();
    membership::Entity::insert(row.reset_all()).exec_without_returning(db).await?;
    Ok(membership)
}

/// Maps a violated unique constraint to a `conflict` on a field.
fn taken(field: &'static str, why: &'static str) -> impl Fn(DbErr) -> Error {
    move |error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::taken(field, why),
        _ => error.into(),
    }
}
