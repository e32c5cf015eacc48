//! The SQLite connection that writes, and its transactions. The driver has a thread for each connection, and a message
//! to it takes longer than a small statement: a transaction sends few, and taking the connection sends none.

use std::{
    mem,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use futures::{Stream, StreamExt as _};
use sea_orm::{
    DbErr, ExecResult, QueryResult, RuntimeErr, Statement,
    sqlx::{
        self, AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Executor as _, SqliteConnection,
        sqlite::{SqliteConnectOptions, SqliteQueryResult, SqliteRow},
    },
};
use sea_query_sqlx::SqlxValues;
use tokio::{
    sync::{Mutex as AsyncMutex, OwnedMutexGuard},
    task::yield_now,
};

/// How many steps SQLite takes between two looks at the time: about 0.1 ms.
pub(super) const STEPS_PER_LOOK: i32 = 10_000;
/// The most values of statements that are one message.
const TOGETHER_MAX: usize = 200;
/// How long the results of a message are looked for before one waits to be woken, where there is a core for it.
const LOOKING: Duration = Duration::from_micros(100);
/// When a connection is replaced: closing it renews SQLite's statistics.
const LIFETIME: Duration = Duration::from_mins(30);

/// The connection that writes: one transaction has it at a time. Cheap to clone.
#[derive(Clone)]
pub(super) struct SqliteWriter {
    connection: Arc<AsyncMutex<Connection>>,
    limit: Duration,
    looking: Duration,
}

struct Connection {
    /// None once it is closed.
    options: Option<SqliteConnectOptions>,
    /// None if it is to be replaced.
    open: Option<SqliteConnection>,
    opened_at: Instant,
    deadline: Deadline,
    /// Whether the file could not be written: SQLite opens such a file for reading only, and that lasts.
    is_read_only: bool,
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
    /// A writer that connects with its first transaction. None takes longer than `limit`: it keeps all others waiting
    /// from its first statement to its last.
    pub(super) fn new(options: SqliteConnectOptions, limit: Duration) -> Self {
        let options = Some(options.disable_statement_logging());
        let (opened_at, deadline) = (Instant::now(), Deadline::default());
        let connection = Connection { options, open: None, opened_at, deadline, is_read_only: false };
        let has_free_core = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
        let looking = if has_free_core { LOOKING } else { Duration::ZERO };
        Self { connection: Arc::new(AsyncMutex::new(connection)), limit, looking }
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
        SqliteTx(AsyncMutex::new(Open { connection: Some(connection), state: State::New, looking: self.looking }))
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
            (self.opened_at, self.is_read_only) = (Instant::now(), false);
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
        self.open = Some(open).filter(|_| is_usable && !self.is_read_only);
    }
}

/// A transaction that writes. Dropping it rolls back.
pub(super) struct SqliteTx(AsyncMutex<Open>);

struct Open {
    /// None after the commit.
    connection: Option<OwnedMutexGuard<Connection>>,
    state: State,
    looking: Duration,
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
        let until = Instant::now() + self.looking;
        let sent = outputs_of(connection.get().await?.fetch_many(query), until).await;
        connection.is_read_only |= sent.as_ref().is_err_and(is_read_only);
        let mut outputs = sent?;
        self.state = State::Begun;
        if is_last {
            self.connection = None;
        }
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

/// What each statement of a message returned; looks for it until the given time.
async fn outputs_of(
    mut stream: impl Stream<Item = Result<Either<SqliteQueryResult, SqliteRow>, sqlx::Error>> + Unpin,
    until: Instant,
) -> Result<Vec<Output>, sqlx::Error> {
    let (mut outputs, mut rows) = (Vec::new(), Vec::new());
    while let Some(item) = next(&mut stream, until).await {
        match item? {
            Either::Right(row) => rows.push(row),
            Either::Left(result) => outputs.push(Output { result, rows: mem::take(&mut rows) }),
        }
    }
    Ok(outputs)
}

/// Whether this is `SQLITE_READONLY`, the primary code in the lowest byte.
fn is_read_only(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
    code.is_some_and(|code| code & 0xff == 8)
}

/// The next item of a stream. To be woken for each takes the driver's thread, and this one, longer than most statements
/// take: until the given time, it is looked for, between the turns of other tasks.
async fn next<S: Stream + Unpin>(stream: &mut S, until: Instant) -> Option<S::Item> {
    while Instant::now() < until {
        let item = stream.poll_next_unpin(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(item) = item {
            return item;
        }
        yield_now().await;
    }
    stream.next().await
}

fn query_error(error: sqlx::Error) -> DbErr {
    DbErr::Query(RuntimeErr::SqlxError(error.into()))
}

fn exec_error(error: sqlx::Error) -> DbErr {
    DbErr::Exec(RuntimeErr::SqlxError(error.into()))
}

#[cfg(test)]
pub(super) mod tests {
    use sea_orm::DbBackend;

    use super::*;
    use crate::model::{Code, Error};

    /// A query without end.
    pub(crate) const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
    pub(crate) const LIMIT: Duration = Duration::from_millis(50);

    pub(crate) fn options(file: &str) -> SqliteConnectOptions {
        let file = crate::tests::support::database::folder().join(file);
        SqliteConnectOptions::new().filename(file).create_if_missing(true)
    }

    pub(crate) fn sql(text: &str) -> Vec<Statement> {
        vec![Statement::from_string(DbBackend::Sqlite, text)]
    }

    pub(crate) fn why(error: DbErr) -> (Code, String) {
        let error = Error::from(error);
        (error.code, error.message)
    }

    pub(crate) fn cut() -> (Code, String) {
        (Code::Unavailable, "This took too long and was stopped. Try again in a moment.".to_owned())
    }

    #[tokio::test]
    async fn an_sqlite_transaction_is_cut_short_and_the_connection_writes_again() {
        let writer = SqliteWriter::new(options("writing.db"), LIMIT);
        writer.begin().await.commit(sql("CREATE TABLE t (i INTEGER)")).await.expect("created");
        for _ in 0..2 {
            let tx = writer.begin().await;
            tx.execute_together(sql("INSERT INTO t VALUES (1)")).await.expect("in time");
            let endless = sql(&format!("INSERT INTO t {ENDLESS}"));
            assert_eq!(why(tx.execute_together(endless).await.expect_err("cut")), cut());
            // SQLite has rolled back: nothing may be written outside a transaction.
            tx.execute_together(sql("INSERT INTO t VALUES (2)")).await.expect_err("failed");
            tx.commit(sql("INSERT INTO t VALUES (3)")).await.expect_err("failed");
            // Nothing of it is left, and the limit begins anew.
            let tx = writer.begin().await;
            let rows = tx.query_together(sql("SELECT i FROM t")).await.expect("read");
            assert!(rows[0].is_empty());
            tx.commit(Vec::new()).await.expect("committed");
        }
        writer.close().await.expect("closed");
        assert!(writer.begin().await.query_together(sql("SELECT i FROM t")).await.is_err());
    }

    #[tokio::test]
    async fn an_sqlite_transaction_ends_by_its_commit_or_not_at_all() {
        let writer = SqliteWriter::new(options("ending.db"), LIMIT);
        writer.begin().await.commit(sql("CREATE TABLE t (i INTEGER UNIQUE)")).await.expect("created");
        // Nothing to commit, and dropped before the commit.
        writer.begin().await.commit(Vec::new()).await.expect("committed");
        writer.begin().await.execute_together(sql("INSERT INTO t VALUES (1)")).await.expect("inserted");
        // The second statement of the message fails: it is not committed.
        let both = [sql("INSERT INTO t VALUES (2)"), sql("INSERT INTO t VALUES (2)")].concat();
        writer.begin().await.commit(both).await.expect_err("not unique");
        let both = [sql("INSERT INTO t VALUES (3)"), sql("INSERT INTO t VALUES (4)")].concat();
        writer.begin().await.commit(both).await.expect("committed");
        let queries =
            [sql("SELECT i FROM t ORDER BY i"), sql("SELECT 5 WHERE 0"), sql("SELECT count(*) FROM t")].concat();
        let rows = writer.begin().await.query_together(queries).await.expect("read");
        let rows: Vec<Vec<i64>> =
            rows.iter().map(|rows| rows.iter().map(|row| row.try_get_by(0).expect("a number")).collect()).collect();
        assert_eq!(rows, [vec![3, 4], vec![], vec![2]]);
        writer.close().await.expect("closed");
    }

    #[tokio::test]
    async fn a_connection_that_cannot_write_is_replaced() {
        let writer = SqliteWriter::new(options("replaced.db"), LIMIT);
        writer.begin().await.commit(sql("CREATE TABLE t (i INTEGER)")).await.expect("created");
        // As if the file had been opened while it was read-only.
        let cannot_write = [sql("PRAGMA query_only = ON"), sql("INSERT INTO t VALUES (1)")].concat();
        assert_eq!(why(writer.begin().await.commit(cannot_write).await.expect_err("read-only")).0, Code::Unavailable);
        writer.begin().await.commit(sql("INSERT INTO t VALUES (1)")).await.expect("written");
    }

    /// Otherwise SQLite would plan a query with `LIMIT ?` each time it is sent: the flag is set in `.cargo/config.toml`.
    #[tokio::test]
    async fn sqlite_keeps_its_plans() {
        let writer = SqliteWriter::new(options("plans.db"), LIMIT);
        let rows = writer.begin().await.query_together(sql("SELECT sqlite_compileoption_used('ENABLE_QPSG')")).await;
        assert_eq!(rows.expect("read")[0][0].try_get_by::<bool, _>(0), Ok(true));
    }
}
