//! Rows of live events, from which returning clients are caught up, and the epoch of their numbers.

/// A numbered event of one organization for one audience, as the frame that is sent.
pub mod event {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{Audience, IncidentId, OrganizationId, Timestamp},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "event")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub audience: Audience,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub created_at: Timestamp,
        /// The version of the frame's form; 0 from a server that knew only one.
        pub shape: i64,
        /// The length of the frame.
        pub bytes: i64,
        /// The incident whose text the frame has.
        pub incident_id: Option<IncidentId>,
        /// Empty if clients must reload the state instead.
        #[sea_orm(column_type = "Text")]
        pub frame: String,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Seq;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The one row with the epoch of the event numbers.
pub mod event_epoch {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "event_epoch")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        /// At most 53 bits, which every JSON reader keeps exactly.
        pub epoch: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
