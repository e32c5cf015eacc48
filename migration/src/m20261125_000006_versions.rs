//! Versions for optimistic locking, and session rotation.

use sea_orm_migration::prelude::*;

use crate::column::{integer, maybe_id, maybe_integer};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in added() {
            if !manager.has_column(table, column.get_column_name()).await? {
                manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
            }
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in added() {
            let name = column.get_column_name().clone();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}

/// The columns added to existing tables.
fn added() -> Vec<(&'static str, ColumnDef)> {
    let version = || integer("version").default(1).take();
    vec![
        ("service", version()),
        ("service_group", version()),
        ("incident_template", version()),
        // After a change of role: the time the session expires, and its successor.
        ("session", maybe_integer("renew_by")),
        ("session", maybe_id("renewed_as")),
    ]
}
