//! Sessions: opened by a login, authenticate requests, expire, and end on all instances at once.

use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
    QueryOrder, QueryResult, QuerySelect, QueryTrait, SelectThree, SelectThreeModel, SelectorTrait as _, Statement,
    TopologyChain,
};
use tokio::sync::broadcast::{self, error::RecvError};
use uuid::Uuid;

use super::{
    api_tokens::is_active,
    last_use::Use,
    people::{AccountRows, enabled_account, is_disabled, token_creator},
};
use crate::{
    model::{Account, Action, OrganizationId, Result, Role, SessionId, Timestamp, UserId},
    server::domain::{
        Caller, Domain, Person, Site, System, Viewer,
        audit::{self, AuditEvent},
        new_id,
        principal::{AccessState, Credential, LAST_USE_SECONDS, Principal, TokenSource},
        store::{Scope, api_token, membership, organization, session, user_account},
    },
};

/// Idle timeout of a session that outlives the browser: 7 days.
pub const IDLE_SECONDS: i64 = 7 * 24 * 3600;
/// Idle timeout of any other session: 12 hours.
pub const SHORT_IDLE_SECONDS: i64 = 12 * 3600;
/// Session lifetime, used or not: 30 days.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// The most sessions of a user; past it, the least recently used end.
const SESSIONS_MAX: usize = 50;
/// A session that has just been opened.
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// The user, and the organization it acts in.
    pub account: Account,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it expires, used or not.
    pub expires_at: Timestamp,
    /// Whether its cookie outlives the browser.
    pub is_lasting: bool,
}

/// Waits for the revocation or change of one session or token.
pub struct RevocationWatch {
    id: Uuid,
    revocations: broadcast::Receiver<Uuid>,
}

impl RevocationWatch {
    /// Returns when the access may have been revoked or changed: call [`Viewer::access_state`] then.
    pub async fn wait(&mut self) {
        loop {
            match self.revocations.recv().await {
                Ok(id) if id != self.id => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Site {
    /// Authenticates a request by its session, and notes the use in the background. None if the session has ended, the user may no
    /// longer act in its organization, or its id has been rotated.
    pub async fn authenticate_session(&self, id: SessionId, source: TokenSource) -> Result<Option<Principal>> {
        let now = self.domain.clock().now();
        self.authenticate_unless(id, |row| !accepts(row, source, now)).await
    }

    /// As [`Site::authenticate_session`], with another condition on the row.
    pub(in crate::server::domain) async fn authenticate_unless(
        &self,
        id: SessionId,
        is_refused: impl FnOnce(&session::Model) -> bool,
    ) -> Result<Option<Principal>> {
        let found = session_with_member(id).find_also(membership::Entity, organization::Entity);
        let Some((row, membership, user, organization)) = found.one(self.domain.db()).await? else { return Ok(None) };
        self.domain.principal_of_session(row, (membership, user, organization), is_refused)
    }
}

impl Domain {
    /// The principal of these rows, whose use is noted in the background; none as of [`Site::authenticate_session`].
    fn principal_of_session(
        &self,
        row: session::Model,
        account: AccountRows,
        is_refused: impl FnOnce(&session::Model) -> bool,
    ) -> Result<Option<Principal>> {
        let (id, now) = (row.id, self.clock().now());
        if is_expired(&row, now) || is_refused(&row) {
            return Ok(None);
        }
        let Some(account) = enabled_account(account)? else { return Ok(None) };
        if row.last_seen_at.plus_seconds(LAST_USE_SECONDS) <= now {
            self.note_use(Use::Session { id, user: row.user_id, organization: row.org_id }, now);
        }
        let credential = Credential::Session { id, authenticated_at: row.authenticated_at };
        Ok(Some(Principal { account, credential }))
    }

    /// As [`Site::authenticate_session`], with a row of [`session_with_member`] and the organization.
    pub(super) fn authenticate_session_by(
        &self,
        row: QueryResult,
        organization: organization::Model,
        source: TokenSource,
    ) -> Result<Option<Principal>> {
        let now = self.clock().now();
        let (row, membership, user) = SelectThreeModel::<session::Model, _, _>::from_raw_query_result(row)?;
        self.principal_of_session(row, (membership, user, Some(organization)), |row| !accepts(row, source, now))
    }
}

/// The query of a session with the membership and the user that it acts by.
#[expect(clippy::disallowed_methods, reason = "the session says which organization it acts in")]
pub(super) fn session_with_member(
    id: SessionId,
) -> SelectThree<session::Entity, membership::Entity, user_account::Entity, TopologyChain> {
    session::Entity::find_by_id(id).find_also_related(membership::Entity).and_also_related(user_account::Entity)
}

impl Person {
    /// Logs out: ends this session. Its token stops working at once, its open feeds soon after.
    pub async fn log_out(&self) -> Result<()> {
        let tx = self.domain.begin(self.user()).await?;
        let now = self.domain.clock().now();
        audit::write(&tx, self.organization(), now, &self.actor(), AuditEvent::new(Action::LoggedOut)).await?;
        session::Entity::delete_by_id(self.session()).exec(&tx).await?;
        tx.commit().await?;
        self.domain.publish_revocation(self.session().uuid());
        Ok(())
    }
}

impl Viewer {
    /// Watches this access for a revocation or change.
    #[must_use]
    pub fn watch_revocation(&self) -> RevocationWatch {
        RevocationWatch { id: self.credential().uuid(), revocations: self.domain.inner.revocations.subscribe() }
    }

    /// The current state of this access, for sockets that outlive their request.
    pub async fn access_state(&self) -> Result<AccessState> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let found = match self.credential() {
            Credential::Session { id, .. } => role_in_session(db, *id, now).await?,
            Credential::Token { id, .. } => {
                let row = self.scope().find_id::<api_token::Entity>(*id).one(db).await?;
                match row.filter(|row| is_active(row, now)) {
                    Some(row) => {
                        token_creator(db, row.created_by, row.org_id).await?.map(|creator| (creator.user.role, false))
                    }
                    None => None,
                }
            }
        };
        Ok(match found {
            None => AccessState::Ended,
            Some((role, is_rotated)) if role == self.role() && !is_rotated => AccessState::Same,
            Some(_) => AccessState::OtherRole,
        })
    }
}

impl Credential {
    /// The query of the session's or token's row, which may be gone or no longer valid.
    #[expect(clippy::disallowed_methods, reason = "the session of the request")]
    pub(in crate::server::domain) fn row(&self, scope: Scope, backend: DbBackend) -> Statement {
        match self {
            Self::Session { id, .. } => session::Entity::find_by_id(*id).build(backend),
            Self::Token { id, .. } => scope.find_id::<api_token::Entity>(*id).build(backend),
        }
    }

    /// Whether it is still valid with this row: it may have been revoked while the body of the request was arriving.
    pub(in crate::server::domain) fn is_valid(&self, row: Option<&QueryResult>, now: Timestamp) -> Result<bool> {
        Ok(match (self, row) {
            (_, None) => false,
            (Self::Session { .. }, Some(_)) => true,
            (Self::Token { .. }, Some(row)) => is_active(&api_token::Model::from_query_result(row, "")?, now),
        })
    }
}

impl System {
    /// Deletes sessions that have ended.
    pub async fn forget_ended_sessions(&self) -> Result<u64> {
        use session::Column;
        let now = self.domain.database_now().await?;
        let short = Condition::all()
            .add(Column::IsLasting.eq(false))
            .add(Column::LastSeenAt.lte(now.plus_seconds(-SHORT_IDLE_SECONDS)));
        let rotated = Condition::all().add(Column::RenewedAs.is_not_null()).add(Column::RenewBy.lte(now));
        let ended = Condition::any()
            .add(rotated)
            .add(Column::ExpiresAt.lte(now))
            .add(Column::LastSeenAt.lte(now.plus_seconds(-IDLE_SECONDS)))
            .add(short);
        self.domain.delete_in_batches::<session::Entity>(ended).await
    }
}

/// Ends the least recently used sessions of a user whose row is locked, to make room for another. Publish the returned
/// revocations after the commit.
#[expect(clippy::disallowed_methods, reason = "sessions belong to users, who may be in several organizations")]
pub(in crate::server::domain) async fn end_surplus_sessions(
    db: &impl ConnectionTrait,
    user: UserId,
) -> Result<Vec<Uuid>> {
    use session::Column;
    let ids: Vec<SessionId> = session::Entity::find()
        .filter(Column::UserId.eq(user))
        .order_by_desc(Column::LastSeenAt)
        .order_by_desc(Column::Id)
        .select_only()
        .column(Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    let surplus: Vec<SessionId> = ids.into_iter().skip(SESSIONS_MAX - 1).collect();
    if !surplus.is_empty() {
        session::Entity::delete_many().filter(Column::Id.is_in(surplus.iter().copied())).exec(db).await?;
    }
    Ok(surplus.into_iter().map(SessionId::uuid).collect())
}

/// Inserts a session. Updates the membership first, because the session's foreign key locks that row.
pub(in crate::server::domain) async fn insert_session(
    db: &impl ConnectionTrait,
    account: Account,
    now: Timestamp,
    authenticated_at: Timestamp,
    caller: &Caller,
    is_lasting: bool,
) -> Result<NewSession> {
    let seen = membership::ActiveModel { last_seen_at: Set(Some(now)), ..Default::default() };
    Scope::of(account.organization.id).update_id::<membership::Entity>(account.user.id).set(seen).exec(db).await?;
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

/// Ends a user's sessions, in one organization or in all. Publish the returned revocations after the commit.
#[expect(clippy::disallowed_methods, reason = "sessions belong to users, who may be in several organizations")]
pub(in crate::server::domain) async fn delete_sessions(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: Option<OrganizationId>,
) -> Result<Vec<Uuid>> {
    let theirs = Condition::all()
        .add(session::Column::UserId.eq(user))
        .add_option(organization.map(|organization| session::Column::OrgId.eq(organization)));
    let ids: Vec<SessionId> = session::Entity::find()
        .filter(theirs.clone())
        .select_only()
        .column(session::Column::Id)
        .into_tuple()
        .all(db)
        .await?;
    session::Entity::delete_many().filter(theirs).exec(db).await?;
    Ok(ids.into_iter().map(SessionId::uuid).collect())
}

/// Whether a session has expired.
pub(in crate::server::domain) fn is_expired(row: &session::Model, now: Timestamp) -> bool {
    let idle = if row.is_lasting { IDLE_SECONDS } else { SHORT_IDLE_SECONDS };
    row.expires_at <= now || row.last_seen_at.plus_seconds(idle) <= now
}

/// The role of the user of a session, and whether its id has been rotated because it changed.
#[expect(clippy::disallowed_methods, reason = "the session says which organization it acts in")]
async fn role_in_session(db: &impl ConnectionTrait, id: SessionId, now: Timestamp) -> Result<Option<(Role, bool)>> {
    let row = session::Entity::find_by_id(id).one(db).await?;
    let Some(row) = row.filter(|row| !is_expired(row, now)) else { return Ok(None) };
    if is_disabled(db, row.user_id).await? {
        return Ok(None);
    }
    let membership = Scope::of(row.org_id).find_id::<membership::Entity>(row.user_id).one(db).await;
    Ok(membership?.map(|membership| (membership.role, row.renew_by.is_some())))
}

/// Whether a session's id is accepted outside page loads: after a rotation, for a few seconds and from a cookie only.
fn accepts(row: &session::Model, source: TokenSource, now: Timestamp) -> bool {
    row.renew_by.is_none_or(|end| source == TokenSource::Cookie && row.renewed_as.is_none() && now < end)
}
