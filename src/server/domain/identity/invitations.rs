//! Invitations: a link for one address, known to nobody but who was given it, that works once.

use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, QueryOrder, QuerySelect, Select, SqlErr, sea_query::SimpleExpr,
};

use super::{
    organization_switch::exchange,
    registration::{account, held, person_at},
    second_factor::{Spent, spend, wrong_code},
    secrets::{hash_of, new_secret},
    sessions::{NewSession, insert_session, make_room},
};
use crate::{
    model::{
        Account, Action, Code, Email, Error, Invitation, InvitationId, InvitationRequest, InvitationView, NewMember,
        OrganizationId, Result, Role, Timestamp, UserId,
        team::{INVITATION_DAYS, MEMBERS_MAX},
    },
    server::{
        auth::encryption::Seal,
        domain::{
            Admin, Caller, Credentials, Person, Site,
            audit::{self, Actor, AuditEvent},
            new_id,
            store::{Scope, invitation, membership, organization, user_account},
            tx::Tx,
        },
        error::internal,
    },
};

/// How many invitations an organization may mail in a day.
const MAILS_OF_ORGANIZATION: u64 = 100;
/// How many invitations an address is mailed in a day, whoever invites.
const MAILS_TO_ADDRESS: u64 = 3;
const DAY: i64 = 24 * 3600;

impl Admin {
    /// The invitations that stand, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn invitations(&self) -> Result<Vec<Invitation>> {
        let rows = standing(self.scope(), self.domain.clock().now()).order_by_desc(invitation::Column::Id);
        rows.all(self.db()).await?.into_iter().map(listed).collect()
    }

    /// Invites somebody; tells the secret of the link this once, and whether it may be mailed. An earlier invitation of
    /// the same address ends.
    ///
    /// # Errors
    /// `invalid` with the field at fault or when the team is full, `conflict` for who is a member already,
    /// `too_many_requests` where it is to be mailed and this organization has mailed enough today.
    pub async fn invite(&self, request: InvitationRequest, by_mail: bool) -> Result<(Invitation, String, bool)> {
        use invitation::Column;
        let (email, role) = request.check()?;
        let mut tx = self.begin().await?;
        if tx.has_member(&email).await? {
            return Err(Error::taken("email", format!("{email} is a member already.")));
        }
        let may_mail = by_mail && tx.may_mail(&email).await?;
        tx.take_back(Column::Email.eq(email.as_str())).await?;
        let members = tx.scope().find::<membership::Entity>().count(tx.db()).await?;
        let invited = standing(tx.scope(), tx.now()).count(tx.db()).await?;
        if members + invited >= MEMBERS_MAX {
            let why = format!(
                "An organization can have at most {MEMBERS_MAX} members and invitations. Revoke an invitation or \
                 remove somebody first."
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
        Ok((listed(row)?, secret, may_mail))
    }

    /// Takes an invitation back: its link opens nothing any more.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id that stands.
    pub async fn revoke_invitation(&self, id: InvitationId) -> Result<()> {
        let mut tx = self.begin().await?;
        let row = standing(tx.scope(), tx.now()).filter(invitation::Column::Id.eq(id));
        let row = row.one(tx.db()).await?.ok_or_else(Error::not_found)?;
        tx.audit(AuditEvent::new(Action::InvitationRevoked).on("invitation", row.id, &row.email));
        let mut change = row.into_active_model();
        change.revoked_at = Set(Some(tx.now()));
        change.update(tx.db()).await?;
        tx.commit().await
    }
}

impl Site {
    /// What the holder of a link may know of its invitation.
    ///
    /// # Errors
    /// `not_found`, alike for a link that is unknown, expired, revoked or used.
    pub async fn invitation(&self, secret: &str) -> Result<InvitationView> {
        let (_, _, view) = self.offered(secret).await?;
        Ok(view)
    }

    /// The invitation with what a password for it must not be made of.
    ///
    /// # Errors
    /// As [`Site::invitation`].
    pub async fn invitation_with_slug(&self, secret: &str) -> Result<(InvitationView, String)> {
        let (_, organization, view) = self.offered(secret).await?;
        Ok((view, organization.slug))
    }

    /// Makes somebody new a member and begins their session.
    ///
    /// # Errors
    /// As [`Site::invitation`]; `conflict` when there is an account with this address.
    pub async fn join_as_new(
        &self,
        secret: &str,
        new: &NewMember,
        password_hash: String,
        caller: &Caller,
    ) -> Result<NewSession> {
        let (row, _, _) = self.offered(secret).await?;
        let user = UserId::from_uuid(new_id());
        let mut tx = Tx::begin(&self.domain, row.org_id, Actor::person(user, &new.name, caller)).await?;
        let row = tx.offer(row.id).await?;
        let person = user_account::Model {
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
        user_account::Entity::insert(person.into_active_model().reset_all())
            .exec_without_returning(tx.db())
            .await
            .map_err(|error| match error.sql_err() {
                Some(SqlErr::UniqueConstraintViolation(_)) => has_account(),
                _ => internal(error),
            })?;
        let account = tx.welcome(row, user).await?;
        let session = insert_session(tx.db(), account, tx.now(), tx.now(), caller, true).await?;
        tx.commit().await?;
        Ok(session)
    }

    /// Makes somebody who has just given their password a member, and begins a session. Where they have a second factor,
    /// it takes this code of it.
    ///
    /// # Errors
    /// As [`Site::invitation`]; `invalid` for a wrong code, `unauthorized` for who is shut out or has another password by
    /// now.
    pub async fn join(
        &self,
        secret: &str,
        known: &Credentials,
        caller: &Caller,
        (seal, code): (&Seal, &str),
    ) -> Result<NewSession> {
        let (row, _, _) = self.offered(secret).await?;
        let actor = Actor::person(known.user, &known.name, caller);
        let mut tx = Tx::begin(&self.domain, row.org_id, actor.clone()).await?;
        let row = tx.offer(row.id).await?;
        let person = held(tx.db(), known.user).await?.filter(|person| person.disabled_at.is_none());
        let is_same =
            |person: &user_account::Model| person.email == row.email && person.password_hash == known.password_hash;
        let person = person.filter(is_same).ok_or_else(Error::unauthorized)?;
        if person.totp_since.is_some() {
            let spent = spend(tx.db(), seal, &person, code, tx.now()).await?.ok_or_else(wrong_code)?;
            if spent == Spent::RecoveryCode {
                // Besides the entry of the change, that they have joined.
                audit::write(tx.db(), row.org_id, tx.now(), &actor, AuditEvent::new(Action::RecoveryCodeUsed)).await?;
            }
        }
        let account = tx.welcome(row, known.user).await?;
        for ended in make_room(tx.db(), known.user).await? {
            tx.end_access(ended);
        }
        let session = insert_session(tx.db(), account, tx.now(), tx.now(), caller, true).await?;
        tx.commit().await?;
        Ok(session)
    }

    #[expect(clippy::disallowed_methods, reason = "the link says which organization it leads to")]
    async fn offered(&self, secret: &str) -> Result<(invitation::Model, organization::Model, InvitationView)> {
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let found = invitation::Entity::find().filter(invitation::Column::TokenHash.eq(hash_of(secret)));
        let row = found.one(db).await?.ok_or_else(gone)?;
        if !stands(db, &row, now).await? {
            return Err(gone());
        }
        let organization = organization::Entity::find_by_id(row.org_id).one(db).await?;
        let organization = organization.ok_or_else(gone)?;
        let email: Email = row.email.parse()?;
        let has_account = person_at(db, &row.email).await?.is_some();
        let view = InvitationView { organization: organization.name.clone(), email, role: row.role, has_account };
        Ok((row, organization, view))
    }
}

impl Person {
    /// Accepts an invitation of this person's address, and goes on in its organization in a new session in place of this
    /// one.
    ///
    /// # Errors
    /// As [`Site::invitation`]; `conflict` when it is for another address or they are a member already.
    pub async fn accept(&self, secret: &str) -> Result<NewSession> {
        let (row, _, view) = Site::new(self.domain.clone()).offered(secret).await?;
        if view.email != self.account().user.email {
            let why = format!("This invitation is for {}. Log out first, then open its link again.", view.email);
            return Err(Error::new(Code::Conflict, why));
        }
        let mut tx = Tx::begin(&self.domain, row.org_id, self.actor()).await?;
        let row = tx.offer(row.id).await?;
        // Before the membership, whose foreign key would hold the person less firmly.
        held(tx.db(), self.user()).await?;
        let account = tx.welcome(row, self.user()).await?;
        let session = exchange(tx.db(), self.session(), account, tx.now(), self.caller()).await?;
        tx.end_access(self.session().uuid());
        tx.commit().await?;
        Ok(session)
    }
}

impl Tx {
    /// Revokes those of the standing invitations that fit, and gives whom they were for. Each by its id: a search that
    /// changes what it finds would hold what lies beside it in MySQL, and so the invitations of others.
    pub(in crate::server::domain) async fn take_back(&self, which: SimpleExpr) -> Result<Vec<String>> {
        let rows = standing(self.scope(), self.now()).filter(which).all(self.db()).await?;
        let whom = rows.iter().map(|row| row.email.clone()).collect();
        for row in rows {
            let mut change = row.into_active_model();
            change.revoked_at = Set(Some(self.now()));
            change.update(self.db()).await?;
        }
        Ok(whom)
    }

    /// Whether this address may be mailed: it is spared after some a day, whoever invites. Then the link has to be given
    /// by hand; to refuse would let one organization keep another from inviting, and tell of it.
    ///
    /// # Errors
    /// `too_many_requests` when this organization has mailed enough in a day: whoever registers could else have us write
    /// to anybody, as often as they like.
    #[expect(clippy::disallowed_methods, reason = "an address is spared whichever organizations invite it")]
    async fn may_mail(&self, email: &Email) -> Result<bool> {
        let day = invitation::Column::CreatedAt.gt(self.now().plus_seconds(-DAY));
        let ours = self.scope().find::<invitation::Entity>().filter(day.clone());
        let ours = ours.order_by_desc(invitation::Column::CreatedAt).offset(MAILS_OF_ORGANIZATION - 1).limit(1);
        if let Some(row) = ours.one(self.db()).await? {
            let millis = row.created_at.plus_seconds(DAY).millis() - self.now().millis();
            let seconds = u32::try_from((millis + 999) / 1000).unwrap_or(1).max(1);
            let message = format!(
                "Your organization has mailed as many invitations as it may in a day: {MAILS_OF_ORGANIZATION}. Try \
                 again in {} h.",
                seconds.div_ceil(3600)
            );
            return Err(Error { message, ..Error::too_many_requests(seconds) });
        }
        let theirs = invitation::Entity::find().filter(invitation::Column::Email.eq(email.as_str())).filter(day);
        Ok(theirs.count(self.db()).await? < MAILS_TO_ADDRESS)
    }

    async fn has_member(&self, email: &Email) -> Result<bool> {
        let Some(person) = person_at(self.db(), email.as_str()).await? else { return Ok(false) };
        let row = self.scope().find_id::<membership::Entity>(person.id).one(self.db()).await?;
        Ok(row.is_some())
    }

    /// The invitation, if it still stands now that nobody else can change it.
    async fn offer(&self, id: InvitationId) -> Result<invitation::Model> {
        let row = self.scope().find_id::<invitation::Entity>(id).one(self.db()).await?;
        let row = row.ok_or_else(gone)?;
        if stands(self.db(), &row, self.now()).await? { Ok(row) } else { Err(gone()) }
    }

    /// Makes the person a member, as the invitation says, and uses it up.
    async fn welcome(&mut self, row: invitation::Model, user: UserId) -> Result<Account> {
        let known = self.scope().find_id::<membership::Entity>(user).one(self.db()).await?;
        if known.is_some() {
            return Err(Error::new(Code::Conflict, "You are a member of this organization already."));
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
        account(self.db(), user, organization).await?.ok_or_else(Error::unauthorized)
    }
}

/// The invitations that have been neither accepted nor revoked and have not run out.
fn standing(scope: Scope, now: Timestamp) -> Select<invitation::Entity> {
    use invitation::Column;
    let open = scope.find::<invitation::Entity>().filter(Column::AcceptedAt.is_null());
    open.filter(Column::RevokedAt.is_null()).filter(Column::ExpiresAt.gt(now))
}

/// Whether an invitation can be accepted: who offered it may still do so.
async fn stands(db: &impl ConnectionTrait, row: &invitation::Model, now: Timestamp) -> Result<bool> {
    let is_open = row.accepted_at.is_none() && row.revoked_at.is_none() && row.expires_at > now;
    Ok(is_open && is_admin(db, row.invited_by, row.org_id).await?)
}

async fn is_admin(db: &impl ConnectionTrait, user: UserId, organization: OrganizationId) -> Result<bool> {
    let inviter = account(db, user, organization).await?;
    Ok(inviter.is_some_and(|inviter| inviter.user.role == Role::Admin))
}

fn gone() -> Error {
    let why = "This invitation cannot be used: it may have run out, been used already or been taken back. Ask who \
               invited you for a new one.";
    Error { message: why.into(), ..Error::not_found() }
}

fn has_account() -> Error {
    Error::new(Code::Conflict, "There is an account with this address by now. Open the link of the invitation again.")
}

fn listed(row: invitation::Model) -> Result<Invitation> {
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
