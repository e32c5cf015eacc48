//! Tenant scope: restricts every query to one organization's rows.

use sea_orm::{ColumnTrait, DeleteMany, EntityTrait, QueryFilter, Select, UpdateMany, Value};

use crate::model::OrganizationId;

/// A tenant table: its rows belong to organizations.
pub trait Tenant: EntityTrait {
    /// The column of the organization's id.
    const ORG: Self::Column;
    /// The column that identifies a row within its organization.
    const ID: Self::Column;
}

/// The rows of one organization.
#[derive(Clone, Copy, Debug)]
pub struct Scope(OrganizationId);

impl Scope {
    /// The scope of this organization.
    pub const fn of(organization: OrganizationId) -> Self {
        Self(organization)
    }

    /// The organization.
    pub const fn organization(self) -> OrganizationId {
        self.0
    }

    /// Selects this organization's rows.
    #[expect(clippy::disallowed_methods, reason = "this adds the scope that the lint asks for")]
    pub fn find<E: Tenant>(self) -> Select<E> {
        E::find().filter(E::ORG.eq(self.0))
    }

    /// Selects one of this organization's rows by its id.
    pub fn find_id<E: Tenant>(self, id: impl Into<Value>) -> Select<E> {
        self.find::<E>().filter(E::ID.eq(id))
    }

    /// Updates this organization's rows.
    #[expect(clippy::disallowed_methods, reason = "this adds the scope that the lint asks for")]
    pub fn update<E: Tenant>(self) -> UpdateMany<E> {
        E::update_many().filter(E::ORG.eq(self.0))
    }

    /// Updates one of this organization's rows by its id.
    pub fn update_id<E: Tenant>(self, id: impl Into<Value>) -> UpdateMany<E> {
        self.update::<E>().filter(E::ID.eq(id))
    }
    /// Deletes this organization's rows.
    #[expect(clippy::disallowed_methods, reason = "this adds the scope that the lint asks for")]
    pub fn delete<E: Tenant>(self) -> DeleteMany<E> {
        E::delete_many().filter(E::ORG.eq(self.0))
    }
}
