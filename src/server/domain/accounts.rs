//! Who there is: registrations, and people as members of their organizations.

use std::cmp::Reverse;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, SqlErr,
};

use super::{
    Caller, Domain, Site, System,
    audit::{self, Actor, Deed},
    new_id,
    sessions::{NewSession, delete_sessions, insert_session},
    store::{self, Scope, membership, organization, user_account},
};
use crate::{
    model::{
        Account, Action, Email, Error, Organization, OrganizationId, Registration, Result, Role, Slug, Timestamp, User,
        UserId,
    },
    server::error::internal,
};

/// What is needed to judge a login.
pub struct Credentials {
    /// Whose they are.
    pub user: UserId,
    /// Their name.
    pub name: String,
    /// What the password is compared with.
    pub password_hash: String,
    /// The organization they would act in.
    pub organization: Option<OrganizationId>,
    /// Whether the password alone is not enough.
    pub has_second_factor: bool,
}

impl Site {
    /// Creates an organization and its first admin, and begins a session.
    ///
    /// # Errors
    /// `conflict` when the page address or the e-mail address is taken.
    pub async fn register(&self, new: &Registration, password_hash: String, caller: &Caller) -> Result<NewSession> {
        let now = self.domain.clock().now();
        let tx = store::begin(self.domain.db()).await.map_err(internal)?;
        let account = insert_account(&tx, new, password_hash, now).await?;
        let (organization, actor) = (account.organization.clone(), Actor::person(account.user.id, &new.name, caller));
        let session = insert_session(&tx, account, now, now, caller, true).await?;
        let deed = Deed::new(Action::OrganizationCreated).on("organization", organization.id, &organization.name);
        audit::write(&tx, organization.id, now, &actor, deed).await?;
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
        let theirs = membership::Entity::find().filter(membership::Column::UserId.eq(user.id));
        let theirs = theirs.all(db).await.map_err(internal)?;
        // The one they were in last; of those they never came to, the first they joined.
        let last = theirs.into_iter().max_by_key(|row| (row.last_seen_at, Reverse((row.created_at, row.org_id))));
        let organization = last.map(|membership| membership.org_id).filter(|_| user.disabled_at.is_none());
        let has_second_factor = user.totp_since.is_some();
        let (name, password_hash) = (user.name, user.password_hash);
        Ok(Some(Credentials { user: user.id, name, password_hash, organization, has_second_factor }))
    }

    /// Writes down that somebody who is known failed to log in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_failed_login(&self, known: &Credentials, caller: &Caller) -> Result<()> {
        let Some(organization) = known.organization else { return Ok(()) };
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let actor = Actor::person(known.user, &known.name, caller);
        audit::write(db, organization, now, &actor, Deed::new(Action::LoginFailed)).await
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
        let ended = delete_sessions(&tx, user.id, None, None).await?;
        let now = self.domain.clock().now();
        for organization in organizations_of(&tx, user.id).await? {
            let deed = Deed::new(Action::PasswordReset).on("user", user.id, &user.name);
            audit::write(&tx, organization, now, &Actor::system(), deed).await?;
        }
        tx.commit().await.map_err(internal)?;
        self.domain.tell_ends(ended);
        Ok(())
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
        disabled_at: None,
        totp_secret: String::new(),
        totp_since: None,
        totp_step: 0,
    };
    let membership = membership::Model {
        org_id: organization.id,
        user_id: user.id,
        role: Role::Admin,
        created_at: now,
        last_seen_at: None,
    };

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

/// A person as a member of an organization, if they are one.
#[expect(clippy::disallowed_methods, reason = "this is what decides whose scope a person may have")]
pub(super) async fn account(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: OrganizationId,
) -> Result<Option<Account>> {
    let membership = Scope::of(organization).find_id::<membership::Entity>(user).one(db).await.map_err(internal)?;
    let Some(membership) = membership else { return Ok(None) };
    let user = user_account::Entity::find_by_id(user).one(db).await.map_err(internal)?;
    let organization = organization::Entity::find_by_id(organization).one(db).await.map_err(internal)?;
    match (organization, user.filter(|user| user.disabled_at.is_none())) {
        (Some(organization), Some(user)) => account_of(organization, user, &membership).map(Some),
        _ => Ok(None),
    }
}

/// Who made a token, as the member that a program with it is, unless they have left or are shut out.
pub(super) async fn maker_of(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: OrganizationId,
) -> Result<Option<Account>> {
    let maker = account(db, user, organization).await?;
    Ok(maker.map(|Account { user, organization }| Account { user: User { role: Role::Member, ..user }, organization }))
}

/// Whether a person is shut out.
#[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
pub(super) async fn disabled(db: &impl ConnectionTrait, user: UserId) -> Result<bool> {
    let user = user_account::Entity::find_by_id(user).one(db).await.map_err(internal)?;
    Ok(user.is_none_or(|user| user.disabled_at.is_some()))
}

/// The organizations a person belongs to, in the order they joined.
#[expect(clippy::disallowed_methods, reason = "this is what decides whose scope a person may have")]
pub(super) async fn organizations_of(db: &impl ConnectionTrait, user: UserId) -> Result<Vec<OrganizationId>> {
    let of_them = membership::Entity::find().filter(membership::Column::UserId.eq(user));
    let of_them = of_them.order_by_asc(membership::Column::CreatedAt).order_by_asc(membership::Column::OrgId);
    let rows = of_them.all(db).await.map_err(internal)?;
    Ok(rows.into_iter().map(|row| row.org_id).collect())
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
