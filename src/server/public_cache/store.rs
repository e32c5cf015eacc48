//! The cached documents, bounded by their bytes: those that were not asked for the longest go first.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use super::document::Document;
use crate::model::OrganizationId;

/// The most documents of one organization: many months and incidents of one page do not push out the others' pages.
const DOCUMENTS_MAX: usize = 256;

/// The cached documents by their canonical paths.
pub struct Store {
    limit: usize,
    inner: RwLock<Inner>,
}

#[derive(Default)]
struct Inner {
    documents: HashMap<Arc<str>, Arc<Document>>,
    of_organization: HashMap<OrganizationId, BTreeSet<Arc<str>>>,
    bytes: usize,
}

impl Store {
    /// An empty store for at most so many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, inner: RwLock::default() }
    }

    /// The document at a path.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Arc<Document>> {
        self.read().documents.get(path).cloned()
    }

    /// The documents of an organization.
    #[must_use]
    pub fn of(&self, organization: OrganizationId) -> Vec<Arc<Document>> {
        let inner = self.read();
        let paths = inner.of_organization.get(&organization).into_iter().flatten();
        paths.filter_map(|path| inner.documents.get(path).cloned()).collect()
    }

    /// Stores a document, unless one of a newer state is there.
    pub fn insert(&self, document: Arc<Document>) {
        let mut inner = self.write();
        let path: Arc<str> = document.address.path().into();
        if inner.documents.get(&path).is_some_and(|known| known.seq > document.seq) {
            return;
        }
        inner.put(path, document, self.limit);
    }

    /// Replaces a document by another form of it, if it is still there.
    pub fn replace(&self, known: &Arc<Document>, by: Arc<Document>) {
        let mut inner = self.write();
        let path: Arc<str> = by.address.path().into();
        if inner.documents.get(&path).is_some_and(|present| Arc::ptr_eq(present, known)) {
            inner.put(path, by, self.limit);
        }
    }

    /// Removes all documents.
    pub fn clear(&self) {
        if !self.read().documents.is_empty() {
            *self.write() = Inner::default();
        }
    }

    /// Removes the document at a path.
    pub fn remove(&self, path: &str) {
        self.write().take(path);
    }

    /// What the documents take.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        self.read().bytes
    }

    fn read(&self) -> RwLockReadGuard<'_, Inner> {
        // Nothing panics while holding the lock, and the maps would still be valid.
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn put(&mut self, path: Arc<str>, document: Arc<Document>, limit: usize) {
        self.take(&path);
        let organization = document.origin.version.organization();
        self.bytes += document.weight();
        self.documents.insert(Arc::clone(&path), document);
        let paths = self.of_organization.entry(organization).or_default();
        paths.insert(path);
        if paths.len() > DOCUMENTS_MAX {
            let paths: Vec<_> = paths.iter().cloned().collect();
            // Some more, so that this is not repeated for each.
            self.evict(paths, |_, left| left <= DOCUMENTS_MAX - DOCUMENTS_MAX / 8);
        }
        if self.bytes > limit {
            let paths: Vec<_> = self.documents.keys().cloned().collect();
            self.evict(paths, |inner, _| inner.bytes <= limit - limit / 8);
        }
    }

    /// Removes those of these documents that were not asked for the longest, until it is enough.
    fn evict(&mut self, paths: Vec<Arc<str>>, is_enough: impl Fn(&Self, usize) -> bool) {
        let mut by_use: Vec<_> = paths
            .into_iter()
            .filter_map(|path| self.documents.get(&path).map(|document| (document.used_at(), path.clone())))
            .collect();
        by_use.sort_unstable();
        let mut left = by_use.len();
        for (_, path) in by_use {
            if is_enough(self, left) {
                return;
            }
            self.take(&path);
            left -= 1;
        }
    }

    fn take(&mut self, path: &str) {
        let Some(document) = self.documents.remove(path) else { return };
        self.bytes -= document.weight();
        let organization = document.origin.version.organization();
        if let Some(paths) = self.of_organization.get_mut(&organization) {
            paths.remove(path);
            if paths.is_empty() {
                self.of_organization.remove(&organization);
            }
        }
    }
}
