//! The states of public documents on disk, for a restart without the database.
//!
//! What a visitor may no longer see must not return: a state never replaces a newer one, and one that could not be
//! replaced is removed.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::{
    document::{DocumentKind, DocumentState, HEADER_MAX, Header, Revision},
    files::{self, Disk, Troubles},
    index::{Bounds, Index, Indexed, Key},
};
use crate::{
    model::{Epoch, OrganizationId, Slug, Timestamp},
    server::config::create_private_dir,
};

/// The folder in the data directory.
const FOLDER: &str = "snapshots";
/// The file with the time at which the database last answered.
const VERIFIED: &str = "verified";
/// How often that file is written.
const VERIFIED_INTERVAL_MS: u64 = 30_000;

/// The states of the public documents that were rendered last, in `ALDIS_DATA_DIR/snapshots`. Cheap to clone.
///
/// Only the owner can read the files, whose names come from ids. Errors are logged and never fatal.
#[derive(Clone)]
pub struct StateSnapshots {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    bounds: Bounds,
    index: Mutex<Index>,
    verified: Mutex<Option<Verified>>,
    disk: Disk,
    troubles: Troubles,
}

/// When everything on disk was known to be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verified {
    /// The epoch of the database's numbers.
    pub epoch: Epoch,
    /// The time.
    pub at: Timestamp,
}

impl StateSnapshots {
    /// Opens the folder, creating it if it is missing, and reads what is in it. Files that cannot be used are deleted.
    ///
    /// # Errors
    /// When the folder cannot be created or read.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        Self::with(data_dir, Bounds::default())
    }

    pub(super) fn with(data_dir: &Path, bounds: Bounds) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        create_private_dir(&folder)?;
        let verified = fs::read(folder.join(VERIFIED)).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let (index, verified, troubles) = (Mutex::default(), Mutex::new(verified), Troubles::default());
        let inner = Inner { folder, bounds, index, verified, disk: Disk::default(), troubles };
        inner.read_folder()?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Deletes all states, of a database that is no longer the same.
    ///
    /// # Errors
    /// When they cannot be deleted.
    pub fn delete_all(data_dir: &Path) -> io::Result<()> {
        match fs::remove_dir_all(data_dir.join(FOLDER)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Saves a state unless a newer one is known, and returns when that is done. Of the states that wait for the disk, only
    /// the newest of each document is written.
    pub async fn save(&self, state: DocumentState) {
        if !self.inner.index().queue(state) {
            return;
        }
        self.on_disk(|inner| {
            let waiting = inner.index().take_waiting();
            for state in waiting {
                inner.write(&state);
            }
        })
        .await;
    }

    /// The state of a document of the page with this slug. A month may no longer be the current one.
    pub async fn load(&self, slug: &Slug, kind: DocumentKind) -> Option<DocumentState> {
        let key = self.inner.index().find(slug, kind)?;
        let slug = slug.clone();
        self.on_disk(move |inner| {
            // What is wrong with reading may pass.
            let file = fs::read(inner.file(key)).ok()?;
            let state = DocumentState::decode(&file);
            let state = state.filter(|state| (state.organization, state.kind()) == key && state.slug == slug);
            if state.is_none() {
                inner.remove(vec![key]);
            }
            state
        })
        .await
    }

    /// Deletes the documents of an organization from before this number, and refuses such states from now on; with
    /// [`Revision::end_of`], all of its epoch.
    pub async fn forget(&self, organization: OrganizationId, before: Revision) {
        self.expire(organization, before, &DocumentKind::ALL).await;
    }

    /// As [`Self::forget`], but keeps the status page: for a text that was deleted, once the page without it is saved.
    pub async fn forget_documents(&self, organization: OrganizationId, before: Revision) {
        self.expire(organization, before, &[DocumentKind::Month, DocumentKind::Timeline]).await;
    }

    /// The organizations with documents on disk.
    #[must_use]
    pub fn index(&self) -> Vec<Indexed> {
        self.inner.index().all()
    }

    /// The time that was last given to [`Self::verify`], by this process or an earlier one.
    #[must_use]
    pub fn last_verified(&self) -> Option<Verified> {
        *self.inner.verified()
    }

    /// Notes a time at which the database answered and every document on disk was right: those of [`Self::index`] whose
    /// numbers were behind had been saved again or forgotten. Written every 30 seconds at most.
    pub async fn verify(&self, verified: Verified) {
        let is_recent = |last: Verified| {
            let passed = verified.at.millis().abs_diff(last.at.millis());
            last.epoch == verified.epoch && passed < VERIFIED_INTERVAL_MS
        };
        if self.last_verified().is_some_and(is_recent) {
            return;
        }
        *self.inner.verified() = Some(verified);
        self.on_disk(move |inner| {
            let file = inner.folder.join(VERIFIED);
            let written = serde_json::to_vec(&verified).map_err(Into::into);
            if let Err(error) = written.and_then(|text| files::replace(&file, &text, false)) {
                inner.troubles.unwritten(&file, &error);
            }
        })
        .await;
    }

    /// When a state was last known to be right.
    #[must_use]
    pub fn as_of(&self, state: &DocumentState) -> Timestamp {
        let verified = self.last_verified().filter(|verified| verified.epoch == state.revision.epoch);
        verified.map_or(state.saved_at, |verified| verified.at.max(state.saved_at))
    }

    async fn expire(&self, organization: OrganizationId, before: Revision, kinds: &'static [DocumentKind]) {
        // At once, so that a state that is being written is found below.
        self.inner.index().expire(organization, before, kinds);
        self.on_disk(move |inner| {
            let outdated = inner.index().expire(organization, before, kinds);
            inner.remove(outdated);
        })
        .await;
    }

    async fn on_disk<T: Default + Send + 'static>(&self, work: impl FnOnce(&Inner) -> T + Send + 'static) -> T {
        let inner = Arc::clone(&self.inner);
        self.inner.disk.run(move || work(&inner)).await
    }

    /// Lets all work on the disk wait while the returned value is held.
    #[cfg(test)]
    pub(super) async fn hold_disk(&self) -> impl Sized + use<> {
        self.inner.disk.hold().await
    }

    /// How many states wait to be written.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.inner.index().waiting()
    }
}

impl Inner {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn verified(&self) -> MutexGuard<'_, Option<Verified>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn file(&self, (organization, kind): Key) -> PathBuf {
        self.folder.join(format!("{organization}.{}", kind.as_str()))
    }

    fn read_folder(&self) -> io::Result<()> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
            if let Some(key) = key_of(name) {
                let header = read_header(&path).filter(|(header, _)| (header.organization, header.kind) == key);
                found.extend(header.is_none().then(|| path.clone()).map(Err));
                found.extend(header.map(Ok));
            } else if files::is_draft(name) {
                found.push(Err(path));
            }
        }
        // Of two organizations with one slug, which a restored database may have exchanged, the later one has it.
        found.sort_by_key(|one| one.as_ref().ok().map(|(header, _)| header.saved_at));
        for one in found {
            match one {
                Ok((header, bytes)) => self.index().insert(header, bytes),
                Err(path) => self.delete(&path),
            }
        }
        let surplus = self.index().surplus(None, self.bounds);
        self.remove(surplus);
        Ok(())
    }

    /// Writes a state, and removes what it cannot replace.
    fn write(&self, state: &DocumentState) {
        let key = (state.organization, state.kind());
        if self.index().is_outdated(key, state.revision) {
            return;
        }
        let renamed = self.index().renamed(state.organization, &state.slug);
        self.remove(renamed);
        let file = self.file(key);
        let written = state.encode().and_then(|content| {
            let bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
            let surplus = self.index().surplus(Some((key, bytes)), self.bounds);
            self.remove(surplus);
            files::replace(&file, &content, false).map(|()| bytes)
        });
        match written {
            Ok(bytes) => self.index().insert(state.header(), bytes),
            Err(error) => {
                self.troubles.unwritten(&file, &error);
                let outdated = self.index().expire(state.organization, state.revision, &DocumentKind::ALL);
                self.remove(outdated);
            }
        }
    }

    fn remove(&self, keys: Vec<Key>) {
        for key in keys {
            self.delete(&self.file(key));
            self.index().remove(key);
        }
    }

    fn delete(&self, file: &Path) {
        if let Err(error) = files::remove(file) {
            self.troubles.unremoved(file, &error);
        }
    }
}

/// The document that a file of this name has.
fn key_of(name: &str) -> Option<Key> {
    let (organization, kind) = name.split_once('.')?;
    let kind = DocumentKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    Some((organization.parse().ok()?, kind))
}

/// What a file is about, and its size.
fn read_header(path: &Path) -> Option<(Header, u64)> {
    let file = File::open(path).ok()?;
    let bytes = file.metadata().ok()?.len();
    let mut start = Vec::new();
    file.take(HEADER_MAX).read_to_end(&mut start).ok()?;
    Some((Header::split(&start)?.0, bytes))
}
