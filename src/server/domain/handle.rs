//! Handles: authorization as values. A handle is a permission, and its methods are the operations it permits.
//!
//! Their constructors are visible in `server` only; `auth` calls them after authenticating the request.

use std::ops::Deref;

use sea_orm::{ConnectionTrait, Statement};
use uuid::Uuid;

use super::{
    Domain,
    audit::Actor,
    principal::{Caller, Credential, Principal},
    store::Scope,
    tx::{Rows, Tx},
};
use crate::model::{Account, Error, OrganizationId, Result, Role, SessionId, Timestamp, TokenScope, UserId};

/// Re-authentication is valid for 15 minutes.
const REAUTHENTICATED_SECONDS: i64 = 15 * 60;

impl Domain {
    /// The handle for anonymous callers.
    pub(in crate::server) fn site(&self) -> Site {
        Site::new(self.clone())
    }

    /// The handle for jobs and commands.
    pub(in crate::server) fn system(&self) -> System {
        System { domain: self.clone() }
    }
}

/// An anonymous caller: may register, log in and visit public pages.
#[derive(Clone)]
pub struct Site {
    pub(super) domain: Domain,
}

impl Site {
    pub(super) const fn new(domain: Domain) -> Self {
        Self { domain }
    }
}

/// The server itself: jobs and commands.
#[derive(Clone)]
pub struct System {
    pub(super) domain: Domain,
}

/// A visitor of one organization's public page: may read what is published.
#[derive(Clone)]
pub struct Visitor {
    pub(super) domain: Domain,
    pub(super) organization: OrganizationId,
}

impl Visitor {
    pub(super) const fn new(domain: Domain, organization: OrganizationId) -> Self {
        Self { domain, organization }
    }

    /// The organization whose page it is.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    pub(super) const fn scope(&self) -> Scope {
        Scope::of(self.organization)
    }
}

/// A user signed in to one organization, or a program with one of its API tokens: may read what members see.
#[derive(Clone)]
pub struct Viewer {
    pub(super) domain: Domain,
    principal: Principal,
    caller: Caller,
}

impl Viewer {
    pub(in crate::server) const fn new(domain: Domain, principal: Principal, caller: Caller) -> Self {
        Self { domain, principal, caller }
    }

    /// The user and the organization. For a program: the creator of its token, with the role of a member.
    #[must_use]
    pub fn account(&self) -> Account {
        self.principal.account.clone()
    }

    /// The id that request limits count by: the user for all their sessions together, or the API token.
    #[must_use]
    pub fn rate_limit_key(&self) -> Uuid {
        match self.principal.credential {
            Credential::Session { .. } => self.user().uuid(),
            Credential::Token { id, .. } => id.uuid(),
        }
    }

    /// The organization, if they may change its services and incidents.
    #[must_use]
    pub fn writes_in(&self) -> Option<OrganizationId> {
        let may_write = match self.credential() {
            Credential::Session { .. } => matches!(self.role(), Role::Member | Role::Admin),
            Credential::Token { scope, .. } => *scope == TokenScope::Write,
        };
        may_write.then(|| self.organization())
    }

    pub(super) const fn credential(&self) -> &Credential {
        &self.principal.credential
    }

    pub(super) const fn caller(&self) -> &Caller {
        &self.caller
    }

    pub(super) const fn user(&self) -> UserId {
        self.principal.account.user.id
    }

    pub(super) const fn role(&self) -> Role {
        self.principal.account.user.role
    }

    pub(super) const fn organization(&self) -> OrganizationId {
        self.principal.account.organization.id
    }

    pub(super) const fn scope(&self) -> Scope {
        Scope::of(self.organization())
    }

    pub(super) fn db(&self) -> &impl ConnectionTrait {
        self.domain.db()
    }

    /// The actor of audit events.
    pub(super) fn actor(&self) -> Actor {
        match self.credential() {
            Credential::Session { .. } => Actor::person(self.user(), &self.principal.account.user.name, &self.caller),
            Credential::Token { name, .. } => Actor::token(self.user(), name, &self.caller),
        }
    }
}

/// A viewer with write access: may also change services and incidents.
#[derive(Clone)]
pub struct Member(Viewer);

impl Member {
    /// The handle, if the viewer is a member or a program with write scope.
    pub(in crate::server) fn of(viewer: Viewer) -> Option<Self> {
        viewer.writes_in().is_some().then_some(Self(viewer))
    }

    /// Begins a transaction on this organization, after checking that the credential is still valid: a slow request
    /// body may have arrived after its revocation.
    pub(super) async fn begin(&self) -> Result<Tx> {
        Ok(self.begin_reading(Vec::new()).await?.0)
    }

    /// As [`Member::begin`], and returns the rows of these queries, which are read under the organization's lock: for
    /// changes that are made often, as SQLite's driver gets them with the others as one message.
    pub(super) async fn begin_reading(&self, queries: Vec<Statement>) -> Result<(Tx, Vec<Rows>)> {
        let backend = self.db().get_database_backend();
        let queries = [self.credential().row(self.scope(), backend)].into_iter().chain(queries).collect();
        let (tx, rows) = Tx::begin_reading(&self.domain, self.organization(), self.actor(), queries).await?;
        let mut rows = rows.into_iter();
        let is_valid = self.credential().is_valid(rows.next().unwrap_or_default().first(), tx.now())?;
        if is_valid { Ok((tx, rows.collect())) } else { Err(Error::unauthorized()) }
    }
}

impl Deref for Member {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.0
    }
}

/// An admin: may also change the organization itself. Never a program: API tokens cannot create others or invite
/// people.
#[derive(Clone)]
pub struct Admin(Member);

impl Admin {
    /// The handle, if the member is an admin in a session.
    pub(in crate::server) fn of(member: Member) -> Option<Self> {
        let is_admin = matches!(member.credential(), Credential::Session { .. }) && member.role() == Role::Admin;
        is_admin.then_some(Self(member))
    }

    /// As [`Member::begin`], after checking that the user is still an admin.
    pub(super) async fn begin(&self) -> Result<Tx> {
        let tx = self.0.begin().await?;
        tx.require_admin(self.user()).await?;
        Ok(tx)
    }
}

impl Deref for Admin {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}

/// A user in a session of theirs, never a program: may also change their own account.
#[derive(Clone)]
pub struct Person {
    viewer: Viewer,
    session: SessionId,
    authenticated_at: Timestamp,
}

impl Person {
    /// The handle, unless the viewer is a program.
    pub(in crate::server) fn of(viewer: Viewer) -> Option<Self> {
        match *viewer.credential() {
            Credential::Session { id, authenticated_at } => Some(Self { viewer, session: id, authenticated_at }),
            Credential::Token { .. } => None,
        }
    }

    /// The session of the request.
    pub(super) const fn session(&self) -> SessionId {
        self.session
    }
}

impl Deref for Person {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.viewer
    }
}

/// A user with recent re-authentication (the password given within 15 minutes): may also change what protects their
/// account.
#[derive(Clone)]
pub struct Reauthenticated(Person);

impl Reauthenticated {
    /// The handle, if the password was given recently.
    pub(in crate::server) fn of(person: Person) -> Option<Self> {
        let is_recent = person.authenticated_at.plus_seconds(REAUTHENTICATED_SECONDS) > person.domain.clock().now();
        is_recent.then_some(Self(person))
    }
}

impl Deref for Reauthenticated {
    type Target = Person;

    fn deref(&self) -> &Person {
        &self.0
    }
}

/// An admin with recent re-authentication: may also create and revoke API tokens.
#[derive(Clone)]
pub struct ReauthenticatedAdmin(Admin);

impl ReauthenticatedAdmin {
    /// The handle, if both handles come from the same request.
    pub(in crate::server) fn of(admin: Admin, person: &Reauthenticated) -> Option<Self> {
        (admin.user() == person.user() && admin.organization() == person.organization()).then_some(Self(admin))
    }
}

impl Deref for ReauthenticatedAdmin {
    type Target = Admin;

    fn deref(&self) -> &Admin {
        &self.0
    }
}
