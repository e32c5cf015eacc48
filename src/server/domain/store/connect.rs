//! Files, migrations and backups of the three kinds of database.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use migration::{Migrator, MigratorTrait, SchemaManager};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, Statement, sqlx};

use super::{
    event_epoch,
    pools::{CONNECT_TIMEOUT, Purpose, open},
};
use crate::model::Epoch;

/// The error of a database that cannot be opened, migrated or backed up.
#[derive(Debug, thiserror::Error)]
pub enum Unreachable {
    /// An error of sea-orm.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// An error of the driver below sea-orm.
    #[error(transparent)]
    Driver(#[from] sqlx::Error),
    /// The file or its folder cannot be used.
    #[error("{file}: {1}", file = .0.display())]
    File(PathBuf, #[source] io::Error),
    /// No answer in time.
    #[error("no answer within 5 seconds; is the address right and the server running?")]
    Silent,
    /// Another process has held the migration lock for too long.
    #[error("another process has been migrating the database for over a minute")]
    Locked,
    /// The schema has migrations under names from before the first release.
    #[error("This database was created by an older development version of Aldis. Move it away and start again.")]
    Outdated,
    /// The command is not supported for this kind of database.
    #[error("{0}")]
    Unsupported(&'static str),
}

/// The file of an SQLite address, without the driver's parameters; none for other databases and in-memory ones.
pub(super) fn sqlite_file(url: &str) -> Option<PathBuf> {
    let path = url.strip_prefix("sqlite:")?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let path = path.split('?').next().unwrap_or(path);
    Some(PathBuf::from(path)).filter(|path| !path.as_os_str().is_empty() && path.as_os_str() != ":memory:")
}

/// Creates the database file with mode 0600: SQLite gives its companions (-wal, -shm) the same mode.
pub(super) fn prepare_file(file: &Path) -> Result<(), Unreachable> {
    let file_error = |error| Unreachable::File(file.to_owned(), error);
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(file_error)?;
    }
    let mut options = File::options();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(drop).map_err(file_error)?;
    #[cfg(unix)]
    for name in ["", "-wal", "-shm"] {
        let mut part = file.as_os_str().to_owned();
        part.push(name);
        let part = PathBuf::from(part);
        make_private(&part).map_err(|error| Unreachable::File(part, error))?;
    }
    Ok(())
}

/// Removes the access of other users: the file may be an older copy.
#[cfg(unix)]
fn make_private(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let Ok(metadata) = file.metadata() else { return Ok(()) };
    let is_open = metadata.permissions().mode() & 0o077 != 0;
    if !is_open {
        return Ok(());
    }
    tracing::warn!(file = %file.display(), "the database could be read by other users; its mode is now 0600");
    fs::set_permissions(file, fs::Permissions::from_mode(0o600)).map_err(|error| {
        io::Error::other(format!(
            "can be read by other users, and that cannot be changed ({error}); run `chmod 600` on it"
        ))
    })
}

/// Probes the database with a single connection: a pool reports only a timeout, this the cause.
pub(super) async fn probe_connection(url: &str) -> Result<(), Unreachable> {
    async fn once<C: sqlx::Connection>(url: &str) -> Result<(), sqlx::Error> {
        C::connect(url).await?.close().await
    }
    let attempt = async {
        if url.starts_with("mysql:") {
            once::<sqlx::MySqlConnection>(url).await
        } else {
            once::<sqlx::PgConnection>(url).await
        }
    };
    tokio::time::timeout(CONNECT_TIMEOUT, attempt).await.map_err(|_| Unreachable::Silent)?.map_err(Unreachable::Driver)
}

/// The number of migrations not applied yet.
pub async fn pending_migrations(url: &str) -> Result<usize, Unreachable> {
    let db = open(url, Purpose::Maintenance).await?;
    let pending = Migrator::get_pending_migrations(&db).await.map_err(migration_error)?.len();
    db.close().await?;
    Ok(pending)
}

/// Migrates the schema, one process at a time. For SQLite, creates the folder and the file, readable only by this user.
///
/// # Errors
/// When the database cannot be reached, a step fails, or another process holds the lock for over a minute.
pub async fn migrate(url: &str) -> Result<(), Unreachable> {
    let db = open(url, Purpose::Maintenance).await?;
    let result = migrate_alone(&db, url).await;
    db.close().await?;
    result
}

/// Migrates the schema once no other process does.
async fn migrate_alone(db: &DatabaseConnection, url: &str) -> Result<(), Unreachable> {
    const NAME: &str = "aldis_migration";
    match db.get_database_backend() {
        DbBackend::Postgres => {
            let mut lock = Box::pin(db.get_postgres_connection_pool().acquire()).await?;
            sqlx::query("SET statement_timeout = '60s'").execute(&mut *lock).await?;
            sqlx::query("SELECT pg_advisory_lock(hashtext($1))").bind(NAME).execute(&mut *lock).await?;
            let result = Migrator::up(db, None).await.map_err(migration_error);
            // Closing the connection releases the lock, also when a step failed.
            lock.close().await?;
            result
        }
        DbBackend::MySql => {
            let mut lock = Box::pin(db.get_mysql_connection_pool().acquire()).await?;
            let got: Option<i64> =
                sqlx::query_scalar("SELECT GET_LOCK(?, 60)").bind(NAME).fetch_one(&mut *lock).await?;
            if got != Some(1) {
                return Err(Unreachable::Locked);
            }
            let result = Migrator::up(db, None).await.map_err(migration_error);
            lock.close().await?;
            result
        }
        _ => {
            let _lock = match sqlite_file(url) {
                Some(file) => Some(lock_file(file.with_extension("migration-lock")).await?),
                None => None,
            };
            Migrator::up(db, None).await.map_err(migration_error)
        }
    }
}

/// Recognizes a database from before migrations were renumbered for the first release.
fn migration_error(error: DbErr) -> Unreachable {
    const RENAMED: [&str; 2] = ["m20261125_000006_limits", "m20261125_000008_versions"];
    match error {
        DbErr::Custom(why) if RENAMED.iter().any(|name| why.contains(name)) => Unreachable::Outdated,
        error => Unreachable::Database(error),
    }
}

/// Waits for an exclusive lock on a file, which is released when the file is dropped or the process ends.
async fn lock_file(path: PathBuf) -> Result<File, Unreachable> {
    let name = path.clone();
    let locked = tokio::task::spawn_blocking(move || {
        let file = File::options().append(true).create(true).open(path)?;
        file.lock()?;
        Ok(file)
    });
    locked.await.unwrap_or_else(|error| Err(error.into())).map_err(|error| Unreachable::File(name, error))
}

/// Writes a consistent copy of an SQLite database to a new file, readable only by this user.
///
/// # Errors
/// When the database is another kind, or the file exists or cannot be written.
pub async fn backup(url: &str, file: &Path) -> Result<(), Unreachable> {
    if sqlite_file(url).is_none() {
        return Err(Unreachable::Unsupported(
            "only the embedded SQLite database is backed up this way; use mariadb-dump or pg_dump",
        ));
    }
    if file.exists() {
        let error = io::Error::new(io::ErrorKind::AlreadyExists, "the file already exists");
        return Err(Unreachable::File(file.to_owned(), error));
    }
    let db = open(url, Purpose::Maintenance).await?;
    prepare_file(file)?;
    let target = file.to_string_lossy().into_owned();
    db.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, "VACUUM INTO ?", [target.into()])).await?;
    db.close().await?;
    begin_history(file).await
}

/// Gives a copy of the database an epoch of its own, so that clients notice when it is put in place of the original;
/// and ends its sessions, as some will have been revoked by then.
#[expect(clippy::disallowed_methods, reason = "the one row belongs to no organization")]
async fn begin_history(copy: &Path) -> Result<(), Unreachable> {
    let db = open(&format!("sqlite://{}", copy.display()), Purpose::Maintenance).await?;
    if SchemaManager::new(&db).has_table("event_epoch").await? {
        let epoch = i64::try_from(rand::random::<u64>() >> 11).unwrap_or_default();
        let change = event_epoch::ActiveModel { epoch: Set(epoch), ..Default::default() };
        event_epoch::Entity::update_many().set(change).exec(&db).await?;
    }
    db.execute_unprepared("DELETE FROM session").await?;
    Ok(db.close().await?)
}

/// The epoch of event numbers, of a migrated database.
#[expect(clippy::disallowed_methods, reason = "the one row belongs to no organization")]
pub async fn epoch(db: &DatabaseConnection) -> Result<Epoch, Unreachable> {
    let row = event_epoch::Entity::find().one(db).await?;
    Ok(row.map_or(0, |row| row.epoch.unsigned_abs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn r_80_a_database_readable_by_others_is_made_private() {
        use std::os::unix::fs::PermissionsExt;
        let dir = crate::tests::support::database::folder();
        let file = dir.join("new/aldis.db");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        prepare_file(&file).expect("made");
        assert_eq!((mode(&file), mode(file.parent().expect("a folder"))), (0o600, 0o700));
        let wal = dir.join("new/aldis.db-wal");
        fs::write(&wal, "").expect("written");
        for path in [&file, &wal] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o644)).expect("chmod");
        }
        prepare_file(&file).expect("closed");
        assert_eq!((mode(&file), mode(&wal)), (0o600, 0o600));
    }
}
