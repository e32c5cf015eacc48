//! A user's own account: name, e-mail address, password and sessions.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect, SqlErr,
};
use serde_json::json;

use super::{
    people::{audit_everywhere, lock_user, password_context, update_user, void_resets},
    sessions::{NewSession, delete_sessions, insert_session, is_expired},
};
use crate::{
    model::{Action, Check, Email, Error, OwnAccount, Result, SessionId, SessionInfo, check::NAME_MAX, device},
    server::domain::{
        Person,
        audit::{self, AuditEvent},
        store::{WriteTx, recovery_code, session, user_account},
    },
};

impl Person {
    /// The account and its sessions.
    #[expect(clippy::disallowed_methods, reason = "what belongs to a user belongs to no organization")]
    pub async fn own_account(&self) -> Result<OwnAccount> {
        let now = self.domain.clock().now();
        let user = self.user_row(self.db()).await?;
        let recovery_codes =
            recovery_code::Entity::find().filter(recovery_code::Column::UserId.eq(user.id)).count(self.db()).await?;
        let rows = session::Entity::find()
            .filter(session::Column::UserId.eq(user.id))
            .filter(session::Column::RenewedAs.is_null())
            .order_by_desc(session::Column::LastSeenAt)
            .order_by_desc(session::Column::Id)
            .all(self.db())
            .await?;
        let mut sessions: Vec<SessionInfo> =
            rows.into_iter().filter(|row| !is_expired(row, now)).map(|row| self.session_info(row)).collect();
        // A stable sort: the others keep their order.
        sessions.sort_by_key(|session| !session.is_current);
        Ok(OwnAccount {
            name: user.name,
            email: user.email.parse()?,
            second_factor_since: user.totp_since,
            recovery_codes,
            sessions,
        })
    }

    fn session_info(&self, row: session::Model) -> SessionInfo {
        SessionInfo {
            id: row.id,
            user_agent: device::describe(&row.user_agent),
            ip: row.ip,
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            is_current: row.id == self.session(),
        }
    }

    /// Changes the name.
    ///
    /// # Errors
    /// `invalid` with the field at fault.
    pub async fn change_name(&self, name: &str) -> Result<()> {
        let mut check = Check::default();
        let name = check.line("name", name, NAME_MAX);
        check.finish()?;
        let tx = self.domain.begin(self.user()).await?;
        let before = self.user_row(&tx).await?.name;
        if before == name {
            return Ok(());
        }
        let audit_event =
            AuditEvent::new(Action::ProfileChanged).changing(&json!({"name": before}), &json!({"name": name}));
        self.audit(&tx, audit_event).await?;
        self.lock_current_session(&tx).await?;
        let change = user_account::ActiveModel { name: Set(name), ..Default::default() };
        update_user(&tx, self.user(), change).await?;
        Ok(tx.commit().await?)
    }

    /// Changes the e-mail address. The caller has verified the password.
    ///
    /// # Errors
    /// `conflict` when the address is taken, `unauthorized` when this session has ended in the meantime.
    pub async fn change_email(&self, email: &Email) -> Result<()> {
        let tx = self.domain.begin(self.user()).await?;
        let before = self.user_row(&tx).await?.email;
        if before == email.as_str() {
            return Ok(());
        }
        let audit_event =
            AuditEvent::new(Action::ProfileChanged).changing(&json!({"email": before}), &json!({"email": email}));
        self.audit(&tx, audit_event).await?;
        self.lock_current_session(&tx).await?;
        let change = user_account::ActiveModel { email: Set(email.to_string()), ..Default::default() };
        update_user(&tx, self.user(), change).await.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Error::taken("email", "Another account already uses this email address.")
            }
            _ => error.into(),
        })?;
        // A link sent to the old address must stop working.
        void_resets(&tx, self.user()).await?;
        Ok(tx.commit().await?)
    }

    /// The hash of the password.
    pub async fn password_hash(&self) -> Result<String> {
        Ok(self.user_row(self.db()).await?.password_hash)
    }

    /// Words that the password must not contain.
    pub async fn password_context(&self) -> Result<Vec<String>> {
        password_context(self.db(), &self.user_row(self.db()).await?).await
    }

    /// Writes an audit event about a wrong password given in this session.
    pub async fn audit_refused_password(&self) -> Result<()> {
        let tx = self.domain.begin(self.user()).await?;
        self.audit(&tx, AuditEvent::new(Action::PasswordRefused)).await?;
        Ok(tx.commit().await?)
    }

    /// Changes the password. The caller has verified the old one. Ends all sessions; the current one continues under a
    /// new id.
    ///
    /// # Errors
    /// `unauthorized` when this session has ended in the meantime.
    pub async fn change_password(&self, password_hash: String) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = self.domain.begin(self.user()).await?;
        self.audit(&tx, AuditEvent::new(Action::PasswordChanged)).await?;
        let row = self.lock_current_session(&tx).await?;
        let change = user_account::ActiveModel { password_hash: Set(password_hash), ..Default::default() };
        update_user(&tx, self.user(), change).await?;
        void_resets(&tx, self.user()).await?;
        let ended = delete_sessions(&tx, self.user(), None).await?;
        let session = insert_session(&tx, self.account(), now, now, self.caller(), row.is_lasting).await?;
        tx.commit().await?;
        self.domain.publish_revocations(ended);
        Ok(session)
    }

    /// Notes that the password has just been given in this session.
    #[expect(clippy::disallowed_methods, reason = "the session is the one that asks")]
    pub async fn record_reauthentication(&self) -> Result<()> {
        let tx = self.domain.begin(self.user()).await?;
        self.audit(&tx, AuditEvent::new(Action::PasswordConfirmed)).await?;
        let change = session::ActiveModel { authenticated_at: Set(self.domain.clock().now()), ..Default::default() };
        session::Entity::update_many().set(change).filter(session::Column::Id.eq(self.session())).exec(&tx).await?;
        Ok(tx.commit().await?)
    }

    /// Ends one of the user's sessions. Its token stops working at once, its open feeds soon after.
    ///
    /// # Errors
    /// `not_found` for another user's session.
    #[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
    pub async fn revoke_session(&self, id: SessionId) -> Result<()> {
        let tx = self.domain.begin(self.user()).await?;
        let own = Condition::all().add(session::Column::Id.eq(id)).add(session::Column::UserId.eq(self.user()));
        let row = session::Entity::find().filter(own.clone()).one(&tx).await?.ok_or_else(Error::not_found)?;
        let audit_event = AuditEvent::new(Action::SessionRevoked).on("session", id, &device::describe(&row.user_agent));
        let now = self.domain.clock().now();
        audit::write(&tx, self.organization(), now, &self.actor(), audit_event).await?;
        lock_user(&tx, self.user()).await?;
        let row = session::Entity::find().filter(own).lock_exclusive().one(&tx).await?;
        // It may have been rotated already.
        let ended: Vec<SessionId> = [Some(id), row.and_then(|row| row.renewed_as)].into_iter().flatten().collect();
        session::Entity::delete_many().filter(session::Column::Id.is_in(ended.iter().copied())).exec(&tx).await?;
        tx.commit().await?;
        self.domain.publish_revocations(ended.into_iter().map(SessionId::uuid).collect());
        Ok(())
    }

    /// Ends all other sessions.
    #[expect(clippy::disallowed_methods, reason = "sessions belong to users")]
    pub async fn revoke_other_sessions(&self) -> Result<()> {
        let tx = self.domain.begin(self.user()).await?;
        let others = session::Entity::find()
            .filter(session::Column::UserId.eq(self.user()))
            .filter(session::Column::Id.ne(self.session()))
            .select_only()
            .column(session::Column::Id);
        let before: Vec<SessionId> = others.clone().into_tuple().all(&tx).await?;
        if before.is_empty() {
            return Ok(());
        }
        let audit_event = AuditEvent::new(Action::SessionRevoked).setting("sessions", before.len());
        let now = self.domain.clock().now();
        audit::write(&tx, self.organization(), now, &self.actor(), audit_event).await?;
        // Read again under the lock, so that none of them can be rotated.
        lock_user(&tx, self.user()).await?;
        let others: Vec<SessionId> = others.lock_exclusive().into_tuple().all(&tx).await?;
        session::Entity::delete_many().filter(session::Column::Id.is_in(others.iter().copied())).exec(&tx).await?;
        tx.commit().await?;
        self.domain.publish_revocations(others.into_iter().map(SessionId::uuid).collect());
        Ok(())
    }

    /// The user's row.
    #[expect(clippy::disallowed_methods, reason = "users belong to no organization")]
    pub(in crate::server::domain) async fn user_row(&self, db: &impl ConnectionTrait) -> Result<user_account::Model> {
        let row = user_account::Entity::find_by_id(self.user()).one(db).await?;
        row.ok_or_else(Error::unauthorized)
    }

    /// Locks the user's row and this session's, which must still exist: a slow request must not go on after the session
    /// has been ended.
    #[expect(clippy::disallowed_methods, reason = "the session of the request")]
    pub(in crate::server::domain) async fn lock_current_session(&self, tx: &WriteTx) -> Result<session::Model> {
        lock_user(tx, self.user()).await?;
        // Locked, so that the current row is read, not the one from the start of the transaction.
        let row = session::Entity::find_by_id(self.session()).lock_exclusive().one(tx).await?;
        row.ok_or_else(Error::unauthorized)
    }

    /// Writes an audit event about the user in each of their organizations.
    pub(in crate::server::domain) async fn audit(
        &self,
        db: &impl ConnectionTrait,
        audit_event: AuditEvent,
    ) -> Result<()> {
        let audit_event = audit_event.on("user", self.user(), &self.account().user.name);
        audit_everywhere(db, self.user(), self.domain.clock().now(), &self.actor(), audit_event).await
    }
}
