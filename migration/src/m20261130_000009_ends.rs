//! An index for incidents of a kind by their end: what has not ended, and what has ended lately.

use sea_orm_migration::prelude::*;

use crate::column::index;

const INCIDENT: &str = "incident";
const BY_END: &str = "incident_by_end";
const BY_KIND_AND_END: &str = "incident_by_kind_and_end";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        index(manager, BY_KIND_AND_END, INCIDENT, ["org_id", "kind", "resolved_at", "started_at", "id"]).await?;
        remove(manager, BY_END).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        index(manager, BY_END, INCIDENT, ["org_id", "resolved_at", "id"]).await?;
        remove(manager, BY_KIND_AND_END).await
    }
}

async fn remove(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    if manager.has_index(INCIDENT, name).await? {
        manager.drop_index(Index::drop().name(name).table(INCIDENT).to_owned()).await?;
    }
    Ok(())
}
