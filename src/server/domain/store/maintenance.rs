//! Rows of plans: series and templates; and what several requests and instances agree by.

/// Windows that come back (domain rule 3.6.9).
pub mod maintenance_series {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{OrganizationId, SeriesId, Timestamp, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "maintenance_series")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SeriesId,
        pub title: String,
        #[sea_orm(column_type = "Text")]
        pub message: String,
        /// The services and what is said of them, as JSON.
        #[sea_orm(column_type = "Text")]
        pub services: String,
        /// What the clock does for each window, as JSON.
        #[sea_orm(column_type = "Text")]
        pub automations: String,
        /// Whether its windows are made as drafts.
        pub is_draft: bool,
        pub rule: String,
        pub first_start: Timestamp,
        pub seconds: i64,
        pub time_zone: String,
        pub created_by: Option<UserId>,
        pub created_at: Timestamp,
        pub ended_at: Option<Timestamp>,
        /// The last window made.
        pub last_start: Option<Timestamp>,
        /// When to look for more.
        pub next_at: Option<Timestamp>,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A text to open incidents with.
pub mod incident_template {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{IncidentStatus, OrganizationId, TemplateId, Timestamp},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_template")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TemplateId,
        pub name: String,
        pub title: String,
        #[sea_orm(column_type = "Text")]
        pub message: String,
        pub status: IncidentStatus,
        /// The services and what is said of them, as JSON.
        #[sea_orm(column_type = "Text")]
        pub services: String,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        pub version: i64,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Somebody who looks at an incident.
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

/// A request that was obeyed, should it come again.
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
        /// A digest of what was asked.
        pub fingerprint: String,
        /// What it made.
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

/// Which instance does a job, and until when.
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
