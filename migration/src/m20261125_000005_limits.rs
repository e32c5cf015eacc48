//! Indexes for limits: the sessions of a user, the invitations of an address.

use sea_orm_migration::prelude::*;

use crate::column::index;

const SESSIONS: (&str, &str) = ("session_by_user", "session");
const INVITATIONS: (&str, &str) = ("invitation_by_email", "invitation");

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        index(manager, SESSIONS.0, SESSIONS.1, ["user_id"]).await?;
        index(manager, INVITATIONS.0, INVITATIONS.1, ["email", "created_at"]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table) in [SESSIONS, INVITATIONS] {
            if manager.has_index(table, name).await? {
                manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
            }
        }
        Ok(())
    }
}
