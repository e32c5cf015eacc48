//! Sizes of incidents and updates, so that an answer is chosen before its rows are read.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::column::{index, integer};

const INCIDENT: &str = "incident";
const UPDATE: &str = "incident_update";
const BY_TIME: &str = "incident_update_by_time";
const BY_SIZE: &str = "incident_update_by_size";

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (table, name) in added() {
            if !manager.has_column(table, name).await? {
                let column = integer(name).default(0).take();
                manager.alter_table(Table::alter().table(table).add_column(column).take()).await?;
            }
        }
        let db = manager.get_connection();
        for sql in measured(manager.get_database_backend()) {
            db.execute_unprepared(&sql).await?;
        }
        index(manager, BY_SIZE, UPDATE, ["org_id", "incident_id", "display_at", "id", "bytes"]).await?;
        remove(manager, BY_TIME).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        index(manager, BY_TIME, UPDATE, ["org_id", "incident_id", "display_at", "id"]).await?;
        remove(manager, BY_SIZE).await?;
        for (table, name) in added() {
            manager.alter_table(Table::alter().table(table).drop_column(name).take()).await?;
        }
        Ok(())
    }
}

/// The columns added to existing tables.
const fn added() -> [(&'static str, &'static str); 3] {
    [(INCIDENT, "head_bytes"), (INCIDENT, "bytes"), (UPDATE, "bytes")]
}

async fn remove(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    if manager.has_index(UPDATE, name).await? {
        manager.drop_index(Index::drop().name(name).table(UPDATE).to_owned()).await?;
    }
    Ok(())
}

/// Statements that measure the existing rows, as `budget` in the server measures new ones.
fn measured(backend: DbBackend) -> [String; 3] {
    let bytes = |text: &str| match backend {
        DbBackend::Sqlite => format!("length(CAST(coalesce({text}, '') AS BLOB))"),
        DbBackend::MySql => format!("length(coalesce({text}, ''))"),
        _ => format!("octet_length(coalesce({text}, ''))"),
    };
    let backslash = if backend == DbBackend::MySql { r"'\\'" } else { r"'\'" };
    // How many bytes all occurrences of a piece have.
    let of =
        |text: &str, piece: &str| format!("({} - {})", bytes(text), bytes(&format!("replace({text}, {piece}, '')")));
    // As JSON in a page: `<` as six bytes; text that is JSON already has no other characters to escape.
    let embedded = |text: &str| format!("({} + 5 * {})", bytes(text), of(text, "'<'"));
    let json = |text: &str| {
        let escaped = ["'\"'", backslash, "'\n'"].map(|piece| of(text, piece)).join(" + ");
        format!("({} + {escaped})", embedded(text))
    };
    let html = |text: &str| format!("({} + {})", json(text), bytes(text));
    // As text in HTML, where `&` and `<` have up to five bytes.
    let name =
        |text: &str| format!("({} + {} + 4 * {} + 3 * {})", json(text), bytes(text), of(text, "'&'"), of(text, "'<'"));
    let times =
        |text: &str, key: &str, each: usize| format!("{each} * {} / {}", of(text, &format!("'{key}'")), key.len());
    let update = [
        "750".to_owned(),
        json("message"),
        html("html"),
        format!("2 * {}", embedded("edits")),
        times("edits", "edited_at", 350),
        format!("2 * {} + 4 * {}", embedded("services"), of("services", "'&'")),
        times("services", "old_status", 40),
    ];
    let postmortem = format!("{} + {}", json("postmortem"), html("postmortem_html"));
    let services = format!(
        "coalesce((SELECT sum(570 + {}) FROM incident_service s WHERE s.org_id = incident.org_id \
         AND s.incident_id = incident.id), 0)",
        name("s.name")
    );
    let own = "u.org_id = incident.org_id AND u.incident_id = incident.id";
    let updates = format!("coalesce((SELECT sum(u.bytes) FROM incident_update u WHERE {own}), 0)");
    let description = format!(
        "coalesce((SELECT {} FROM incident_update u WHERE {own} ORDER BY u.display_at, u.id LIMIT 1), 0)",
        json("u.message")
    );
    [
        format!("UPDATE incident_update SET bytes = {}", update.join(" + ")),
        format!("UPDATE incident SET head_bytes = 1800 + 2 * {} + {postmortem} + {services}", name("title")),
        format!("UPDATE incident SET bytes = head_bytes + {description} + {updates}"),
    ]
}
