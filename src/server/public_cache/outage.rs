//! What is shown while the database does not answer: each document as it was last known, with a notice that says when.

use std::sync::Arc;

use super::{
    Address, Kind, PublicCache,
    document::{Document, Freshness, Origin},
    state::State,
};
use crate::{
    model::{Outage, Result, Timestamp},
    server::{domain::incident_page_of, error::unreachable, snapshots},
};

/// How long a document with a notice is sent: its age is in words, to the minute.
const NOTICE_SECONDS: i64 = 60;

impl PublicCache {
    /// The document at an address as it was last known, with a notice.
    ///
    /// # Errors
    /// `unavailable` when nothing is known of it.
    pub(super) async fn last_known(&self, address: &Address) -> Result<Arc<Document>> {
        let path = address.path();
        if let Some(document) = self.inner.outages.get(&path)
            && document.freshness_of_notice(self.inner.domain.clock().now()) == Freshness::Current
        {
            return Ok(document);
        }
        let (cache, address) = (self.clone(), address.clone());
        self.inner.flights.join(format!("{path} outage"), async move { cache.draw_last_known(address).await }).await
    }

    async fn draw_last_known(&self, address: Address) -> Result<Arc<Document>> {
        let inner = &self.inner;
        let turn = inner.renders.turn().await?;
        let (origin, seq, mut state, as_of) = match self.in_memory(&address) {
            Some(known) => known,
            None => self.on_disk(&address).await.ok_or_else(unreachable)?,
        };
        let now = inner.domain.clock().now();
        state.set_outage(Outage { as_of, written_at: now });
        let version = (seq, now.plus_seconds(NOTICE_SECONDS));
        let document = self.drawn(turn, address, origin, Arc::new(state), version).await?;
        inner.outages.insert(Arc::clone(&document));
        Ok(document)
    }

    /// The state that a cached document was drawn from, and when it was last known to be right. Documents carry it.
    fn in_memory(&self, address: &Address) -> Option<(Origin, u64, State, Timestamp)> {
        let now = self.inner.domain.clock().now();
        let read = |address: &Address| {
            let document = self.inner.store.get(&address.path())?;
            let is_usable = document.freshness(now) != Freshness::Erased;
            let plain = is_usable.then(|| document.plain().ok()).flatten()?;
            let state = State::read(address.kind, &plain)?;
            let verified_at = self.inner.domain.health().verified_at();
            let as_of = document.outdated_since().map_or(verified_at, |outdated_at| outdated_at.min(verified_at));
            Some((document.origin.clone(), document.seq, state, as_of))
        };
        // The status page has what the others show.
        let of = |kind| Address { slug: address.slug.clone(), kind };
        read(address).or_else(|| {
            let (origin, seq, state, as_of) = match address.kind {
                Kind::Status | Kind::Incident(_) => read(&of(Kind::Page)).or_else(|| read(&of(Kind::Status)))?,
                Kind::Page => read(&of(Kind::Status))?,
                Kind::Month(_) | Kind::Timeline => return None,
            };
            Some((origin, seq, part_of(state, address.kind, now)?, as_of))
        })
    }

    /// The state that was saved by an earlier process.
    async fn on_disk(&self, address: &Address) -> Option<(Origin, u64, State, Timestamp)> {
        let (snapshots, domain) = (self.inner.snapshots.as_ref()?, &self.inner.domain);
        let kind = match address.kind {
            Kind::Page | Kind::Status | Kind::Incident(_) => snapshots::DocumentKind::Page,
            Kind::Month(_) => snapshots::DocumentKind::Month,
            Kind::Timeline => snapshots::DocumentKind::Timeline,
        };
        let saved = snapshots.load(&address.slug, kind).await?;
        let as_of = snapshots.as_of(&saved);
        let visitor = domain.site().visit_known(saved.organization);
        let version = domain.versions().follow(saved.organization);
        version.seen(saved.revision.seq);
        if saved.revision.seq < version.least() {
            return None;
        }
        let state = match saved.document {
            snapshots::Document::Page(page) => part_of(State::Page(*page), address.kind, domain.clock().now())?,
            snapshots::Document::Month(month) => match address.kind {
                Kind::Month(Some(asked)) if asked != month.month => return None,
                _ => State::Month(*month),
            },
            snapshots::Document::Timeline(timeline) => State::Timeline(*timeline),
        };
        Some((Origin { visitor, version }, saved.revision.seq, state, as_of))
    }
}

/// What a document shows of the status page's state; none if that does not have it.
fn part_of(state: State, kind: Kind, now: Timestamp) -> Option<State> {
    match (state, kind) {
        (State::Page(page), Kind::Incident(id)) => Some(State::Incident(incident_page_of(page, id, now).ok()?)),
        (state, _) => Some(state),
    }
}

impl State {
    /// Notes that the state cannot be checked. The recent changes have their own times and no place for a notice.
    fn set_outage(&mut self, outage: Outage) {
        if let Some(page) = self.page_mut() {
            page.outage = Some(outage);
        }
    }
}
