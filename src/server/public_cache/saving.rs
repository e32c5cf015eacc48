//! Saves the state of documents to disk, for when the database is away, and deletes what is no longer right.

use std::sync::{Arc, PoisonError};

use super::{Address, Kind, PublicCache, document::Origin, state::State};
use crate::{
    model::{OrganizationId, Seq},
    server::{
        live::versions::{Change, PublicVersion},
        snapshots::{Document, DocumentState, Revision, Verified},
    },
};

impl PublicCache {
    /// Follows the organizations of the saved states, so that their changes arrive.
    pub(super) fn follow_saved(&self) {
        let Some(snapshots) = &self.inner.snapshots else { return };
        for saved in snapshots.index() {
            self.follow(saved.organization).seen(saved.oldest.seq);
        }
    }

    pub(super) fn follow(&self, organization: OrganizationId) -> Arc<PublicVersion> {
        let version = self.inner.domain.versions().follow(organization);
        let mut saved = self.inner.saved.lock().unwrap_or_else(PoisonError::into_inner);
        saved.entry(organization).or_insert(version).clone()
    }

    /// Saves the state of a document in the background, if it is one of those that outlive the database and has changed.
    pub(super) fn save(&self, address: &Address, origin: &Origin, state: &State, seq: Seq) {
        let Some(snapshots) = self.inner.snapshots.clone() else { return };
        let known = self.inner.store.get(&address.path());
        if known.is_some_and(|known| known.seq == seq) {
            return;
        }
        let (now, organization) = (self.inner.domain.clock().now(), origin.version.organization());
        let saved = match (state, address.kind) {
            (State::Page(page), _) => DocumentState::of_page(page.clone(), now),
            (State::Month(month), Kind::Month(None)) => DocumentState::of_month(month.clone(), now),
            (State::Timeline(timeline), _) => DocumentState {
                organization,
                slug: address.slug.clone(),
                revision: Revision { epoch: self.inner.domain.epoch(), seq },
                saved_at: now,
                document: Document::Timeline(Box::new(timeline.clone())),
            },
            _ => return,
        };
        self.follow(organization);
        tokio::spawn(async move { snapshots.save(saved).await });
    }

    /// Deletes the saved states of an organization that a change has made wrong. Its page is kept where it is about to be
    /// saved again, unless something was erased.
    pub(super) fn forget_saved(&self, organization: OrganizationId, change: Change, is_page_cached: bool) {
        let Some(snapshots) = self.inner.snapshots.clone() else { return };
        let before = Revision { epoch: self.inner.domain.epoch(), seq: change.newest };
        tokio::spawn(async move {
            if is_page_cached && !change.is_erased {
                snapshots.forget_documents(organization, before).await;
            } else {
                snapshots.forget(organization, before).await;
            }
        });
    }

    /// Notes on disk that the saved states are right, as long as the database answers.
    pub(super) async fn verify_saved(&self) {
        let (domain, Some(snapshots)) = (&self.inner.domain, &self.inner.snapshots) else { return };
        let (epoch, at) = (domain.epoch(), domain.health().verified_at());
        if !domain.health().is_away() && epoch != 0 {
            snapshots.verify(Verified { epoch, at }).await;
        }
    }
}
