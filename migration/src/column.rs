//! Helpers for columns, tables, foreign keys and indexes that are the same on every database.

use sea_orm_migration::{
    SchemaManager,
    prelude::{
        ColumnDef, DbErr, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Iden, Index, IntoIden,
        IntoIndexColumn, IntoTableRef, Table, TableCreateStatement,
    },
    sea_orm::DbBackend,
};

/// A UUID.
pub fn id(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).uuid().not_null().take()
}

/// A nullable UUID.
pub fn maybe_id(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).uuid().null().take()
}

/// An integer: an instant in milliseconds since 1970, a sequence number or a position.
pub fn integer(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// A nullable integer.
pub fn maybe_integer(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// Text of at most `length` characters.
pub fn text(name: impl IntoIden, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).not_null().take()
}

/// A boolean.
pub fn flag(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// A nullable enumeration value.
pub fn maybe_value(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).string_len(32).null().take()
}

/// An enumeration value.
pub fn value(name: impl IntoIden) -> ColumnDef {
    text(name, 32)
}

/// Text of any length: MySQL's plain `TEXT` ends at 64 KiB.
pub fn document(name: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut column = ColumnDef::new(name);
    match backend {
        DbBackend::MySql => column.custom("LONGTEXT"),
        _ => column.text(),
    };
    column.not_null().take()
}

/// Nullable text of any length.
pub fn maybe_document(name: impl IntoIden, backend: DbBackend) -> ColumnDef {
    document(name, backend).null().take()
}

/// A foreign key to a parent in the same organization; rows are deleted with it.
pub fn belongs_to(
    name: &str,
    table: &'static str,
    column: &'static str,
    parent: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, ("org_id", column))
        .to(parent, ("org_id", "id"))
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

/// A foreign key to the organization; rows are deleted with it.
pub fn of_organization(name: &str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, "org_id")
        .to("organization", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

/// A table that is transactional and compares text byte by byte, on MySQL too.
pub fn table(name: impl IntoTableRef, backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).if_not_exists();
    if backend == DbBackend::MySql {
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table.take()
}

/// Creates an index unless it exists: after a crash a migration runs again, and MySQL does not roll back schema
/// changes.
pub async fn index<T, C>(
    manager: &SchemaManager<'_>,
    name: &str,
    table: T,
    columns: impl IntoIterator<Item = C>,
) -> Result<(), DbErr>
where
    T: Iden + 'static,
    C: IntoIndexColumn,
{
    if manager.has_index(table.unquoted(), name).await? {
        return Ok(());
    }
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(column);
    }
    manager.create_index(index.take()).await
}
