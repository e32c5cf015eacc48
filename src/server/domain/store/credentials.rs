//! Rows of invitations, API tokens, the audit log, and of what proves a person besides the password.

/// Somebody asked to join.
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
        /// Whom it is for, in lower case.
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

/// A program's way in.
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
        /// How the secret begins.
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
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// What was done. Rows are only ever added, and deleted by age.
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
        /// Empty for what has no target.
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

/// A link for a new password that has been sent and not used.
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

/// A recovery code that has not been used.
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
