//! Teams and access: invitations, API tokens, the audit log, second factors and password resets.

use sea_orm_migration::prelude::*;

use crate::column::{document, flag, id, index, integer, maybe_id, maybe_integer, of_organization, table, text, value};

const INVITATION: &str = "invitation";
const TOKEN: &str = "api_token";
const AUDIT: &str = "audit_entry";
const RESET: &str = "password_reset";
const RECOVERY: &str = "recovery_code";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, column) in added() {
            add(manager, table, column).await?;
        }
        invitations(manager).await?;
        tokens(manager).await?;
        audit(manager).await?;
        proofs(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in [RECOVERY, RESET, AUDIT, TOKEN, INVITATION] {
            manager.drop_table(Table::drop().table(name).if_exists().take()).await?;
        }
        for (table, column) in added() {
            let name = column.get_column_name().clone();
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}

/// The columns added to existing tables.
fn added() -> Vec<(&'static str, ColumnDef)> {
    vec![
        ("membership", maybe_integer("last_seen_at")),
        ("user_account", maybe_integer("disabled_at")),
        // Encrypted; the second factor is on once its first code has been confirmed.
        ("user_account", text("totp_secret", 255).default("").take()),
        ("user_account", maybe_integer("totp_since")),
        // The last step whose code was used: a code works once.
        ("user_account", integer("totp_step").default(0).take()),
        // When the password was last confirmed.
        ("session", integer("authenticated_at").default(0).take()),
        ("session", text("user_agent", 255).default("").take()),
        ("session", text("ip", 45).default("").take()),
        ("session", flag("is_lasting").default(true).take()),
    ]
}

async fn add(manager: &SchemaManager<'_>, table: &'static str, column: ColumnDef) -> Result<(), DbErr> {
    if manager.has_column(table, column.get_column_name()).await? {
        return Ok(());
    }
    manager.alter_table(Table::alter().table(table).add_column(column).take()).await
}

async fn invitations(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(INVITATION, backend)
                .col(id("org_id"))
                .col(id("id"))
                .col(text("email", 254))
                .col(value("role"))
                .col(text("token_hash", 64).unique_key())
                .col(id("invited_by"))
                .col(integer("created_at"))
                .col(integer("expires_at"))
                .col(maybe_integer("accepted_at"))
                .col(maybe_id("accepted_by"))
                .col(maybe_integer("revoked_at"))
                .primary_key(Index::create().col("org_id").col("id"))
                .foreign_key(&mut of_organization("invitation_organization", INVITATION))
                .take(),
        )
        .await
}

async fn tokens(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(TOKEN, backend)
                .col(id("org_id"))
                .col(id("id"))
                .col(text("name", 100))
                // The first characters of the secret, to tell tokens apart.
                .col(text("hint", 32))
                .col(text("secret_hash", 64).unique_key())
                .col(value("scope"))
                .col(id("created_by"))
                .col(integer("created_at"))
                .col(maybe_integer("expires_at"))
                .col(maybe_integer("last_used_at"))
                .col(maybe_integer("revoked_at"))
                .primary_key(Index::create().col("org_id").col("id"))
                .foreign_key(&mut of_organization("api_token_organization", TOKEN))
                .take(),
        )
        .await
}

/// The audit log; rows are never changed.
async fn audit(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    manager
        .create_table(
            table(AUDIT, backend)
                .col(id("org_id"))
                .col(id("id"))
                .col(integer("created_at"))
                .col(value("actor_kind"))
                .col(maybe_id("actor_id"))
                .col(text("actor_name", 100))
                .col(value("action"))
                .col(text("target_kind", 32))
                .col(text("target_id", 64))
                .col(text("target_name", 255))
                .col(document("changes", backend))
                .col(text("ip", 45))
                .col(text("request_id", 64))
                .primary_key(Index::create().col("org_id").col("id"))
                .foreign_key(&mut of_organization("audit_entry_organization", AUDIT))
                .take(),
        )
        .await?;
    index(manager, "audit_entry_by_time", AUDIT, ["org_id", "created_at", "id"]).await?;
    index(manager, "audit_entry_by_action", AUDIT, ["org_id", "action", "created_at", "id"]).await?;
    index(manager, "audit_entry_by_actor", AUDIT, ["org_id", "actor_id", "created_at", "id"]).await?;
    index(manager, "audit_entry_by_age", AUDIT, ["created_at"]).await
}

/// Password resets and recovery codes; secrets are stored as hashes.
async fn proofs(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    let mut resets = table(RESET, backend);
    resets
        .col(text("token_hash", 64).primary_key())
        .col(id("user_id"))
        .col(integer("created_at"))
        .col(integer("expires_at"))
        .foreign_key(&mut of_person("password_reset_user", RESET));
    manager.create_table(resets).await?;
    index(manager, "password_reset_by_user", RESET, ["user_id"]).await?;
    let mut codes = table(RECOVERY, backend);
    codes
        .col(id("user_id"))
        .col(text("code_hash", 64))
        .primary_key(Index::create().col("user_id").col("code_hash"))
        .foreign_key(&mut of_person("recovery_code_user", RECOVERY));
    manager.create_table(codes).await
}

fn of_person(name: &str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, "user_id")
        .to("user_account", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}
