//! Batches: many rows in few statements, and updates of only what changed.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, IntoActiveModel, Iterable, ModelTrait, PrimaryKeyToColumn,
    sea_query::OnConflict,
};

/// The most values bound in one statement: SQLite allows 32 766, the others 65 535.
pub const VALUES_MAX: usize = 9_000;

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
    let mut rows = rows.into_iter().map(|row| row.into_active_model().reset_all()).peekable();
    while rows.peek().is_some() {
        let batch = rows.by_ref().take(VALUES_MAX / Column::<M>::iter().count());
        let mut insert = <M::Entity as EntityTrait>::insert_many(batch);
        if let Some(on_conflict) = &on_conflict {
            insert = insert.on_conflict(on_conflict.clone());
        }
        insert.exec_without_returning(db).await?;
    }
    Ok(())
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
