//! The database of the tests, and direct access to it.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::LazyLock,
    thread,
};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};
use tokio::runtime::Builder;

use super::app::unique;

/// A file that each run keeps locked in its folder.
const ALIVE: &str = "alive";
const PREFIX: &str = "aldis-tests-";

/// The URL of the shared database.
pub fn database_url() -> &'static str {
    static URL: LazyLock<String> =
        LazyLock::new(|| setting("ALDIS_TEST_DATABASE_URL").unwrap_or_else(|| sqlite_url("shared.db")));
    &URL
}

/// A setting of the tests themselves.
#[expect(clippy::disallowed_methods, reason = "the environment selects what the tests run on")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The URL of an SQLite file in this run's folder.
pub fn sqlite_url(name: &str) -> String {
    format!("sqlite://{}", scratch().join(name).display())
}

/// The folder of this run. Folders of earlier runs are removed at the start of the next.
pub fn scratch() -> &'static Path {
    static FOLDER: LazyLock<(PathBuf, File)> = LazyLock::new(|| {
        sweep();
        let folder = std::env::temp_dir().join(unique(PREFIX));
        fs::create_dir(&folder).expect("a temporary folder");
        let alive = File::create(folder.join(ALIVE)).expect("a file in it");
        alive.lock().expect("locked until the end");
        (folder, alive)
    });
    &FOLDER.0
}

/// A new folder inside this run's.
pub fn folder() -> PathBuf {
    let folder = scratch().join(unique("folder"));
    fs::create_dir(&folder).expect("a folder");
    folder
}

fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let is_over = || File::open(entry.path().join(ALIVE)).is_ok_and(|file| file.try_lock().is_ok());
        if is_ours && is_over() {
            // Another run may have removed it first.
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// An empty database for a test that would disturb others. Dropped with this value.
#[derive(Debug)]
pub struct OwnDatabase {
    name: String,
    pub url: String,
}

impl OwnDatabase {
    pub async fn create() -> Self {
        let name = unique("aldis-own").replace('-', "_");
        let shared = database_url();
        if shared.starts_with("sqlite:") {
            return Self { url: sqlite_url(&format!("{name}.db")), name };
        }
        connect(shared).await.execute_unprepared(&format!("CREATE DATABASE {name}")).await.expect("created");
        let (server, _) = shared.rsplit_once('/').expect("an address");
        Self { url: format!("{server}/{name}"), name }
    }
}

impl Drop for OwnDatabase {
    fn drop(&mut self) {
        // SQLite files are removed with their folder.
        if self.url.starts_with("sqlite:") {
            return;
        }
        let name = self.name.clone();
        // On its own thread, as a test's runtime must not be blocked on.
        let dropped = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let server = connect(database_url()).await;
                end_connections(&server, &name).await;
                let force = if server.get_database_backend() == DbBackend::Postgres { " WITH (FORCE)" } else { "" };
                server.execute_unprepared(&format!("DROP DATABASE {name}{force}")).await.map(drop)
            })
        });
        let is_dropped = dropped.join().is_ok_and(|result| result.is_ok());
        assert!(is_dropped || thread::panicking(), "{} could not be dropped", self.name);
    }
}

/// Closes a database's connections on MariaDB, which has no `FORCE`. A transaction whose rollback waits for the test's
/// runtime would block the drop that the runtime waits for.
async fn end_connections(server: &DatabaseConnection, name: &str) {
    if server.get_database_backend() == DbBackend::MySql {
        let sql = format!("SELECT CAST(id AS CHAR) FROM information_schema.processlist WHERE db = '{name}'");
        for [id] in texts::<1>(server, &sql).await {
            // It may have ended already.
            _ = server.execute_unprepared(&format!("KILL {id}")).await;
        }
    }
}

/// A direct connection.
pub async fn connect(url: &str) -> DatabaseConnection {
    let create = if url.starts_with("sqlite:") { "?mode=rwc" } else { "" };
    let mut options = ConnectOptions::new(format!("{}{create}", url.replacen("mariadb:", "mysql:", 1)));
    options.max_connections(1).sqlx_logging(false);
    Box::pin(Database::connect(options)).await.expect("the database answers")
}

/// The rows of a query, as text.
pub async fn texts<const N: usize>(db: &DatabaseConnection, sql: &str) -> Vec<[String; N]> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("a query");
    rows.iter().map(|row| std::array::from_fn(|n| row.try_get_by_index::<String>(n).expect("text"))).collect()
}

/// An id as an SQL literal.
pub fn literal(backend: DbBackend, id: &str) -> String {
    match backend {
        DbBackend::Postgres => format!("'{id}'"),
        _ => format!("X'{}'", id.replace('-', "")),
    }
}
