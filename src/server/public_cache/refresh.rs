//! Keeps cached documents current: after each change those that are in use are made anew, and in a quiet moment they are
//! compressed better.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{
    Document, Kind, PublicCache,
    document::{Freshness, Young},
    encoding::Encoding,
};
use crate::{
    model::{OrganizationId, Timestamp},
    server::live::versions::Change,
};

/// A document that was asked for within this time is made anew at once after a change, in milliseconds.
const IN_USE_MS: i64 = 60_000;
/// How long a document must stay as it is before it is compressed better, which takes 50 times longer: in milliseconds.
const REST_MS: i64 = 2_000;
/// How often documents are looked through for those that have.
const IMPROVE_INTERVAL: Duration = Duration::from_millis(500);

impl PublicCache {
    /// Makes documents anew when their organizations change, and compresses them better after a rest; never ends.
    pub async fn run(self) {
        let refreshing = async {
            loop {
                for (organization, change) in self.inner.domain.versions().changed().await {
                    self.refresh(organization, change);
                }
            }
        };
        let improving = async {
            let mut ticks = interval(IMPROVE_INTERVAL);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                self.improve().await;
                self.verify_saved().await;
                self.inner.states.tidy(self.inner.domain.clock().now());
                if !self.inner.domain.health().is_away() {
                    self.inner.outages.clear();
                }
            }
        };
        tokio::join!(refreshing, improving, self.publish_all());
    }

    /// Begins to make the documents of an organization anew that are in use, and drops the others.
    fn refresh(&self, organization: OrganizationId, change: Change) {
        let now = self.inner.domain.clock().now();
        let documents = self.inner.store.of(organization);
        let is_page_cached = documents.iter().any(|document| document.address.kind == Kind::Page);
        self.forget_saved(organization, change, is_page_cached);
        self.publish_change(organization, change);
        for document in documents {
            if document.seq >= document.origin.version.newest() {
                continue;
            }
            document.mark_outdated(now);
            let path = document.address.path();
            if is_in_use(&document, now) {
                let cache = self.clone();
                tokio::spawn(async move { cache.next(&document.address, &path).await });
            } else {
                self.inner.store.remove(&path);
            }
        }
    }

    /// How long the next document at a path waits; it does not when the present one must not be shown any more.
    pub(super) fn rest(&self, path: &str) -> Option<Duration> {
        let known = self.inner.store.get(path)?;
        let is_shown = known.freshness(self.inner.domain.clock().now()) != Freshness::Erased;
        Some(known.pace.rest(Instant::now())).filter(|rest| is_shown && !rest.is_zero())
    }

    /// Notes a document that was just made.
    pub(super) fn improve_later(&self, document: &Arc<Document>, now: Timestamp) {
        let mut young = self.inner.young.lock().unwrap_or_else(PoisonError::into_inner);
        young.push_back(Young(now, Arc::downgrade(document)));
    }

    /// Compresses better what has stayed as it is for a while, one document at a time.
    pub(in crate::server) async fn improve(&self) {
        while let Some(known) = self.next_rested() {
            let improving = Arc::clone(&known);
            let compressing = self.inner.compressing.lock().await;
            if let Ok(Ok(improved)) = compressing.run(move || improving.with(Encoding::Brotli)).await {
                self.inner.store.replace(&known, Arc::new(improved));
            }
        }
    }

    /// The next document that has rested, if it is still cached and worth it.
    fn next_rested(&self) -> Option<Arc<Document>> {
        let rested = self.inner.domain.clock().now().plus_millis(-REST_MS);
        let mut young = self.inner.young.lock().unwrap_or_else(PoisonError::into_inner);
        while young.front().is_some_and(|Young(made_at, _)| *made_at <= rested) {
            let Some(Young(made_at, document)) = young.pop_front() else { break };
            let is_worth_it = |document: &Arc<Document>| {
                matches!(document.address.kind, Kind::Page | Kind::Status) || document.used_at() > made_at.millis()
            };
            if let Some(document) = document.upgrade().filter(is_worth_it) {
                return Some(document);
            }
        }
        None
    }
}

/// Whether a document is made anew without being asked for: the page is, as it must outlive the database.
fn is_in_use(document: &Document, now: Timestamp) -> bool {
    document.address.kind == Kind::Page || now.millis() - document.used_at() < IN_USE_MS
}
