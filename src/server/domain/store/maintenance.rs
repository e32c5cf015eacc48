//! Rows of maintenance series and incident templates.

/// A series of maintenance windows (domain rule 3.6.9).
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
        /// The services and their statuses, as JSON.
        #[sea_orm(column_type = "Text")]
        pub services: String,
        /// The automations of each window, as JSON.
        #[sea_orm(column_type = "Text")]
        pub automations: String,
        /// Whether its windows are created as drafts.
        pub is_draft: bool,
        pub rule: String,
        pub first_start: Timestamp,
        pub seconds: i64,
        pub time_zone: String,
        pub created_by: Option<UserId>,
        pub created_at: Timestamp,
        pub ended_at: Option<Timestamp>,
        /// The start of the last window created.
        pub last_start: Option<Timestamp>,
        /// When to create more windows.
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

/// A template for new incidents.
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
        /// The services and their statuses, as JSON.
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
