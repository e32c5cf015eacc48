//! Handles: what one may do is what the handle at hand has methods for.
//!
//! Constructors are visible in `server` only, and there `auth` alone calls them, after it has looked.

use std::ops::Deref;

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{
    Caller, Domain,
    audit::Actor,
    identity::sessions::{Credential, Principal},
    store::Scope,
    tx::Tx,
};
use crate::model::{Account, OrganizationId, Result, Role, SessionId, Timestamp, TokenScope, UserId};

/// How long a password that was given counts for what is sensitive.
const SURE_SECONDS: i64 = 15 * 60;

/// Somebody who is nobody yet: may register, sign in, and visit public pages.
#[derive(Clone)]
pub struct Site {
    pub(super) domain: Domain,
}

impl Site {
    pub(super) const fn new(domain: Domain) -> Self {
        Self { domain }
    }
}

/// The server's own jobs.
#[derive(Clone)]
pub struct System {
    pub(super) domain: Domain,
}

impl System {
    pub(super) const fn new(domain: Domain) -> Self {
        Self { domain }
    }
}

/// Somebody at one organization's public page: sees what is published.
#[derive(Clone)]
pub struct Visitor {
    pub(super) domain: Domain,
    pub(super) organization: OrganizationId,
}

impl Visitor {
    pub(super) const fn new(domain: Domain, organization: OrganizationId) -> Self {
        Self { domain, organization }
    }

    pub(super) const fn scope(&self) -> Scope {
        Scope::of(self.organization)
    }
}

/// Somebody signed in to one organization, or a program with a token of it: sees what its members see.
#[derive(Clone)]
pub struct Viewer {
    pub(super) domain: Domain,
    seat: Principal,
    caller: Caller,
}

impl Viewer {
    pub(in crate::server) const fn new(domain: Domain, seat: Principal, caller: Caller) -> Self {
        Self { domain, seat, caller }
    }

    /// Who is signed in, and where. For a program: who made its token, as a member.
    #[must_use]
    pub fn account(&self) -> Account {
        self.seat.account.clone()
    }

    /// By what the requests are counted: a person's in all their sessions together, a program's by its token.
    #[must_use]
    pub fn counted_by(&self) -> Uuid {
        match self.seat.key {
            Credential::Session { .. } => self.user().uuid(),
            Credential::Token { id, .. } => id.uuid(),
        }
    }

    /// What opened the door.
    pub(super) const fn key(&self) -> &Credential {
        &self.seat.key
    }

    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) const fn user(&self) -> UserId {
        self.seat.account.user.id
    }

    pub(super) const fn role(&self) -> Role {
        self.seat.account.user.role
    }

    pub(super) const fn organization(&self) -> OrganizationId {
        self.seat.account.organization.id
    }

    pub(super) const fn scope(&self) -> Scope {
        Scope::of(self.organization())
    }

    pub(super) fn db(&self) -> &impl ConnectionTrait {
        self.domain.db()
    }

    /// Who acts, for the audit log.
    pub(super) fn actor(&self) -> Actor {
        match &self.seat.key {
            Credential::Session { .. } => Actor::person(self.user(), &self.seat.account.user.name, &self.caller),
            Credential::Token { name, .. } => Actor::token(self.user(), name, &self.caller),
        }
    }
}

/// A member: also changes services and their status.
#[derive(Clone)]
pub struct Member(Viewer);

impl Member {
    /// The handle, for whom it is for: a member, or a program that may write.
    pub(in crate::server) fn of(viewer: Viewer) -> Option<Self> {
        let may_write = match viewer.key() {
            Credential::Session { .. } => matches!(viewer.role(), Role::Member | Role::Admin),
            Credential::Token { scope, .. } => *scope == TokenScope::Write,
        };
        may_write.then_some(Self(viewer))
    }

    /// Begins a change of this organization. What lets the caller in is looked at again: a body that comes in drops may
    /// take until after they were removed.
    pub(super) async fn begin(&self) -> Result<Tx> {
        let tx = Tx::begin(&self.domain, self.organization(), self.actor()).await?;
        tx.still_stands(self.key()).await?;
        Ok(tx)
    }
}

impl Deref for Member {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.0
    }
}

/// An admin: also changes the organization itself. Never a program: a token cannot make others or invite people.
#[derive(Clone)]
pub struct Admin(Member);

impl Admin {
    /// The handle, for whom it is for.
    pub(in crate::server) fn of(member: Member) -> Option<Self> {
        let is_admin = matches!(member.key(), Credential::Session { .. }) && member.role() == Role::Admin;
        is_admin.then_some(Self(member))
    }

    /// Begins a change that an admin may make; whoever is none by now may not.
    pub(super) async fn begin(&self) -> Result<Tx> {
        let tx = self.0.begin().await?;
        tx.still_admin(self.user()).await?;
        Ok(tx)
    }
}

impl Deref for Admin {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

/// A person in a session of theirs: also changes their own account. Never a program.
#[derive(Clone)]
pub struct Person {
    viewer: Viewer,
    session: SessionId,
    authenticated_at: Timestamp,
}

impl Person {
    /// The handle, for whom it is for.
    pub(in crate::server) fn of(viewer: Viewer) -> Option<Self> {
        match *viewer.key() {
            Credential::Session { id, authenticated_at } => Some(Self { viewer, session: id, authenticated_at }),
            Credential::Token { .. } => None,
        }
    }

    /// The session this handle came from.
    pub(super) const fn session(&self) -> SessionId {
        self.session
    }
}

/// A person who gave their password a short while ago: also changes what protects their account.
#[derive(Clone)]
pub struct Reauthenticated(Person);

impl Reauthenticated {
    /// The handle, for whom it is for.
    pub(in crate::server) fn of(person: Person) -> Option<Self> {
        let is_recent = person.authenticated_at.plus_seconds(SURE_SECONDS) > person.domain.clock().now();
        is_recent.then_some(Self(person))
    }
}

impl Deref for Reauthenticated {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.0
    }
}

/// An admin who gave their password a short while ago: also makes and revokes what lets others in.
#[derive(Clone)]
pub struct ReauthenticatedAdmin(Admin);

impl ReauthenticatedAdmin {
    /// The handle, for whom it is for: both handles must come from the same request.
    pub(in crate::server) fn of(admin: Admin, sure: &Reauthenticated) -> Option<Self> {
        (admin.user() == sure.user() && admin.organization() == sure.organization()).then_some(Self(admin))
    }
}

impl Deref for ReauthenticatedAdmin {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.0
    }
}

impl Deref for Person {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.viewer
    }
}
