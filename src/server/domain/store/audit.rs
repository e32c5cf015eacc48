//! Rows of the audit log.

/// An audit event. Append-only; deleted by age.
pub mod audit_entry {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{Action, ActorKind, AuditId, OrganizationId, Timestamp, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_entry")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: AuditId,
        pub created_at: Timestamp,
        pub actor_kind: ActorKind,
        pub actor_id: Option<UserId>,
        pub actor_name: String,
        pub action: Action,
        /// Empty without a target.
        pub target_kind: String,
        pub target_id: String,
        pub target_name: String,
        /// `AuditChanges` as JSON.
        #[sea_orm(column_type = "Text")]
        pub changes: String,
        pub ip: String,
        pub request_id: String,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
