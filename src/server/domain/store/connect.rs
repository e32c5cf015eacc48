//! Addresses, files and the first connection of the three kinds of database.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{DbErr, sqlx};

use crate::server::error::{is_of_driver_passing, is_passing};

/// How long to wait for a connection.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

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

impl Unreachable {
    /// Whether the database may be reached later as it is configured now: it does not answer, is starting or is busy.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Silent | Self::Locked => true,
            Self::Driver(error) => is_of_driver_passing(error),
            Self::Database(error) => is_passing(error),
            Self::File(..) | Self::Outdated | Self::Unsupported(_) => false,
        }
    }
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
    match options.open(file) {
        // It can still be read if its schema is up to date.
        Err(error) if file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > 0) => {
            tracing::warn!(file = %file.display(), %error, "the database cannot be written");
        }
        opened => drop(opened.map_err(file_error)?),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::{
        domain::{Clock, Domain},
        live::relay::Relay,
    };

    #[tokio::test]
    async fn a_database_server_that_does_not_listen_may_answer_later() {
        for url in ["mysql://root@127.0.0.1:1/none", "postgres://nobody@127.0.0.1:1/none"] {
            let domain = Domain::closed(url, Relay::none(), Clock::System).await.expect("nothing is reached");
            let error = domain.migrate().await.expect_err("nothing listens");
            assert!(error.is_passing() && !domain.is_open(), "{error}");
        }
        assert!(!Unreachable::Outdated.is_passing());
        assert!(!Unreachable::File(PathBuf::new(), io::ErrorKind::PermissionDenied.into()).is_passing());
    }

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
        // Not what is no database.
        let folder = dir.join("folder");
        fs::create_dir(&folder).expect("made");
        let before = mode(&folder);
        prepare_file(&folder).expect_err("refused");
        assert_eq!(mode(&folder), before);
    }
}
