//! The way back in for who forgot the password: a link in a mail, once, for half an hour.

use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter};

use super::{
    own_account::{note_everywhere, update_user, void_resets},
    registration::{held, person_at, words_about},
    secrets::{hash_of, new_secret},
    sessions::delete_sessions,
};
use crate::{
    model::{Action, Email, Error, Result, Timestamp, UserId},
    server::domain::{
        Caller, Site, System,
        audit::{Actor, AuditEvent},
        store::{self, password_reset, user_account},
    },
};

/// How long a link works, in seconds.
const LIFETIME_SECONDS: i64 = 30 * 60;
/// How many links an address is sent in a day.
const PER_DAY: u64 = 3;
const DAY: i64 = 24 * 3600;

impl Site {
    /// Makes a link's secret for who has this address; those made before open nothing any more. Nothing, when nobody
    /// has it, or they were sent enough today.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_reset(&self, email: &Email, caller: &Caller) -> Result<Option<String>> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let Some(user) = person_at(&tx, email.as_str()).await? else { return Ok(None) };
        // The first that is refused is noted, as what goes on must be seen; those after it would only fill the log.
        if asked_today(&tx, user.id, now).await? > PER_DAY {
            return Ok(None);
        }
        let actor = Actor::person(user.id, &user.name, caller);
        let audit_event = AuditEvent::new(Action::PasswordResetRequested).on("user", user.id, &user.name);
        note_everywhere(&tx, user.id, now, &actor, audit_event).await?;
        // Held, so that requests at the same time are counted one after the other.
        let user = held(&tx, user.id).await?.filter(|user| user.disabled_at.is_none());
        let Some(user) = user.filter(|user| user.email == email.as_str()) else { return Ok(None) };
        let asked = asked_today(&tx, user.id, now).await?;
        if asked > PER_DAY {
            return Ok(None);
        }
        let is_sent = asked < PER_DAY;
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

    /// What no password of who holds a link's secret may be made of.
    ///
    /// # Errors
    /// `invalid` when the link opens nothing any more.
    pub async fn reset_holder(&self, secret: &str) -> Result<(Email, Vec<String>)> {
        let db = self.domain.db();
        let user = holder(db, live_reset(secret, self.domain.clock().now())).await?;
        Ok((user.email.parse()?, words_about(db, &user).await?))
    }

    /// Sets a new password by a link's secret, once, and ends all sessions.
    ///
    /// # Errors
    /// `invalid` when the link opens nothing any more.
    #[expect(clippy::disallowed_methods, reason = "the secret says whose it is")]
    pub async fn reset_by_link(&self, secret: &str, password_hash: String, caller: &Caller) -> Result<()> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let live = live_reset(secret, now);
        let user = holder(&tx, live.clone()).await?;
        let actor = Actor::person(user.id, &user.name, caller);
        let audit_event = AuditEvent::new(Action::PasswordReset).on("user", user.id, &user.name);
        note_everywhere(&tx, user.id, now, &actor, audit_event).await?;
        let user = held(&tx, user.id).await?.filter(|user| user.disabled_at.is_none()).ok_or_else(spent)?;
        // Of two that come with it at once, one uses it up.
        let void = password_reset::ActiveModel { expires_at: Set(now), ..Default::default() };
        let taken = password_reset::Entity::update_many().set(void).filter(live).exec(&tx).await?;
        if taken.rows_affected != 1 {
            return Err(spent());
        }
        let change = user_account::ActiveModel { password_hash: Set(password_hash), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        void_resets(&tx, user.id).await?;
        let ended = delete_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
        self.domain.tell_ends(ended);
        Ok(())
    }
}

impl System {
    /// Forgets links that are neither good for anything nor counted any more.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "housekeeping over all people, by age alone")]
    pub async fn forget_old_resets(&self) -> Result<u64> {
        let oldest = self.domain.clock().now().plus_seconds(-DAY);
        let old = password_reset::Entity::delete_many().filter(password_reset::Column::CreatedAt.lte(oldest));
        Ok(old.exec(self.domain.db()).await?.rows_affected)
    }
}

/// How often a link was asked for in a day: those that were sent, and the first that was not.
#[expect(clippy::disallowed_methods, reason = "what belongs to a person belongs to no organization")]
async fn asked_today(db: &impl ConnectionTrait, user: UserId, now: Timestamp) -> Result<u64> {
    let today = Condition::all()
        .add(password_reset::Column::UserId.eq(user))
        .add(password_reset::Column::CreatedAt.gt(now.plus_seconds(-DAY)));
    Ok(password_reset::Entity::find().filter(today).count(db).await?)
}

/// Who was sent the link that this finds.
#[expect(clippy::disallowed_methods, reason = "the secret says whose it is")]
async fn holder(db: &impl ConnectionTrait, live: Condition) -> Result<user_account::Model> {
    let row = password_reset::Entity::find().filter(live).one(db).await?.ok_or_else(spent)?;
    let user = user_account::Entity::find_by_id(row.user_id).one(db).await?;
    user.ok_or_else(spent)
}

fn live_reset(secret: &str, now: Timestamp) -> Condition {
    Condition::all()
        .add(password_reset::Column::TokenHash.eq(hash_of(secret)))
        .add(password_reset::Column::ExpiresAt.gt(now))
}

fn spent() -> Error {
    Error::invalid("This link has been used, replaced by a newer one, or is older than 30 minutes. Ask for a new one.")
}
