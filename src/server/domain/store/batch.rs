//! Batches: many rows in few statements, and updates of only what changed.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, IntoActiveModel, Iterable, ModelTrait,
    PrimaryKeyToColumn, QueryTrait, Statement, sea_query::OnConflict,
};

/// The most values bound in one statement: SQLite allows 32 766, the others 65 535.
pub const VALUES_MAX: usize = 9_000;
/// The most rows written by one statement. Each number of rows is another statement, which connections keep prepared
/// (up to 1 MiB for 300 rows), so the numbers are powers of two.
const ROWS_MAX: usize = 256;

type Active<M> = <<M as ModelTrait>::Entity as EntityTrait>::ActiveModel;
type Column<M> = <<M as ModelTrait>::Entity as EntityTrait>::Column;
type PrimaryKey<M> = <<M as ModelTrait>::Entity as EntityTrait>::PrimaryKey;

/// Inserts rows.
pub async fn insert_all<M>(db: &impl ConnectionTrait, rows: Vec<M>) -> Result<(), DbErr>
where
    M: ModelTrait + IntoActiveModel<Active<M>>,
{
    write(db, rows, None).await
}

/// Inserts rows, and updates those that exist in all columns but their key.
pub async fn save_all<M>(db: &impl ConnectionTrait, rows: Vec<M>) -> Result<(), DbErr>
where
    M: ModelTrait + IntoActiveModel<Active<M>>,
{
    let columns = Column::<M>::iter().filter(|column| PrimaryKey::<M>::from_column(*column).is_none());
    upsert(db, rows, columns).await
}

/// Inserts rows, and updates those that exist in these columns.
pub async fn upsert<M>(
    db: &impl ConnectionTrait,
    rows: Vec<M>,
    columns: impl IntoIterator<Item = Column<M>>,
) -> Result<(), DbErr>
where
    M: ModelTrait + IntoActiveModel<Active<M>>,
{
    let key = PrimaryKey::<M>::iter().map(PrimaryKeyToColumn::into_column);
    let update = OnConflict::columns(key).update_columns(columns).to_owned();
    write(db, rows, Some(update)).await
}

async fn write<M>(db: &impl ConnectionTrait, rows: Vec<M>, on_conflict: Option<OnConflict>) -> Result<(), DbErr>
where
    M: ModelTrait + IntoActiveModel<Active<M>>,
{
    let mut rows: Vec<_> = rows.into_iter().map(|row| row.into_active_model().reset_all()).collect();
    while !rows.is_empty() {
        let size = 1 << rows.len().min(ROWS_MAX).ilog2();
        let rest = rows.split_off(size);
        let mut insert = <M::Entity as EntityTrait>::insert_many(std::mem::replace(&mut rows, rest));
        if let Some(on_conflict) = &on_conflict {
            insert = insert.on_conflict(on_conflict.clone());
        }
        insert.exec_without_returning(db).await?;
    }
    Ok(())
}

/// The statement that inserts one row.
pub fn insertion<M>(backend: DbBackend, row: M) -> Statement
where
    M: ModelTrait + IntoActiveModel<Active<M>>,
{
    <M::Entity as EntityTrait>::insert(row.into_active_model().reset_all()).build(backend)
}

/// The update that turns one state of a row into another: the columns in which they differ.
pub fn changes<M: ModelTrait>(before: &M, after: &M) -> Active<M> {
    let mut change = <Active<M> as ActiveModelTrait>::default();
    for column in Column::<M>::iter() {
        let value = after.get(column);
        if value != before.get(column) {
            change.set(column, value);
        }
    }
    change
}

#[cfg(test)]
mod tests {
    use sea_orm::{ColumnTrait, PaginatorTrait, QueryFilter};

    use super::*;
    use crate::{
        model::{Cause, ServiceStatus, StatusChangeId, Timestamp},
        server::domain::{
            new_id,
            store::{Lane, Scope, statement_log, status_change},
        },
        tests::support::{app::TestApp, clients::id_of},
    };

    #[tokio::test]
    async fn many_rows_are_written_by_few_statements_of_few_sizes() {
        let app = TestApp::open().await;
        let team = app.register("Acme").await;
        let service = id_of(&team.service("API").await).parse().expect("an id");
        let org_id = id_of(&team.organization).parse().expect("an id");
        let row = |n| status_change::Model {
            org_id,
            id: StatusChangeId::from_uuid(new_id()),
            service_id: service,
            old_status: ServiceStatus::Operational,
            new_status: ServiceStatus::Degraded,
            cause: Cause::Manual,
            changed_by: None,
            created_at: Timestamp::from_millis(n),
        };
        let rows: Vec<_> = (0..601).map(row).collect();
        let tx = app.state.domain.begin(Lane::System).await.expect("begun");
        let db = &tx;
        statement_log::take();
        insert_all(db, rows.clone()).await.expect("inserted");
        // 256 twice, 64, 16, 8 and 1.
        assert_eq!(statement_log::take().len(), 6);
        let changed = rows.into_iter().take(300).map(|row| status_change::Model {
            cause: Cause::Incident,
            new_status: ServiceStatus::MajorOutage,
            ..row
        });
        upsert(db, changed.collect(), [status_change::Column::Cause]).await.expect("updated");
        let count = async |filter| {
            let rows = Scope::of(org_id).find::<status_change::Entity>().filter(filter);
            rows.count(db).await.expect("counted")
        };
        assert_eq!(count(status_change::Column::Cause.eq(Cause::Incident)).await, 300);
        assert_eq!(count(status_change::Column::NewStatus.eq(ServiceStatus::Degraded)).await, 601);
        insert_all::<status_change::Model>(db, Vec::new()).await.expect("nothing to do");
    }
}
