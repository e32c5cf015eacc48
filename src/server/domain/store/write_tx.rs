//! Database transactions that write: each waits for its turn in the write queue, then takes a connection.

use std::ops::Deref;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    prelude::async_trait::async_trait,
};

use super::write_queue::WritePermit;

/// A database transaction with its turn in the write queue, which ends with the transaction. Dropping it rolls back.
pub struct WriteTx {
    // Dropped in this order: the rollback begins before the next turn.
    tx: DatabaseTransaction,
    permit: WritePermit,
}

impl WriteTx {
    pub(super) const fn new(tx: DatabaseTransaction, permit: WritePermit) -> Self {
        Self { tx, permit }
    }

    /// Commits, then ends the turn.
    pub async fn commit(self) -> Result<(), DbErr> {
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
