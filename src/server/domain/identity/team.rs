//! The team: who is in it, as what, and how people leave. Every change holds the organization, so the last admin stays
//! whatever else is under way.

use std::collections::BTreeMap;

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde_json::json;

use super::{registration::organizations_of, sessions::delete_sessions};
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
    /// Everybody who belongs to the organization, in the order they joined.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "people belong to no organization; their memberships are scoped")]
    pub async fn members(&self) -> Result<Vec<TeamMember>> {
        let mut rows = self.scope().find::<membership::Entity>().all(self.db()).await?;
        rows.sort_by_key(|row| (row.created_at, row.user_id));
        let ids = rows.iter().map(|row| row.user_id);
        let people = user_account::Entity::find().filter(user_account::Column::Id.is_in(ids));
        let people = people.all(self.db()).await?;
        let mut people: BTreeMap<UserId, user_account::Model> =
            people.into_iter().map(|person| (person.id, person)).collect();
        // A person without a row has been deleted between the two questions.
        rows.into_iter().filter_map(|row| people.remove(&row.user_id).map(|person| listed(&row, person))).collect()
    }
}

impl Admin {
    /// Gives a member another role. Their open pages learn of it and go on in other sessions; programs of theirs have to log
    /// in again.
    ///
    /// # Errors
    /// `not_found` for who is no member, `conflict` for the last admin.
    pub async fn set_role(&self, user: UserId, role: Role) -> Result<TeamMember> {
        let mut tx = self.begin().await?;
        let (before, person) = tx.member(user).await?;
        if before.role == role {
            return listed(&before, person);
        }
        let mut audit_event = AuditEvent::new(Action::RoleChanged).on("user", user, &person.name);
        if role != Role::Admin {
            tx.keep_an_admin(&before, "Make somebody else an admin first.").await?;
            // They may not offer any more what they have offered.
            audit_event =
                audit_event.ending("invitations_revoked", tx.take_back(invitation::Column::InvitedBy.eq(user)).await?);
        }
        let mut change = before.clone().into_active_model();
        change.role = Set(role);
        let after = change.update(tx.db()).await?;
        for session in tx.outdate_sessions(user).await? {
            tx.end_access(session.uuid());
        }
        let roles = (json!({"role": before.role}), json!({"role": role}));
        tx.audit(audit_event.changing(&roles.0, &roles.1));
        tx.commit().await?;
        listed(&after, person)
    }

    /// Removes a member, at once and everywhere: their sessions here end, and so do the tokens they made. An admin who
    /// removes themselves leaves.
    ///
    /// # Errors
    /// `not_found` for who is no member, `conflict` for the last admin.
    pub async fn remove_member(&self, user: UserId) -> Result<()> {
        let mut tx = self.begin().await?;
        let action = if user == self.user() { Action::MemberLeft } else { Action::MemberRemoved };
        tx.part_with(user, action).await?;
        tx.commit().await
    }
}

impl Person {
    /// Leaves the organization: ends all sessions in it, this one too.
    ///
    /// # Errors
    /// `conflict` for the last admin.
    pub async fn leave(&self) -> Result<()> {
        let mut tx = Tx::begin(&self.domain, self.organization(), self.actor()).await?;
        tx.part_with(self.user(), Action::MemberLeft).await?;
        tx.commit().await
    }
}

impl Tx {
    /// Refuses who was an admin when the request came and is none by now.
    pub(in crate::server::domain) async fn still_admin(&self, user: UserId) -> Result<()> {
        let row = self.scope().find_id::<membership::Entity>(user).one(self.db()).await?;
        match row {
            Some(row) if row.role == Role::Admin => Ok(()),
            _ => Err(Error::forbidden()),
        }
    }

    #[expect(clippy::disallowed_methods, reason = "people belong to no organization; their memberships are scoped")]
    async fn member(&self, user: UserId) -> Result<(membership::Model, user_account::Model)> {
        let row = self.scope().find_id::<membership::Entity>(user).one(self.db()).await?;
        let row = row.ok_or_else(Error::not_found)?;
        let person = user_account::Entity::find_by_id(user).one(self.db()).await?;
        Ok((row, person.ok_or_else(Error::not_found)?))
    }

    /// Refuses to go on when this is the only admin there is who may come in.
    async fn keep_an_admin(&self, row: &membership::Model, what_to_do: &str) -> Result<()> {
        if row.role != Role::Admin || has_other_admin(self.db(), self.scope(), row.user_id).await? {
            return Ok(());
        }
        Err(Error::new(Code::Conflict, format!("This is the only admin of the organization. {what_to_do}")))
    }

    async fn part_with(&mut self, user: UserId, action: Action) -> Result<()> {
        let (row, person) = self.member(user).await?;
        self.keep_an_admin(&row, "Make somebody else an admin first, then leave.").await?;
        let invitations = self.take_back(invitation::Column::InvitedBy.eq(user)).await?;
        let tokens = self.revoke_tokens_of(user).await?;
        let organization = self.organization().id;
        for session in delete_sessions(self.db(), user, Some(organization)).await? {
            self.end_access(session);
        }
        membership::Entity::delete_by_id((organization, user)).exec(self.db()).await?;
        let audit_event = AuditEvent::new(action).on("user", user, &person.name);
        self.audit(audit_event.ending("tokens_revoked", tokens).ending("invitations_revoked", invitations));
        Ok(())
    }
}

/// Whether an organization has an admin besides this person who is not shut out.
#[expect(clippy::disallowed_methods, reason = "people belong to no organization; their memberships are scoped")]
async fn has_other_admin(db: &impl ConnectionTrait, scope: Scope, user: UserId) -> Result<bool> {
    let others = scope.find::<membership::Entity>().filter(membership::Column::Role.eq(Role::Admin));
    let others = others.filter(membership::Column::UserId.ne(user)).all(db).await?;
    let others = others.into_iter().map(|row| row.user_id);
    let open = user_account::Entity::find().filter(user_account::Column::Id.is_in(others));
    let open = open.filter(user_account::Column::DisabledAt.is_null()).one(db).await?;
    Ok(open.is_some())
}

/// The names of the organizations in which only this person is an admin who may come in.
#[expect(clippy::disallowed_methods, reason = "these are the organizations the person belongs to")]
pub(in crate::server::domain) async fn left_without_admin(
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

fn listed(row: &membership::Model, person: user_account::Model) -> Result<TeamMember> {
    Ok(TeamMember {
        id: person.id,
        email: person.email.parse()?,
        name: person.name,
        role: row.role,
        joined_at: row.created_at,
        last_seen_at: row.last_seen_at,
        has_two_factor: person.totp_since.is_some(),
    })
}
