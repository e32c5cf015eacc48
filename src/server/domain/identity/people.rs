//! Users and organizations: lookups, locks and changes that several operations share.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
};

use crate::{
    model::{Account, Error, Organization, OrganizationId, Result, Role, Slug, Timestamp, User, UserId},
    server::domain::{
        Domain, System,
        audit::{self, Actor, AuditEvent},
        store::{Scope, WriteTx, membership, organization, password_reset, user_account},
    },
};

impl System {
    /// Whether an organization has this page address.
    pub async fn has_page(&self, slug: &Slug) -> Result<bool> {
        Ok(self.domain.organization_at(slug).await?.is_some())
    }
}

impl Domain {
    /// The organization with this page address.
    #[expect(clippy::disallowed_methods, reason = "the tenant itself")]
    pub(in crate::server::domain) async fn organization_at(&self, slug: &Slug) -> Result<Option<organization::Model>> {
        let found = organization::Entity::find().filter(organization::Column::Slug.eq(slug.as_str()));
        Ok(found.one(self.db()).await?)
    }
}

/// The row of an organization that must exist.
#[expect(clippy::disallowed_methods, reason = "the tenant itself")]
pub(in crate::server::domain) async fn organization_row(
    db: &impl ConnectionTrait,
    id: OrganizationId,
) -> Result<organization::Model> {
    organization::Entity::find_by_id(id).one(db).await?.ok_or_else(Error::not_found)
}

/// Converts an organization's row.
pub(in crate::server::domain) fn organization_of(row: organization::Model) -> Result<Organization> {
    let slug = Slug::unreserved(&row.slug)?;
    Ok(Organization { id: row.id, name: row.name, slug, created_at: row.created_at })
}

/// The ids of the organizations a user belongs to, in the order they joined.
#[expect(clippy::disallowed_methods, reason = "this decides which scopes a user may have")]
pub(in crate::server::domain) async fn organizations_of(
    db: &impl ConnectionTrait,
    user: UserId,
) -> Result<Vec<OrganizationId>> {
    let rows = membership::Entity::find()
        .filter(membership::Column::UserId.eq(user))
        .order_by_asc(membership::Column::CreatedAt)
        .order_by_asc(membership::Column::OrgId)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.org_id).collect())
}

/// The user as a member of an organization, unless they are none or disabled.
pub(in crate::server::domain) async fn find_account(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: OrganizationId,
) -> Result<Option<Account>> {
    let membership = Scope::of(organization).find_id::<membership::Entity>(user);
    let found = membership.find_also_related(user_account::Entity).find_also_related(organization::Entity).one(db);
    match found.await? {
        Some((membership, user, organization)) => enabled_account((Some(membership), user, organization)),
        None => Ok(None),
    }
}

/// The rows of an account, as far as there are any.
pub(super) type AccountRows = (Option<membership::Model>, Option<user_account::Model>, Option<organization::Model>);

/// The account of these rows, unless the user is no member or disabled.
pub(super) fn enabled_account(rows: AccountRows) -> Result<Option<Account>> {
    match rows {
        (Some(membership), Some(user), Some(organization)) if user.disabled_at.is_none() => {
            account_of(organization, user, &membership).map(Some)
        }
        _ => Ok(None),
    }
}

/// Converts the rows of an account.
pub(super) fn account_of(
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

/// The creator of an API token with the role of a member, as which a program acts; none if they have left or are
/// disabled.
pub(in crate::server::domain) async fn token_creator(
    db: &impl ConnectionTrait,
    user: UserId,
    organization: OrganizationId,
) -> Result<Option<Account>> {
    Ok(find_account(db, user, organization).await?.map(with_role_of_member))
}

/// The account with the role of a member, as which programs act.
pub(super) fn with_role_of_member(Account { user, organization }: Account) -> Account {
    Account { user: User { role: Role::Member, ..user }, organization }
}

/// The user with this e-mail address.
#[expect(clippy::disallowed_methods, reason = "users belong to no organization")]
pub(in crate::server::domain) async fn user_by_email(
    db: &impl ConnectionTrait,
    email: &str,
) -> Result<Option<user_account::Model>> {
    Ok(user_account::Entity::find().filter(user_account::Column::Email.eq(email)).one(db).await?)
}

/// The names of users, members or not.
#[expect(clippy::disallowed_methods, reason = "the ids come from this organization's own rows")]
pub(in crate::server::domain) async fn user_names(
    db: &impl ConnectionTrait,
    users: BTreeSet<UserId>,
) -> Result<BTreeMap<UserId, String>> {
    if users.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = user_account::Entity::find().filter(user_account::Column::Id.is_in(users)).all(db).await?;
    Ok(rows.into_iter().map(|user| (user.id, user.name)).collect())
}

/// Whether a user is disabled or does not exist.
#[expect(clippy::disallowed_methods, reason = "users belong to no organization")]
pub(in crate::server::domain) async fn is_disabled(db: &impl ConnectionTrait, user: UserId) -> Result<bool> {
    let user = user_account::Entity::find_by_id(user).one(db).await?;
    Ok(user.is_none_or(|user| user.disabled_at.is_some()))
}

/// Words that a user's password must not contain: their name and address, and those of their organizations.
#[expect(clippy::disallowed_methods, reason = "these are the organizations the user belongs to")]
pub(in crate::server::domain) async fn password_context(
    db: &impl ConnectionTrait,
    user: &user_account::Model,
) -> Result<Vec<String>> {
    let ids = organizations_of(db, user.id).await?;
    let rows = organization::Entity::find().filter(organization::Column::Id.is_in(ids)).all(db).await?;
    let organizations = rows.into_iter().flat_map(|row| [row.name, row.slug]);
    Ok([user.email.clone(), user.name.clone()].into_iter().chain(organizations).collect())
}

/// Locks a user's row until the transaction ends and reads it: serializes password changes and new sessions.
///
/// Lock order: organizations (writing an audit event locks one through its foreign key), users, memberships, sessions.
/// Any other order can deadlock.
#[expect(clippy::disallowed_methods, reason = "users belong to no organization")]
pub(in crate::server::domain) async fn lock_user(tx: &WriteTx, user: UserId) -> Result<Option<user_account::Model>> {
    Ok(user_account::Entity::find_by_id(user).lock_exclusive().one(tx).await?)
}

/// Updates a user's row.
#[expect(clippy::disallowed_methods, reason = "users belong to no organization")]
pub(in crate::server::domain) async fn update_user(
    db: &impl ConnectionTrait,
    user: UserId,
    change: user_account::ActiveModel,
) -> Result<(), DbErr> {
    let update = user_account::Entity::update_many().set(change).filter(user_account::Column::Id.eq(user));
    update.exec(db).await.map(drop)
}

/// Invalidates a user's password reset links. Their rows are kept for a day, because they are counted.
#[expect(clippy::disallowed_methods, reason = "what belongs to a user belongs to no organization")]
pub(in crate::server::domain) async fn void_resets(db: &impl ConnectionTrait, user: UserId) -> Result<()> {
    password_reset::Entity::update_many()
        .set(password_reset::ActiveModel { expires_at: Set(Timestamp::EPOCH), ..Default::default() })
        .filter(password_reset::Column::UserId.eq(user))
        .exec(db)
        .await?;
    Ok(())
}

/// Writes an audit event in each of a user's organizations.
pub(in crate::server::domain) async fn audit_everywhere(
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
