//! Housekeeping: the database's own time, deletions in batches, and the bound on stored events.

use super::{Scope, event};
use crate::model::{Audience, Seq, Timestamp};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, Iterable,
    PrimaryKeyToColumn, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Statement,
    sea_query::{DeleteStatement, Expr, ExprTrait, Query},
};

/// The rows that one statement deletes: few, as others wait for its locks.
pub const DELETION_BATCH: u64 = 500;

/// The most events of an organization and audience that are kept after pruning, and their most bytes: hardly more than
/// a client can be caught up with, so that no organization fills the disk of all.
const KEPT_MAX: (usize, i64) = (1_000, 8_000_000);

/// Every so many events the older ones are pruned.
const PRUNING_INTERVAL: Seq = 32;

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

/// Whether to prune after events with the numbers `first` to `last`.
pub const fn is_pruning_due(first: Seq, last: Seq) -> bool {
    first.saturating_sub(1) / PRUNING_INTERVAL < last / PRUNING_INTERVAL
}

/// Deletes the events of an organization and audience beyond [`KEPT_MAX`]; clients that miss them reload the state.
pub async fn prune_events(db: &impl ConnectionTrait, scope: Scope, audience: Audience) -> Result<(), DbErr> {
    use event::Column;
    let newest = scope.find::<event::Entity>().filter(Column::Audience.eq(audience)).order_by_desc(Column::Seq);
    let newest = newest.select_only().columns([Column::Seq, Column::Bytes]).limit(KEPT_MAX.0 as u64 + 1);
    let newest: Vec<(i64, i64)> = newest.into_tuple().all(db).await?;
    let (numbers, sizes): (Vec<_>, Vec<_>) = newest.into_iter().unzip();
    let kept = count_within(&sizes, KEPT_MAX.1).min(KEPT_MAX.0);
    if let Some(oldest) = numbers.get(kept) {
        let surplus = scope.delete::<event::Entity>().filter(Column::Audience.eq(audience));
        surplus.filter(Column::Seq.lte(*oldest)).exec(db).await?;
    }
    Ok(())
}

/// How many of these sizes, from the first on, fit into `most` together; at least one.
pub fn count_within(sizes: &[i64], most: i64) -> usize {
    let sums = sizes.iter().scan(0_i64, |sum, size| {
        *sum = sum.saturating_add(*size);
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= most).count().max(1).min(sizes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_42_a_client_is_caught_up_with_limited_text() {
        assert_eq!(count_within(&[], 10), 0);
        assert_eq!(count_within(&[4, 6], 10), 2);
        assert_eq!(count_within(&[4, 7, 1], 10), 1, "nothing after the first that does not fit");
        assert_eq!(count_within(&[11, 1], 10), 1, "or no client would get past it");
    }

    #[test]
    fn events_are_pruned_once_in_an_interval() {
        let pruned = |first, last| is_pruning_due(first, last);
        assert!(!pruned(1, 31) && pruned(32, 32) && !pruned(33, 33) && pruned(30, 40) && pruned(1, 500));
    }
}
