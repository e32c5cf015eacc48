//! Migrations, backups and restores, over connections without time limits.

mod backup;
mod copies;
mod restore;

use std::{fs::File, path::PathBuf, time::Duration};

use migration::{Migrator, MigratorTrait};
use sea_orm::{DatabaseConnection, DbBackend, DbErr, EntityTrait, sqlx};
use tokio::time::timeout;

use super::{
    connect::{Unreachable, sqlite_file},
    event_epoch,
    pools::{Purpose, open},
};
use crate::model::Epoch;

pub use backup::backup;
pub use restore::{ApiTokens, Restored, finish_import, restore};

/// How long reading the names of the migrations may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// Migrations under names from before the first release.
const RENAMED: [&str; 2] = ["m20261125_000006_limits", "m20261125_000008_versions"];

/// The number of migrations not applied yet.
pub async fn pending_migrations(url: &str) -> Result<usize, Unreachable> {
    let db = open(url, Purpose::Maintenance).await?;
    let pending = count_pending(&db).await?;
    db.close().await?;
    Ok(pending)
}

/// Migrates the schema unless it is up to date, one process at a time. For SQLite, creates the folder and the file,
/// readable only by this user.
///
/// # Errors
/// When the database cannot be reached, a step fails, or another process holds the lock for over a minute.
pub async fn migrate(url: &str) -> Result<(), Unreachable> {
    let db = open(url, Purpose::Maintenance).await?;
    let result = match count_pending(&db).await {
        Ok(0) => Ok(()),
        Ok(_) => migrate_alone(&db, url).await,
        Err(error) => Err(error),
    };
    db.close().await?;
    result
}

/// How many migrations have not been applied. Writes nothing: the database may be read-only or full.
async fn count_pending(db: &DatabaseConnection) -> Result<usize, Unreachable> {
    let pending = timeout(ANSWER_TIMEOUT, Migrator::get_pending_migrations_read_only(db)).await;
    Ok(pending.map_err(|_| Unreachable::Silent)?.map_err(migration_error)?.len())
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

/// The epoch of event numbers, of a migrated database.
#[expect(clippy::disallowed_methods, reason = "the one row belongs to no organization")]
pub async fn epoch(db: &DatabaseConnection) -> Result<Epoch, Unreachable> {
    let row = event_epoch::Entity::find().one(db).await?;
    Ok(row.map_or(0, |row| row.epoch.unsigned_abs()))
}
