//! Live events in the form of incident changes, bounded by their size, and the epoch of their numbers.

use std::hash::{BuildHasher, RandomState};

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ActiveValue::Set, EntityTrait},
};

use crate::column::{document, id, index, integer, maybe_id, of_organization, table, value};

const EVENT: &str = "event";

/// The one row that tells one history of event numbers from another, which the database had before it was restored.
mod event_epoch {
    use sea_orm_migration::sea_orm::{self, entity::prelude::*};

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "event_epoch")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub epoch: i64,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    /// Events of the old form are dropped: a client that missed one reloads the page.
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        if !manager.has_column(EVENT, "shape").await? {
            manager.drop_table(Table::drop().table(EVENT).if_exists().take()).await?;
        }
        let mut events = table(EVENT, backend);
        events
            .col(id("org_id"))
            .col(value("audience"))
            .col(integer("seq"))
            .col(integer("created_at"))
            // The defaults mark what a version before this one writes while both run.
            .col(integer("shape").default(0))
            .col(integer("bytes").default(0))
            .col(maybe_id("incident_id"))
            .col(document("frame", backend))
            .primary_key(Index::create().col("org_id").col("audience").col("seq"))
            .foreign_key(&mut of_organization("event_organization", EVENT));
        manager.create_table(events).await?;
        index(manager, "event_by_age", EVENT, ["created_at"]).await?;
        let mut epochs = table("event_epoch", backend);
        manager.create_table(epochs.col(integer("id").primary_key()).col(integer("epoch")).take()).await?;
        let db = manager.get_connection();
        // 53 random bits, which every JSON reader keeps exactly.
        let epoch = (RandomState::new().hash_one(EVENT) >> 11).cast_signed();
        let row = event_epoch::ActiveModel { id: Set(1), epoch: Set(epoch) };
        let mut once = OnConflict::column(event_epoch::Column::Id);
        once.do_nothing_on([event_epoch::Column::Id]);
        match event_epoch::Entity::insert(row).on_conflict(once).exec_without_returning(db).await {
            Ok(_) | Err(DbErr::RecordNotInserted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table("event_epoch").if_exists().take()).await?;
        let backend = manager.get_database_backend();
        manager.drop_table(Table::drop().table(EVENT).if_exists().take()).await?;
        let mut events = table(EVENT, backend);
        events
            .col(id("org_id"))
            .col(value("audience"))
            .col(integer("seq"))
            .col(document("frame", backend))
            .col(integer("created_at"))
            .primary_key(Index::create().col("org_id").col("audience").col("seq"))
            .foreign_key(&mut of_organization("event_organization", EVENT));
        manager.create_table(events).await?;
        index(manager, "event_by_time", EVENT, ["created_at"]).await
    }
}
