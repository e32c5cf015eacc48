//! Database transactions that write: each waits for its turn in the write queue, then takes a connection.

use std::ops::Deref;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, DeleteMany, EntityTrait, ExecResult, QueryResult,
    Statement, prelude::async_trait::async_trait,
};

use super::{
    Domain, store,
    write_queue::{Lane, WritePermit},
};
use crate::model::Result;
#[cfg(test)]
use crate::model::UserId;

/// A database transaction with its turn in the write queue, which ends with the transaction. Dropping it rolls back.
pub(super) struct WriteTx {
    // Dropped in this order: the rollback begins before the next turn.
    tx: DatabaseTransaction,
    permit: WritePermit,
}

impl WriteTx {
    /// Commits, then ends the turn.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        let Self { tx, permit } = self;
        let result = tx.commit().await;
        drop(permit);
        result
    }
}

impl Deref for WriteTx {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.tx
    }
}

/// As the transaction itself, so that queries take either.
#[async_trait]
impl ConnectionTrait for WriteTx {
    fn get_database_backend(&self) -> DbBackend {
        self.tx.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.tx.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.tx.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.tx.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.tx.query_all_raw(statement).await
    }
}

impl Domain {
    /// Begins a write transaction once it is the turn of this organization, user or other lane.
    ///
    /// # Errors
    /// `unavailable` when too many wait already, the turn does not come in time, or the database cannot write.
    pub(super) async fn begin(&self, lane: impl Into<Lane>) -> Result<WriteTx> {
        let permit = self.inner.writes.enter(lane.into()).await?;
        Ok(WriteTx { tx: store::begin(&self.inner.pools.write).await?, permit })
    }

    /// Deletes rows, for housekeeping; returns how many.
    pub(super) async fn delete<E: EntityTrait>(&self, rows: DeleteMany<E>) -> Result<u64> {
        let tx = self.begin(Lane::System).await?;
        let deleted = rows.exec(&tx).await?.rows_affected;
        tx.commit().await?;
        Ok(deleted)
    }
}

/// What integration tests arrange: a write in progress, and others that wait for it.
#[cfg(test)]
impl Domain {
    /// Holds every slot of the write queue until the returned value is dropped.
    pub(in crate::server) async fn hold_writes(&self) -> Result<Vec<impl Sized + use<>>> {
        let mut held = Vec::new();
        for _ in 0..self.inner.pools.writers {
            held.push(self.inner.writes.enter(UserId::from_uuid(super::new_id()).into()).await?);
        }
        Ok(held)
    }

    /// How many write transactions wait for their turn.
    pub(in crate::server) fn waiting_writes(&self) -> usize {
        self.inner.writes.waiting()
    }
}
