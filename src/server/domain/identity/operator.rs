//! Operator commands: set a user's password, disable and enable users.

use sea_orm::ActiveValue::Set;

use super::{
    api_tokens::active_tokens_of,
    people::{audit_everywhere, lock_user, password_context, update_user, user_by_email, void_resets},
    sessions::delete_sessions,
    team::organizations_without_admin,
};
use crate::{
    model::{Action, Email, Error, Result},
    server::domain::{
        System,
        audit::{Actor, AuditEvent},
        store::{Lane, user_account},
    },
};

impl System {
    /// Words that the password of the user with this address must not contain.
    ///
    /// # Errors
    /// `not_found` when nobody has this address.
    pub async fn password_context(&self, email: &Email) -> Result<Vec<String>> {
        let user = user_by_email(self.domain.db(), email.as_str()).await?.ok_or_else(Error::not_found)?;
        password_context(self.domain.db(), &user).await
    }

    /// Sets a user's password, ends all their sessions and invalidates their reset links.
    ///
    /// # Errors
    /// `not_found` when nobody has this address.
    pub async fn reset_password(&self, email: &Email, password_hash: String) -> Result<()> {
        let tx = self.domain.begin(Lane::System).await?;
        let user = user_by_email(&tx, email.as_str()).await?.ok_or_else(Error::not_found)?;
        let audit_event = AuditEvent::new(Action::PasswordReset).on("user", user.id, &user.name);
        audit_everywhere(&tx, user.id, self.domain.clock().now(), &Actor::system(), audit_event).await?;
        lock_user(&tx, user.id).await?;
        let change = user_account::ActiveModel { password_hash: Set(password_hash), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        void_resets(&tx, user.id).await?;
        let ended = delete_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
        self.domain.publish_revocations(ended);
        Ok(())
    }

    /// Disables or enables a user. Disabling ends their sessions, and API tokens they created stop working. Returns the
    /// names of organizations left without an active admin.
    ///
    /// # Errors
    /// `not_found` when nobody has this address.
    pub async fn set_disabled(&self, email: &Email, is_disabled: bool) -> Result<Vec<String>> {
        let now = self.domain.clock().now();
        let tx = self.domain.begin(Lane::System).await?;
        let user = user_by_email(&tx, email.as_str()).await?.ok_or_else(Error::not_found)?;
        if user.disabled_at.is_some() == is_disabled {
            return Ok(Vec::new());
        }
        let action = if is_disabled { Action::PersonDisabled } else { Action::PersonEnabled };
        let audit_event = AuditEvent::new(action).on("user", user.id, &user.name);
        audit_everywhere(&tx, user.id, now, &Actor::system(), audit_event).await?;
        lock_user(&tx, user.id).await?;
        let change = user_account::ActiveModel { disabled_at: Set(is_disabled.then_some(now)), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        void_resets(&tx, user.id).await?;
        let (mut ended, mut orphaned) = (Vec::new(), Vec::new());
        if is_disabled {
            ended = delete_sessions(&tx, user.id, None).await?;
            ended.extend(active_tokens_of(&tx, user.id).await?);
            orphaned = organizations_without_admin(&tx, user.id).await?;
        }
        tx.commit().await?;
        self.domain.publish_revocations(ended);
        Ok(orphaned)
    }
}
