//! Migrations and backups, over connections without time limits.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use migration::{Migrator, MigratorTrait, SchemaManager};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, Statement, sqlx};

use super::{
    connect::{Unreachable, prepare_file, sqlite_file},
    event_epoch,
    pools::{Purpose, open},
};
use crate::model::Epoch;

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
