//! The team: members, their roles, and their removal. Every change locks the organization, so that the last admin
//! cannot be removed by concurrent requests.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect,
};
use serde_json::json;

use super::{people::organizations_of, sessions::delete_sessions};
use crate::{
    model::{Action, Code, Error, Result, Role, TeamMember, UserId},
    server::domain::{
        Admin, Person, Viewer,
        audit::AuditEvent,
        store::{Scope, invitation, membership, organization, user_account},
        tx::Tx,
    },
};

impl Viewer {
    /// The members of the organization, in the order they joined.
    #[expect(clippy::disallowed_methods, reason = "users belong to no organization; their memberships are scoped")]
    pub async fn members(&self) -> Result<Vec<TeamMember>> {
        let mut rows = self.scope().find::<membership::Entity>().all(self.db()).await?;
        rows.sort_by_key(|row| (row.created_at, row.user_id));
        let ids = rows.iter().map(|row| row.user_id);
        let users = user_account::Entity::find().filter(user_account::Column::Id.is_in(ids)).all(self.db()).await?;
        let mut users: BTreeMap<UserId, user_account::Model> = users.into_iter().map(|user| (user.id, user)).collect();
        // A user without a row was deleted between the two queries.
        rows.into_iter().filter_map(|row| users.remove(&row.user_id).map(|user| team_member(&row, user))).collect()
    }
}

impl Admin {
    /// Changes a member's role and rotates their sessions: open pages continue under a new session id, programs have to
    /// log in again.
    ///
    /// # Errors
    /// `not_found` for a user who is no member, `conflict` for the last admin.
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<TeamMember> {
        let mut tx = self.begin().await?;
        let (before, account) = tx.member(user).await?;
        if before.role == role {
            return team_member(&before, account);
        }
        let mut audit_event = AuditEvent::new(Action::RoleChanged).on("user", user, &account.name);
        if role != Role::Admin {
            tx.require_another_admin(&before, "Make someone else an admin first.").await?;
            // Their invitations need the right to invite.
            audit_event = audit_event
                .ending("invitations_revoked", tx.revoke_invitations(invitation::Column::InvitedBy.eq(user)).await?);
        }
        let mut change = before.clone().into_active_model();
        change.role = Set(role);
        let after = change.update(tx.db()).await?;
        for session in tx.begin_session_rotation(user).await? {
            tx.end_access(session.uuid());
        }
        let roles = (json!({"role": before.role}), json!({"role": role}));
        tx.audit(audit_event.changing(&roles.0, &roles.1));
        tx.commit().await?;
        team_member(&after, account)
    }

    /// Removes a member: ends their sessions here and revokes the API tokens they created. Admins may remove
    /// themselves.
    ///
    /// # Errors
    /// `not_found` for a user who is no member, `conflict` for the last admin.
    pub async fn remove_member(&self, user: UserId) -> Result<()> {
        let mut tx = self.begin().await?;
        let action = if user == self.user() { Action::MemberLeft } else { Action::MemberRemoved };
        tx.remove_from_team(user, action).await?;
        tx.commit().await
    }
}

impl Person {
    /// Leaves the organization: ends the user's sessions in it, including this one.
    ///
    /// # Errors
    /// `conflict` for the last admin.
    pub async fn leave(&self) -> Result<()> {
        let mut tx = Tx::begin(&self.domain, self.organization(), self.actor()).await?;
        tx.remove_from_team(self.user(), Action::MemberLeft).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Rejects the request if the user is no longer an admin.
    pub(in crate::server::domain) async fn require_admin(&self, user: UserId) -> Result<()> {
        let row = self.scope().find_id::<membership::Entity>(user).one(self.db()).await?;
        match row {
            Some(row) if row.role == Role::Admin => Ok(()),
            _ => Err(Error::forbidden()),
        }
    }

    /// A member, whose membership is locked before their sessions, as in a session rotation
    /// (docs/architecture.md, "Lock order").
    #[expect(clippy::disallowed_methods, reason = "users belong to no organization; their memberships are scoped")]
    async fn member(&self, user: UserId) -> Result<(membership::Model, user_account::Model)> {
        let row = self.scope().find_id::<membership::Entity>(user).lock_exclusive().one(self.db()).await?;
        let row = row.ok_or_else(Error::not_found)?;
        let account = user_account::Entity::find_by_id(user).one(self.db()).await?;
        Ok((row, account.ok_or_else(Error::not_found)?))
    }

    /// Rejects the change if this is the only active admin.
    async fn require_another_admin(&self, row: &membership::Model, advice: &str) -> Result<()> {
        if row.role != Role::Admin || has_other_admin(self.db(), self.scope(), row.user_id).await? {
            return Ok(());
        }
        Err(Error::new(Code::Conflict, format!("This is the only admin of the organization. {advice}")))
    }

    async fn remove_from_team(&mut self, user: UserId, action: Action) -> Result<()> {
        let (row, account) = self.member(user).await?;
        self.require_another_admin(&row, "Make someone else an admin first, then leave.").await?;
        let invitations = self.revoke_invitations(invitation::Column::InvitedBy.eq(user)).await?;
        let tokens = self.revoke_tokens_of(user).await?;
        let organization = self.organization().id;
        for session in delete_sessions(self.db(), user, Some(organization)).await? {
            self.end_access(session);
        }
        membership::Entity::delete_by_id((organization, user)).exec(self.db()).await?;
        let audit_event = AuditEvent::new(action).on("user", user, &account.name);
        self.audit(audit_event.ending("tokens_revoked", tokens).ending("invitations_revoked", invitations));
        Ok(())
    }
}

/// Whether an organization has another admin who is not disabled.
#[expect(clippy::disallowed_methods, reason = "users belong to no organization; their memberships are scoped")]
async fn has_other_admin(db: &impl ConnectionTrait, scope: Scope, user: UserId) -> Result<bool> {
    let others = scope
        .find::<membership::Entity>()
        .filter(membership::Column::Role.eq(Role::Admin))
        .filter(membership::Column::UserId.ne(user))
        .all(db)
        .await?;
    let active = user_account::Entity::find()
        .filter(user_account::Column::Id.is_in(others.into_iter().map(|row| row.user_id)))
        .filter(user_account::Column::DisabledAt.is_null())
        .one(db)
        .await?;
    Ok(active.is_some())
}

/// The names of the organizations in which this user is an admin and nobody else is an active one.
#[expect(clippy::disallowed_methods, reason = "these are the organizations the user belongs to")]
pub(in crate::server::domain) async fn organizations_without_admin(
    db: &impl ConnectionTrait,
    user: UserId,
) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for id in organizations_of(db, user).await? {
        let scope = Scope::of(id);
        let row = scope.find_id::<membership::Entity>(user).one(db).await?;
        if row.is_some_and(|row| row.role == Role::Admin) && !has_other_admin(db, scope, user).await? {
            let row = organization::Entity::find_by_id(id).one(db).await?;
            names.extend(row.map(|row| row.name));
        }
    }
    Ok(names)
}

fn team_member(row: &membership::Model, user: user_account::Model) -> Result<TeamMember> {
    Ok(TeamMember {
        id: user.id,
        email: user.email.parse()?,
        name: user.name,
        role: row.role,
        joined_at: row.created_at,
        last_seen_at: row.last_seen_at,
        has_two_factor: user.totp_since.is_some(),
    })
}
