//! `aldis backup`: a consistent copy of the embedded database.

use std::{io, path::Path};

use migration::SchemaManager;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, sqlx::sqlite::SqliteConnectOptions};

use super::{
    copies::{Part, fault},
    restore::renew_epoch,
};
use crate::server::domain::store::{
    connect::{Unreachable, sqlite_file},
    pools::BUSY_TIMEOUT,
};

/// Writes a consistent copy of an SQLite database to a new file, readable only by this user. The database is not
/// migrated: a backup before an upgrade must have the old schema.
///
/// # Errors
/// When the database is another kind or does not exist, or the file exists or cannot be written; then there is no file.
pub async fn backup(url: &str, file: &Path) -> Result<(), Unreachable> {
    let Some(source) = sqlite_file(url) else {
        return Err(Unreachable::Unsupported(
            "only the embedded SQLite database is backed up this way; use mariadb-dump or pg_dump",
        ));
    };
    if !source.exists() {
        return Err(fault(&source, "there is no database to back up"));
    }
    if file.exists() {
        let error = io::Error::new(io::ErrorKind::AlreadyExists, "the file already exists");
        return Err(Unreachable::File(file.to_owned(), error));
    }
    let part = Part::begin(file)?;
    part.copy(&source, SqliteConnectOptions::new().busy_timeout(BUSY_TIMEOUT)).await?;
    let db = part.open().await?;
    begin_history(&db).await?;
    db.close().await?;
    part.sync()?;
    part.put_in_place()
}

/// Gives a copy an epoch of its own, so that clients notice when it is put in place by hand; and ends its sessions, as
/// some will have been revoked by then.
async fn begin_history(db: &DatabaseConnection) -> Result<(), DbErr> {
    if SchemaManager::new(db).has_table("event_epoch").await? {
        renew_epoch(db).await?;
    }
    db.execute_unprepared("DELETE FROM session").await.map(drop)
}
