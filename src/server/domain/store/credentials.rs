//! Rows of invitations, API tokens, password resets and recovery codes.

/// An invitation.
pub mod invitation {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{InvitationId, OrganizationId, Role, Timestamp, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invitation")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: InvitationId,
        /// The invited address, in lower case.
        pub email: String,
        pub role: Role,
        pub token_hash: String,
        pub invited_by: UserId,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
        pub accepted_at: Option<Timestamp>,
        pub accepted_by: Option<UserId>,
        pub revoked_at: Option<Timestamp>,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An API token.
pub mod api_token {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{OrganizationId, Timestamp, TokenId, TokenScope, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "api_token")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: TokenId,
        pub name: String,
        /// The first characters of the secret.
        pub hint: String,
        pub secret_hash: String,
        pub scope: TokenScope,
        pub created_by: UserId,
        pub created_at: Timestamp,
        pub expires_at: Option<Timestamp>,
        pub last_used_at: Option<Timestamp>,
        pub revoked_at: Option<Timestamp>,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::Id;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        /// The membership that it acts by.
        #[sea_orm(
            belongs_to = "crate::server::domain::store::membership::Entity",
            from = "(Column::OrgId, Column::CreatedBy)",
            to = "(crate::server::domain::store::membership::Column::OrgId, crate::server::domain::store::membership::Column::UserId)"
        )]
        Membership,
    }

    impl Related<crate::server::domain::store::membership::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Membership.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A password reset link.
pub mod password_reset {
    use sea_orm::entity::prelude::*;

    use crate::model::{Timestamp, UserId};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "password_reset")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: String,
        pub user_id: UserId,
        pub created_at: Timestamp,
        pub expires_at: Timestamp,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// An unused recovery code.
pub mod recovery_code {
    use sea_orm::entity::prelude::*;

    use crate::model::UserId;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "recovery_code")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub code_hash: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
