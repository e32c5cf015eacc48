//! Keeps cached documents current: after each change those that are in use are made anew, and in a quiet moment they are
//! compressed better.

use std::{sync::Arc, time::Duration};

use tokio::{sync::Semaphore, time::sleep};

use super::{Document, Kind, PublicCache, encoding::Encoding};
use crate::model::{OrganizationId, Timestamp};

/// A document that was asked for within this time is made anew at once after a change, in milliseconds.
const IN_USE_MS: i64 = 60_000;
/// How long a document must stay as it is before it is compressed better, which takes 50 times longer.
const REST: Duration = Duration::from_secs(2);
/// How many documents are compressed better at once.
static IMPROVING: Semaphore = Semaphore::const_new(1);

impl PublicCache {
    /// Makes documents anew when their organizations change; never ends.
    pub async fn run(&self) {
        loop {
            let changed = self.inner.domain.versions().changed().await;
            for organization in changed {
                self.refresh(organization);
            }
        }
    }

    /// Begins to make the documents of an organization anew that are in use, and drops the others.
    fn refresh(&self, organization: OrganizationId) {
        let now = self.inner.domain.clock().now();
        for document in self.inner.store.of(organization) {
            if document.seq >= document.origin.version.newest() {
                continue;
            }
            document.mark_outdated(now);
            let path = document.address.path();
            if is_in_use(&document, now) {
                let flight = self.made(&document.address, &path);
                tokio::spawn(flight);
            } else {
                self.inner.store.remove(&path);
            }
        }
    }

    /// Compresses a document better if it is still the present one after a rest.
    pub(super) fn improve_later(&self, document: &Arc<Document>) {
        let (cache, document) = (self.clone(), Arc::downgrade(document));
        tokio::spawn(async move {
            sleep(REST).await;
            let Ok(_permit) = IMPROVING.acquire().await else { return };
            // Gone if another has taken its place.
            let Some(known) = document.upgrade() else { return };
            let improving = Arc::clone(&known);
            let improved = tokio::task::spawn_blocking(move || improving.with(Encoding::Brotli)).await;
            if let Ok(Ok(improved)) = improved {
                cache.inner.store.replace(&known, Arc::new(improved));
            }
        });
    }
}

/// Whether a document is made anew without being asked for: the page is, as it must outlive the database.
fn is_in_use(document: &Document, now: Timestamp) -> bool {
    document.address.kind == Kind::Page || now.millis() - document.used_at() < IN_USE_MS
}
