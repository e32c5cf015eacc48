//! Database transactions that write: each waits for its turn in the write queue, then takes a connection.

use std::{ops::Deref, time::Duration};

use sea_orm::{
    Condition, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait, ExecResult, QueryResult, Statement,
    prelude::async_trait::async_trait,
};
use tokio::time::{MissedTickBehavior, interval};

use super::write_queue::{Lane, WritePermit};
#[cfg(test)]
use crate::model::UserId;
use crate::{
    model::Result,
    server::domain::{Domain, store},
};

/// The pause between two batches of a deletion.
const DELETION_PAUSE: Duration = Duration::from_millis(50);

/// A database transaction with its turn in the write queue, which ends with the transaction. Dropping it rolls back.
pub(in crate::server::domain) struct WriteTx {
    // Dropped in this order: the rollback begins before the next turn.
    tx: DatabaseTransaction,
    permit: WritePermit,
}

impl WriteTx {
    /// Commits, then ends the turn.
    pub(in crate::server::domain) async fn commit(self) -> Result<(), DbErr> {
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
    pub(in crate::server::domain) async fn begin(&self, lane: impl Into<Lane>) -> Result<WriteTx> {
        let permit = self.inner.writes.enter(lane.into()).await?;
        Ok(WriteTx { tx: store::begin(&self.inner.pools.write).await?, permit })
    }

    /// Deletes the rows of all organizations that meet a condition, in batches, between which others write; returns how
    /// many. After an error, those before it are gone.
    pub(in crate::server::domain) async fn delete_in_batches<E: EntityTrait>(
        &self,
        condition: Condition,
    ) -> Result<u64> {
        let statement = store::batch_deletion::<E>(self.db().get_database_backend(), condition);
        let mut pauses = interval(DELETION_PAUSE);
        pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deleted = 0;
        loop {
            pauses.tick().await;
            let tx = self.begin(Lane::System).await?;
            let rows = tx.execute(&statement).await?.rows_affected();
            tx.commit().await?;
            deleted += rows;
            if rows < store::DELETION_BATCH {
                return Ok(deleted);
            }
        }
    }
}

/// What integration tests arrange: a write in progress, and others that wait for it.
#[cfg(test)]
impl Domain {
    /// Holds every slot of the write queue until the returned value is dropped.
    pub(in crate::server) async fn hold_writes(&self) -> Result<Vec<impl Sized + use<>>> {
        let mut held = Vec::new();
        for _ in 0..self.inner.pools.writers {
            held.push(self.inner.writes.enter(UserId::from_uuid(crate::server::domain::new_id()).into()).await?);
        }
        Ok(held)
    }

    /// How many write transactions wait for their turn.
    pub(in crate::server) fn waiting_writes(&self) -> usize {
        self.inner.writes.waiting()
    }
}
