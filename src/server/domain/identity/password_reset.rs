//! Password reset by mail: a link that works once, for half an hour.

use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{
    people::{audit_everywhere, lock_user, password_context, update_user, user_by_email, void_resets},
    secrets::{hash_of, new_secret},
    sessions::delete_sessions,
};
use crate::{
    model::{Action, Email, Error, Result, Timestamp, UserId},
    server::domain::{
        Caller, Site, System,
        audit::{Actor, AuditEvent},
        store::{password_reset, user_account},
    },
};

/// Lifetime of a link, in seconds.
const LIFETIME_SECONDS: i64 = 30 * 60;
/// The most links mailed to an address per day.
const PER_DAY: u64 = 3;
const DAY_SECONDS: i64 = 24 * 3600;

impl Site {
    /// Creates the secret of a link for the user with this address and invalidates earlier ones. None if nobody has the
    /// address or it has reached its daily limit.
    pub async fn request_reset(&self, email: &Email, caller: &Caller) -> Result<Option<String>> {
        let now = self.domain.clock().now();
        let db = self.domain.db();
        let Some(user) = user_by_email(db, email.as_str()).await? else { return Ok(None) };
        // The first request over the limit is audited; more would only fill the log.
        if requests_today(db, user.id, now).await? > PER_DAY {
            return Ok(None);
        }
        // Requests for addresses that nobody has, and those over the limit, wait for no turn and hold up nobody's.
        let tx = self.domain.begin(user.id).await?;
        let actor = Actor::person(user.id, &user.name, caller);
        let audit_event = AuditEvent::new(Action::PasswordResetRequested).on("user", user.id, &user.name);
        audit_everywhere(&tx, user.id, now, &actor, audit_event).await?;
        // Locked, so that concurrent requests are counted one after the other.
        let user = lock_user(&tx, user.id).await?.filter(|user| user.disabled_at.is_none());
        let Some(user) = user.filter(|user| user.email == email.as_str()) else { return Ok(None) };
        let requests = requests_today(&tx, user.id, now).await?;
        if requests > PER_DAY {
            return Ok(None);
        }
        let is_sent = requests < PER_DAY;
        if is_sent {
            void_resets(&tx, user.id).await?;
        }
        let secret = new_secret();
        password_reset::Entity::insert(password_reset::ActiveModel {
            token_hash: Set(hash_of(&secret)),
            user_id: Set(user.id),
            created_at: Set(now),
            expires_at: Set(if is_sent { now.plus_seconds(LIFETIME_SECONDS) } else { now }),
        })
        .exec_without_returning(&tx)
        .await?;
        tx.commit().await?;
        Ok(is_sent.then_some(secret))
    }

    /// The user a link was mailed to, and the words their password must not contain.
    ///
    /// # Errors
    /// `invalid` when the link is no longer valid.
    pub async fn reset_holder(&self, secret: &str) -> Result<(Email, Vec<String>)> {
        let db = self.domain.db();
        let user = reset_user(db, valid_reset(secret, self.domain.clock().now())).await?;
        Ok((user.email.parse()?, password_context(db, &user).await?))
    }

    /// Sets a new password by a link's secret, once, and ends all sessions.
    ///
    /// # Errors
    /// `invalid` when the link is no longer valid.
    #[expect(clippy::disallowed_methods, reason = "the secret says whose it is")]
    pub async fn reset_by_link(&self, secret: &str, password_hash: String, caller: &Caller) -> Result<()> {
        let now = self.domain.clock().now();
        let valid = valid_reset(secret, now);
        let user = reset_user(self.domain.db(), valid.clone()).await?;
        let tx = self.domain.begin(user.id).await?;
        let actor = Actor::person(user.id, &user.name, caller);
        let audit_event = AuditEvent::new(Action::PasswordReset).on("user", user.id, &user.name);
        audit_everywhere(&tx, user.id, now, &actor, audit_event).await?;
        let user = lock_user(&tx, user.id).await?.filter(|user| user.disabled_at.is_none()).ok_or_else(invalid_link)?;
        // Of two concurrent requests, only one uses it.
        let void = password_reset::ActiveModel { expires_at: Set(now), ..Default::default() };
        let consumed = password_reset::Entity::update_many().set(void).filter(valid).exec(&tx).await?;
        if consumed.rows_affected != 1 {
            return Err(invalid_link());
        }
        let change = user_account::ActiveModel { password_hash: Set(password_hash), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        void_resets(&tx, user.id).await?;
        let ended = delete_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
        self.domain.publish_revocations(ended);
        Ok(())
    }
}

impl System {
    /// Deletes links that are no longer valid or counted.
    pub async fn forget_old_resets(&self) -> Result<u64> {
        let oldest = self.domain.database_now().await?.plus_seconds(-DAY_SECONDS);
        let old = Condition::all().add(password_reset::Column::CreatedAt.lte(oldest));
        self.domain.delete_in_batches::<password_reset::Entity>(old).await
    }
}

/// The requests of the last day: those that were answered with a link, and the first that was not.
#[expect(clippy::disallowed_methods, reason = "what belongs to a user belongs to no organization")]
async fn requests_today(db: &impl ConnectionTrait, user: UserId, now: Timestamp) -> Result<u64> {
    let today = Condition::all()
        .add(password_reset::Column::UserId.eq(user))
        .add(password_reset::Column::CreatedAt.gt(now.plus_seconds(-DAY_SECONDS)));
    Ok(password_reset::Entity::find().filter(today).count(db).await?)
}

/// The user of a reset link.
#[expect(clippy::disallowed_methods, reason = "the secret says whose it is")]
async fn reset_user(db: &impl ConnectionTrait, valid: Condition) -> Result<user_account::Model> {
    let row = password_reset::Entity::find().filter(valid).one(db).await?.ok_or_else(invalid_link)?;
    let user = user_account::Entity::find_by_id(row.user_id).one(db).await?;
    user.ok_or_else(invalid_link)
}

fn valid_reset(secret: &str, now: Timestamp) -> Condition {
    Condition::all()
        .add(password_reset::Column::TokenHash.eq(hash_of(secret)))
        .add(password_reset::Column::ExpiresAt.gt(now))
}

fn invalid_link() -> Error {
    Error::invalid("This link has been used, replaced by a newer one, or is older than 30 minutes. Request a new one.")
}
