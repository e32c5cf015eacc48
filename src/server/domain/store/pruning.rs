//! Housekeeping: the database's own time, and deletions in batches.

use crate::model::Timestamp;
use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, Iterable, PrimaryKeyToColumn,
    QueryFilter, QuerySelect, QueryTrait, Statement,
    sea_query::{DeleteStatement, Expr, ExprTrait, Query},
};

/// The rows that one statement deletes: few, as others wait for its locks.
pub const DELETION_BATCH: u64 = 500;

/// The time by the database server's clock; none for SQLite, which has only this machine's.
pub async fn database_time(db: &DatabaseConnection) -> Result<Option<Timestamp>, DbErr> {
    let backend = db.get_database_backend();
    let sql = match backend {
        DbBackend::MySql => "SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6)) DIV 1000",
        DbBackend::Postgres => "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)",
        _ => return Ok(None),
    };
    let row = db.query_one_raw(Statement::from_string(backend, sql)).await?;
    row.map(|row| row.try_get_by_index::<i64>(0).map(Timestamp::from_millis)).transpose()
}

/// A statement that deletes at most [`DELETION_BATCH`] rows that meet a condition, of all organizations.
#[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations, by age alone")]
pub fn batch_deletion<E: EntityTrait>(backend: DbBackend, condition: Condition) -> DeleteStatement {
    let mut statement = Query::delete();
    statement.from_table(E::default().table_ref());
    if backend == DbBackend::MySql {
        return statement.cond_where(condition).limit(DELETION_BATCH).take();
    }
    // Neither PostgreSQL nor SQLite limits a DELETE.
    let keys: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let mut batch = E::find().filter(condition).select_only().limit(DELETION_BATCH);
    for key in &keys {
        batch = batch.column(*key);
    }
    let key = match keys.as_slice() {
        [key] => Expr::col(*key),
        keys => Expr::tuple(keys.iter().map(|key| Expr::col(*key))),
    };
    statement.cond_where(key.in_subquery(batch.into_query())).take()
}
