//! A person's own account: their name, their password, and where they are signed in.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, SqlErr,
};
use serde_json::json;

use super::{
    api_tokens::tokens_made_by,
    registration::{held, organizations_of, person_at, words_about},
    sessions::{delete_sessions, has_ended, insert_session},
    team::left_without_admin,
};
use crate::{
    model::{
        Action, Check, Email, Error, OwnAccount, Result, SessionId, SessionInfo, Timestamp, UserId, check::NAME_MAX,
        device,
    },
    server::{
        domain::{
            NewSession, Person, Site, System,
            audit::{self, Actor, AuditEvent},
            store::{self, password_reset, recovery_code, session, user_account},
        },
        error::internal,
    },
};

impl Person {
    /// The account and its sessions.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "what belongs to a person belongs to no organization")]
    pub async fn own_account(&self) -> Result<OwnAccount> {
        let now = self.domain.clock().now();
        let user = self.user_row(self.db()).await?;
        let codes = recovery_code::Entity::find().filter(recovery_code::Column::UserId.eq(user.id));
        let recovery_codes = codes.count(self.db()).await?;
        let sessions = session::Entity::find().filter(session::Column::UserId.eq(user.id));
        let sessions = sessions.filter(session::Column::RenewedAs.is_null());
        let sessions = sessions.order_by_desc(session::Column::LastSeenAt).order_by_desc(session::Column::Id);
        let rows = sessions.all(self.db()).await?;
        let mut sessions: Vec<SessionInfo> =
            rows.into_iter().filter(|row| !has_ended(row, now)).map(|row| self.session_info(row)).collect();
        // Stable: the others stay in their order.
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
        let tx = store::begin(self.domain.db()).await?;
        let before = self.user_row(&tx).await?.name;
        if before == name {
            return Ok(());
        }
        let audit_event =
            AuditEvent::new(Action::ProfileChanged).changing(&json!({"name": before}), &json!({"name": name}));
        self.audit(&tx, audit_event).await?;
        self.held_here(&tx).await?;
        let change = user_account::ActiveModel { name: Set(name), ..Default::default() };
        update_user(&tx, self.user(), change).await?;
        Ok(tx.commit().await?)
    }

    /// Changes the address they sign in by. The password has been asked for.
    ///
    /// # Errors
    /// `conflict` when somebody else has it, `unauthorized` when this session has ended meanwhile.
    pub async fn change_email(&self, email: &Email) -> Result<()> {
        let tx = store::begin(self.domain.db()).await?;
        let before = self.user_row(&tx).await?.email;
        if before == email.as_str() {
            return Ok(());
        }
        let audit_event =
            AuditEvent::new(Action::ProfileChanged).changing(&json!({"email": before}), &json!({"email": email}));
        self.audit(&tx, audit_event).await?;
        self.held_here(&tx).await?;
        let change = user_account::ActiveModel { email: Set(email.to_string()), ..Default::default() };
        update_user(&tx, self.user(), change).await.map_err(|error| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => {
                Error::taken("email", "There is another account with this e-mail address.")
            }
            _ => internal(error),
        })?;
        // A link that went to the old address opens nothing any more.
        void_resets(&tx, self.user()).await?;
        Ok(tx.commit().await?)
    }

    /// What the password is compared with.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn password_hash(&self) -> Result<String> {
        Ok(self.user_row(self.db()).await?.password_hash)
    }

    /// What no password of theirs may be made of.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_words(&self) -> Result<Vec<String>> {
        words_about(self.db(), &self.user_row(self.db()).await?).await
    }

    /// Writes down that a password which was not theirs was given in this session.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_refused_password(&self) -> Result<()> {
        self.audit(self.db(), AuditEvent::new(Action::PasswordRefused)).await
    }

    /// Sets another password. The old one has been asked for. Ends every session; this one goes on under a new id
    ///
    ///
    /// # Errors
    /// `unauthorized` when this session has ended meanwhile.
    pub async fn change_password(&self, password_hash: String) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        self.audit(&tx, AuditEvent::new(Action::PasswordChanged)).await?;
        let row = self.held_here(&tx).await?;
        let change = user_account::ActiveModel { password_hash: Set(password_hash), ..Default::default() };
        update_user(&tx, self.user(), change).await?;
        void_resets(&tx, self.user()).await?;
        let ended = delete_sessions(&tx, self.user(), None).await?;
        let session = insert_session(&tx, self.account(), now, now, self.caller(), row.is_lasting).await?;
        tx.commit().await?;
        self.domain.tell_ends(ended);
        Ok(session)
    }

    /// Notes that the password has just been given in this session.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "the session is the one that asks")]
    pub async fn note_confirmed(&self) -> Result<()> {
        let tx = store::begin(self.domain.db()).await?;
        self.audit(&tx, AuditEvent::new(Action::PasswordConfirmed)).await?;
        let change = session::ActiveModel { authenticated_at: Set(self.domain.clock().now()), ..Default::default() };
        let this = session::Entity::update_many().set(change).filter(session::Column::Id.eq(self.session()));
        this.exec(&tx).await?;
        Ok(tx.commit().await?)
    }

    /// Ends one of the sessions: its token stops working at once, and its open feeds soon after.
    ///
    /// # Errors
    /// `not_found` for a session of somebody else.
    #[expect(clippy::disallowed_methods, reason = "sessions belong to people")]
    pub async fn revoke_session(&self, id: SessionId) -> Result<()> {
        let tx = store::begin(self.domain.db()).await?;
        let own = Condition::all().add(session::Column::Id.eq(id)).add(session::Column::UserId.eq(self.user()));
        let row = session::Entity::find().filter(own.clone()).one(&tx).await?;
        let row = row.ok_or_else(Error::not_found)?;
        let audit_event = AuditEvent::new(Action::SessionRevoked).on("session", id, &device::describe(&row.user_agent));
        let now = self.domain.clock().now();
        audit::write(&tx, self.organization(), now, &self.actor(), audit_event).await?;
        held(&tx, self.user()).await?;
        let row = session::Entity::find().filter(own).lock_exclusive().one(&tx).await?;
        // It may go on under another id already.
        let ended: Vec<SessionId> = [Some(id), row.and_then(|row| row.renewed_as)].into_iter().flatten().collect();
        let them = session::Entity::delete_many().filter(session::Column::Id.is_in(ended.iter().copied()));
        them.exec(&tx).await?;
        tx.commit().await?;
        self.domain.tell_ends(ended.into_iter().map(SessionId::uuid).collect());
        Ok(())
    }

    /// Ends every session but this one.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "sessions belong to people")]
    pub async fn revoke_other_sessions(&self) -> Result<()> {
        let tx = store::begin(self.domain.db()).await?;
        let others = session::Entity::find().filter(session::Column::UserId.eq(self.user()));
        let others = others.filter(session::Column::Id.ne(self.session())).select_only().column(session::Column::Id);
        let before: Vec<SessionId> = others.clone().into_tuple().all(&tx).await?;
        if before.is_empty() {
            return Ok(());
        }
        let audit_event = AuditEvent::new(Action::SessionRevoked).setting("sessions", before.len());
        let now = self.domain.clock().now();
        audit::write(&tx, self.organization(), now, &self.actor(), audit_event).await?;
        // Again, now that none of them can be exchanged for another.
        held(&tx, self.user()).await?;
        let others: Vec<SessionId> = others.lock_exclusive().into_tuple().all(&tx).await?;
        let them = session::Entity::delete_many().filter(session::Column::Id.is_in(others.iter().copied()));
        them.exec(&tx).await?;
        tx.commit().await?;
        self.domain.tell_ends(others.into_iter().map(SessionId::uuid).collect());
        Ok(())
    }

    /// The person's row.
    #[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
    pub(in crate::server::domain) async fn user_row(&self, db: &impl ConnectionTrait) -> Result<user_account::Model> {
        let row = user_account::Entity::find_by_id(self.user()).one(db).await?;
        row.ok_or_else(Error::unauthorized)
    }

    /// Holds the person's row and gives this session's, which must still stand: a request that took its time, to prove
    /// itself or to arrive, must not undo what ended the session meanwhile.
    #[expect(clippy::disallowed_methods, reason = "the session is the one that asks")]
    pub(in crate::server::domain) async fn held_here(&self, tx: &DatabaseTransaction) -> Result<session::Model> {
        held(tx, self.user()).await?;
        // Locked, so that it is read as it is by now, and not as it was when the transaction began.
        let row = session::Entity::find_by_id(self.session()).lock_exclusive().one(tx).await?;
        row.ok_or_else(Error::unauthorized)
    }

    /// Writes down in each of the person's organizations what they did.
    pub(in crate::server::domain) async fn audit(
        &self,
        db: &impl ConnectionTrait,
        audit_event: AuditEvent,
    ) -> Result<()> {
        let audit_event = audit_event.on("user", self.user(), &self.account().user.name);
        note_everywhere(db, self.user(), self.domain.clock().now(), &self.actor(), audit_event).await
    }
}

impl Site {
    /// Keeps a better hash of the same password, unless the one there is has changed meanwhile; tells whether it did
    ///
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
    pub async fn renew_hash(&self, user: UserId, old: &str, new: String) -> Result<bool> {
        let change = user_account::ActiveModel { password_hash: Set(new), ..Default::default() };
        let same = user_account::Entity::update_many()
            .set(change)
            .filter(user_account::Column::Id.eq(user))
            .filter(user_account::Column::PasswordHash.eq(old));
        Ok(same.exec(self.domain.db()).await?.rows_affected == 1)
    }
}

impl System {
    /// Shuts a person out, or lets them in again. Shut out, their sessions have ended, and the tokens they made open
    /// nothing. Tells the names of the organizations that have no admin left who may come in.
    ///
    /// # Errors
    /// `not_found` when nobody has this address.
    pub async fn set_disabled(&self, email: &Email, is_disabled: bool) -> Result<Vec<String>> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let user = person_at(&tx, email.as_str()).await?.ok_or_else(Error::not_found)?;
        if user.disabled_at.is_some() == is_disabled {
            return Ok(Vec::new());
        }
        let action = if is_disabled { Action::PersonDisabled } else { Action::PersonEnabled };
        let audit_event = AuditEvent::new(action).on("user", user.id, &user.name);
        note_everywhere(&tx, user.id, now, &Actor::system(), audit_event).await?;
        held(&tx, user.id).await?;
        let change = user_account::ActiveModel { disabled_at: Set(is_disabled.then_some(now)), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        void_resets(&tx, user.id).await?;
        let (mut ended, mut orphaned) = (Vec::new(), Vec::new());
        if is_disabled {
            ended = delete_sessions(&tx, user.id, None).await?;
            ended.extend(tokens_made_by(&tx, user.id).await?);
            orphaned = left_without_admin(&tx, user.id).await?;
        }
        tx.commit().await?;
        self.domain.tell_ends(ended);
        Ok(orphaned)
    }
}

/// Writes a deed down in each of a person's organizations.
pub(in crate::server::domain) async fn note_everywhere(
    db: &impl ConnectionTrait,
    user: UserId,
    now: Timestamp,
    actor: &Actor,
    audit_event: AuditEvent,
) -> Result<()> {
    for organization in organizations_of(db, user).await? {
        audit::write(db, organization, now, actor, audit_event.clone()).await?;
    }
    Ok(())
}

/// Changes a person's row.
#[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
pub(in crate::server::domain) async fn update_user(
    db: &impl ConnectionTrait,
    user: UserId,
    change: user_account::ActiveModel,
) -> Result<(), sea_orm::DbErr> {
    let this = user_account::Entity::update_many().set(change).filter(user_account::Column::Id.eq(user));
    this.exec(db).await.map(drop)
}

/// Makes the links for a new password that a person was sent good for nothing. The rows stay for a day, to be counted.
#[expect(clippy::disallowed_methods, reason = "what belongs to a person belongs to no organization")]
pub(in crate::server::domain) async fn void_resets(db: &impl ConnectionTrait, user: UserId) -> Result<()> {
    let void = password_reset::ActiveModel { expires_at: Set(Timestamp::EPOCH), ..Default::default() };
    let theirs = password_reset::Entity::update_many().set(void).filter(password_reset::Column::UserId.eq(user));
    theirs.exec(db).await?;
    Ok(())
}
