//! Rows of incidents and maintenances, their services and their updates.

/// An incident or a maintenance.
pub mod incident {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{Impact, IncidentId, IncidentKind, IncidentStatus, OrganizationId, SeriesId, Timestamp, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident")]
    #[expect(clippy::struct_excessive_bools, reason = "a column each")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: IncidentId,
        pub kind: IncidentKind,
        pub title: String,
        /// The status of the newest update (domain rule 3.4.2).
        pub status: IncidentStatus,
        /// The worst impact ever reached (domain rule 3.3.3).
        pub reached: Impact,
        /// The impact a member chose instead.
        pub impact_override: Option<Impact>,
        pub is_draft: bool,
        pub started_at: Timestamp,
        pub monitoring_at: Option<Timestamp>,
        pub resolved_at: Option<Timestamp>,
        pub backfilled_at: Option<Timestamp>,
        pub created_at: Timestamp,
        pub created_by: Option<UserId>,
        pub updated_at: Timestamp,
        pub version: i64,
        pub scheduled_start: Option<Timestamp>,
        pub scheduled_end: Option<Timestamp>,
        /// When the current schedule was set.
        pub planned_at: Option<Timestamp>,
        pub is_reminded: bool,
        pub remind: bool,
        pub auto_start: bool,
        pub auto_end: bool,
        pub notify_start: bool,
        pub notify_end: bool,
        /// The time of the next scheduled action.
        pub next_at: Option<Timestamp>,
        pub series_id: Option<SeriesId>,
        /// The occurrence of its series.
        pub occurrence_at: Option<Timestamp>,
        #[sea_orm(column_type = "Text", nullable)]
        pub postmortem: Option<String>,
        #[sea_orm(column_type = "Text", nullable)]
        pub postmortem_html: Option<String>,
        pub postmortem_at: Option<Timestamp>,
        /// The size of title, services and postmortem in an answer, in bytes as `answers::budget` counts them.
        pub head_bytes: i64,
        /// The size of the whole incident with its updates.
        pub bytes: i64,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A service affected by an incident.
pub mod incident_service {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{IncidentId, OrganizationId, ServiceId, ServiceStatus},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_service")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub incident_id: IncidentId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub service_id: ServiceId,
        /// Its name, kept after the service is deleted (domain rule 3.4.9).
        pub name: String,
        /// The status the incident reports, or a planned maintenance will report.
        pub status: ServiceStatus,
        pub worst: ServiceStatus,
        pub position: i64,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::ServiceId;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A status an incident reported for a service, as an interval.
pub mod incident_impact {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{ImpactId, IncidentId, IncidentKind, OrganizationId, ServiceId, ServiceStatus, Timestamp},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_impact")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: ImpactId,
        pub incident_id: IncidentId,
        pub service_id: ServiceId,
        pub kind: IncidentKind,
        pub status: ServiceStatus,
        pub from_at: Timestamp,
        /// None while it is in force.
        pub to_at: Option<Timestamp>,
        /// Whether it was entered afterwards and corrects the uptime (domain rule 3.5).
        pub corrects_uptime: bool,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        /// The service affected.
        #[sea_orm(
            belongs_to = "crate::server::domain::store::service::Entity",
            from = "(Column::OrgId, Column::ServiceId)",
            to = "(crate::server::domain::store::service::Column::OrgId, crate::server::domain::store::service::Column::Id)"
        )]
        Service,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// An update of an incident.
pub mod incident_update {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{IncidentId, IncidentStatus, OrganizationId, Timestamp, UpdateId, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "incident_update")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: UpdateId,
        pub incident_id: IncidentId,
        pub status: IncidentStatus,
        #[sea_orm(column_type = "Text")]
        pub message: String,
        #[sea_orm(column_type = "Text")]
        pub html: String,
        pub render_version: i64,
        pub created_by: Option<UserId>,
        pub created_at: Timestamp,
        pub display_at: Timestamp,
        pub updated_at: Timestamp,
        pub notify: bool,
        /// Its changes to services, as JSON.
        #[sea_orm(column_type = "Text", nullable)]
        pub services: Option<String>,
        /// Its earlier versions, as JSON.
        #[sea_orm(column_type = "Text")]
        pub edits: String,
        /// Its size in an answer, in bytes as `answers::budget` counts them.
        pub bytes: i64,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
