//! The SQLite connection that writes, and its transactions. The driver has a thread for each connection, and a message
//! to it takes longer than a small statement: a transaction sends few, and taking the connection sends none.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::TryStreamExt as _;
use sea_orm::{
    DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sqlx::{
        self, AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Executor as _, SqliteConnection,
        sqlite::{SqliteConnectOptions, SqliteQueryResult, SqliteRow},
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// How many steps SQLite takes between two looks at the time: about 0.1 ms.
pub(super) const STEPS_PER_LOOK: i32 = 10_000;
/// The most values of statements that are one message.
const TOGETHER_MAX: usize = 200;
/// When a connection is replaced: closing it renews SQLite's statistics.
const LIFETIME: Duration = Duration::from_mins(30);

/// The connection that writes: one transaction has it at a time. Cheap to clone.
#[derive(Clone)]
pub(super) struct SqliteWriter {
    connection: Arc<AsyncMutex<Connection>>,
    limit: Duration,
}

struct Connection {
    /// None once it is closed.
    options: Option<SqliteConnectOptions>,
    /// None if it is to be replaced.
    open: Option<SqliteConnection>,
    opened_at: Instant,
    deadline: Deadline,
}

/// When the running transaction is cut short: once only, so that its rollback is not cut as well.
#[derive(Clone, Default)]
struct Deadline(Arc<Mutex<Option<Instant>>>);

impl Deadline {
    fn set(&self, at: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = at;
    }

    fn has_passed(&self) -> bool {
        let at = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        at.take_if(|at| Instant::now() > *at).is_some()
    }
}

impl SqliteWriter {
    /// Connects. A transaction takes no longer than `limit`: it keeps all others waiting from its first statement to
    /// its last.
    pub(super) async fn open(options: SqliteConnectOptions, limit: Duration) -> Result<Self, sqlx::Error> {
        let options = Some(options.disable_statement_logging());
        let (opened_at, deadline) = (Instant::now(), Deadline::default());
        let mut connection = Connection { options, open: None, opened_at, deadline };
        connection.get().await?;
        Ok(Self { connection: Arc::new(AsyncMutex::new(connection)), limit })
    }

    /// Begins a transaction once the one before it has ended. It takes the write lock with its first statement.
    pub(super) async fn begin(&self) -> SqliteTx {
        let mut connection = self.connection.clone().lock_owned().await;
        if connection.opened_at.elapsed() > LIFETIME
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "the database connection did not close");
        }
        connection.deadline.set(Some(Instant::now() + self.limit));
        SqliteTx(AsyncMutex::new(Open { connection: Some(connection), state: State::New }))
    }

    /// Closes the connection once it is idle.
    pub(super) async fn close(&self) -> Result<(), DbErr> {
        let mut connection = self.connection.lock().await;
        connection.options = None;
        connection.close().await.map_err(query_error)
    }
}

impl Connection {
    async fn get(&mut self) -> Result<&mut SqliteConnection, sqlx::Error> {
        let open = if let Some(open) = self.open.take() {
            open
        } else {
            let mut new = self.options.as_ref().ok_or(sqlx::Error::PoolClosed)?.connect().await?;
            let deadline = self.deadline.clone();
            new.lock_handle().await?.set_progress_handler(STEPS_PER_LOOK, move || !deadline.has_passed());
            self.opened_at = Instant::now();
            new
        };
        Ok(self.open.insert(open))
    }

    async fn close(&mut self) -> Result<(), sqlx::Error> {
        self.deadline.set(None);
        match self.open.take() {
            Some(open) => open.close().await,
            None => Ok(()),
        }
    }

    /// Rolls back. A connection that cannot is replaced.
    async fn roll_back(&mut self) {
        self.deadline.set(None);
        let Some(mut open) = self.open.take() else { return };
        let is_usable = match open.execute("ROLLBACK").await {
            Ok(_) => true,
            // SQLite has rolled back by itself, or the transaction has not begun.
            Err(sqlx::Error::Database(error)) => error.code().is_some_and(|code| code == "1"),
            Err(_) => false,
        };
        self.open = Some(open).filter(|_| is_usable);
    }
}

/// A transaction that writes. Dropping it rolls back.
pub(super) struct SqliteTx(AsyncMutex<Open>);

struct Open {
    /// None after the commit.
    connection: Option<OwnedMutexGuard<Connection>>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    /// Nothing has been sent.
    New,
    /// The last message succeeded.
    Begun,
    /// One did not, or its sender was cancelled: what follows would not be part of a transaction.
    Failed,
}

/// What a statement returned.
#[derive(Default)]
struct Output {
    result: SqliteQueryResult,
    rows: Vec<SqliteRow>,
}

impl SqliteTx {
    pub(super) async fn execute(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        let outputs = self.0.lock().await.send(vec![statement], false).await.map_err(exec_error)?;
        Ok(outputs.into_iter().next().unwrap_or_default().result.into())
    }

    pub(super) async fn query(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        Ok(self.query_together(vec![statement]).await?.pop().unwrap_or_default())
    }

    /// The rows of each query, in one message.
    pub(super) async fn query_together(&self, queries: Vec<Statement>) -> Result<Vec<Vec<QueryResult>>, DbErr> {
        let outputs = self.0.lock().await.send(queries, false).await.map_err(query_error)?;
        Ok(outputs.into_iter().map(|output| output.rows.into_iter().map(QueryResult::from).collect()).collect())
    }

    /// Executes statements whose results nobody needs: few values are one message.
    pub(super) async fn execute_together(&self, statements: Vec<Statement>) -> Result<(), DbErr> {
        self.0.lock().await.send_all(statements, false).await
    }

    /// Executes statements as [`SqliteTx::execute_together`], and commits with the same message.
    pub(super) async fn commit(self, statements: Vec<Statement>) -> Result<(), DbErr> {
        self.0.into_inner().send_all(statements, true).await
    }
}

impl Open {
    async fn send_all(&mut self, mut statements: Vec<Statement>, is_last: bool) -> Result<(), DbErr> {
        let values = |statement: &Statement| statement.values.as_ref().map_or(0, |values| values.0.len());
        if statements.iter().map(values).sum::<usize>() > TOGETHER_MAX {
            for statement in mem::take(&mut statements) {
                self.send(vec![statement], false).await.map_err(exec_error)?;
            }
        }
        self.send(statements, is_last).await.map(drop).map_err(exec_error)
    }

    /// Sends statements as one message, the first of the transaction with its beginning, and returns what each returned.
    async fn send(&mut self, statements: Vec<Statement>, is_last: bool) -> Result<Vec<Output>, sqlx::Error> {
        let is_first = self.state == State::New;
        if statements.is_empty() && (is_first || !is_last) {
            return Ok(Vec::new());
        }
        let Some(connection) = self.connection.as_mut().filter(|_| self.state != State::Failed) else {
            return Err(sqlx::Error::Protocol("the transaction has failed or ended".to_owned()));
        };
        self.state = State::Failed;
        #[cfg(test)]
        super::statement_log::record(&statements);
        let (mut sql, mut bound) = (Vec::new(), Vec::new());
        for statement in statements {
            sql.push(statement.sql);
            bound.extend(statement.values.into_iter().flat_map(|values| values.0));
        }
        if is_first {
            // At once: a transaction that reads first and writes later fails with "database is locked" under load.
            sql.insert(0, "BEGIN IMMEDIATE".to_owned());
        }
        if is_last {
            sql.push("COMMIT".to_owned());
        }
        let query = sqlx::query_with(AssertSqlSafe(sql.join("; ")), SqlxValues(sea_orm::Values(bound)));
        let mut outputs = vec![Output::default()];
        let mut stream = connection.get().await?.fetch_many(query);
        while let Some(item) = stream.try_next().await? {
            let Some(last) = outputs.last_mut() else { break };
            match item {
                Either::Right(row) => last.rows.push(row),
                Either::Left(result) => {
                    last.result = result;
                    outputs.push(Output::default());
                }
            }
        }
        drop(stream);
        self.state = State::Begun;
        if is_last {
            self.connection = None;
        }
        outputs.pop();
        if is_first {
            outputs.remove(0);
        }
        Ok(outputs)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.state != State::New
            && let Some(mut connection) = self.connection.take()
        {
            // The next transaction waits for it.
            tokio::spawn(async move { connection.roll_back().await });
        }
    }
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}
