//! What is on disk, in memory: found by slug, counted in bytes, and with the number that each document must have.

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use super::document::{DocumentKind, DocumentState, Header, Revision};
use crate::model::{OrganizationId, Slug, Timestamp};

/// A document of an organization.
pub type Key = (OrganizationId, DocumentKind);

/// The most that is kept on disk.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub organizations: usize,
    /// Of all files together.
    pub bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { organizations: 1_000, bytes: 256 << 20 }
    }
}

/// An organization whose documents are on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexed {
    /// Its id.
    pub organization: OrganizationId,
    /// The address of its page.
    pub slug: Slug,
    /// The number of its oldest document.
    pub oldest: Revision,
}

#[derive(Clone, Copy)]
struct Stored {
    revision: Revision,
    saved_at: Timestamp,
    bytes: u64,
}

/// What is on disk, what waits to be written, and what is outdated.
#[derive(Default)]
pub struct Index {
    stored: BTreeMap<OrganizationId, BTreeMap<DocumentKind, Stored>>,
    slugs: HashMap<Slug, OrganizationId>,
    waiting: HashMap<Key, DocumentState>,
    /// Whose states are being written.
    writing: Vec<OrganizationId>,
    /// The newest number that was saved or forgotten since the start: older states come too late.
    newest: HashMap<Key, Revision>,
    bytes: u64,
}

impl Index {
    /// The document of the page with this slug.
    pub fn find(&self, slug: &Slug, kind: DocumentKind) -> Option<Key> {
        let organization = *self.slugs.get(slug)?;
        self.stored.get(&organization)?.contains_key(&kind).then_some((organization, kind))
    }

    /// Every organization with documents on disk.
    pub fn all(&self) -> Vec<Indexed> {
        let slugs: BTreeMap<_, _> = self.slugs.iter().map(|(slug, organization)| (organization, slug)).collect();
        let all = self.stored.iter().filter_map(|(organization, documents)| {
            let oldest = documents.values().map(|stored| stored.revision);
            let oldest = oldest.min_by_key(|revision| (revision.epoch, revision.seq))?;
            Some(Indexed { organization: *organization, slug: (*slugs.get(organization)?).clone(), oldest })
        });
        all.collect()
    }

    /// Queues a state to be written, in place of an older one that waits; returns whether it is still wanted.
    pub fn queue(&mut self, state: DocumentState) -> bool {
        let key = (state.organization, state.kind());
        let stored = self.stored.get(&key.0).and_then(|documents| documents.get(&key.1));
        let known = stored.map(|stored| (stored.revision, stored.saved_at));
        let waiting = self.waiting.get(&key).map(|waiting| (waiting.revision, waiting.saved_at));
        // The page also changes with time: of two states with one number, the later one counts.
        let is_overtaken = |(revision, saved_at): (Revision, Timestamp)| {
            state.revision.is_before(revision) || (state.revision == revision && state.saved_at < saved_at)
        };
        if self.is_outdated(key, state.revision) || known.into_iter().chain(waiting).any(is_overtaken) {
            return false;
        }
        self.newest.insert(key, state.revision);
        self.waiting.insert(key, state);
        true
    }

    /// Takes what waits, to write it.
    pub fn take_waiting(&mut self) -> Vec<DocumentState> {
        let waiting: Vec<_> = std::mem::take(&mut self.waiting).into_values().collect();
        self.writing = waiting.iter().map(|state| state.organization).collect();
        waiting
    }

    /// Notes that what was taken is written.
    pub fn finish_writing(&mut self) {
        self.writing.clear();
    }

    /// Whether a state of this organization may be written at this moment, and is not found on disk yet.
    pub fn is_writing(&self, organization: OrganizationId) -> bool {
        self.writing.contains(&organization)
    }

    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether a newer state is known.
    pub fn is_outdated(&self, key: Key, revision: Revision) -> bool {
        self.newest.get(&key).is_some_and(|newest| revision.is_before(*newest))
    }

    /// From now on, states from before this number come too late. Returns the documents on disk that do.
    pub fn expire(&mut self, organization: OrganizationId, before: Revision, kinds: &[DocumentKind]) -> Vec<Key> {
        for key in kinds.iter().map(|kind| (organization, *kind)) {
            match self.newest.entry(key) {
                Entry::Occupied(newest) if before.is_before(*newest.get()) => {}
                entry => _ = entry.insert_entry(before),
            }
            if self.waiting.get(&key).is_some_and(|waiting| !waiting.revision.includes(before)) {
                self.waiting.remove(&key);
            }
        }
        let stored = self.stored.get(&organization).into_iter().flatten();
        let outdated = stored.filter(|(kind, stored)| kinds.contains(kind) && !stored.revision.includes(before));
        outdated.map(|(kind, _)| (organization, *kind)).collect()
    }

    /// The documents of an organization on disk, if its page had another slug.
    pub fn renamed(&self, organization: OrganizationId, slug: &Slug) -> Vec<Key> {
        let is_same = self.slugs.get(slug) == Some(&organization);
        let stored = self.stored.get(&organization).filter(|_| !is_same).into_iter().flatten();
        stored.map(|(kind, _)| (organization, *kind)).collect()
    }

    /// Notes a file.
    pub fn insert(&mut self, header: Header, bytes: u64) {
        let Header { organization, slug, kind, revision, saved_at, .. } = header;
        self.remove((organization, kind));
        self.slugs.retain(|known, owner| *owner != organization || *known == slug);
        self.slugs.insert(slug, organization);
        self.stored.entry(organization).or_default().insert(kind, Stored { revision, saved_at, bytes });
        self.bytes += bytes;
    }

    /// Notes that there is no such file.
    pub fn remove(&mut self, (organization, kind): Key) {
        let Some(documents) = self.stored.get_mut(&organization) else { return };
        self.bytes -= documents.remove(&kind).map_or(0, |stored| stored.bytes);
        if documents.is_empty() {
            self.stored.remove(&organization);
            self.slugs.retain(|_, owner| *owner != organization);
        }
    }

    /// What must go so that a new file of this size fits: the documents of the organizations that were saved the longest
    /// ago.
    pub fn surplus(&self, new: Option<(Key, u64)>, bounds: Bounds) -> Vec<Key> {
        let replaced = new.and_then(|((organization, kind), _)| self.stored.get(&organization)?.get(&kind));
        let mut bytes = self.bytes + new.map_or(0, |(_, bytes)| bytes) - replaced.map_or(0, |stored| stored.bytes);
        let is_added = new.is_some_and(|((organization, _), _)| !self.stored.contains_key(&organization));
        let mut count = self.stored.len() + usize::from(is_added);
        let others = self.stored.iter().filter(|(other, _)| new.is_none_or(|((own, _), _)| own != **other));
        let by_age: BTreeSet<_> =
            others.map(|(other, documents)| (documents.values().map(|stored| stored.saved_at).max(), *other)).collect();
        let mut surplus = Vec::new();
        for (_, organization) in by_age {
            if count <= bounds.organizations && bytes <= bounds.bytes {
                break;
            }
            for (kind, stored) in self.stored.get(&organization).into_iter().flatten() {
                bytes -= stored.bytes;
                surplus.push((organization, *kind));
            }
            count -= 1;
        }
        surplus
    }
}
