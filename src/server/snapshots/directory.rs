//! Rendered public documents in a folder, for a web server or a CDN (`ALDIS_SNAPSHOT_DIR`).

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::body::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    document::Revision,
    files::{self, Disk, Troubles},
};
use crate::model::{OrganizationId, Slug};

/// The file beside each document that says what it was made from.
const ORIGIN: &str = ".revision";
/// What is added to a document's name for each encoding.
const ENCODINGS: [&str; 3] = ["", ".br", ".gz"];

/// A document, in each encoding.
#[derive(Clone, Debug)]
pub struct DocumentBytes {
    /// Not compressed.
    pub identity: Bytes,
    /// Compressed with brotli.
    pub br: Bytes,
    /// Compressed with gzip.
    pub gzip: Bytes,
}

/// A document of each page in the folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PageFile {
    /// `public/SLUG/index.html`.
    Page,
    /// `api/public/SLUG/status.json`.
    Status,
}

impl PageFile {
    /// Every document.
    pub const ALL: [Self; 2] = [Self::Page, Self::Status];

    /// The folders down to those of all pages.
    const fn folders(self) -> &'static [&'static str] {
        match self {
            Self::Page => &["public"],
            Self::Status => &["api", "public"],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Page => "index.html",
            Self::Status => "status.json",
        }
    }
}

/// A document in the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenFile {
    /// The address of its page.
    pub slug: Slug,
    /// Which document.
    pub file: PageFile,
    /// The organization, and the number of the state; none for a document that was not completed.
    pub origin: Option<(OrganizationId, Revision)>,
}

#[derive(Serialize, Deserialize)]
struct Origin {
    organization: OrganizationId,
    #[serde(flatten)]
    revision: Revision,
}

/// The newest public documents as files that everybody can read. Cheap to clone.
///
/// A document never replaces a newer one, and is removed if it cannot be replaced. Errors are logged and never fatal.
#[derive(Clone)]
pub struct PageDirectory {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    known: Mutex<Known>,
    disk: Disk,
    troubles: Troubles,
}

#[derive(Default)]
struct Known {
    slugs: HashMap<OrganizationId, Slug>,
    /// The newest number that was written or removed since the start: older documents come too late.
    newest: HashMap<(Slug, PageFile), Revision>,
}

impl Known {
    fn is_outdated(&self, slug: &Slug, file: PageFile, revision: Revision) -> bool {
        self.newest.get(&(slug.clone(), file)).is_some_and(|newest| revision.is_before(*newest))
    }

    fn raise(&mut self, slug: &Slug, file: PageFile, revision: Revision) {
        if !self.is_outdated(slug, file, revision) {
            self.newest.insert((slug.clone(), file), revision);
        }
    }
}

impl PageDirectory {
    /// A folder that exists.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        let (known, disk, troubles) = (Mutex::default(), Disk::default(), Troubles::default());
        Self { inner: Arc::new(Inner { folder, known, disk, troubles }) }
    }

    /// Writes a document unless a newer one is known, and removes what the organization's page had under another slug.
    pub async fn write(
        &self,
        organization: OrganizationId,
        slug: &Slug,
        file: PageFile,
        revision: Revision,
        bytes: DocumentBytes,
    ) {
        let before = {
            let mut known = self.inner.known();
            if known.is_outdated(slug, file, revision) {
                return;
            }
            known.raise(slug, file, revision);
            known.slugs.insert(organization, slug.clone()).filter(|before| before != slug)
        };
        let slug = slug.clone();
        self.on_disk(move |inner| {
            if let Some(before) = before {
                inner.clear(&before, |_| true);
            }
            if !inner.known().is_outdated(&slug, file, revision) {
                inner.write(&slug, file, &Origin { organization, revision }, &bytes);
            }
        })
        .await;
    }

    /// Removes the documents of a page from before this number, and refuses them from now on; with
    /// [`Revision::end_of`], all of its epoch.
    pub async fn remove(&self, slug: &Slug, before: Revision) {
        for file in PageFile::ALL {
            self.inner.known().raise(slug, file, before);
        }
        let slug = slug.clone();
        self.on_disk(move |inner| {
            let is_outdated = |origin: Option<Origin>| origin.is_none_or(|origin| !origin.revision.includes(before));
            inner.clear(&slug, is_outdated);
        })
        .await;
    }

    /// Every document in the folder: after a start, those behind the database must be written again or removed.
    pub async fn written(&self) -> Vec<WrittenFile> {
        self.on_disk(|inner| PageFile::ALL.into_iter().flat_map(|file| inner.written(file)).collect()).await
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
}

impl Inner {
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The folder of one kind of document.
    fn parent(&self, file: PageFile) -> PathBuf {
        file.folders().iter().fold(self.folder.clone(), |folder, name| folder.join(name))
    }

    /// The folder of a page's document. A slug is a name without dots and separators.
    fn place(&self, slug: &Slug, file: PageFile) -> PathBuf {
        self.parent(file).join(slug.as_str())
    }

    fn write(&self, slug: &Slug, file: PageFile, origin: &Origin, bytes: &DocumentBytes) {
        let folder = self.place(slug, file);
        let written = self.create(slug, file).and_then(|()| {
            for (encoding, bytes) in ENCODINGS.into_iter().zip([&bytes.identity, &bytes.br, &bytes.gzip]) {
                files::replace(&folder.join(format!("{}{encoding}", file.name())), bytes, true)?;
            }
            files::replace(&folder.join(ORIGIN), &serde_json::to_vec(origin)?, false)
        });
        if let Err(error) = written {
            self.troubles.unwritten(&folder, &error);
            self.clear_file(slug, file);
        }
    }

    /// Creates the folder of a document, or removes what a killed process left in it.
    fn create(&self, slug: &Slug, file: PageFile) -> io::Result<()> {
        let mut folder = self.folder.clone();
        for name in file.folders().iter().copied().chain([slug.as_str()]) {
            folder.push(name);
            files::create_public_dir(&folder)?;
        }
        drafts(&folder).iter().try_for_each(|draft| files::remove(draft))
    }

    /// Removes the documents of a page that this is true for.
    fn clear(&self, slug: &Slug, is_unwanted: impl Fn(Option<Origin>) -> bool) {
        for file in PageFile::ALL.into_iter().filter(|file| is_unwanted(self.origin(slug, *file))) {
            self.clear_file(slug, file);
        }
    }

    fn clear_file(&self, slug: &Slug, file: PageFile) {
        let folder = self.place(slug, file);
        let own = ENCODINGS.iter().map(|encoding| folder.join(format!("{}{encoding}", file.name())));
        for path in own.chain([folder.join(ORIGIN)]).chain(drafts(&folder)) {
            if let Err(error) = files::remove(&path) {
                self.troubles.unremoved(&path, &error);
            }
        }
        // Unless there is something else in it.
        _ = fs::remove_dir(&folder);
    }

    fn origin(&self, slug: &Slug, file: PageFile) -> Option<Origin> {
        serde_json::from_slice(&fs::read(self.place(slug, file).join(ORIGIN)).ok()?).ok()
    }

    fn written(&self, file: PageFile) -> Vec<WrittenFile> {
        let names = names(&self.parent(file)).into_iter().filter_map(|name| Slug::unreserved(&name).ok());
        let written = names.map(|slug| {
            let origin = self.origin(&slug, file).map(|origin| (origin.organization, origin.revision));
            WrittenFile { slug, file, origin }
        });
        written.collect()
    }
}

/// The names in a folder; none if it is missing.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

/// What a killed process left in a folder.
fn drafts(folder: &Path) -> Vec<PathBuf> {
    names(folder).into_iter().filter(|name| files::is_draft(name)).map(|name| folder.join(name)).collect()
}
