//! Sessions: how they begin, who sits in them, and how they end everywhere at once.

use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use tokio::sync::broadcast::{self, error::RecvError};
use uuid::Uuid;

use super::{
    Caller, Person, Site, System, Viewer,
    accounts::{account, disabled},
    audit::{self, Actor, Deed},
    new_id,
    renewal::{Carrier, answers},
    second_factor::{Spent, spend, wrong_code},
    store::{self, Scope, api_token, membership, session, user_account},
};
use crate::{
    model::{Account, Action, Error, OrganizationId, Result, Role, SessionId, Timestamp, TokenId, TokenScope, UserId},
    server::{error::internal, seal::Seal},
};

/// A session that outlives its browser ends when it has not been used for 7 days.
pub const IDLE_SECONDS: i64 = 7 * 24 * 3600;
/// Any other ends when it has not been used for 12 hours.
pub const SHORT_IDLE_SECONDS: i64 = 12 * 3600;
/// A session ends 30 days after the sign-in, used or not.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// The last use of a session is written down at most this often.
pub(super) const SEEN_SECONDS: i64 = 300;

/// A session that has just begun.
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Who began it, and where they act.
    pub account: Account,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Whether it outlives the browser.
    pub is_lasting: bool,
}

/// What opened the door.
#[derive(Clone, Debug)]
pub enum Key {
    /// A person's session.
    Session {
        /// Which.
        id: SessionId,
        /// When the password was last given.
        authenticated_at: Timestamp,
    },
    /// A program's token.
    Token {
        /// Which.
        id: TokenId,
        /// What it allows.
        scope: TokenScope,
        /// What it is for.
        name: String,
    },
}

impl Key {
    /// What names the key when it ends.
    const fn uuid(&self) -> Uuid {
        match self {
            Self::Session { id, .. } => id.uuid(),
            Self::Token { id, .. } => id.uuid(),
        }
    }
}

/// A key in use: who sits there.
#[derive(Clone, Debug)]
pub struct Seat {
    /// Who, and where they act.
    pub account: Account,
    /// What opened the door.
    pub key: Key,
}

/// What has become of somebody's right to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is as it was.
    Same,
    /// They are something else here now.
    OtherRole,
    /// It has ended.
    Ended,
}

/// Waits for one session or token to end or change.
pub struct AccessEnd {
    key: Uuid,
    endings: broadcast::Receiver<Uuid>,
}

impl AccessEnd {
    /// Returns when the access may have ended or changed: ask how it stands.
    pub async fn wait(&mut self) {
        loop {
            match self.endings.recv().await {
                Ok(ended) if ended != self.key => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Site {
    /// Begins a session for a person who knows the password and, where they have a second factor, this code of it.
    ///
    /// # Errors
    /// `unauthorized` when they do not belong to the organization, or are shut out; `invalid` for a wrong code.
    #[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
    pub async fn open_session(
        &self,
        user: UserId,
        organization: OrganizationId,
        caller: &Caller,
        is_lasting: bool,
        code: Option<(&Seal, &str)>,
    ) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await.map_err(internal)?;
        let account = account(&tx, user, organization).await?.ok_or_else(Error::unauthorized)?;
        let actor = Actor::person(user, &account.user.name, caller);
        let row = user_account::Entity::find_by_id(user).one(&tx).await.map_err(internal)?;
        let row = row.ok_or_else(Error::unauthorized)?;
        if row.totp_since.is_some() {
            let (seal, code) = code.ok_or_else(Error::unauthorized)?;
            let spent = spend(&tx, seal, &row, code, now).await?.ok_or_else(wrong_code)?;
            if spent == Spent::RecoveryCode {
                audit::write(&tx, organization, now, &actor, Deed::new(Action::RecoveryCodeUsed)).await?;
            }
        }
        let session = insert_session(&tx, account, now, now, caller, is_lasting).await?;
        audit::write(&tx, organization, now, &actor, Deed::new(Action::LoggedIn)).await?;
        tx.commit().await.map_err(internal)?;
        Ok(session)
    }

    /// Who sits in this session, unless it has ended, they have left, or its id was taken away; notes that it was used.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seat(&self, id: SessionId, carrier: Carrier) -> Result<Option<Seat>> {
        let now = self.domain.clock().now();
        self.seat_unless(id, |row| !answers(row, carrier, now)).await
    }

    /// As [`Site::seat`], unless something else speaks against it.
    #[expect(clippy::disallowed_methods, reason = "the session says which organization it acts in")]
    pub(super) async fn seat_unless(
        &self,
        id: SessionId,
        is_refused: impl FnOnce(&session::Model) -> bool,
    ) -> Result<Option<Seat>> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let Some(row) = session::Entity::find_by_id(id).one(db).await.map_err(internal)? else { return Ok(None) };
        if has_ended(&row, now) || is_refused(&row) {
            return Ok(None);
        }
        let Some(account) = account(db, row.user_id, row.org_id).await? else { return Ok(None) };
        if row.last_seen_at.plus_seconds(SEEN_SECONDS) <= now {
            let seen = session::ActiveModel { last_seen_at: Set(now), ..Default::default() };
            let update = session::Entity::update_many().set(seen).filter(session::Column::Id.eq(id));
            update.exec(db).await.map_err(internal)?;
            let seen = membership::ActiveModel { last_seen_at: Set(Some(now)), ..Default::default() };
            let update = Scope::of(row.org_id).update_id::<membership::Entity>(row.user_id);
            update.set(seen).exec(db).await.map_err(internal)?;
        }
        Ok(Some(Seat { account, key: Key::Session { id, authenticated_at: row.authenticated_at } }))
    }
}

impl Person {
    /// Ends this session; its token stops working at once, and its open feeds soon after.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_out(&self) -> Result<()> {
        let tx = store::begin(self.domain.db()).await.map_err(internal)?;
        session::Entity::delete_by_id(self.session()).exec(&tx).await.map_err(internal)?;
        let now = self.domain.clock().now();
        audit::write(&tx, self.organization(), now, &self.actor(), Deed::new(Action::LoggedOut)).await?;
        tx.commit().await.map_err(internal)?;
        self.domain.tell_end(self.session().uuid());
        Ok(())
    }
}

impl Viewer {
    /// Tells when this access may have ended or changed.
    #[must_use]
    pub fn end(&self) -> AccessEnd {
        AccessEnd { key: self.key().uuid(), endings: self.domain.inner.endings.subscribe() }
    }

    /// How this access stands by now, for sockets that outlive a request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn standing(&self) -> Result<Standing> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let found = match self.key() {
            Key::Session { id, .. } => role_in_session(db, *id, now).await?,
            Key::Token { id, .. } => {
                let row = self.scope().find_id::<api_token::Entity>(*id).one(db).await.map_err(internal)?;
                row.filter(|row| super::api_tokens::stands(row, now)).map(|_| (Role::Member, false))
            }
        };
        Ok(match found {
            None => Standing::Ended,
            Some((role, is_outdated)) if role == self.role() && !is_outdated => Standing::Same,
            Some(_) => Standing::OtherRole,
        })
    }
}

impl System {
    /// Forgets sessions that have ended.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations, by age alone")]
    pub async fn forget_ended_sessions(&self) -> Result<u64> {
        use session::Column;
        let now = self.domain.clock().now();
        let short = Condition::all()
            .add(Column::IsLasting.eq(false))
            .add(Column::LastSeenAt.lte(now.plus_seconds(-SHORT_IDLE_SECONDS)));
        let left = Condition::all().add(Column::RenewedAs.is_not_null()).add(Column::RenewBy.lte(now));
        let ended = Condition::any()
            .add(left)
            .add(Column::ExpiresAt.lte(now))
            .add(Column::LastSeenAt.lte(now.plus_seconds(-IDLE_SECONDS)))
            .add(short);
        let result = session::Entity::delete_many().filter(ended).exec(self.domain.db()).await.map_err(internal)?;
        Ok(result.rows_affected)
    }
}

/// Begins a session.
pub(super) async fn insert_session(
    db: &impl ConnectionTrait,
    account: Account,
    now: Timestamp,
    authenticated_at: Timestamp,
    caller: &Caller,
    is_lasting: bool,
) -> Result<NewSession> {
    let id = SessionId::from_uuid(new_id());
    let expires_at = now.plus_seconds(SESSION_SECONDS);
    session::Entity::insert(session::ActiveModel {
        id: Set(id),
        org_id: Set(account.organization.id),
        user_id: Set(account.user.id),
        created_at: Set(now),
        last_seen_at: Set(now),
        expires_at: Set(expires_at),
        authenticated_at: Set(authenticated_at),
        user_agent: Set(caller.user_agent.chars().take(255).collect()),
        ip: Set(caller.address()),
        is_lasting: Set(is_lasting),
        renew_by: Set(None),
        renewed_as: Set(None),
    })
    .exec_without_returning(db)
    .await
    .map_err(internal)?;
    let seen = membership::ActiveModel { last_seen_at: Set(Some(now)), ..Default::default() };
    let update = Scope::of(account.organization.id).update_id::<membership::Entity>(account.user.id);
    update.set(seen).exec(db).await.map_err(internal)?;
    Ok(NewSession { id, account, created_at: now, expires_at, is_lasting })
}

/// The sessions of a person, in one organization or in all, as they are ended: tell of each once that has committed.
#[expect(clippy::disallowed_methods, reason = "sessions belong to people, who may be in several organizations")]
pub(super) async fn delete_sessions(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: Option<OrganizationId>,
    except: Option<SessionId>,
) -> Result<Vec<Uuid>> {
    let mut of_them = Condition::all().add(session::Column::UserId.eq(user));
    of_them = of_them.add_option(organization.map(|organization| session::Column::OrgId.eq(organization)));
    of_them = of_them.add_option(except.map(|kept| session::Column::Id.ne(kept)));
    let ids: Vec<SessionId> = session::Entity::find()
        .filter(of_them.clone())
        .select_only()
        .column(session::Column::Id)
        .into_tuple()
        .all(db)
        .await
        .map_err(internal)?;
    session::Entity::delete_many().filter(of_them).exec(db).await.map_err(internal)?;
    Ok(ids.into_iter().map(SessionId::uuid).collect())
}

/// Whether a session has run out.
pub(super) fn has_ended(row: &session::Model, now: Timestamp) -> bool {
    let idle = if row.is_lasting { IDLE_SECONDS } else { SHORT_IDLE_SECONDS };
    row.expires_at <= now || row.last_seen_at.plus_seconds(idle) <= now
}

/// The role of who sits in a session, and whether its id was taken away because that changed.
#[expect(clippy::disallowed_methods, reason = "the session says which organization it acts in")]
async fn role_in_session(db: &impl ConnectionTrait, id: SessionId, now: Timestamp) -> Result<Option<(Role, bool)>> {
    let row = session::Entity::find_by_id(id).one(db).await.map_err(internal)?;
    let Some(row) = row.filter(|row| !has_ended(row, now)) else { return Ok(None) };
    if disabled(db, row.user_id).await? {
        return Ok(None);
    }
    let membership = Scope::of(row.org_id).find_id::<membership::Entity>(row.user_id).one(db).await;
    Ok(membership.map_err(internal)?.map(|membership| (membership.role, row.renew_by.is_some())))
}
