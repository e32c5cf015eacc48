//! Who there is: registrations, and people as members of their organizations.

use std::cmp::Reverse;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait,
    QueryFilter, QueryOrder, QuerySelect, SqlErr,
};
use uuid::Uuid;

use super::{
    own_account::{note_everywhere, update_user, void_resets},
    sessions::{NewSession, delete_sessions, insert_session},
};
use crate::{
    model::{
        Account, Action, Email, Error, Organization, OrganizationId, Registration, Result, Role, Slug, Timestamp, User,
        UserId,
    },
    server::{
        domain::{
            Caller, Domain, Site, System,
            audit::{self, Actor, AuditEvent},
            new_id,
            store::{self, Scope, membership, organization, user_account},
        },
        error::internal,
    },
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
        let tx = store::begin(self.domain.db()).await?;
        let account = insert_account(&tx, new, password_hash, now).await?;
        let (organization, actor) = (account.organization.clone(), Actor::person(account.user.id, &new.name, caller));
        let session = insert_session(&tx, account, now, now, caller, true).await?;
        let audit_event =
            AuditEvent::new(Action::OrganizationCreated).on("organization", organization.id, &organization.name);
        audit::write(&tx, organization.id, now, &actor, audit_event).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// What is known about who says to have this address. As much is asked of the database when nobody has it.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "people are looked up before any organization is known")]
    pub async fn credentials(&self, email: &Email) -> Result<Option<Credentials>> {
        let db = self.domain.db();
        let found = user_account::Entity::find().filter(user_account::Column::Email.eq(email.as_str()));
        let user = found.one(db).await?;
        let id = user.as_ref().map_or(UserId::from_uuid(Uuid::nil()), |user| user.id);
        let theirs = membership::Entity::find().filter(membership::Column::UserId.eq(id));
        let theirs = theirs.all(db).await?;
        let Some(user) = user else { return Ok(None) };
        // The one they were in last; of those they never came to, the first they joined.
        let last = theirs.into_iter().max_by_key(|row| (row.last_seen_at, Reverse((row.created_at, row.org_id))));
        let organization = last.map(|membership| membership.org_id).filter(|_| user.disabled_at.is_none());
        let has_second_factor = user.totp_since.is_some();
        let (name, password_hash) = (user.name, user.password_hash);
        Ok(Some(Credentials { user: user.id, name, password_hash, organization, has_second_factor }))
    }

    /// Writes down that somebody who is known failed to log in, in each of their organizations.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_failed_login(&self, known: &Credentials, caller: &Caller) -> Result<()> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let actor = Actor::person(known.user, &known.name, caller);
        note_everywhere(db, known.user, now, &actor, AuditEvent::new(Action::LoginFailed)).await
    }
}

impl System {
    /// What no password of the person with this address may be made of.
    ///
    /// # Errors
    /// `not_found` when nobody has this address.
    pub async fn known_words(&self, email: &Email) -> Result<Vec<String>> {
        let user = person_at(self.domain.db(), email.as_str()).await?.ok_or_else(Error::not_found)?;
        words_about(self.domain.db(), &user).await
    }

    /// Sets a person's password and ends all their sessions; links they were sent for another open nothing any more.
    ///
    /// # Errors
    /// `not_found` when nobody has this address.
    pub async fn reset_password(&self, email: &Email, password_hash: String) -> Result<()> {
        let tx = store::begin(self.domain.db()).await?;
        let user = person_at(&tx, email.as_str()).await?.ok_or_else(Error::not_found)?;
        let audit_event = AuditEvent::new(Action::PasswordReset).on("user", user.id, &user.name);
        note_everywhere(&tx, user.id, self.domain.clock().now(), &Actor::system(), audit_event).await?;
        held(&tx, user.id).await?;
        let change = user_account::ActiveModel { password_hash: Set(password_hash), ..Default::default() };
        update_user(&tx, user.id, change).await?;
        void_resets(&tx, user.id).await?;
        let ended = delete_sessions(&tx, user.id, None).await?;
        tx.commit().await?;
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
    pub(in crate::server::domain) async fn organization_at(&self, slug: &Slug) -> Result<Option<organization::Model>> {
        let found = organization::Entity::find().filter(organization::Column::Slug.eq(slug.as_str()));
        Ok(found.one(self.db()).await?)
    }
}

/// A stored organization as the model has it.
pub(in crate::server::domain) fn organization_of(row: organization::Model) -> Result<Organization> {
    let slug = Slug::unreserved(&row.slug)?;
    Ok(Organization { id: row.id, name: row.name, slug, created_at: row.created_at })
}

/// Creates an organization and its first admin.
pub(in crate::server::domain) async fn insert_account(
    db: &impl ConnectionTrait,
    new: &Registration,
    password_hash: String,
    now: Timestamp,
) -> Result<Account> {
    let organization = insert_organization(db, &new.organization_name, &new.slug, now).await?;
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
    let row: user_account::ActiveModel = user.clone().into();
    user_account::Entity::insert(row.reset_all())
        .exec_without_returning(db)
        .await
        .map_err(taken("email", "There is an account with this e-mail address. Log in instead."))?;
    let membership = insert_first_admin(db, organization.id, user.id, now).await?;
    account_of(organization, user, &membership)
}

/// Creates an organization, as yet without anybody in it.
pub(in crate::server::domain) async fn insert_organization(
    db: &impl ConnectionTrait,
    name: &str,
    slug: &Slug,
    now: Timestamp,
) -> Result<organization::Model> {
    let organization = organization::Model {
        id: OrganizationId::from_uuid(new_id()),
        name: name.to_owned(),
        slug: slug.to_string(),
        public_seq: 0,
        members_seq: 0,
        created_at: now,
        time_zone: "UTC".into(),
    };
    let row: organization::ActiveModel = organization.clone().into();
    organization::Entity::insert(row.reset_all())
        .exec_without_returning(db)
        .await
        .map_err(taken("slug", "This page address is taken. Choose another."))?;
    Ok(organization)
}

/// Makes a person the admin of an organization that has nobody yet.
pub(in crate::server::domain) async fn insert_first_admin(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    user: UserId,
    now: Timestamp,
) -> Result<membership::Model> {
    let membership = membership::Model {
        org_id: organization,
        user_id: user,
        role: Role::Admin,
        created_at: now,
        last_seen_at: None,
    };
    let row: membership::ActiveModel = membership.clone().into();
    membership::Entity::insert(row.reset_all()).exec_without_returning(db).await?;
    Ok(membership)
}

/// What to say when something that must be there once is there already.
fn taken(field: &'static str, why: &'static str) -> impl Fn(DbErr) -> Error {
    move |error| match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => Error::taken(field, why),
        _ => internal(error),
    }
}

/// A person as a member of an organization, if they are one.
#[expect(clippy::disallowed_methods, reason = "this is what decides whose scope a person may have")]
pub(in crate::server::domain) async fn account(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: OrganizationId,
) -> Result<Option<Account>> {
    let membership = Scope::of(organization).find_id::<membership::Entity>(user).one(db).await?;
    let Some(membership) = membership else { return Ok(None) };
    let user = user_account::Entity::find_by_id(user).one(db).await?;
    let organization = organization::Entity::find_by_id(organization).one(db).await?;
    match (organization, user.filter(|user| user.disabled_at.is_none())) {
        (Some(organization), Some(user)) => account_of(organization, user, &membership).map(Some),
        _ => Ok(None),
    }
}

/// Who made a token, as the member that a program with it is, unless they have left or are shut out.
pub(in crate::server::domain) async fn maker_of(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: OrganizationId,
) -> Result<Option<Account>> {
    let maker = account(db, user, organization).await?;
    Ok(maker.map(|Account { user, organization }| Account { user: User { role: Role::Member, ..user }, organization }))
}

/// Whether a person is shut out.
#[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
pub(in crate::server::domain) async fn disabled(db: &impl ConnectionTrait, user: UserId) -> Result<bool> {
    let user = user_account::Entity::find_by_id(user).one(db).await?;
    Ok(user.is_none_or(|user| user.disabled_at.is_some()))
}

/// Who has this address.
#[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
pub(in crate::server::domain) async fn person_at(
    db: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<user_account::Model>> {
    let found = user_account::Entity::find().filter(user_account::Column::Email.eq(email));
    Ok(found.one(db).await?)
}

/// A person's row, held until the transaction ends, by what changes their password or begins a session of theirs: none
/// of it overtakes another.
///
/// Whatever holds an organization, be it by a foreign key of its audit log, holds it before the people in it, and those
/// before their memberships and sessions. Two that went about it in different orders would wait for each other.
#[expect(clippy::disallowed_methods, reason = "people belong to no organization")]
pub(in crate::server::domain) async fn held(
    tx: &DatabaseTransaction,
    user: UserId,
) -> Result<Option<user_account::Model>> {
    Ok(user_account::Entity::find_by_id(user).lock_exclusive().one(tx).await?)
}

/// What is known of a person, so that no password of theirs may be made of it.
#[expect(clippy::disallowed_methods, reason = "these are the organizations the person belongs to")]
pub(in crate::server::domain) async fn words_about(
    db: &impl ConnectionTrait,
    user: &user_account::Model,
) -> Result<Vec<String>> {
    let ids = organizations_of(db, user.id).await?;
    let rows = organization::Entity::find().filter(organization::Column::Id.is_in(ids));
    let rows = rows.all(db).await?;
    let of_them = rows.into_iter().flat_map(|row| [row.name, row.slug]);
    Ok([user.email.clone(), user.name.clone()].into_iter().chain(of_them).collect())
}

/// The organizations a person belongs to, in the order they joined.
#[expect(clippy::disallowed_methods, reason = "this is what decides whose scope a person may have")]
pub(in crate::server::domain) async fn organizations_of(
    db: &impl ConnectionTrait,
    user: UserId,
) -> Result<Vec<OrganizationId>> {
    let of_them = membership::Entity::find().filter(membership::Column::UserId.eq(user));
    let of_them = of_them.order_by_asc(membership::Column::CreatedAt).order_by_asc(membership::Column::OrgId);
    let rows = of_them.all(db).await?;
    Ok(rows.into_iter().map(|row| row.org_id).collect())
}

fn account_of(
    organization: organization::Model,
    user: user_account::Model,
    membership: &membership::Model,
) -> Result<Account> {
    let user = User {
        id: user.id,
        email: user.email.parse()?,
        name: user.name,
        role: membership.role,
        organization_id: organization.id,
        created_at: user.created_at,
    };
    Ok(Account { user, organization: organization_of(organization)? })
}
