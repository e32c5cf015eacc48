//! Rows of organizations, users, memberships and sessions.

/// An organization: a tenant.
pub mod organization {
    use sea_orm::entity::prelude::*;

    use crate::model::{OrganizationId, Timestamp};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "organization")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: OrganizationId,
        pub name: String,
        pub slug: String,
        /// The sequence number of the newest event visitors may see.
        pub public_seq: i64,
        /// The sequence number of the newest event members may see.
        pub members_seq: i64,
        pub created_at: Timestamp,
        /// The IANA name of its page's time zone.
        pub time_zone: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A user. `user` is a reserved word in PostgreSQL.
pub mod user_account {
    use sea_orm::entity::prelude::*;

    use crate::model::{Timestamp, UserId};

    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "user_account")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: UserId,
        pub email: String,
        pub name: String,
        pub password_hash: String,
        pub created_at: Timestamp,
        /// When the user was disabled.
        pub disabled_at: Option<Timestamp>,
        /// The seed of the second factor, encrypted; empty without one.
        pub totp_secret: String,
        /// When the second factor was turned on.
        pub totp_since: Option<Timestamp>,
        /// The time step of the last code used.
        pub totp_step: i64,
    }

    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.debug_struct("user_account").field("id", &self.id).finish_non_exhaustive()
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// The membership of a user in an organization.
pub mod membership {
    use sea_orm::entity::prelude::*;

    use crate::{
        model::{OrganizationId, Role, Timestamp, UserId},
        server::domain::store::Tenant,
    };

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "membership")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: OrganizationId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: UserId,
        pub role: Role,
        pub created_at: Timestamp,
        /// The last request, to within five minutes.
        pub last_seen_at: Option<Timestamp>,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::UserId;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        /// The member.
        #[sea_orm(
            belongs_to = "super::user_account::Entity",
            from = "Column::UserId",
            to = "super::user_account::Column::Id"
        )]
        User,
        /// The organization.
        #[sea_orm(
            belongs_to = "super::organization::Entity",
            from = "Column::OrgId",
            to = "super::organization::Column::Id"
        )]
        Organization,
    }

    impl Related<super::user_account::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::User.def()
        }
    }

    impl Related<super::organization::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Organization.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// A session of a user, acting in one organization.
pub mod session {
    use sea_orm::entity::prelude::*;

    use crate::model::{OrganizationId, SessionId, Timestamp, UserId};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: SessionId,
        pub org_id: OrganizationId,
        pub user_id: UserId,
        pub created_at: Timestamp,
        pub last_seen_at: Timestamp,
        pub expires_at: Timestamp,
        /// When the password was last given.
        pub authenticated_at: Timestamp,
        pub user_agent: String,
        pub ip: String,
        /// Whether its cookie outlives the browser.
        pub is_lasting: bool,
        /// Set by a session rotation: the time after which the id is rejected.
        pub renew_by: Option<Timestamp>,
        /// The session that replaces it.
        pub renewed_as: Option<SessionId>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {
        /// The membership that it acts by.
        #[sea_orm(
            belongs_to = "super::membership::Entity",
            from = "(Column::OrgId, Column::UserId)",
            to = "(super::membership::Column::OrgId, super::membership::Column::UserId)"
        )]
        Membership,
    }

    impl Related<super::membership::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Membership.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}
