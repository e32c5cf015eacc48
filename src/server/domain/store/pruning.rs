//! Housekeeping: the database's own time, and deletions in batches.

use std::time::Duration;

use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, Iterable, PrimaryKeyToColumn,
    QueryFilter, QuerySelect, QueryTrait, Statement,
    sea_query::{Expr, ExprTrait, Query},
};
use tokio::time::{MissedTickBehavior, interval};

use crate::model::Timestamp;

/// The rows that one statement deletes: few, as others wait for its locks.
const BATCH: u64 = 500;
/// The pause between two statements, in which others write.
const PAUSE: Duration = Duration::from_millis(50);

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

/// Deletes the rows of all organizations that meet a condition, in batches; returns how many. After an error, those
/// before it are gone.
#[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations, by age alone")]
pub async fn delete_in_batches<E: EntityTrait>(db: &DatabaseConnection, condition: Condition) -> Result<u64, DbErr> {
    let mut pauses = interval(PAUSE);
    pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let keys: Vec<E::Column> = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column).collect();
    let mut statement = Query::delete();
    statement.from_table(E::default().table_ref());
    if db.get_database_backend() == DbBackend::MySql {
        statement.cond_where(condition).limit(BATCH);
    } else {
        // Neither PostgreSQL nor SQLite limits a DELETE.
        let mut batch = E::find().filter(condition).select_only().limit(BATCH);
        for key in &keys {
            batch = batch.column(*key);
        }
        let key = match keys.as_slice() {
            [key] => Expr::col(*key),
            keys => Expr::tuple(keys.iter().map(|key| Expr::col(*key))),
        };
        statement.cond_where(key.in_subquery(batch.into_query()));
    }
    let mut deleted = 0;
    loop {
        pauses.tick().await;
        let rows = db.execute(&statement).await?.rows_affected();
        deleted += rows;
        if rows < BATCH {
            return Ok(deleted);
        }
    }
}
