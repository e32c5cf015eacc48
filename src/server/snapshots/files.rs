//! Files that are replaced as a whole, and removed for good.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::spawn;

use crate::server::rate_limit::worker_threads::{Work, WorkerThreads};

/// How often the same trouble is logged.
const WARN_INTERVAL: Duration = Duration::from_mins(1);

/// Replaces a file: readers see the old content or the new. Only its owner can read it, or everybody.
///
/// # Errors
/// When the folder is missing or cannot be written to.
pub fn replace(file: &Path, content: &[u8], is_public: bool) -> io::Result<()> {
    match place(file, content, is_public) {
        // A process that has just started on the same folder has tidied up.
        Err(error) if error.kind() == ErrorKind::NotFound => place(file, content, is_public),
        placed => placed,
    }
}

fn place(file: &Path, content: &[u8], is_public: bool) -> io::Result<()> {
    let draft = draft_of(file);
    let placed = write(&draft, content, is_public).and_then(|()| fs::rename(&draft, file));
    if placed.is_err() {
        // What remains is removed at the next start.
        _ = fs::remove_file(&draft);
    }
    placed
}

fn write(file: &Path, content: &[u8], is_public: bool) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    file.write_all(content)?;
    if is_public { make_public(&file, 0o644) } else { Ok(()) }
}

/// Sets a mode whatever the process's mask for new files is.
fn make_public(file: &File, mode: u32) -> io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    #[cfg(not(unix))]
    let _ = (file, mode);
    Ok(())
}

/// Creates a folder that everybody can read; its parent exists.
///
/// # Errors
/// When it cannot be created.
pub fn create_public_dir(folder: &Path) -> io::Result<()> {
    match fs::create_dir(folder) {
        Ok(()) => File::open(folder).and_then(|folder| make_public(&folder, 0o755)),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Where a file's new content is until it replaces the old.
pub fn draft_of(file: &Path) -> PathBuf {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    file.with_file_name(format!(".{name}.{}", std::process::id()))
}

/// Whether a file is a draft of any process.
pub fn is_draft(name: &str) -> bool {
    name.starts_with('.') && name.rsplit_once('.').is_some_and(|(_, id)| id.parse::<u32>().is_ok())
}

/// Removes a file. If the folder does not permit that, the file is emptied, so that its content cannot return.
///
/// # Errors
/// When the content remains.
pub fn remove(file: &Path) -> io::Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            File::options().write(true).truncate(true).open(file).map(drop).map_err(|_| error)
        }
        _ => Ok(()),
    }
}

/// Copying states and documents to a disk, compressed.
const COPYING: Work = Work {
    name: "disk",
    // Tests that wait in loops would keep it waiting.
    niceness: if cfg!(test) { 0 } else { 10 },
    queue: 8,
    busy: "The server is busy. Try again in a moment.",
};

/// A disk, for one piece of work at a time.
#[derive(Clone)]
pub struct Disk(Arc<tokio::sync::Mutex<WorkerThreads>>);

impl Default for Disk {
    fn default() -> Self {
        Self(Arc::new(WorkerThreads::new(COPYING, 1).into()))
    }
}

impl Disk {
    /// Runs this on a thread that may wait, once it is its turn. It is completed even if the caller does not wait for it.
    pub async fn run<T: Default + Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> T {
        let thread = Arc::clone(&self.0);
        let done = spawn(async move { thread.lock_owned().await.run(work).await });
        if let Ok(Ok(done)) = done.await {
            return done;
        }
        tracing::error!("work on the disk was interrupted");
        T::default()
    }

    /// Lets all work wait while the returned value is held.
    #[cfg(test)]
    pub(super) async fn hold(&self) -> tokio::sync::OwnedMutexGuard<WorkerThreads> {
        Arc::clone(&self.0).lock_owned().await
    }
}

/// Logs trouble that every change may meet.
#[derive(Default)]
pub struct Troubles {
    unwritten: Interval,
    unremoved: Interval,
}

impl Troubles {
    /// A file could not be written.
    pub fn unwritten(&self, file: &Path, error: &io::Error) {
        if self.unwritten.is_due(Instant::now()) {
            tracing::warn!(
                file = %file.display(), %error,
                "a public page could not be saved to disk; its outdated copy is removed"
            );
        }
    }

    /// The outdated content of a file could not be removed.
    pub fn unremoved(&self, file: &Path, error: &io::Error) {
        if self.unremoved.is_due(Instant::now()) {
            tracing::error!(
                file = %file.display(), %error,
                "an outdated copy of a public page could not be removed and may return after a restart; delete it"
            );
        }
    }
}

/// Lets one of several pass in each [`WARN_INTERVAL`].
#[derive(Default)]
pub(super) struct Interval(Mutex<Option<Instant>>);

impl Interval {
    /// Whether this one passes.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.is_none_or(|last| now.duration_since(last) >= WARN_INTERVAL);
        if is_due {
            *last = Some(now);
        }
        is_due
    }
}
