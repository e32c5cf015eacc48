//! `aldis restore`: a copy in place of the embedded database, and what any restored database needs: an earlier state
//! must not bring back what has been ended since, and clients must notice that numbers began anew.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, Statement, TransactionTrait,
    sqlx::{
        self, ConnectOptions as _, Connection as _, SqliteConnection,
        sqlite::{SqliteConnectOptions, SqliteJournalMode},
    },
};

use super::{
    RENAMED,
    copies::{COMPANIONS, Part, beside, fault, folder, result_code, sqlite_fault, sync_folder},
    lock_file, migrate, migration_error,
};
use crate::{
    model::Timestamp,
    server::domain::store::{
        connect::{Unreachable, sqlite_file},
        event_epoch, job_lease,
        pools::{BUSY_TIMEOUT, Purpose, open},
        pruning::database_time,
    },
};

/// What the name of a replaced database has between its former name and the time.
const KEPT: &str = ".before-restore-";
/// Why a file is not restored.
const FOREIGN: &str = "this is not a database of Aldis";

/// What becomes of the API tokens of a restored database, some of which may have been revoked since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiTokens {
    /// They are valid again.
    Keep,
    /// They are revoked.
    Revoke,
}

/// A restore.
#[derive(Debug)]
pub struct Restored {
    /// The database before, if there was one.
    pub kept: Option<PathBuf>,
    /// How many API tokens are valid.
    pub tokens: i64,
}

/// Puts a copy in place of the embedded database. Whenever it is cut short, the old database or the restored one is in
/// place.
///
/// # Errors
/// When the database is another kind, a process uses it, or the copy is none of Aldis, of a newer schema or damaged;
/// then nothing has changed.
pub async fn restore(url: &str, copy: &Path, now: Timestamp, tokens: ApiTokens) -> Result<Restored, Unreachable> {
    let Some(file) = sqlite_file(url) else {
        return Err(Unreachable::Unsupported(
            "only the embedded SQLite database is restored from a file; import your dump with the tools of your \
             database (mariadb, mysql, psql or pg_restore), then run `aldis restore --after-import`",
        ));
    };
    // What links lead to is replaced, not the links.
    let file = fs::canonicalize(&file).unwrap_or(file);
    let copy = fs::canonicalize(copy).map_err(|error| Unreachable::File(copy.to_owned(), error))?;
    if copy == file {
        return Err(fault(&copy, "this is the database itself; name the copy"));
    }
    inspect(&copy).await?;
    let part = Part::begin(&file)?;
    // Against others that migrate or restore.
    let _lock = lock_file(file.with_extension("migration-lock")).await?;
    let is_there = file.exists();
    let present = if is_there { take(&file).await? } else { None };
    forget_same(&file);

    part.copy(&copy, reading(&copy)).await?;
    let db = part.open().await?;
    Migrator::up(&db, None).await.map_err(migration_error)?;
    let tokens = begin_anew(&db, now, tokens).await?;
    db.close().await?;
    #[cfg(unix)]
    keep_owner(&part.path, &file)?;
    part.sync()?;

    let kept = if is_there { keep(&file, now).map(Some) } else { Ok(None) };
    let placed = kept.and_then(|kept| part.put_in_place().map(|()| kept));
    if placed.is_err() {
        forget_same(&file);
    }
    if let Some(present) = present {
        // It was only held against other processes.
        _ = present.close().await;
    }
    Ok(Restored { kept: placed?, tokens })
}

/// Finishes a restore that the database's own tools have made: migrates the schema, and ends and renumbers as
/// [`restore`] does. Returns how many API tokens are valid.
///
/// # Errors
/// When the database cannot be reached or migrated, or a server uses it.
pub async fn finish_import(url: &str, now: Timestamp, tokens: ApiTokens) -> Result<i64, Unreachable> {
    migrate(url).await?;
    let db = open(url, Purpose::Maintenance).await?;
    let now = database_time(&db).await?.unwrap_or(now);
    if is_served(&db, now).await? {
        return Err(Unreachable::Unsupported(
            "a server uses this database, or did a moment ago; stop every server, wait half a minute, and try again",
        ));
    }
    let tokens = begin_anew(&db, now, tokens).await?;
    db.close().await?;
    Ok(tokens)
}

/// Whether a server holds the lease of a job.
#[expect(clippy::disallowed_methods, reason = "leases belong to no organization")]
async fn is_served(db: &DatabaseConnection, now: Timestamp) -> Result<bool, DbErr> {
    Ok(job_lease::Entity::find().filter(job_lease::Column::Until.gt(now)).one(db).await?.is_some())
}

/// Ends what an earlier state must not bring back, and begins a new history of event numbers, higher than any a client
/// has seen. Returns how many API tokens are valid.
async fn begin_anew(db: &DatabaseConnection, now: Timestamp, tokens: ApiTokens) -> Result<i64, DbErr> {
    let (tx, now) = (db.begin().await?, now.millis());
    for sql in [
        "DELETE FROM session",
        "DELETE FROM password_reset",
        "DELETE FROM presence",
        "DELETE FROM event",
        "UPDATE organization SET public_seq = public_seq + 1000000, members_seq = members_seq + 1000000",
    ] {
        tx.execute_unprepared(sql).await?;
    }
    let end = format!("UPDATE invitation SET revoked_at = {now} WHERE accepted_at IS NULL AND revoked_at IS NULL");
    tx.execute_unprepared(&end).await?;
    if tokens == ApiTokens::Revoke {
        tx.execute_unprepared(&format!("UPDATE api_token SET revoked_at = {now} WHERE revoked_at IS NULL")).await?;
    }
    renew_epoch(&tx).await?;
    let valid = format!(
        "SELECT COUNT(*) FROM api_token WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > {now})"
    );
    let row = tx.query_one_raw(Statement::from_string(tx.get_database_backend(), valid)).await?;
    let count = row.map_or(Ok(0), |row| row.try_get_by_index::<i64>(0))?;
    tx.commit().await?;
    Ok(count)
}

/// Begins a new history of event numbers.
#[expect(clippy::disallowed_methods, reason = "the one row belongs to no organization")]
pub(super) async fn renew_epoch(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    let epoch = i64::try_from(rand::random::<u64>() >> 11).unwrap_or_default();
    let change = event_epoch::ActiveModel { epoch: Set(epoch), ..Default::default() };
    event_epoch::Entity::update_many().set(change).exec(db).await.map(drop)
}

/// How to read a copy without changing it or its folder.
fn reading(copy: &Path) -> SqliteConnectOptions {
    // Without a log beside it, SQLite need not create one.
    let is_whole = !["-journal", "-wal"].iter().any(|end| beside(copy, end).exists());
    SqliteConnectOptions::new().filename(copy).read_only(true).immutable(is_whole).disable_statement_logging()
}

/// Checks that a file is an undamaged database of this version of Aldis or of an older one.
async fn inspect(copy: &Path) -> Result<(), Unreachable> {
    let read = async {
        let mut db = reading(copy).connect().await?;
        let versions = sqlx::query_scalar("SELECT version FROM seaql_migrations ORDER BY version");
        let versions: Vec<String> = versions.fetch_all(&mut db).await?;
        let health: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(&mut db).await?;
        db.close().await?;
        Ok::<_, sqlx::Error>((versions, health))
    };
    let (versions, health) = read.await.map_err(|error| match result_code(&error) {
        // SQLITE_ERROR, as for a table that does not exist, and SQLITE_NOTADB.
        1 | 26 => fault(copy, FOREIGN),
        _ => sqlite_fault(copy, &error),
    })?;
    let known = Migrator::migrations();
    let known: Vec<&str> = known.iter().map(|migration| migration.name()).collect();
    if !known.first().is_some_and(|first| versions.iter().any(|version| version == first)) {
        return Err(fault(copy, FOREIGN));
    }
    let unknown: Vec<&str> = versions.iter().map(String::as_str).filter(|name| !known.contains(name)).collect();
    if unknown.iter().any(|name| RENAMED.contains(name)) {
        return Err(fault(copy, "this copy was made by an older development version of Aldis"));
    }
    if !unknown.is_empty() {
        let unknown = unknown.join(", ");
        let why =
            format!("this copy was made by a newer version of Aldis; install it first (this one lacks {unknown})");
        return Err(fault(copy, why));
    }
    if health != "ok" {
        return Err(fault(copy, format!("this copy is damaged: {}", health.trim())));
    }
    Ok(())
}

/// Takes the present database for this process alone, with all changes in the file itself. None if it is no longer a
/// database, which a restore may be for.
async fn take(file: &Path) -> Result<Option<SqliteConnection>, Unreachable> {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(BUSY_TIMEOUT).disable_statement_logging();
    let taken = async {
        // Without the log, which SQLite would otherwise apply to the database that comes in its place.
        let mut db = options.journal_mode(SqliteJournalMode::Delete).connect().await?;
        for sql in ["PRAGMA locking_mode = EXCLUSIVE", "BEGIN EXCLUSIVE", "COMMIT"] {
            sqlx::query(sql).execute(&mut db).await?;
        }
        Ok::<_, sqlx::Error>(db)
    };
    match taken.await {
        Ok(db) => Ok(Some(db)),
        Err(error) => match result_code(&error) {
            // SQLITE_BUSY, SQLITE_LOCKED.
            5 | 6 => Err(fault(file, "a server or another process uses the database; stop Aldis and try again")),
            // SQLITE_CORRUPT, SQLITE_NOTADB.
            11 | 26 => Ok(None),
            _ => Err(sqlite_fault(file, &error)),
        },
    }
}

/// Gives the present database a second name with the time, and returns it. A log that could not be applied goes with
/// it: SQLite would apply it to the next database of this name.
fn keep(file: &Path, now: Timestamp) -> Result<PathBuf, Unreachable> {
    let time = now.to_string().replace(':', "-");
    let kept = beside(file, &format!("{KEPT}{}Z", time.split('.').next().unwrap_or(&time)));
    let failed = |error| Unreachable::File(kept.clone(), error);
    fs::hard_link(file, &kept).map_err(failed)?;
    for end in COMPANIONS {
        match fs::rename(beside(file, end), beside(&kept, end)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
    }
    sync_folder(file).map_err(failed)?;
    Ok(kept)
}

/// Removes second names of the present database, which a restore that was cut short has left.
fn forget_same(file: &Path) {
    #[cfg(unix)]
    {
        use std::{ffi::OsStr, os::unix::fs::MetadataExt};
        let Some(name) = file.file_name().and_then(OsStr::to_str) else { return };
        let inode = |path: &Path| fs::symlink_metadata(path).map(|data| (data.dev(), data.ino())).ok();
        for entry in fs::read_dir(folder(file)).into_iter().flatten().flatten() {
            let is_kept = entry.file_name().to_str().is_some_and(|other| other.starts_with(&format!("{name}{KEPT}")));
            if is_kept && inode(&entry.path()).is_some_and(|other| Some(other) == inode(file)) {
                // It is the same file: nothing is lost.
                _ = fs::remove_file(entry.path());
            }
        }
    }
}

/// Gives the restored file to the owner of the present one: the server's user, if root restores.
#[cfg(unix)]
fn keep_owner(part: &Path, file: &Path) -> Result<(), Unreachable> {
    use std::os::unix::fs::{MetadataExt, chown};
    let Ok(present) = file.metadata() else { return Ok(()) };
    let owner = present.uid();
    part.metadata()
        .and_then(|data| if data.uid() == owner { Ok(()) } else { chown(part, Some(owner), Some(present.gid())) })
        .map_err(|error| {
            Unreachable::File(file.to_owned(), io::Error::new(error.kind(), format!("its owner: {error}")))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::support::database;

    #[test]
    fn a_log_goes_with_its_database() {
        let folder = database::folder();
        let file = folder.join("aldis.db");
        for end in ["", "-wal"] {
            fs::write(beside(&file, end), end).expect("written");
        }
        let kept = keep(&file, Timestamp::from_millis(1_000)).expect("kept");
        assert_eq!(kept, folder.join("aldis.db.before-restore-1970-01-01T00-00-01Z"));
        assert_eq!(fs::read_to_string(beside(&kept, "-wal")).expect("kept"), "-wal");
        assert!(file.exists() && kept.exists() && !beside(&file, "-wal").exists());
        forget_same(&file);
        assert!(file.exists() && !kept.exists(), "it was a second name of the same file");
    }
}
