//! Rows of organizations, people, memberships and sessions.

/// A tenant.
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
        /// The number of the newest event visitors may see.
        pub public_seq: i64,
        /// The number of the newest event members may see.
        pub members_seq: i64,
        pub created_at: Timestamp,
        /// The IANA name of the zone its page goes by.
        pub time_zone: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// A person. `user` is a reserved word in PostgreSQL.
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
        /// Since when they are shut out.
        pub disabled_at: Option<Timestamp>,
        /// The seed of the second factor, encrypted; empty without one.
        pub totp_secret: String,
        /// Since when the second factor is asked for.
        pub totp_since: Option<Timestamp>,
        /// The last step whose code was used.
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

/// Who belongs to which organization, as what.
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
        /// When they last did something here, to within five minutes.
        pub last_seen_at: Option<Timestamp>,
    }

    impl Tenant for Entity {
        const ORG: Column = Column::OrgId;
        const ID: Column = Column::UserId;
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// One sign-in, acting in one organization.
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
        /// Whether it outlives the browser.
        pub is_lasting: bool,
        /// Since a change of role: until when it still answers.
        pub renew_by: Option<Timestamp>,
        /// The session in its place.
        pub renewed_as: Option<SessionId>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
