//! The database the tests run on, and a way to it beside the server's own.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, Statement};

/// What is left of a run holds this file locked while the run lasts.
const ALIVE: &str = "alive";
const PREFIX: &str = "aldis-tests-";

/// The address of the database all tests share.
pub fn database_url() -> &'static str {
    static URL: LazyLock<String> =
        LazyLock::new(|| setting("ALDIS_TEST_DATABASE_URL").unwrap_or_else(|| sqlite_url("shared.db")));
    &URL
}

/// A setting of the tests themselves.
#[expect(clippy::disallowed_methods, reason = "who starts the tests says what they run on")]
pub fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The address of an SQLite file of this run.
pub fn sqlite_url(name: &str) -> String {
    format!("sqlite://{}", scratch().join(name).display())
}

/// The folder of this run. Folders of runs that have ended are removed when the next begins.
pub fn scratch() -> &'static Path {
    static FOLDER: LazyLock<(PathBuf, File)> = LazyLock::new(|| {
        sweep();
        let folder = tempfile::Builder::new().prefix(PREFIX).tempdir().expect("a temporary folder").keep();
        let alive = File::create(folder.join(ALIVE)).expect("a file in it");
        alive.lock().expect("locked until the end");
        (folder, alive)
    });
    &FOLDER.0
}

fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let is_over = || File::open(entry.path().join(ALIVE)).is_ok_and(|file| file.try_lock().is_ok());
        if is_ours && is_over() {
            // Whoever else sweeps may have been quicker.
            _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// A connection of the test's own, for what no door offers.
pub async fn connect(url: &str) -> DatabaseConnection {
    let create = if url.starts_with("sqlite:") { "?mode=rwc" } else { "" };
    let mut options = ConnectOptions::new(format!("{}{create}", url.replacen("mariadb:", "mysql:", 1)));
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("the database answers")
}

/// The rows of a query, as text.
pub async fn texts<const N: usize>(db: &DatabaseConnection, sql: &str) -> Vec<[String; N]> {
    let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.expect("a query");
    rows.iter().map(|row| std::array::from_fn(|n| row.try_get_by_index::<String>(n).expect("text"))).collect()
}

/// An id as the database's own language writes it.
pub fn literal(backend: DbBackend, id: &str) -> String {
    match backend {
        DbBackend::Postgres => format!("'{id}'"),
        _ => format!("X'{}'", id.replace('-', "")),
    }
}
