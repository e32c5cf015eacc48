//! Copies of an SQLite database. Each is written beside its final name, under which there is a whole copy or none.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    process,
};

use sea_orm::{
    DatabaseConnection, SqlxSqliteConnector,
    sqlx::{
        self, ConnectOptions as _, Connection as _,
        sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
    },
};

use crate::server::domain::store::connect::{Unreachable, prepare_file};

/// What the name of a file that is being written has between its final name and the process id.
const PART: &str = ".part-";
/// What SQLite appends to the name of a database for its companions.
pub(super) const COMPANIONS: [&str; 3] = ["-journal", "-wal", "-shm"];

/// The path with something appended to the file's name.
pub(super) fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The folder of a file.
pub(super) fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A fault of a file, in words.
pub(super) fn fault(file: &Path, why: impl Into<String>) -> Unreachable {
    Unreachable::File(file.to_owned(), io::Error::other(why.into()))
}

/// SQLite's primary result code (<https://sqlite.org/rescode.html>); 0 for other errors.
pub(super) fn result_code(error: &sqlx::Error) -> i32 {
    let code = error.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    code.map_or(0, |code| code & 0xff)
}

/// An error of SQLite in its own words, at the file it is about.
pub(super) fn sqlite_fault(file: &Path, error: &sqlx::Error) -> Unreachable {
    fault(file, error.as_database_error().map_or_else(|| error.to_string(), |error| error.message().to_owned()))
}

/// A copy that is being written; removed with this value unless it is put in place.
pub(super) struct Part {
    pub path: PathBuf,
    target: PathBuf,
}

impl Part {
    /// Begins an empty file, readable only by this user, and removes what killed processes left.
    pub fn begin(target: &Path) -> Result<Self, Unreachable> {
        for left in left_behind(target) {
            // If it cannot be removed, it only takes space.
            _ = fs::remove_file(left);
        }
        let part = Self { path: beside(target, &format!("{PART}{}", process::id())), target: target.to_owned() };
        prepare_file(&part.path)?;
        Ok(part)
    }

    /// Fills the file with a consistent copy of a database, even of one that is being written to.
    pub async fn copy(&self, source: &Path, options: SqliteConnectOptions) -> Result<(), Unreachable> {
        let target = self.path.to_str().ok_or_else(|| fault(&self.path, "the name is not UTF-8"))?;
        let options = options.filename(source).disable_statement_logging();
        let mut db = options.connect().await.map_err(|error| sqlite_fault(source, &error))?;
        let copied = sqlx::query("VACUUM INTO ?").bind(target).execute(&mut db).await;
        copied.map_err(|error| match result_code(&error) {
            // SQLITE_CORRUPT, SQLITE_NOTADB.
            11 | 26 => sqlite_fault(source, &error),
            _ => sqlite_fault(&self.target, &error),
        })?;
        db.close().await.map_err(|error| sqlite_fault(source, &error))
    }

    /// Opens the copy to change it, without care for its safety: a failure loses nothing else.
    pub async fn open(&self) -> Result<DatabaseConnection, Unreachable> {
        let options = SqliteConnectOptions::new()
            .filename(&self.path)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await;
        Ok(SqlxSqliteConnector::from_sqlx_sqlite_pool(pool.map_err(|error| sqlite_fault(&self.path, &error))?))
    }

    /// Writes the file through to the disk.
    pub fn sync(&self) -> Result<(), Unreachable> {
        File::open(&self.path)
            .and_then(|file| file.sync_all())
            .map_err(|error| Unreachable::File(self.target.clone(), error))
    }

    /// Puts the synced file in place of its target, also for a power failure that follows.
    pub fn put_in_place(self) -> Result<(), Unreachable> {
        fs::rename(&self.path, &self.target)
            .and_then(|()| sync_folder(&self.target))
            .map_err(|error| Unreachable::File(self.target.clone(), error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        for end in [""].iter().chain(&COMPANIONS) {
            // Most do not exist.
            _ = fs::remove_file(beside(&self.path, end));
        }
    }
}

/// Writes the names in a file's folder through to the disk.
pub(super) fn sync_folder(file: &Path) -> io::Result<()> {
    // Only Unix opens folders.
    if cfg!(unix) { File::open(folder(file))?.sync_all() } else { Ok(()) }
}

/// Files that processes which no longer run began to write for this target, with their companions.
fn left_behind(target: &Path) -> Vec<PathBuf> {
    let Some(name) = target.file_name().and_then(OsStr::to_str) else { return Vec::new() };
    let start = format!("{name}{PART}");
    let is_left = |path: &PathBuf| {
        let rest = path.file_name().and_then(OsStr::to_str).and_then(|name| name.strip_prefix(&start));
        let id = rest.and_then(|rest| rest.split('-').next()?.parse().ok());
        id.is_some_and(|id| !is_running(id))
    };
    let entries = fs::read_dir(folder(target)).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(is_left).collect()
}

/// Whether another process with this id runs; yes where that cannot be seen. In a container, ids repeat.
fn is_running(id: u32) -> bool {
    let processes = Path::new("/proc");
    id != process::id() && (processes.join(id.to_string()).exists() || !processes.join("self").exists())
}
