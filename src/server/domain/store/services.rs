//! Rows of services, service groups and status changes.

/// A service.
pub mod service {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{GroupId, OrganizationId, Service, ServiceId, ServiceStatus, Timestamp},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "service")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ServiceId,
        pub group_id: Option<GroupId>,
        pub name: String,
        pub description: String,
        /// The status that was set (domain rule 3.1.2).
        pub baseline: ServiceStatus,
        /// The effective status, derived from the layers.
        pub status: ServiceStatus,
        pub status_since: Timestamp,
        pub position: i64,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        pub deleted_at: Option<Timestamp>,
        pub version: i64,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    impl From<Model> for Service {
        fn from(row: Model) -> Self {
            Self {
                id: row.id,
                name: row.name,
                description: row.description,
                status: row.status,
                baseline: Some(row.baseline),
                status_since: row.status_since,
                group_id: row.group_id,
                position: i32::try_from(row.position).unwrap_or(i32::MAX),
                organization_id: row.org_id,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        /// Its group.
        #[sea_orm(
            belongs_to = "super::service_group::Entity",
            from = "(Column::OrgId, Column::GroupId)",
            to = "(super::service_group::Column::OrgId, super::service_group::Column::Id)"
        )]
        Group,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A group of services.
pub mod service_group {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{GroupId, OrganizationId, ServiceGroup, Timestamp},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "service_group")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: GroupId,
        pub name: String,
        pub position: i64,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        pub version: i64,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    impl From<Model> for ServiceGroup {
        fn from(row: Model) -> Self {
            Self {
                id: row.id,
                name: row.name,
                position: i32::try_from(row.position).unwrap_or(i32::MAX),
                organization_id: row.org_id,
                created_at: row.created_at,
                updated_at: row.updated_at,
                version: row.version,
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A change of an effective status. Append-only.
pub mod status_change {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{Cause, OrganizationId, ServiceId, ServiceStatus, StatusChange, StatusChangeId, Timestamp, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "status_change")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: StatusChangeId,
        pub service_id: ServiceId,
        pub old_status: ServiceStatus,
        pub new_status: ServiceStatus,
        pub cause: Cause,
        pub changed_by: Option<UserId>,
        pub created_at: Timestamp,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    impl From<Model> for StatusChange {
        fn from(row: Model) -> Self {
            Self {
                id: row.id,
                service_id: row.service_id,
                old_status: row.old_status,
                new_status: row.new_status,
                cause: row.cause,
                changed_by: row.changed_by,
                created_at: row.created_at,
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
