//! Sessions: how they begin, who sits in them, and how they end everywhere at once.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};
use tokio::sync::broadcast::{self, error::RecvError};
use uuid::Uuid;

use super::{
    api_tokens::stands,
    registration::{account, disabled, held, maker_of},
    second_factor::{Spent, spend, wrong_code},
    session_rotation::{TokenSource, answers},
};
use crate::{
    model::{Account, Action, Error, OrganizationId, Result, Role, SessionId, Timestamp, TokenId, TokenScope, UserId},
    server::{
        auth::encryption::Seal,
        domain::{
            Caller, Credentials, Person, Site, System, Viewer,
            audit::{self, Actor, AuditEvent},
            new_id,
            store::{self, Scope, api_token, membership, session},
            tx::Tx,
        },
    },
};

/// A session that outlives its browser ends when it has not been used for 7 days.
pub const IDLE_SECONDS: i64 = 7 * 24 * 3600;
/// Any other ends when it has not been used for 12 hours.
pub const SHORT_IDLE_SECONDS: i64 = 12 * 3600;
/// A session ends 30 days after the sign-in, used or not.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// Sessions a person has at most; past it those that have gone unused for longest end.
const SESSIONS_MAX: usize = 50;
/// The last use of a session is written down at most this often.
pub(in crate::server::domain) const SEEN_SECONDS: i64 = 300;

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
pub enum Credential {
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

impl Credential {
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
pub struct Principal {
    /// Who, and where they act.
    pub account: Account,
    /// What opened the door.
    pub key: Credential,
}

/// What has become of somebody's right to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessState {
    /// It is as it was.
    Same,
    /// They are something else here now.
    OtherRole,
    /// It has ended.
    Ended,
}

/// Waits for one session or token to end or change.
pub struct RevocationWatch {
    key: Uuid,
    endings: broadcast::Receiver<Uuid>,
}

impl RevocationWatch {
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
    /// `unauthorized` when they do not belong to the organization, are shut out, or have another password by now;
    /// `invalid` for a wrong code.
    pub async fn open_session(
        &self,
        known: &Credentials,
        caller: &Caller,
        is_lasting: bool,
        code: Option<(&Seal, &str)>,
    ) -> Result<NewSession> {
        let (user, organization) = (known.user, known.organization.ok_or_else(Error::unauthorized)?);
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await?;
        let actor = Actor::person(user, &known.name, caller);
        audit::write(&tx, organization, now, &actor, AuditEvent::new(Action::LoggedIn)).await?;
        // The password was compared a while ago: it must be the same still, now that nobody can change it.
        let row = held(&tx, user).await?.filter(|row| row.password_hash == known.password_hash);
        let row = row.ok_or_else(Error::unauthorized)?;
        let account = account(&tx, user, organization).await?.ok_or_else(Error::unauthorized)?;
        if row.totp_since.is_some() {
            let (seal, code) = code.ok_or_else(Error::unauthorized)?;
            let spent = spend(&tx, seal, &row, code, now).await?.ok_or_else(wrong_code)?;
            if spent == Spent::RecoveryCode {
                audit::write(&tx, organization, now, &actor, AuditEvent::new(Action::RecoveryCodeUsed)).await?;
            }
        }
        let ended = make_room(&tx, user).await?;
        let session = insert_session(&tx, account, now, now, caller, is_lasting).await?;
        tx.commit().await?;
        self.domain.tell_ends(ended);
        Ok(session)
    }

    /// Who sits in this session, unless it has ended, they have left, or its id was taken away; notes that it was used.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seat(&self, id: SessionId, carrier: TokenSource) -> Result<Option<Principal>> {
        let now = self.domain.clock().now();
        self.seat_unless(id, |row| !answers(row, carrier, now)).await
    }

    /// As [`Site::seat`], unless something else speaks against it.
    #[expect(clippy::disallowed_methods, reason = "the session says which organization it acts in")]
    pub(in crate::server::domain) async fn seat_unless(
        &self,
        id: SessionId,
        is_refused: impl FnOnce(&session::Model) -> bool,
    ) -> Result<Option<Principal>> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let Some(row) = session::Entity::find_by_id(id).one(db).await? else { return Ok(None) };
        if has_ended(&row, now) || is_refused(&row) {
            return Ok(None);
        }
        let Some(account) = account(db, row.user_id, row.org_id).await? else { return Ok(None) };
        if row.last_seen_at.plus_seconds(SEEN_SECONDS) <= now {
            let seen = session::ActiveModel { last_seen_at: Set(now), ..Default::default() };
            let update = session::Entity::update_many().set(seen).filter(session::Column::Id.eq(id));
            update.exec(db).await?;
            let seen = membership::ActiveModel { last_seen_at: Set(Some(now)), ..Default::default() };
            let update = Scope::of(row.org_id).update_id::<membership::Entity>(row.user_id);
            update.set(seen).exec(db).await?;
        }
        Ok(Some(Principal { account, key: Credential::Session { id, authenticated_at: row.authenticated_at } }))
    }
}

impl Person {
    /// Ends this session; its token stops working at once, and its open feeds soon after.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_out(&self) -> Result<()> {
        let tx = store::begin(self.domain.db()).await?;
        let now = self.domain.clock().now();
        audit::write(&tx, self.organization(), now, &self.actor(), AuditEvent::new(Action::LoggedOut)).await?;
        session::Entity::delete_by_id(self.session()).exec(&tx).await?;
        tx.commit().await?;
        self.domain.tell_end(self.session().uuid());
        Ok(())
    }
}

impl Viewer {
    /// Tells when this access may have ended or changed.
    #[must_use]
    pub fn end(&self) -> RevocationWatch {
        RevocationWatch { key: self.key().uuid(), endings: self.domain.inner.endings.subscribe() }
    }

    /// How this access stands by now, for sockets that outlive a request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn standing(&self) -> Result<AccessState> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let found = match self.key() {
            Credential::Session { id, .. } => role_in_session(db, *id, now).await?,
            Credential::Token { id, .. } => {
                let row = self.scope().find_id::<api_token::Entity>(*id).one(db).await?;
                match row.filter(|row| stands(row, now)) {
                    Some(row) => maker_of(db, row.created_by, row.org_id).await?.map(|maker| (maker.user.role, false)),
                    None => None,
                }
            }
        };
        Ok(match found {
            None => AccessState::Ended,
            Some((role, is_outdated)) if role == self.role() && !is_outdated => AccessState::Same,
            Some(_) => AccessState::OtherRole,
        })
    }
}

impl Tx {
    /// Refuses who came with a key that has ended since: a request may take its time to tell all it has to say.
    #[expect(clippy::disallowed_methods, reason = "the session is the one that asks")]
    pub(in crate::server::domain) async fn still_stands(&self, key: &Credential) -> Result<()> {
        let stands = match key {
            Credential::Session { id, .. } => session::Entity::find_by_id(*id).one(self.db()).await?.is_some(),
            Credential::Token { id, .. } => {
                let row = self.scope().find_id::<api_token::Entity>(*id).one(self.db()).await?;
                row.is_some_and(|row| stands(&row, self.now()))
            }
        };
        if stands { Ok(()) } else { Err(Error::unauthorized()) }
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
        let result = session::Entity::delete_many().filter(ended).exec(self.domain.db()).await?;
        Ok(result.rows_affected)
    }
}

/// Ends the sessions of a person that have gone unused for longest, so that there is room for another. Their row is
/// held. Tell of those that ended once that has committed.
#[expect(clippy::disallowed_methods, reason = "sessions belong to people, who may be in several organizations")]
pub(in crate::server::domain) async fn make_room(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<Uuid>> {
    use session::Column;
    let theirs = session::Entity::find().filter(Column::UserId.eq(user));
    let theirs = theirs.order_by_desc(Column::LastSeenAt).order_by_desc(Column::Id);
    let ids: Vec<SessionId> = theirs.select_only().column(Column::Id).into_tuple().all(db).await?;
    let surplus: Vec<SessionId> = ids.into_iter().skip(SESSIONS_MAX - 1).collect();
    if !surplus.is_empty() {
        let them = session::Entity::delete_many().filter(Column::Id.is_in(surplus.iter().copied()));
        them.exec(db).await?;
    }
    Ok(surplus.into_iter().map(SessionId::uuid).collect())
}

/// Begins a session. The membership first, as its row is held by the session's foreign key from then on.
pub(in crate::server::domain) async fn insert_session(
    db: &impl ConnectionTrait,
    account: Account,
    now: Timestamp,
    authenticated_at: Timestamp,
    caller: &Caller,
    is_lasting: bool,
) -> Result<NewSession> {
    let seen = membership::ActiveModel { last_seen_at: Set(Some(now)), ..Default::default() };
    let update = Scope::of(account.organization.id).update_id::<membership::Entity>(account.user.id);
    update.set(seen).exec(db).await?;
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
    .await?;
    Ok(NewSession { id, account, created_at: now, expires_at, is_lasting })
}

/// The sessions of a person, in one organization or in all, as they are ended: tell of each once that has committed.
#[expect(clippy::disallowed_methods, reason = "sessions belong to people, who may be in several organizations")]
pub(in crate::server::domain) async fn delete_sessions(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: Option<OrganizationId>,
) -> Result<Vec<Uuid>> {
    let mut of_them = Condition::all().add(session::Column::UserId.eq(user));
    of_them = of_them.add_option(organization.map(|organization| session::Column::OrgId.eq(organization)));
    let ids: Vec<SessionId> = session::Entity::find()
        .filter(of_them.clone())
        .select_only()
        .column(session::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    session::Entity::delete_many().filter(of_them).exec(db).await?;
    Ok(ids.into_iter().map(SessionId::uuid).collect())
}

/// Whether a session has run out.
pub(in crate::server::domain) fn has_ended(row: &session::Model, now: Timestamp) -> bool {
    let idle = if row.is_lasting { IDLE_SECONDS } else { SHORT_IDLE_SECONDS };
    row.expires_at <= now || row.last_seen_at.plus_seconds(idle) <= now
}

/// The role of who sits in a session, and whether its id was taken away because that changed.
#[expect(clippy::disallowed_methods, reason = "the session says which organization it acts in")]
async fn role_in_session(db: &impl ConnectionTrait, id: SessionId, now: Timestamp) -> Result<Option<(Role, bool)>> {
    let row = session::Entity::find_by_id(id).one(db).await?;
    let Some(row) = row.filter(|row| !has_ended(row, now)) else { return Ok(None) };
    if disabled(db, row.user_id).await? {
        return Ok(None);
    }
    let membership = Scope::of(row.org_id).find_id::<membership::Entity>(row.user_id).one(db).await;
    Ok(membership?.map(|membership| (membership.role, row.renew_by.is_some())))
}
