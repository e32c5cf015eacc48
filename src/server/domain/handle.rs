//! Handles: what one may do is what the handle at hand has methods for.
//!
//! Constructors are visible in `server` only, and there `auth` alone calls them, after it has looked.

use std::ops::Deref;

use sea_orm::ConnectionTrait;

use super::{Domain, store::Scope, tx::Tx};
use crate::model::{Account, OrganizationId, Result, SessionId, UserId};

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

/// Somebody signed in to one organization: sees what its members see.
#[derive(Clone)]
pub struct Viewer {
    pub(super) domain: Domain,
    account: Account,
    session: SessionId,
}

impl Viewer {
    pub(in crate::server) const fn new(domain: Domain, account: Account, session: SessionId) -> Self {
        Self { domain, account, session }
    }

    /// Who is signed in, and where.
    #[must_use]
    pub fn account(&self) -> Account {
        self.account.clone()
    }

    /// The session this handle came from.
    #[must_use]
    pub const fn session(&self) -> SessionId {
        self.session
    }

    pub(super) const fn user(&self) -> UserId {
        self.account.user.id
    }

    pub(super) const fn organization(&self) -> OrganizationId {
        self.account.organization.id
    }

    pub(super) const fn scope(&self) -> Scope {
        Scope::of(self.organization())
    }

    pub(super) fn db(&self) -> &impl ConnectionTrait {
        self.domain.db()
    }
}

/// A member: also changes services and their status.
#[derive(Clone)]
pub struct Member(Viewer);

impl Member {
    pub(in crate::server) const fn new(viewer: Viewer) -> Self {
        Self(viewer)
    }

    /// Begins a change of this organization.
    pub(super) async fn begin(&self) -> Result<Tx> {
        Tx::begin(&self.domain, self.organization()).await
    }
}

impl Deref for Member {
    type Target = Viewer;

    fn deref(&self) -> &Viewer {
        &self.0
    }
}

/// An admin: also changes the organization itself.
#[derive(Clone)]
pub struct Admin(Member);

impl Admin {
    pub(in crate::server) const fn new(member: Member) -> Self {
        Self(member)
    }
}

impl Deref for Admin {
    type Target = Member;

    fn deref(&self) -> &Member {
        &self.0
    }
}
