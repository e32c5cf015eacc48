//! Connection pools: one that only reads and one that writes, so that writers cannot take the readers' connections. A
//! statement on either has a time limit.

use std::time::{Duration, Instant};

use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sqlx::{
        self, Connection as _, MySqlConnection, PgConnection, Sqlite, SqliteConnection,
        pool::PoolOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{
    connect::{CONNECT_TIMEOUT, Unreachable, prepare_file, probe_connection, sqlite_file},
    write_queue::{Lane, WriteQueue},
    write_tx::WriteTx,
};
use crate::model::Result as Answer;

/// How long an SQLite transaction waits for one of another process: those of this process wait in the write queue.
const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time for reading. A constant of the SQL below as well.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// The longest time for writing. A constant of the SQL below as well.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How many steps SQLite takes between two looks at the time: about 0.1 ms.
const STEPS_PER_LOOK: i32 = 10_000;

/// The connections of an instance.
pub struct Pools {
    /// Connections that cannot write.
    pub read: DatabaseConnection,
    /// Connections for write transactions: one on SQLite, which has one writer at a time.
    write: DatabaseConnection,
    /// Where write transactions wait for a connection.
    queue: WriteQueue,
}

impl Pools {
    /// Opens both pools. For SQLite, creates the folder and the file, readable only by this user.
    ///
    /// # Errors
    /// When the database cannot be reached at this address.
    pub async fn open(url: &str) -> Result<Self, Unreachable> {
        // The writer first: it creates the file.
        let write = open(url, Purpose::Writing).await?;
        let read = open(url, Purpose::Reading).await?;
        let queue = WriteQueue::new(writers(&write));
        Ok(Self { read, write, queue })
    }

    /// Begins a write transaction once it is the lane's turn.
    ///
    /// # Errors
    /// `unavailable` when too many wait already, the turn does not come in time, or the database cannot write.
    pub async fn begin(&self, lane: Lane) -> Answer<WriteTx> {
        let permit = self.queue.enter(lane).await?;
        Ok(WriteTx::new(begin(&self.write).await?, permit))
    }

    /// Closes both pools once they are idle. The writer is the last, so that it can tidy up the file.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.read.close_by_ref().await?;
        self.write.close_by_ref().await
    }
}

/// What tests arrange: writes in progress, and others that wait for them.
#[cfg(test)]
impl Pools {
    /// Takes every slot of the write queue.
    pub async fn hold_writes(&self) -> Answer<Vec<super::write_queue::WritePermit>> {
        let mut held = Vec::new();
        for number in 0..writers(&self.write) {
            let lane = Lane::User(crate::model::UserId::from_uuid(uuid::Uuid::from_u128(number as u128)));
            held.push(self.queue.enter(lane).await?);
        }
        Ok(held)
    }

    /// How many write transactions wait for their turn.
    pub fn waiting_writes(&self) -> usize {
        self.queue.waiting()
    }
}

/// How many write transactions can run at once.
fn writers(write: &DatabaseConnection) -> usize {
    if write.get_database_backend() == DbBackend::Sqlite { 1 } else { SERVER_WRITERS as usize }
}

const SQLITE_READERS: u32 = 8;
const SERVER_READERS: u32 = 10;
const SERVER_WRITERS: u32 = 8;

/// The purpose of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Reading only, within the time limit.
    Reading,
    /// Write transactions, within the time limit.
    Writing,
    /// Migrations and backups, which take as long as they take.
    Maintenance,
}

impl Purpose {
    const fn limit(self) -> Option<Duration> {
        match self {
            Self::Reading => Some(READ_LIMIT),
            Self::Writing => Some(WRITE_LIMIT),
            Self::Maintenance => None,
        }
    }
}

/// Opens a pool for this purpose.
pub(super) async fn open(url: &str, purpose: Purpose) -> Result<DatabaseConnection, Unreachable> {
    let mut options = ConnectOptions::new(url);
    options
        .connect_timeout(CONNECT_TIMEOUT)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(Duration::from_mins(5))
        .sqlx_logging(false);
    let is_first = purpose != Purpose::Reading;
    if let Some(file) = sqlite_file(url) {
        if is_first {
            prepare_file(&file)?;
        }
        let most = match purpose {
            Purpose::Reading => SQLITE_READERS,
            Purpose::Writing => 1,
            Purpose::Maintenance => 2,
        };
        options.max_connections(most).min_connections(1);
        options.map_sqlx_sqlite_opts(move |options| sqlite_options(options, purpose));
        if let Some(limit) = purpose.limit() {
            options.map_sqlx_sqlite_pool_opts(move |pool| limit_sqlite(pool, limit));
        }
    } else {
        if is_first {
            Box::pin(probe_connection(url)).await?;
        }
        let most = match purpose {
            Purpose::Reading => SERVER_READERS,
            Purpose::Writing => SERVER_WRITERS,
            Purpose::Maintenance => 2,
        };
        options.max_connections(most).min_connections(0);
        options.map_sqlx_postgres_pool_opts(move |pool| {
            pool.after_connect(move |connection, _| Box::pin(limit_postgres(connection, purpose)))
        });
        options.map_sqlx_mysql_pool_opts(move |pool| {
            pool.after_connect(move |connection, _| Box::pin(limit_mysql(connection, purpose)))
        });
    }
    // Boxed: the drivers' futures take 20 kB each, which every caller's future would contain.
    #[cfg_attr(not(test), expect(unused_mut, reason = "tests count the statements"))]
    let mut db = Box::pin(Database::connect(options)).await?;
    #[cfg(test)]
    db.set_metric_callback(|info| super::statement_log::record(&info.statement.sql));
    Ok(db)
}

fn sqlite_options(options: SqliteConnectOptions, purpose: Purpose) -> SqliteConnectOptions {
    let options = options.busy_timeout(BUSY_TIMEOUT);
    if purpose == Purpose::Reading {
        return options.pragma("query_only", "ON");
    }
    options
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        // An acknowledged change survives a power failure, not only a killed process.
        .synchronous(SqliteSynchronous::Full)
        .optimize_on_close(purpose == Purpose::Writing, None)
}

/// Limits how long a connection works each time it is handed out: for one statement, or for the statements of one
/// transaction. SQLite does not say when a statement begins, and what must be bounded is the turn: an SQLite writer
/// keeps all others waiting from its first statement to its last.
fn limit_sqlite(pool: PoolOptions<Sqlite>, limit: Duration) -> PoolOptions<Sqlite> {
    // Setting the limit tests the connection as well.
    pool.test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(begin_turn(connection, limit)))
        .before_acquire(move |connection, _| {
            Box::pin(async move {
                begin_turn(connection, limit).await?;
                // SQLite rolls back by itself when it is cut short or the disk is full. The driver does not notice, and
                // could never begin a transaction on this connection again: it is replaced.
                Ok(!connection.is_in_transaction())
            })
        })
}

/// Cuts the running statement short once the limit has passed: once only, so that the rollback is not cut as well.
async fn begin_turn(connection: &mut SqliteConnection, limit: Duration) -> Result<(), sqlx::Error> {
    let (began, mut is_cut) = (Instant::now(), false);
    connection.lock_handle().await?.set_progress_handler(STEPS_PER_LOOK, move || {
        let is_over = !is_cut && began.elapsed() > limit;
        is_cut |= is_over;
        !is_over
    });
    Ok(())
}

async fn limit_postgres(connection: &mut PgConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    let sql = match purpose {
        Purpose::Reading => "SET statement_timeout = '5s'; SET default_transaction_read_only = on",
        Purpose::Writing => "SET statement_timeout = '10s'; SET lock_timeout = '5s'",
        Purpose::Maintenance => return Ok(()),
    };
    sqlx::raw_sql(sql).execute(connection).await.map(drop)
}

async fn limit_mysql(connection: &mut MySqlConnection, purpose: Purpose) -> Result<(), sqlx::Error> {
    let version: String = sqlx::query_scalar("SELECT VERSION()").fetch_one(&mut *connection).await?;
    // MariaDB limits every statement, in seconds; MySQL only those that read, in milliseconds.
    let limits = match (purpose, version.contains("MariaDB")) {
        (Purpose::Reading, true) => "SET SESSION max_statement_time = 5",
        (Purpose::Reading, false) => "SET SESSION max_execution_time = 5000",
        (Purpose::Writing, true) => "SET SESSION max_statement_time = 10, SESSION innodb_lock_wait_timeout = 5",
        (Purpose::Writing, false) => "SET SESSION max_execution_time = 10000, SESSION innodb_lock_wait_timeout = 5",
        (Purpose::Maintenance, _) => return Ok(()),
    };
    sqlx::raw_sql(limits).execute(&mut *connection).await?;
    if purpose == Purpose::Reading {
        sqlx::raw_sql("SET SESSION TRANSACTION READ ONLY").execute(connection).await?;
    }
    Ok(())
}

/// Begins a write transaction. SQLite takes its write lock at once: a transaction that reads first and writes later
/// fails with "database is locked" under load. MySQL uses READ COMMITTED, as PostgreSQL does: its default would read a
/// snapshot from before a lock was acquired, and take gap locks.
async fn begin(write: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let is_mysql = write.get_database_backend() == DbBackend::MySql;
    write
        .begin_with_options(TransactionOptions {
            isolation_level: is_mysql.then_some(IsolationLevel::ReadCommitted),
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await
}

/// Begins a read transaction on a snapshot of the database.
pub async fn snapshot(read: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    match read.get_database_backend() {
        DbBackend::Postgres => {
            read.begin_with_config(Some(IsolationLevel::RepeatableRead), Some(AccessMode::ReadOnly)).await
        }
        // MySQL reads a snapshot by default, and so does an SQLite transaction in WAL mode.
        _ => read.begin().await,
    }
}

#[cfg(test)]
mod tests {
    use sea_orm::ConnectionTrait as _;

    use super::*;
    use crate::{
        model::{Code, Error},
        tests::support::database::OwnDatabase,
    };

    /// A statement without end.
    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO t SELECT count(*) FROM n";

    /// A pool of one SQLite connection with this limit, and an empty table `t`.
    async fn limited(url: &str, limit: Duration) -> DatabaseConnection {
        let mut options = ConnectOptions::new(format!("{url}?mode=rwc"));
        options.max_connections(1).sqlx_logging(false);
        options.map_sqlx_sqlite_pool_opts(move |pool| limit_sqlite(pool, limit));
        let db = Box::pin(Database::connect(options)).await.expect("opened");
        db.execute_unprepared("CREATE TABLE t (i INTEGER)").await.expect("created");
        db
    }

    fn why(error: DbErr) -> (Code, String) {
        let error = Error::from(error);
        (error.code, error.message)
    }

    #[tokio::test]
    async fn an_sqlite_transaction_is_cut_short_and_the_connection_writes_again() {
        let url = format!("sqlite://{}", crate::tests::support::database::folder().join("limits.db").display());
        let db = limited(&url, Duration::from_millis(50)).await;
        let cut = (Code::Unavailable, "This took too long and was stopped. Try again in a moment.".to_owned());
        for _ in 0..2 {
            let tx = begin(&db).await.expect("begun");
            tx.execute_unprepared("INSERT INTO t VALUES (1)").await.expect("in time");
            assert_eq!(why(tx.execute_unprepared(ENDLESS).await.expect_err("cut")), cut);
            drop(tx);
            // Nothing of it is left, and the limit begins anew.
            let tx = begin(&db).await.expect("begun again");
            assert!(
                tx.query_one_raw(sea_orm::Statement::from_string(DbBackend::Sqlite, "SELECT i FROM t"))
                    .await
                    .expect("read")
                    .is_none()
            );
            tx.commit().await.expect("committed");
        }
        assert_eq!(why(db.execute_unprepared(ENDLESS).await.expect_err("cut")), cut);
    }

    #[tokio::test]
    async fn what_reads_cannot_write() {
        let own = OwnDatabase::create().await;
        let pools = Pools::open(&own.url).await.expect("opened");
        pools.write.execute_unprepared("CREATE TABLE t (i INTEGER)").await.expect("created");
        let error = pools.read.execute_unprepared("INSERT INTO t VALUES (1)").await.expect_err("read only");
        let expected = "The server cannot save changes at the moment. Reading still works.";
        assert_eq!(why(error), (Code::Unavailable, expected.into()));
        pools.write.execute_unprepared("INSERT INTO t VALUES (1)").await.expect("written");
        pools.close().await.expect("closed");
    }
}
