//! The few kinds of column the schema is made of, and tables that compare text byte by byte on MySQL as elsewhere.

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

/// A UUID that may be missing.
pub fn maybe_id(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).uuid().null().take()
}

/// An instant in milliseconds since 1970, a number of an event, or a position.
pub fn integer(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().take()
}

/// An integer that may be missing.
pub fn maybe_integer(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().take()
}

/// Text of at most `length` characters.
pub fn text(name: impl IntoIden, length: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(length).not_null().take()
}

/// Yes or no.
pub fn flag(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).boolean().not_null().take()
}

/// One of a few words, or none.
pub fn maybe_word(name: impl IntoIden) -> ColumnDef {
    ColumnDef::new(name).string_len(32).null().take()
}

/// One of a few words.
pub fn word(name: impl IntoIden) -> ColumnDef {
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

/// Text of any length that may be missing.
pub fn maybe_document(name: impl IntoIden, backend: DbBackend) -> ColumnDef {
    document(name, backend).null().take()
}

/// The reference of a row to its parent in the same organization, with which it goes.
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

/// The reference of a row to its organization, with which it goes.
pub fn of_organization(name: &str, table: &'static str) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from(table, "org_id")
        .to("organization", "id")
        .on_delete(ForeignKeyAction::Cascade)
        .take()
}

/// A new table, transactional and comparing text byte by byte where a database would do otherwise.
pub fn table(name: impl IntoTableRef, backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).if_not_exists();
    if backend == DbBackend::MySql {
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table.take()
}

/// Creates an index unless it is there: after a crash the step runs again, and MySQL's schema changes do not roll back.
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
