//! Invitations: a link for one email address that makes its holder a member, once. Only an admin may invite.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, SqlErr, sea_query::SimpleExpr,
};

use super::{
    login::Credentials,
    organization_switch::replace_session,
    people::{find_account, lock_user, user_by_email},
    second_factor::{CodeKind, use_code, wrong_code},
    secrets::{hash_of, new_secret},
    sessions::{NewSession, end_surplus_sessions, insert_session},
};
use crate::{
    model::{
        Account, Action, Code, Email, Error, Invitation, InvitationId, InvitationRequest, InvitationView, NewMember,
        OrganizationId, Result, Role, Timestamp, UserId,
        team::{INVITATION_DAYS, MEMBERS_MAX},
    },
    server::{
        domain::{
            Admin, Caller, Person, Site, System,
            audit::{self, Actor, AuditEvent},
            new_id,
            store::{Scope, invitation, membership, organization, user_account},
            tx::Tx,
        },
        encryption::Seal,
    },
};

/// The most invitations an organization may mail per day.
const MAILS_OF_ORGANIZATION: u64 = 100;
/// The most invitations mailed to an address per day, by all organizations together.
const MAILS_TO_ADDRESS: u64 = 3;
const DAY_SECONDS: i64 = 24 * 3600;
/// How long an invitation that has ended is kept, in seconds: 30 days.
const RETENTION_SECONDS: i64 = 30 * DAY_SECONDS;

impl Admin {
    /// The open invitations, newest first.
    pub async fn invitations(&self) -> Result<Vec<Invitation>> {
        let open = open_invitations(self.scope(), self.domain.clock().now()).order_by_desc(invitation::Column::Id);
        open.all(self.db()).await?.into_iter().map(invitation_of).collect()
    }

    /// Creates an invitation, which replaces an earlier one for the same address. Returns it with the secret of its
    /// link, and whether the link may be mailed.
    ///
    /// # Errors
    /// `invalid` with the field at fault or when the team is full, `conflict` for the address of a member,
    /// `too_many_requests` when it is to be mailed and the organization has reached its daily limit.
    pub async fn invite(&self, request: InvitationRequest, by_mail: bool) -> Result<(Invitation, String, bool)> {
        use invitation::Column;
        let (email, role) = request.check()?;
        let mut tx = self.begin().await?;
        if tx.has_member(&email).await? {
            return Err(Error::taken("email", format!("{email} is already a member.")));
        }
        let may_mail = by_mail && tx.may_mail(&email).await?;
        tx.revoke_invitations(Column::Email.eq(email.as_str())).await?;
        let members = tx.scope().find::<membership::Entity>().count(tx.db()).await?;
        let invited = open_invitations(tx.scope(), tx.now()).count(tx.db()).await?;
        if members + invited >= MEMBERS_MAX {
            let why = format!(
                "Your organization has reached its limit of {MEMBERS_MAX} members and invitations. Revoke an \
                 invitation or remove a member first."
            );
            return Err(Error::invalid(why));
        }
        let secret = new_secret();
        let row = invitation::Model {
            org_id: self.organization(),
            id: InvitationId::from_uuid(new_id()),
            email: email.to_string(),
            role,
            token_hash: hash_of(&secret),
            invited_by: self.user(),
            created_at: tx.now(),
            expires_at: tx.now().plus_seconds(INVITATION_DAYS * 86_400),
            accepted_at: None,
            accepted_by: None,
            revoked_at: None,
        };
        invitation::Entity::insert(row.clone().into_active_model().reset_all()).exec_without_returning(tx.db()).await?;
        tx.audit(AuditEvent::new(Action::MemberInvited).on("invitation", row.id, &row.email).setting("role", role));
        tx.commit().await?;
        Ok((invitation_of(row)?, secret, may_mail))
    }

    /// Revokes an invitation: its link stops working.
    ///
    /// # Errors
    /// `not_found` when this organization has no open one with this id.
    pub async fn revoke_invitation(&self, id: InvitationId) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = open_invitations(tx.scope(), tx.now())
            .filter(invitation::Column::Id.eq(id))
            .one(tx.db())
            .await?
            .ok_or_else(Error::not_found)?;
        tx.audit(AuditEvent::new(Action::InvitationRevoked).on("invitation", row.id, &row.email));
        let mut change = row.into_active_model();
        change.revoked_at = Set(Some(tx.now()));
        change.update(tx.db()).await?;
        tx.commit().await
    }
}

impl Site {
    /// The invitation of a link, as its holder may see it.
    ///
    /// # Errors
    /// The same `not_found` for a link that is unknown, expired, revoked or used.
    pub async fn invitation(&self, secret: &str) -> Result<InvitationView> {
        let (_, _, view) = self.open_invitation(secret).await?;
        Ok(view)
    }

    /// The invitation with the organization's page address, which the new password must not contain.
    ///
    /// # Errors
    /// As [`Site::invitation`].
    pub async fn invitation_with_slug(&self, secret: &str) -> Result<(InvitationView, String)> {
        let (_, organization, view) = self.open_invitation(secret).await?;
        Ok((view, organization.slug))
    }

    /// Accepts an invitation with a new account, and opens a session.
    ///
    /// # Errors
    /// As [`Site::invitation`]; `conflict` when an account with this address exists.
    pub async fn join_as_new(
        &self,
        secret: &str,
        new: &NewMember,
        password_hash: String,
        caller: &Caller,
    ) -> Result<NewSession> {
        let (row, _, _) = self.open_invitation(secret).await?;
        let user = UserId::from_uuid(new_id());
        let mut tx = Tx::begin(&self.domain, row.org_id, Actor::person(user, &new.name, caller)).await?;
        let row = tx.valid_invitation(row.id).await?;
        let new_user = user_account::Model {
            id: user,
            email: row.email.clone(),
            name: new.name.clone(),
            password_hash,
            created_at: tx.now(),
            disabled_at: None,
            totp_secret: String::new(),
            totp_since: None,
            totp_step: 0,
        };
        user_account::Entity::insert(new_user.into_active_model().reset_all())
            .exec_without_returning(tx.db())
            .await
            .map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => account_exists(),
                _ => error.into(),
            })?;
        let account = tx.accept_invitation(row, user).await?;
        let session = insert_session(tx.db(), account, tx.now(), tx.now(), caller, true).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Accepts an invitation for a user whose password has been verified, with a code of their second factor if they
    /// have one, and opens a session.
    ///
    /// # Errors
    /// As [`Site::invitation`]; `invalid` for a wrong code, `unauthorized` when the user is disabled or has changed
    /// their password in the meantime.
    pub async fn join(
        &self,
        secret: &str,
        known: &Credentials,
        caller: &Caller,
        (seal, code): (&Seal, &str),
    ) -> Result<NewSession> {
        let (row, _, _) = self.open_invitation(secret).await?;
        let actor = Actor::person(known.user, &known.name, caller);
        let mut tx = Tx::begin(&self.domain, row.org_id, actor.clone()).await?;
        let row = tx.valid_invitation(row.id).await?;
        let user = lock_user(tx.db(), known.user)
            .await?
            .filter(|user| user.disabled_at.is_none())
            .filter(|user| user.email == row.email && user.password_hash == known.password_hash)
            .ok_or_else(Error::unauthorized)?;
        if user.totp_since.is_some() {
            let kind = use_code(tx.db(), seal, &user, code, tx.now()).await?.ok_or_else(wrong_code)?;
            if kind == CodeKind::Recovery {
                // In addition to the audit event of the transaction, `MemberJoined`.
                audit::write(tx.db(), row.org_id, tx.now(), &actor, AuditEvent::new(Action::RecoveryCodeUsed)).await?;
            }
        }
        let account = tx.accept_invitation(row, known.user).await?;
        for ended in end_surplus_sessions(tx.db(), known.user).await? {
            tx.end_access(ended);
        }
        let session = insert_session(tx.db(), account, tx.now(), tx.now(), caller, true).await?;
        tx.commit().await?;
        Ok(session)
    }

    #[expect(clippy::disallowed_methods, reason = "the link says which organization it leads to")]
    async fn open_invitation(&self, secret: &str) -> Result<(invitation::Model, organization::Model, InvitationView)> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let row = invitation::Entity::find()
            .filter(invitation::Column::TokenHash.eq(hash_of(secret)))
            .one(db)
            .await?
            .ok_or_else(invalid_invitation)?;
        if !is_valid(db, &row, now).await? {
            return Err(invalid_invitation());
        }
        let organization =
            organization::Entity::find_by_id(row.org_id).one(db).await?.ok_or_else(invalid_invitation)?;
        let email: Email = row.email.parse()?;
        let has_account = user_by_email(db, &row.email).await?.is_some();
        let view = InvitationView { organization: organization.name.clone(), email, role: row.role, has_account };
        Ok((row, organization, view))
    }
}

impl Person {
    /// Accepts an invitation for the user's own address, and switches to its organization.
    ///
    /// # Errors
    /// As [`Site::invitation`]; `conflict` when it is for another address or the user is already a member.
    pub async fn accept(&self, secret: &str) -> Result<NewSession> {
        let (row, _, view) = Site::new(self.domain.clone()).open_invitation(secret).await?;
        if view.email != self.account().user.email {
            let why = format!("This invitation is for {}. Log out first, then open the link again.", view.email);
            return Err(Error::new(Code::Conflict, why));
        }
        let mut tx = Tx::begin(&self.domain, row.org_id, self.actor()).await?;
        let row = tx.valid_invitation(row.id).await?;
        // Before the membership, whose foreign key would take a weaker lock on the user.
        lock_user(tx.db(), self.user()).await?;
        let account = tx.accept_invitation(row, self.user()).await?;
        let session = replace_session(tx.db(), self.session(), account, tx.now(), self.caller()).await?;
        tx.end_access(self.session().uuid());
        tx.commit().await?;
        Ok(session)
    }
}

impl Tx {
    /// Revokes the open invitations that match, and returns their addresses. One by one: in MySQL an update by search
    /// would also lock neighbouring rows, which are other invitations.
    pub(in crate::server::domain) async fn revoke_invitations(&self, which: SimpleExpr) -> Result<Vec<String>> {
        let rows = open_invitations(self.scope(), self.now()).filter(which).all(self.db()).await?;
        let emails = rows.iter().map(|row| row.email.clone()).collect();
        for row in rows {
            let mut change = row.into_active_model();
            change.revoked_at = Set(Some(self.now()));
            change.update(self.db()).await?;
        }
        Ok(emails)
    }

    /// Whether the invitation may be mailed: not when the address has reached its daily limit. The link then has to be
    /// passed on by hand; an error would let one organization keep another from inviting, and reveal that it did.
    ///
    /// # Errors
    /// `too_many_requests` when the organization has reached its daily limit: anybody who registers could otherwise use
    /// us to send mail to strangers.
    #[expect(clippy::disallowed_methods, reason = "the limit per address counts all organizations")]
    async fn may_mail(&self, email: &Email) -> Result<bool> {
        let in_last_day = invitation::Column::CreatedAt.gt(self.now().plus_seconds(-DAY_SECONDS));
        let oldest_counted = self
            .scope()
            .find::<invitation::Entity>()
            .filter(in_last_day.clone())
            .order_by_desc(invitation::Column::CreatedAt)
            .offset(MAILS_OF_ORGANIZATION - 1)
            .limit(1)
            .one(self.db())
            .await?;
        if let Some(row) = oldest_counted {
            let millis = row.created_at.plus_seconds(DAY_SECONDS).millis() - self.now().millis();
            let seconds = u32::try_from((millis + 999) / 1000).unwrap_or(1).max(1);
            let message = format!(
                "Your organization has reached its limit of {MAILS_OF_ORGANIZATION} invitation emails per day. Try \
                 again in {} h.",
                seconds.div_ceil(3600)
            );
            return Err(Error { message, ..Error::too_many_requests(seconds) });
        }
        let mailed = invitation::Entity::find()
            .filter(invitation::Column::Email.eq(email.as_str()))
            .filter(in_last_day)
            .count(self.db())
            .await?;
        Ok(mailed < MAILS_TO_ADDRESS)
    }

    async fn has_member(&self, email: &Email) -> Result<bool> {
        let Some(user) = user_by_email(self.db(), email.as_str()).await? else { return Ok(false) };
        let row = self.scope().find_id::<membership::Entity>(user.id).one(self.db()).await?;
        Ok(row.is_some())
    }

    /// The invitation, if it is still valid under the lock of the organization.
    async fn valid_invitation(&self, id: InvitationId) -> Result<invitation::Model> {
        let row =
            self.scope().find_id::<invitation::Entity>(id).one(self.db()).await?.ok_or_else(invalid_invitation)?;
        if is_valid(self.db(), &row, self.now()).await? { Ok(row) } else { Err(invalid_invitation()) }
    }

    /// Makes the user a member with the invited role, and marks the invitation as accepted.
    async fn accept_invitation(&mut self, row: invitation::Model, user: UserId) -> Result<Account> {
        let known = self.scope().find_id::<membership::Entity>(user).one(self.db()).await?;
        if known.is_some() {
            return Err(Error::new(Code::Conflict, "You are already a member of this organization."));
        }
        let member = membership::Model {
            org_id: row.org_id,
            user_id: user,
            role: row.role,
            created_at: self.now(),
            last_seen_at: None,
        };
        membership::Entity::insert(member.into_active_model().reset_all()).exec_without_returning(self.db()).await?;
        self.audit(AuditEvent::new(Action::MemberJoined).on("user", user, &row.email).setting("role", row.role));
        let organization = row.org_id;
        let mut change = row.into_active_model();
        change.accepted_at = Set(Some(self.now()));
        change.accepted_by = Set(Some(user));
        change.update(self.db()).await?;
        find_account(self.db(), user, organization).await?.ok_or_else(Error::unauthorized)
    }
}

impl System {
    /// Deletes invitations that were accepted, were revoked or expired 30 days ago.
    pub async fn forget_old_invitations(&self) -> Result<u64> {
        use invitation::Column;
        let oldest = self.domain.database_now().await?.plus_seconds(-RETENTION_SECONDS);
        let ended = [Column::AcceptedAt, Column::RevokedAt, Column::ExpiresAt].map(|end| end.lt(oldest));
        let ended = ended.into_iter().fold(Condition::any(), Condition::add);
        self.domain.delete_in_batches::<invitation::Entity>(ended).await
    }
}

/// Invitations that have been neither accepted nor revoked and have not expired.
fn open_invitations(scope: Scope, now: Timestamp) -> Select<invitation::Entity> {
    use invitation::Column;
    scope
        .find::<invitation::Entity>()
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
}

/// Whether an invitation can be accepted: it is open, and the inviter still has the right to invite.
async fn is_valid(db: &impl ConnectionTrait, row: &invitation::Model, now: Timestamp) -> Result<bool> {
    let is_open = row.accepted_at.is_none() && row.revoked_at.is_none() && row.expires_at > now;
    Ok(is_open && is_admin(db, row.invited_by, row.org_id).await?)
}

async fn is_admin(db: &impl ConnectionTrait, user: UserId, organization: OrganizationId) -> Result<bool> {
    let inviter = find_account(db, user, organization).await?;
    Ok(inviter.is_some_and(|inviter| inviter.user.role == Role::Admin))
}

fn invalid_invitation() -> Error {
    let why = "This invitation has expired, been used or been revoked. Ask the person who invited you for a new one.";
    Error { message: why.into(), ..Error::not_found() }
}

fn account_exists() -> Error {
    Error::new(Code::Conflict, "An account with this address already exists. Open the invitation link again.")
}

fn invitation_of(row: invitation::Model) -> Result<Invitation> {
    Ok(Invitation {
        id: row.id,
        email: row.email.parse()?,
        role: row.role,
        invited_by: row.invited_by,
        created_at: row.created_at,
        expires_at: row.expires_at,
        link: None,
        is_mailed: None,
    })
}
