//! Draft series.

use sea_orm_migration::prelude::*;

use crate::column::flag;

const SERIES: &str = "maintenance_series";
const DRAFT: &str = "is_draft";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.has_column(SERIES, DRAFT).await? {
            return Ok(());
        }
        let column = flag(DRAFT).default(false).take();
        manager.alter_table(Table::alter().table(SERIES).add_column(column).take()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table(SERIES).drop_column(DRAFT).take()).await
    }
}
