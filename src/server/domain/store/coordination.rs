//! Rows that coordinate members, requests and instances: presence, idempotency keys and job leases.

/// A member viewing an incident.
pub mod presence {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{IncidentId, OrganizationId, Timestamp, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "presence")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: IncidentId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        pub seen_at: Timestamp,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::IncidentId;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The idempotency key of a request that was carried out.
pub mod idempotency_key {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{OrganizationId, Timestamp},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency_key")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub idempotency_key: String,
        pub operation: String,
        /// A digest of the request.
        pub fingerprint: String,
        /// The object it created.
        pub object_id: Uuid,
        pub created_at: Timestamp,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::IdempotencyKey;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The lease of a job: the instance that runs it, and the expiry.
pub mod job_lease {
    use sea_orm::entity::prelude::*;

    use crate::model::Timestamp;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "job_lease")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub holder: Uuid,
        pub until: Timestamp,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
