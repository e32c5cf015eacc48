//! One organization's slice of every table: the only place where rows of tenants are looked up.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select, UpdateMany, Value};

use crate::model::OrganizationId;

/// A table whose rows belong to organizations.
pub trait Tenant: EntityTrait {
    /// The column that says whose a row is.
    const ORG: Self::Column;
    /// The column that names a row inside its organization.
    const ID: Self::Column;
}

/// The rows of one organization.
#[derive(Clone, Copy, Debug)]
pub struct Scope(OrganizationId);

impl Scope {
    /// The rows of this organization.
    pub const fn of(organization: OrganizationId) -> Self {
        Self(organization)
    }

    /// Whose rows these are.
    pub const fn organization(self) -> OrganizationId {
        self.0
    }

    /// Looks among this organization's rows.
    #[expect(clippy::disallowed_methods, reason = "this is the scoped door the rule sends everybody through")]
    pub fn find<E: Tenant>(self) -> Select<E> {
        E::find().filter(E::ORG.eq(self.0))
    }

    /// Looks for one of this organization's rows by its id.
    pub fn find_id<E: Tenant>(self, id: impl Into<Value>) -> Select<E> {
        self.find::<E>().filter(E::ID.eq(id))
    }

    /// Changes this organization's rows.
    #[expect(clippy::disallowed_methods, reason = "this is the scoped door the rule sends everybody through")]
    pub fn update<E: Tenant>(self) -> UpdateMany<E> {
        E::update_many().filter(E::ORG.eq(self.0))
    }

    /// Changes one of this organization's rows.
    pub fn update_id<E: Tenant>(self, id: impl Into<Value>) -> UpdateMany<E> {
        self.update::<E>().filter(E::ID.eq(id))
    }
}
