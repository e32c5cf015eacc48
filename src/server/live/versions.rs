//! The newest public sequence number of each organization whose documents are cached, as far as this instance knows.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::sync::Notify;

use crate::model::{OrganizationId, Seq};

/// The followed organizations, and which of all have changed. Cheap to clone.
#[derive(Clone, Default)]
pub struct PublicVersions {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    followed: Mutex<HashMap<OrganizationId, Weak<PublicVersion>>>,
    changed: Mutex<BTreeMap<OrganizationId, Change>>,
    wake: Notify,
    /// How many organizations this instance has created.
    created: AtomicU64,
}

/// What has changed of an organization since it was last looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The newest number known to be committed.
    pub newest: Seq,
    /// Whether something was erased.
    pub is_erased: bool,
}

/// What this instance knows of one organization's public state.
pub struct PublicVersion {
    organization: OrganizationId,
    newest: AtomicU64,
    least: AtomicU64,
}

impl PublicVersion {
    /// The organization.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The newest number known to be committed.
    #[must_use]
    pub fn newest(&self) -> Seq {
        self.newest.load(Ordering::Acquire)
    }

    /// The number of the oldest state that may still be shown: something was erased from those before.
    #[must_use]
    pub fn least(&self) -> Seq {
        self.least.load(Ordering::Acquire)
    }

    /// Notes that a state with this number was read.
    pub fn seen(&self, seq: Seq) {
        self.newest.fetch_max(seq, Ordering::AcqRel);
    }
}

impl PublicVersions {
    /// Follows an organization while the returned value is kept. Read its state only afterwards: what is committed
    /// later arrives here.
    #[must_use]
    pub fn follow(&self, organization: OrganizationId) -> Arc<PublicVersion> {
        let mut followed = lock(&self.inner.followed);
        if let Some(version) = followed.get(&organization).and_then(Weak::upgrade) {
            return version;
        }
        if followed.len() == followed.capacity() {
            followed.retain(|_, version| version.strong_count() > 0);
        }
        let version = Arc::new(PublicVersion { organization, newest: AtomicU64::new(0), least: AtomicU64::new(0) });
        followed.insert(organization, Arc::downgrade(&version));
        version
    }

    /// The followed organizations.
    #[must_use]
    pub fn followed(&self) -> Vec<OrganizationId> {
        let followed = lock(&self.inner.followed);
        followed.iter().filter(|(_, version)| version.strong_count() > 0).map(|(id, _)| *id).collect()
    }

    /// The newest number of a followed organization, once one is known.
    #[must_use]
    pub fn newest(&self, organization: OrganizationId) -> Option<Seq> {
        self.version(organization).map(|version| version.newest()).filter(|newest| *newest > 0)
    }

    /// Notes that a public event with this number has been committed.
    pub fn advance(&self, organization: OrganizationId, seq: Seq) {
        let is_news = self.version(organization).is_none_or(|version| {
            let before = version.newest.fetch_max(seq, Ordering::AcqRel);
            before < seq
        });
        if is_news {
            self.mark(organization, Change { newest: seq, is_erased: false });
        }
    }

    /// Notes that something was erased: no state before this number may be shown any more.
    pub fn erase_before(&self, organization: OrganizationId, seq: Seq) {
        if let Some(version) = self.version(organization) {
            version.newest.fetch_max(seq, Ordering::AcqRel);
            version.least.fetch_max(seq, Ordering::AcqRel);
        }
        self.mark(organization, Change { newest: seq, is_erased: true });
    }

    /// Reports that the newest number of an organization is this one.
    pub fn mark(&self, organization: OrganizationId, change: Change) {
        let mut changed = lock(&self.inner.changed);
        let known = changed.entry(organization).or_default();
        known.newest = known.newest.max(change.newest);
        known.is_erased |= change.is_erased;
        drop(changed);
        self.inner.wake.notify_one();
    }

    /// Waits until organizations have changed, and takes them.
    pub async fn changed(&self) -> BTreeMap<OrganizationId, Change> {
        loop {
            let changed = std::mem::take(&mut *lock(&self.inner.changed));
            if !changed.is_empty() {
                return changed;
            }
            self.inner.wake.notified().await;
        }
    }

    /// Notes that an organization was created: an address without a page may have one now.
    pub fn note_creation(&self) {
        self.inner.created.fetch_add(1, Ordering::AcqRel);
    }

    /// How many organizations this instance has created.
    #[must_use]
    pub fn created(&self) -> u64 {
        self.inner.created.load(Ordering::Acquire)
    }

    fn version(&self, organization: OrganizationId) -> Option<Arc<PublicVersion>> {
        lock(&self.inner.followed).get(&organization).and_then(Weak::upgrade)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while holding a lock, and the collections would still be valid.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const ONE: OrganizationId = OrganizationId::from_uuid(Uuid::from_u128(1));
    const TWO: OrganizationId = OrganizationId::from_uuid(Uuid::from_u128(2));

    #[tokio::test]
    async fn numbers_only_rise_and_news_is_reported_once() {
        let versions = PublicVersions::default();
        let version = versions.follow(ONE);
        versions.advance(ONE, 7);
        versions.advance(ONE, 5);
        assert_eq!((version.newest(), version.least()), (7, 0));
        assert_eq!(versions.changed().await, BTreeMap::from([(ONE, Change { newest: 7, is_erased: false })]));
        versions.advance(ONE, 7);
        versions.advance(TWO, 1);
        let two = BTreeMap::from([(TWO, Change { newest: 1, is_erased: false })]);
        assert_eq!(versions.changed().await, two, "also of organizations that nobody follows");
        versions.advance(ONE, 8);
        versions.erase_before(ONE, 9);
        assert_eq!((version.newest(), version.least()), (9, 9));
        assert_eq!(versions.changed().await, BTreeMap::from([(ONE, Change { newest: 9, is_erased: true })]));
        assert!(Arc::ptr_eq(&version, &versions.follow(ONE)));
        assert_eq!(versions.followed(), [ONE]);
        drop(version);
        assert_eq!(versions.followed(), []);
    }

    #[tokio::test]
    async fn a_change_wakes_who_waits_for_it() {
        let versions = PublicVersions::default();
        let waiting = tokio::spawn({
            let versions = versions.clone();
            async move { versions.changed().await }
        });
        tokio::task::yield_now().await;
        versions.advance(TWO, 1);
        assert_eq!(waiting.await.expect("no panic").len(), 1);
    }
}
