//! Feeds: a client's subscription to live events, first those it missed, then each new one, without a gap.

use std::{collections::HashMap, time::Duration};

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    time::timeout,
};

use super::{
    Domain, System, Viewer, Visitor,
    store::{self, Scope, event, organization},
};
use crate::{
    model::{Audience, Epoch, Error, OrganizationId, Result, Seq},
    server::{
        error::{is_unreachable, unreachable},
        live::{
            hub::{EventBatch, Published, Topic},
            replays::{Missed, Replay},
        },
    },
};

/// The most events a returning client is caught up with; past it, the client reloads the state.
const REPLAY_MAX: u64 = 500;

/// The most text a returning client is caught up with, in bytes: past it, reloading the state is cheaper.
const REPLAY_BYTES_MAX: i64 = 2_000_000;

/// How long events are kept for returning clients: 7 days.
const RETENTION_SECONDS: i64 = 7 * 24 * 3600;

/// Organizations whose newest numbers are read at once.
const TIPS_BATCH: usize = 500;

/// How long the database may take to say which organizations have changed.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// A client's subscription to the events of one organization and audience.
pub struct Feed {
    domain: Domain,
    topic: Topic,
    receiver: broadcast::Receiver<EventBatch>,
    /// The events to deliver, shared with other feeds, and how many of them have been.
    backlog: EventBatch,
    delivered: usize,
    /// The replay they are from, kept for clients that miss the same.
    replay: Option<Replay>,
    /// The newest sequence number at the start.
    tip: Seq,
    /// The newest sequence number delivered.
    last: Seq,
    /// Whether events after `last` must be read from the database.
    is_behind: bool,
    /// Whether some of them have been pruned.
    is_pruned: bool,
}

/// The next item of a feed.
#[derive(Debug)]
pub enum Next {
    /// An event to send.
    Event(Published),
    /// Events were pruned, or one is too large: the client must reload the state.
    Resync,
    /// The feed has ended.
    Closed,
}

impl Viewer {
    /// Subscribes to the events members see, after the one numbered `since` or from now on.
    pub async fn feed(&self, since: Option<Seq>, epoch: Option<Epoch>) -> Result<Feed> {
        Feed::open(&self.domain, (self.organization(), Audience::Members), since, epoch).await
    }
}

impl Visitor {
    /// Subscribes to the events visitors see, after the one numbered `since` or from now on.
    pub async fn feed(&self, since: Option<Seq>, epoch: Option<Epoch>) -> Result<Feed> {
        Feed::open(&self.domain, (self.organization, Audience::Public), since, epoch).await
    }
}

impl Feed {
    async fn open(domain: &Domain, topic: Topic, since: Option<Seq>, epoch: Option<Epoch>) -> Result<Self> {
        // Subscribe before reading the tip: an event committed in between arrives twice rather than never.
        let receiver = domain.hub().subscribe(topic);
        let tip = domain.known_tip(topic).await?;
        domain.hub().init_tip(topic, tip);
        let mut feed = Self {
            domain: domain.clone(),
            topic,
            receiver,
            backlog: EventBatch::default(),
            delivered: 0,
            replay: None,
            tip,
            last: since.unwrap_or(tip),
            is_behind: false,
            is_pruned: false,
        };
        if feed.last > tip || epoch.is_some_and(|epoch| epoch != domain.epoch()) {
            // The client is ahead of the database or knows another history, as after a restore: it must reload.
            feed.is_pruned = true;
        } else if feed.last < tip {
            match feed.refill(tip).await {
                // The client reloads the state as it is last known, and goes on from there.
                Err(error) if is_unreachable(&error) => feed.is_pruned = true,
                refilled => refilled?,
            }
        }
        Ok(feed)
    }

    /// The newest sequence number when the feed was opened.
    #[must_use]
    pub const fn tip(&self) -> Seq {
        self.tip
    }

    /// The epoch of the sequence numbers.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.domain.epoch()
    }

    /// The newest sequence number delivered.
    #[must_use]
    pub const fn last(&self) -> Seq {
        self.last
    }

    /// Waits for the next item. Cancel-safe.
    pub async fn next(&mut self) -> Next {
        loop {
            if self.is_pruned {
                return Next::Resync;
            }
            if let Some(event) = self.backlog.get(self.delivered).cloned() {
                (self.delivered, self.last) = (self.delivered + 1, event.seq);
                return if event.is_sent() { Next::Event(event) } else { Next::Resync };
            }
            self.deliver_next(EventBatch::default(), None);
            // A field, not a local: this call may be dropped while it waits for the database.
            if self.is_behind {
                if let Err(error) = self.refill_to_now().await {
                    tracing::warn!(%error, "a live feed could not be caught up");
                    return Next::Resync;
                }
                self.is_behind = false;
                continue;
            }
            match self.receiver.recv().await {
                Ok(batch) => {
                    let known = batch.partition_point(|event| event.seq <= self.last);
                    if batch.get(known).is_none_or(|event| event.seq == self.last + 1) {
                        (self.backlog, self.delivered) = (batch, known);
                    } else {
                        self.is_behind = true;
                    }
                }
                Err(RecvError::Lagged(_)) => self.is_behind = true,
                Err(RecvError::Closed) => return Next::Closed,
            }
        }
    }

    /// Skips to the newest event, for a client that reloads the state.
    pub async fn skip_to_now(&mut self) -> Result<()> {
        self.deliver_next(EventBatch::default(), None);
        self.last = self.domain.known_tip(self.topic).await?;
        (self.is_behind, self.is_pruned) = (false, false);
        Ok(())
    }

    async fn refill_to_now(&mut self) -> Result<()> {
        let tip = self.domain.tip(self.topic).await?;
        self.refill(tip).await
    }

    /// Gets the events after the last one delivered, at least up to `tip`; notes if some have been pruned.
    async fn refill(&mut self, tip: Seq) -> Result<()> {
        let (topic, last) = (self.topic, self.last);
        // Boxed, as every open socket holds this future.
        let read = Box::pin(self.domain.events_after(topic, last));
        let replay = self.domain.replays().get(topic, last, tip, read).await?;
        let Some(missed) = replay.get() else { return Ok(()) };
        let follows = missed.events.first().is_some_and(|event| event.seq == last + 1);
        self.is_pruned = !(follows && missed.is_all);
        self.deliver_next(missed.events.clone(), Some(replay.clone()));
        Ok(())
    }

    fn deliver_next(&mut self, events: EventBatch, replay: Option<Replay>) {
        (self.backlog, self.delivered, self.replay) = (events, 0, replay);
    }
}

impl System {
    /// Catches this instance's feeds up with events of other instances whose messages were lost, and ends those of
    /// organizations that no longer exist.
    ///
    /// # Errors
    /// Of the database, after the feeds that could be caught up.
    pub async fn catch_up_feeds(&self) -> Result<()> {
        let active: Vec<_> = self.domain.hub().active();
        let active: Vec<_> = active.into_iter().filter_map(|(topic, tip)| tip.map(|tip| (topic, tip))).collect();
        let mut result = Ok(());
        for topics in active.chunks(TIPS_BATCH) {
            match self.domain.tips(topics.iter().map(|((id, _), _)| *id)).await {
                Ok(tips) => {
                    for ((id, audience), tip) in topics {
                        match tips.get(id) {
                            None => self.domain.hub().close(*id),
                            Some(newest) if newest.of(*audience) > *tip => {
                                self.domain.catch_up((*id, *audience), *tip).await;
                            }
                            Some(_) => {}
                        }
                    }
                }
                Err(error) => result = Err(error),
            }
        }
        result
    }

    /// Notices the changes of other instances to the organizations whose documents are cached, if their messages were
    /// lost.
    ///
    /// # Errors
    /// Of the database, whose health it notes.
    pub async fn check_versions(&self) -> Result<()> {
        let health = self.domain.health();
        match timeout(ANSWER_TIMEOUT, self.read_versions()).await {
            Ok(Ok(())) => health.answered(),
            Ok(Err(error)) => {
                if is_unreachable(&error) {
                    health.failed();
                } else {
                    health.missed();
                }
                return Err(error);
            }
            Err(_) => {
                health.missed();
                return Err(Error::unavailable("The database did not answer in time."));
            }
        }
        Ok(())
    }

    async fn read_versions(&self) -> Result<()> {
        let followed = self.domain.versions().followed();
        if followed.is_empty() {
            return self.domain.database_ready().await;
        }
        for ids in followed.chunks(TIPS_BATCH) {
            for (id, tips) in self.domain.tips(ids.iter().copied()).await? {
                self.domain.versions().advance(id, tips.of(Audience::Public));
            }
        }
        Ok(())
    }

    /// Delivers events committed by another instance.
    pub async fn deliver(&self, topic: Topic, events: EventBatch) {
        self.domain.deliver(topic, events).await;
    }

    /// Delivers a revocation published by another instance.
    pub fn deliver_revocation(&self, id: uuid::Uuid) {
        self.domain.deliver_revocation(id);
    }

    /// Deletes events past the retention time.
    pub async fn forget_old_events(&self) -> Result<u64> {
        let oldest = self.domain.database_now().await?.plus_seconds(-RETENTION_SECONDS);
        let old = Condition::all().add(event::Column::CreatedAt.lt(oldest));
        self.domain.delete_in_batches::<event::Entity>(old).await
    }
}

impl Domain {
    /// The newest committed sequence number.
    pub(super) async fn tip(&self, (id, audience): Topic) -> Result<Seq> {
        tip(self.db(), id, audience).await
    }

    /// The newest committed sequence number; while the database does not answer, the newest that this instance knows.
    async fn known_tip(&self, topic: Topic) -> Result<Seq> {
        let tip = tokio::select! {
            biased;
            () = self.health().away() => Err(unreachable()),
            tip = self.tip(topic) => tip,
        };
        tip.or_else(|error| {
            let is_public = topic.1 == Audience::Public;
            let known = self.hub().tip(topic).or_else(|| self.versions().newest(topic.0).filter(|_| is_public));
            known.filter(|_| is_unreachable(&error)).ok_or(error)
        })
    }

    /// The newest committed sequence numbers of these organizations, as far as they exist.
    #[expect(clippy::disallowed_methods, reason = "the tenants themselves")]
    async fn tips(&self, ids: impl Iterator<Item = OrganizationId>) -> Result<HashMap<OrganizationId, Tips>> {
        use organization::Column;
        let rows = organization::Entity::find().filter(Column::Id.is_in(ids)).select_only();
        let rows = rows.columns([Column::Id, Column::PublicSeq, Column::MembersSeq]);
        let rows: Vec<(OrganizationId, i64, i64)> = rows.into_tuple().all(self.db()).await?;
        Ok(rows.into_iter().map(|(id, public, members)| (id, Tips { public, members })).collect())
    }

    /// The events after `seq`, up to the limits. Their length is queried before any text is read.
    pub(super) async fn events_after(&self, (id, audience): Topic, seq: Seq) -> Result<Missed> {
        let after: Select<event::Entity> = Scope::of(id)
            .find()
            .filter(event::Column::Audience.eq(audience))
            .filter(event::Column::Seq.gt(i64::try_from(seq).unwrap_or(i64::MAX)))
            .order_by_asc(event::Column::Seq)
            .limit(REPLAY_MAX);
        let sizes = after.clone().select_only().column(event::Column::Bytes);
        let sizes: Vec<i64> = sizes.into_tuple().all(self.db()).await?;
        let count = store::count_within(&sizes, REPLAY_BYTES_MAX);
        let is_all = count == sizes.len() && u64::try_from(count).is_ok_and(|count| count < REPLAY_MAX);
        let rows = after.limit(u64::try_from(count).ok()).all(self.db()).await?;
        let events = rows.into_iter().map(|row| Published::stored(row.seq.unsigned_abs(), row.shape, row.frame));
        Ok(Missed { events: events.collect(), is_all })
    }
}

/// The newest sequence numbers of an organization.
struct Tips {
    public: i64,
    members: i64,
}

impl Tips {
    const fn of(&self, audience: Audience) -> Seq {
        match audience {
            Audience::Public => self.public,
            Audience::Members => self.members,
        }
        .unsigned_abs()
    }
}

/// The sequence number of the newest event of an organization for an audience.
#[expect(clippy::disallowed_methods, reason = "the tenant itself")]
pub(super) async fn tip(db: &impl ConnectionTrait, id: OrganizationId, audience: Audience) -> Result<Seq> {
    let row = organization::Entity::find_by_id(id).one(db).await?.ok_or_else(Error::not_found)?;
    Ok(tip_of(&row, audience))
}

/// The sequence number of the newest event for an audience, from the organization's row.
pub(super) const fn tip_of(row: &organization::Model, audience: Audience) -> Seq {
    Tips { public: row.public_seq, members: row.members_seq }.of(audience)
}
