//! Connection pools: one that only reads and one that writes, so that writers cannot take the readers' connections. A
//! statement on either has a time limit.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use sea_orm::{
    AccessMode, ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    TransactionOptions, TransactionTrait,
    sqlx::{
        self, ConnectOptions as _, Connection as _, MySqlConnection, PgConnection, Sqlite, SqliteConnection,
        pool::PoolOptions,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous},
    },
};

use super::{
    connect::{CONNECT_TIMEOUT, Unreachable, prepare_file, probe_connection, sqlite_file},
    sqlite_writer::{STEPS_PER_LOOK, SqliteWriter},
    write_queue::{Lane, WriteQueue},
    write_tx::{Kind, WriteTx},
};
use crate::model::Result as Answer;

/// How long an SQLite transaction waits for one of another process: those of this process wait in the write queue.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);
/// The longest time for reading. A constant of the SQL below as well.
const READ_LIMIT: Duration = Duration::from_secs(5);
/// The longest time for writing. A constant of the SQL below as well.
const WRITE_LIMIT: Duration = Duration::from_secs(10);

/// The connections of an instance.
pub struct Pools {
    /// Connections that cannot write.
    pub read: DatabaseConnection,
    write: Writers,
    /// Where write transactions wait for a connection.
    queue: WriteQueue,
}

/// The connections for write transactions.
enum Writers {
    /// SQLite has one writer at a time.
    Sqlite(SqliteWriter),
    Server(DatabaseConnection),
}

impl Writers {
    /// How many write transactions can run at once.
    const fn count(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Server(_) => SERVER_WRITERS as usize,
        }
    }

    async fn begin(&self) -> Result<Kind, DbErr> {
        Ok(match self {
            Self::Sqlite(writer) => Kind::Sqlite(writer.begin().await),
            Self::Server(pool) => Kind::Server(begin(pool).await?),
        })
    }
}

impl Pools {
    /// Connections that are made when they are needed first.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub async fn new(url: &str) -> Result<Self, Unreachable> {
        let write = if sqlite_file(url).is_some() {
            Writers::Sqlite(SqliteWriter::new(sqlite_options(url.parse()?, Purpose::Writing), WRITE_LIMIT))
        } else {
            Writers::Server(open(url, Purpose::Writing).await?)
        };
        let read = open(url, Purpose::Reading).await?;
        let queue = WriteQueue::new(write.count());
        Ok(Self { read, write, queue })
    }

    /// Begins a write transaction once it is the lane's turn.
    ///
    /// # Errors
    /// `unavailable` when too many wait already, the turn does not come in time, or the database cannot write.
    pub async fn begin(&self, lane: Lane) -> Answer<WriteTx> {
        let permit = self.queue.enter(lane).await?;
        Ok(WriteTx::new(self.write.begin().await?, permit))
    }

    /// Closes both pools once they are idle. The writer is the last, so that it can tidy up the file.
    pub async fn close(&self) -> Result<(), DbErr> {
        self.read.close_by_ref().await?;
        match &self.write {
            Writers::Sqlite(writer) => writer.close().await,
            Writers::Server(pool) => pool.close_by_ref().await,
        }
    }
}

/// What tests arrange: writes in progress, and others that wait for them.
#[cfg(test)]
impl Pools {
    /// Takes every slot of the write queue.
    pub async fn hold_writes(&self) -> Answer<Vec<super::write_queue::WritePermit>> {
        let mut held = Vec::new();
        for number in 0..self.write.count() {
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
    /// Migrations and imports, which take as long as they take.
    Maintenance,
}

/// Opens a pool for this purpose; [`SqliteWriter`] is none. For maintenance it connects at once, and creates the folder
/// and the file of SQLite, readable only by this user.
pub(super) async fn open(url: &str, purpose: Purpose) -> Result<DatabaseConnection, Unreachable> {
    #[cfg_attr(not(test), expect(unused_mut, reason = "tests count the statements"))]
    let mut db = match sqlite_file(url) {
        Some(_) if purpose == Purpose::Reading => sqlite_readers(url.parse()?),
        file => connect(url, file, purpose).await?,
    };
    #[cfg(test)]
    db.set_metric_callback(|info| super::statement_log::record(std::slice::from_ref(info.statement)));
    Ok(db)
}

/// The pool of connections that read SQLite. sea-orm would open one at once.
fn sqlite_readers(options: SqliteConnectOptions) -> DatabaseConnection {
    let options = sqlite_options(options, Purpose::Reading).disable_statement_logging();
    let pool = PoolOptions::new().max_connections(SQLITE_READERS).min_connections(1);
    let pool = pool.acquire_timeout(CONNECT_TIMEOUT).idle_timeout(Duration::from_mins(5));
    limit_sqlite(pool, READ_LIMIT).connect_lazy_with(options).into()
}

async fn connect(url: &str, file: Option<PathBuf>, purpose: Purpose) -> Result<DatabaseConnection, Unreachable> {
    let is_first = purpose == Purpose::Maintenance;
    let mut options = ConnectOptions::new(url);
    options
        .connect_timeout(CONNECT_TIMEOUT)
        .acquire_timeout(CONNECT_TIMEOUT)
        .idle_timeout(Duration::from_mins(5))
        .connect_lazy(!is_first)
        .sqlx_logging(false);
    if let Some(file) = file {
        prepare_file(&file)?;
        options.max_connections(2).min_connections(1);
        options.map_sqlx_sqlite_opts(move |options| sqlite_options(options, purpose));
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
    Ok(Box::pin(Database::connect(options)).await?)
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

/// Limits how long a connection reads each time it is handed out: for one statement, or for those of one transaction, as
/// SQLite does not say when a statement begins. The limit is set when the connection comes back, not when it is handed
/// out: a request would wait for that.
fn limit_sqlite(pool: PoolOptions<Sqlite>, limit: Duration) -> PoolOptions<Sqlite> {
    // Setting the limit tests the connection as well.
    pool.test_before_acquire(false)
        .after_connect(move |connection, _| Box::pin(limit_turn(connection, limit)))
        .after_release(move |connection, _| {
            Box::pin(async move {
                limit_turn(connection, limit).await?;
                // SQLite rolls back by itself when it is cut short. The driver does not notice, and could never begin a
                // transaction on this connection again: it is replaced.
                Ok(!connection.is_in_transaction())
            })
        })
}

/// Cuts the running statement short once the limit has passed since the first look: once only, so that the rollback is
/// not cut as well.
async fn limit_turn(connection: &mut SqliteConnection, limit: Duration) -> Result<(), sqlx::Error> {
    let (mut began, mut is_cut) = (None, false);
    connection.lock_handle().await?.set_progress_handler(STEPS_PER_LOOK, move || {
        let is_over = !is_cut && began.get_or_insert_with(Instant::now).elapsed() > limit;
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

/// Begins a write transaction. MySQL uses READ COMMITTED, as PostgreSQL does: its default would read a snapshot from
/// before a lock was acquired, and take gap locks.
async fn begin(write: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let is_mysql = write.get_database_backend() == DbBackend::MySql;
    write
        .begin_with_options(TransactionOptions {
            isolation_level: is_mysql.then_some(IsolationLevel::ReadCommitted),
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

    use super::{
        super::sqlite_writer::tests::{ENDLESS, LIMIT, cut, options, sql, why},
        *,
    };
    use crate::{model::Code, tests::support::database::OwnDatabase};

    #[tokio::test]
    async fn reading_sqlite_is_cut_short_and_the_connection_reads_again() {
        let pool = limit_sqlite(PoolOptions::new().max_connections(1), LIMIT).connect_with(options("reading.db")).await;
        let db = DatabaseConnection::from(pool.expect("opened"));
        for _ in 0..2 {
            assert_eq!(why(db.query_all_raw(sql(ENDLESS).remove(0)).await.expect_err("cut")), cut());
            let tx = snapshot(&db).await.expect("begun");
            assert_eq!(why(tx.query_all_raw(sql(ENDLESS).remove(0)).await.expect_err("cut")), cut());
            drop(tx);
            db.query_all_raw(sql("SELECT 1").remove(0)).await.expect("read");
        }
    }

    #[tokio::test]
    async fn what_reads_cannot_write() {
        let own = OwnDatabase::create().await;
        let pools = Pools::new(&own.url).await.expect("an address");
        let write = async |sql| {
            let tx = pools.begin(Lane::System).await.expect("begun");
            tx.execute_unprepared(sql).await.expect("written");
            tx.commit().await.expect("committed");
        };
        write("CREATE TABLE t (i INTEGER)").await;
        let error = pools.read.execute_unprepared("INSERT INTO t VALUES (1)").await.expect_err("read only");
        let expected = "The server cannot save changes at the moment. Reading still works.";
        assert_eq!(why(error), (Code::Unavailable, expected.into()));
        write("INSERT INTO t VALUES (1)").await;
        pools.close().await.expect("closed");
    }
}
