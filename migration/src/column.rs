//! The few kinds of column the schema is made of, and tables that compare text byte by byte on MySQL as elsewhere.

use sea_orm_migration::{
    prelude::{ColumnDef, IntoIden, IntoTableRef, Table, TableCreateStatement},
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

/// A new table, transactional and comparing text byte by byte where a database would do otherwise.
pub fn table(name: impl IntoTableRef, backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name).if_not_exists();
    if backend == DbBackend::MySql {
        table.engine("InnoDB").character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table.take()
}
