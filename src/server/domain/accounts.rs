//! Register, sign in, and the sessions that come of it.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    SqlErr,
};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    Domain, Site, System, Viewer, new_id,
    store::{self, Scope, membership, organization, session, user_account},
};
use crate::{
    model::{
        Account, Email, Error, Organization, OrganizationId, Registration, Result, Role, SessionId, Slug, Timestamp,
        User, UserId,
    },
    server::error::internal,
};

/// A session ends when it has not been used for 7 days.
pub const IDLE_SECONDS: i64 = 7 * 24 * 3600;
/// A session ends 30 days after the sign-in, used or not.
pub const SESSION_SECONDS: i64 = 30 * 24 * 3600;
/// The last use of a session is written down at most this often.
const SEEN_SECONDS: i64 = 300;

/// What is needed to judge a login.
pub struct Credentials {
    /// Whose they are.
    pub user: UserId,
    /// What the password is compared with.
    pub password_hash: String,
    /// The organization they would act in.
    pub organization: Option<OrganizationId>,
}

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
}

/// A session in use: who sits there.
pub struct Seat {
    /// Who, and where they act.
    pub account: Account,
    /// Which session.
    pub session: SessionId,
}

/// Waits for one session to end.
pub struct SessionEnd {
    session: SessionId,
    endings: broadcast::Receiver<SessionId>,
}

impl SessionEnd {
    /// Returns when the session may have ended: ask whether it still stands.
    pub async fn wait(&mut self) {
        loop {
            match self.endings.recv().await {
                Ok(ended) if ended != self.session => {}
                Ok(_) | Err(RecvError::Lagged(_)) => return,
                Err(RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

impl Site {
    /// Creates an organization and its first admin, and begins a session.
    ///
    /// # Errors
    /// `conflict` when the page address or the e-mail address is taken.
    pub async fn register(&self, new: &Registration, password_hash: String) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await.map_err(internal)?;
        let account = insert_account(&tx, new, password_hash, now).await?;
        let session = insert_session(&tx, account, now).await?;
        tx.commit().await.map_err(internal)?;
        Ok(session)
    }

    /// What is known about who says to have this address.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "people are looked up before any organization is known")]
    pub async fn credentials(&self, email: &Email) -> Result<Option<Credentials>> {
        let db = self.domain.db();
        let found = user_account::Entity::find().filter(user_account::Column::Email.eq(email.as_str()));
        let Some(user) = found.one(db).await.map_err(internal)? else { return Ok(None) };
        let first = membership::Entity::find()
            .filter(membership::Column::UserId.eq(user.id))
            .order_by_asc(membership::Column::CreatedAt)
            .one(db)
            .await
            .map_err(internal)?;
        let organization = first.map(|membership| membership.org_id);
        Ok(Some(Credentials { user: user.id, password_hash: user.password_hash, organization }))
    }

    /// Begins a session for a person whose password has been checked.
    ///
    /// # Errors
    /// `unauthorized` when they do not belong to the organization.
    pub async fn open_session(&self, user: UserId, organization: OrganizationId) -> Result<NewSession> {
        let db = self.domain.db();
        let account = account(db, user, organization).await?.ok_or_else(Error::unauthorized)?;
        insert_session(db, account, self.domain.clock().now()).await
    }

    /// Who sits in this session, unless it has ended or they have left; notes that it was used.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "the session says which organization it acts in")]
    pub async fn seat(&self, id: SessionId) -> Result<Option<Seat>> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let Some(row) = session::Entity::find_by_id(id).one(db).await.map_err(internal)? else { return Ok(None) };
        if row.expires_at <= now || row.last_seen_at.plus_seconds(IDLE_SECONDS) <= now {
            return Ok(None);
        }
        let Some(account) = account(db, row.user_id, row.org_id).await? else { return Ok(None) };
        if row.last_seen_at.plus_seconds(SEEN_SECONDS) <= now {
            let seen = session::ActiveModel { last_seen_at: Set(now), ..Default::default() };
            let update = session::Entity::update_many().set(seen).filter(session::Column::Id.eq(id));
            update.exec(db).await.map_err(internal)?;
        }
        Ok(Some(Seat { account, session: id }))
    }
}

impl Viewer {
    /// Ends this session; its token stops working at once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn log_out(&self) -> Result<()> {
        session::Entity::delete_by_id(self.session()).exec(self.db()).await.map_err(internal)?;
        // An error means that no socket listens.
        let _ = self.domain.inner.endings.send(self.session());
        Ok(())
    }

    /// Tells when this session ends in this process. Elsewhere, [`Viewer::still_stands`] has to be asked.
    #[must_use]
    pub fn end(&self) -> SessionEnd {
        SessionEnd { session: self.session(), endings: self.domain.inner.endings.subscribe() }
    }

    /// Whether this session still stands, for sockets that outlive a request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn still_stands(&self) -> Result<bool> {
        Ok(self.domain.site().seat(self.session()).await?.is_some())
    }
}

impl System {
    /// Sets a person's password and ends all their sessions.
    ///
    /// # Errors
    /// `not_found` when nobody has this address.
    #[expect(clippy::disallowed_methods, reason = "people are looked up before any organization is known")]
    pub async fn reset_password(&self, email: &Email, password_hash: String) -> Result<()> {
        let tx = store::begin(self.domain.db()).await.map_err(internal)?;
        let found = user_account::Entity::find().filter(user_account::Column::Email.eq(email.as_str()));
        let user = found.one(&tx).await.map_err(internal)?.ok_or_else(Error::not_found)?;
        user_account::Entity::update_many()
            .set(user_account::ActiveModel { password_hash: Set(password_hash), ..Default::default() })
            .filter(user_account::Column::Id.eq(user.id))
            .exec(&tx)
            .await
            .map_err(internal)?;
        session::Entity::delete_many().filter(session::Column::UserId.eq(user.id)).exec(&tx).await.map_err(internal)?;
        tx.commit().await.map_err(internal)
    }

    /// Forgets sessions that have ended.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations, by age alone")]
    pub async fn forget_ended_sessions(&self) -> Result<u64> {
        let now = self.domain.clock().now();
        let ended = Condition::any()
            .add(session::Column::ExpiresAt.lte(now))
            .add(session::Column::LastSeenAt.lte(now.plus_seconds(-IDLE_SECONDS)));
        let result = session::Entity::delete_many().filter(ended).exec(self.domain.db()).await.map_err(internal)?;
        Ok(result.rows_affected)
    }

    /// Whether an organization has this page address.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_page(&self, slug: &Slug) -> Result<bool> {
        Ok(self.domain.organization_at(slug).await?.is_some())
    }
}

impl Domain {
    /// The organization with this page address.
    #[expect(clippy::disallowed_methods, reason = "the organization is what scopes are made of")]
    pub(super) async fn organization_at(&self, slug: &Slug) -> Result<Option<organization::Model>> {
        let found = organization::Entity::find().filter(organization::Column::Slug.eq(slug.as_str()));
        found.one(self.db()).await.map_err(internal)
    }
}

/// A stored organization as the model has it.
pub(super) fn organization_of(row: organization::Model) -> Result<Organization> {
    let slug = Slug::unreserved(&row.slug).map_err(internal)?;
    Ok(Organization { id: row.id, name: row.name, slug, created_at: row.created_at })
}

/// Creates an organization and its first admin.
pub(super) async fn insert_account(
    db: &impl ConnectionTrait,
    new: &Registration,
    password_hash: String,
    now: Timestamp,
) -> Result<Account> {
    let organization = organization::Model {
        id: OrganizationId::from_uuid(new_id()),
        name: new.organization_name.clone(),
        slug: new.slug.to_string(),
        public_seq: 0,
        members_seq: 0,
        created_at: now,
        time_zone: "UTC".into(),
    };
    let user = user_account::Model {
        id: UserId::from_uuid(new_id()),
        email: new.email.to_string(),
        name: new.name.clone(),
        password_hash,
        created_at: now,
    };
    let membership =
        membership::Model { org_id: organization.id, user_id: user.id, role: Role::Admin, created_at: now };

    let taken = |field: &'static str, why: &'static str| {
        move |error: sea_orm::DbErr| match error.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Error::taken(field, why),
            _ => internal(error),
        }
    };
    let row: organization::ActiveModel = organization.clone().into();
    organization::Entity::insert(row.reset_all())
        .exec_without_returning(db)
        .await
        .map_err(taken("slug", "This page address is taken. Choose another."))?;
    let row: user_account::ActiveModel = user.clone().into();
    user_account::Entity::insert(row.reset_all())
        .exec_without_returning(db)
        .await
        .map_err(taken("email", "There is an account with this e-mail address. Log in instead."))?;
    let row: membership::ActiveModel = membership.clone().into();
    membership::Entity::insert(row.reset_all()).exec_without_returning(db).await.map_err(internal)?;
    account_of(organization, user, &membership)
}

async fn insert_session(db: &impl ConnectionTrait, account: Account, now: Timestamp) -> Result<NewSession> {
    let id = SessionId::from_uuid(new_id());
    let expires_at = now.plus_seconds(SESSION_SECONDS);
    session::Entity::insert(session::ActiveModel {
        id: Set(id),
        org_id: Set(account.organization.id),
        user_id: Set(account.user.id),
        created_at: Set(now),
        last_seen_at: Set(now),
        expires_at: Set(expires_at),
    })
    .exec_without_returning(db)
    .await
    .map_err(internal)?;
    Ok(NewSession { id, account, created_at: now, expires_at })
}

/// A person as a member of an organization, if they are one.
#[expect(clippy::disallowed_methods, reason = "this is what decides whose scope a person may have")]
async fn account(db: &impl ConnectionTrait, user: UserId, organization: OrganizationId) -> Result<Option<Account>> {
    let membership = Scope::of(organization).find_id::<membership::Entity>(user).one(db).await.map_err(internal)?;
    let Some(membership) = membership else { return Ok(None) };
    let user = user_account::Entity::find_by_id(user).one(db).await.map_err(internal)?;
    let organization = organization::Entity::find_by_id(organization).one(db).await.map_err(internal)?;
    match (organization, user) {
        (Some(organization), Some(user)) => account_of(organization, user, &membership).map(Some),
        _ => Ok(None),
    }
}

fn account_of(
    organization: organization::Model,
    user: user_account::Model,
    membership: &membership::Model,
) -> Result<Account> {
    let user = User {
        id: user.id,
        email: user.email.parse().map_err(internal)?,
        name: user.name,
        role: membership.role,
        organization_id: organization.id,
        created_at: user.created_at,
    };
    Ok(Account { user, organization: organization_of(organization)? })
}
