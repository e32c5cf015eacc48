//! Login: looks up the credentials of a user, and opens a session once they are verified.

use std::cmp::Reverse;

use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::{
    people::{audit_everywhere, find_account, lock_user, user_by_email},
    second_factor::{CodeKind, use_code, wrong_code},
    sessions::{NewSession, end_surplus_sessions, insert_session},
};
use crate::{
    model::{Action, Email, Error, OrganizationId, Result, UserId},
    server::{
        domain::{
            Caller, Site,
            audit::{self, Actor, AuditEvent},
            store::{membership, user_account},
        },
        encryption::Seal,
    },
};

/// The credentials of a user, as a login verifies them.
pub struct Credentials {
    /// The user.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// The hash of their password.
    pub password_hash: String,
    /// The organization the session will act in; none if the user is disabled or belongs to none.
    pub organization: Option<OrganizationId>,
    /// Whether a second factor is required.
    pub has_second_factor: bool,
}

impl Site {
    /// The credentials of the user with this address. An unknown address costs as many queries.
    #[expect(clippy::disallowed_methods, reason = "users are looked up before any organization is known")]
    pub async fn credentials(&self, email: &Email) -> Result<Option<Credentials>> {
        let db = self.domain.db();
        let user = user_by_email(db, email.as_str()).await?;
        let id = user.as_ref().map_or(UserId::from_uuid(Uuid::nil()), |user| user.id);
        let memberships = membership::Entity::find().filter(membership::Column::UserId.eq(id)).all(db).await?;
        let Some(user) = user else { return Ok(None) };
        // The one they were in last; if they were in none yet, the first they joined.
        let last = memberships.into_iter().max_by_key(|row| (row.last_seen_at, Reverse((row.created_at, row.org_id))));
        let organization = last.map(|membership| membership.org_id).filter(|_| user.disabled_at.is_none());
        let has_second_factor = user.totp_since.is_some();
        let (name, password_hash) = (user.name, user.password_hash);
        Ok(Some(Credentials { user: user.id, name, password_hash, organization, has_second_factor }))
    }

    /// Writes an audit event about a failed login in each of the user's organizations.
    pub async fn audit_failed_login(&self, known: &Credentials, caller: &Caller) -> Result<()> {
        let now = self.domain.clock().now();
        let actor = Actor::person(known.user, &known.name, caller);
        let tx = self.domain.begin(known.user).await?;
        audit_everywhere(&tx, known.user, now, &actor, AuditEvent::new(Action::LoginFailed)).await?;
        Ok(tx.commit().await?)
    }

    /// Replaces the hash of an unchanged password. Returns whether it did: not if the password has been changed
    /// in the meantime.
    #[expect(clippy::disallowed_methods, reason = "users belong to no organization")]
    pub async fn upgrade_password_hash(&self, user: UserId, old: &str, new: String) -> Result<bool> {
        let update = user_account::Entity::update_many()
            .set(user_account::ActiveModel { password_hash: Set(new), ..Default::default() })
            .filter(user_account::Column::Id.eq(user))
            .filter(user_account::Column::PasswordHash.eq(old));
        let tx = self.domain.begin(user).await?;
        let is_replaced = update.exec(&tx).await?.rows_affected == 1;
        tx.commit().await?;
        Ok(is_replaced)
    }

    /// Opens a session for a user whose password has been verified, with a code of their second factor if they have
    /// one.
    ///
    /// # Errors
    /// `unauthorized` when they do not belong to the organization, are disabled, or have changed their password in the
    /// meantime; `invalid` for a wrong code.
    pub async fn open_session(
        &self,
        known: &Credentials,
        caller: &Caller,
        is_lasting: bool,
        code: Option<(&Seal, &str)>,
    ) -> Result<NewSession> {
        let (user, organization) = (known.user, known.organization.ok_or_else(Error::unauthorized)?);
        let now = self.domain.clock().now();
        let tx = self.domain.begin(user).await?;
        let actor = Actor::person(user, &known.name, caller);
        audit::write(&tx, organization, now, &actor, AuditEvent::new(Action::LoggedIn)).await?;
        // The password was verified before this lock: it must not have changed since.
        let row = lock_user(&tx, user).await?.filter(|row| row.password_hash == known.password_hash);
        let row = row.ok_or_else(Error::unauthorized)?;
        let account = find_account(&tx, user, organization).await?.ok_or_else(Error::unauthorized)?;
        if row.totp_since.is_some() {
            let (seal, code) = code.ok_or_else(Error::unauthorized)?;
            let kind = use_code(&tx, seal, &row, code, now).await?.ok_or_else(wrong_code)?;
            if kind == CodeKind::Recovery {
                audit::write(&tx, organization, now, &actor, AuditEvent::new(Action::RecoveryCodeUsed)).await?;
            }
        }
        let ended = end_surplus_sessions(&tx, user).await?;
        let session = insert_session(&tx, account, now, now, caller, is_lasting).await?;
        tx.commit().await?;
        self.domain.publish_revocations(ended);
        Ok(session)
    }
}
