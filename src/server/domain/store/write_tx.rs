//! Database transactions that write: each waits for its turn in the write queue, then takes a connection.

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, ExecResult, QueryResult, Statement,
    prelude::async_trait::async_trait,
};

use super::{sqlite_writer::SqliteTx, write_queue::WritePermit};

/// A database transaction with its turn in the write queue, which ends with the transaction. Dropping it rolls back.
pub struct WriteTx {
    // Dropped in this order: the rollback begins before the next turn.
    tx: Kind,
    permit: WritePermit,
}

pub(super) enum Kind {
    Sqlite(SqliteTx),
    Server(DatabaseTransaction),
}

impl WriteTx {
    pub(super) const fn new(tx: Kind, permit: WritePermit) -> Self {
        Self { tx, permit }
    }

    /// The rows of each query. SQLite's driver gets them as one message.
    pub async fn query_together(&self, queries: Vec<Statement>) -> Result<Vec<Vec<QueryResult>>, DbErr> {
        match &self.tx {
            Kind::Sqlite(tx) => tx.query_together(queries).await,
            Kind::Server(tx) => {
                let mut rows = Vec::with_capacity(queries.len());
                for query in queries {
                    rows.push(tx.query_all_raw(query).await?);
                }
                Ok(rows)
            }
        }
    }

    /// Executes statements in their order, whose results nobody needs. SQLite's driver gets a few as one message.
    pub async fn execute_together(&self, statements: Vec<Statement>) -> Result<(), DbErr> {
        match &self.tx {
            Kind::Sqlite(tx) => tx.execute_together(statements).await,
            Kind::Server(tx) => execute_all(tx, statements).await,
        }
    }

    /// Commits, then ends the turn.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.commit_after(Vec::new()).await
    }

    /// Executes statements as [`WriteTx::execute_together`], commits, then ends the turn.
    pub async fn commit_after(self, statements: Vec<Statement>) -> Result<(), DbErr> {
        let Self { tx, permit } = self;
        let result = match tx {
            Kind::Sqlite(tx) => tx.commit(statements).await,
            Kind::Server(tx) => {
                execute_all(&tx, statements).await?;
                tx.commit().await
            }
        };
        drop(permit);
        result
    }
}

async fn execute_all(tx: &DatabaseTransaction, statements: Vec<Statement>) -> Result<(), DbErr> {
    for statement in statements {
        tx.execute_raw(statement).await?;
    }
    Ok(())
}

/// As the transaction itself, so that queries take either.
#[async_trait]
impl ConnectionTrait for WriteTx {
    fn get_database_backend(&self) -> DbBackend {
        match &self.tx {
            Kind::Sqlite(_) => DbBackend::Sqlite,
            Kind::Server(tx) => tx.get_database_backend(),
        }
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        match &self.tx {
            Kind::Sqlite(tx) => tx.execute(statement).await,
            Kind::Server(tx) => tx.execute_raw(statement).await,
        }
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        match &self.tx {
            Kind::Sqlite(tx) => tx.execute(Statement::from_string(DbBackend::Sqlite, sql)).await,
            Kind::Server(tx) => tx.execute_unprepared(sql).await,
        }
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        match &self.tx {
            Kind::Sqlite(tx) => Ok(tx.query(statement).await?.into_iter().next()),
            Kind::Server(tx) => tx.query_one_raw(statement).await,
        }
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        match &self.tx {
            Kind::Sqlite(tx) => tx.query(statement).await,
            Kind::Server(tx) => tx.query_all_raw(statement).await,
        }
    }
}
