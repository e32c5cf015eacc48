//! Feeds: a client's subscription to live events, first those it missed, then each new one, without a gap.

use std::collections::VecDeque;

use sea_orm::{
    ColumnTrait, ConnectionTrait, EntityTrait, IntoSimpleExpr, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, Func},
};
use tokio::sync::broadcast::{self, error::RecvError};

use super::{
    Domain, System, Viewer, Visitor,
    store::{Scope, event, organization},
};
use crate::{
    model::{Audience, Error, OrganizationId, Result, Seq},
    server::live::hub::{EventBatch, Published, Topic},
};

/// The most events a returning client is caught up with; past it, the client reloads the state.
const REPLAY_MAX: u64 = 500;

/// The most text a returning client is caught up with, in characters: past it, reloading the state is cheaper.
const REPLAY_TEXT_MAX: usize = 2_000_000;

/// How long events are kept for returning clients: 7 days.
const RETENTION_SECONDS: i64 = 7 * 24 * 3600;

/// The events a client has missed.
pub(super) struct Missed {
    /// The events, oldest first.
    pub events: Vec<Published>,
    /// Whether they are complete, up to the time of the query.
    pub is_all: bool,
}

/// A client's subscription to the events of one organization and audience.
pub struct Feed {
    domain: Domain,
    topic: Topic,
    receiver: broadcast::Receiver<EventBatch>,
    backlog: VecDeque<Published>,
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
    pub async fn feed(&self, since: Option<Seq>) -> Result<Feed> {
        Feed::open(&self.domain, (self.organization(), Audience::Members), since).await
    }
}

impl Visitor {
    /// Subscribes to the events visitors see, after the one numbered `since` or from now on.
    pub async fn feed(&self, since: Option<Seq>) -> Result<Feed> {
        Feed::open(&self.domain, (self.organization, Audience::Public), since).await
    }
}

impl Feed {
    async fn open(domain: &Domain, topic: Topic, since: Option<Seq>) -> Result<Self> {
        // Subscribe before reading the tip: an event committed in between arrives twice rather than never.
        let receiver = domain.hub().subscribe(topic);
        let tip = domain.tip(topic).await?;
        domain.hub().init_tip(topic, tip);
        let mut feed = Self {
            domain: domain.clone(),
            topic,
            receiver,
            backlog: VecDeque::new(),
            tip,
            last: since.unwrap_or(tip),
            is_behind: false,
            is_pruned: false,
        };
        if feed.last > tip {
            // The client is ahead of the database, for example after a restore: it must reload.
            feed.is_pruned = true;
        } else if feed.last < tip {
            feed.refill().await?;
        }
        Ok(feed)
    }

    /// The newest sequence number when the feed was opened.
    #[must_use]
    pub const fn tip(&self) -> Seq {
        self.tip
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
            if let Some(event) = self.backlog.pop_front() {
                self.last = event.seq;
                return if event.is_sent() { Next::Event(event) } else { Next::Resync };
            }
            // A field, not a local: this call may be dropped while it waits for the database.
            if self.is_behind {
                if let Err(error) = self.refill().await {
                    tracing::warn!(%error, "a live feed could not be caught up");
                    return Next::Resync;
                }
                self.is_behind = false;
                continue;
            }
            match self.receiver.recv().await {
                Ok(batch) => {
                    let news = &batch[batch.partition_point(|event| event.seq <= self.last)..];
                    if news.first().is_none_or(|event| event.seq == self.last + 1) {
                        self.backlog.extend(news.iter().cloned());
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
        self.backlog.clear();
        self.last = self.domain.tip(self.topic).await?;
        (self.is_behind, self.is_pruned) = (false, false);
        Ok(())
    }

    /// Reads the events after the last one delivered; notes if some have been pruned.
    async fn refill(&mut self) -> Result<()> {
        let missed = self.domain.events_after(self.topic, self.last).await?;
        self.backlog = missed.events.into();
        let follows = self.backlog.front().is_some_and(|event| event.seq == self.last + 1);
        self.is_pruned = !(follows && missed.is_all);
        Ok(())
    }
}

impl System {
    /// Catches this instance's feeds up with events of other instances whose messages were lost.
    pub async fn catch_up_feeds(&self) -> Result<()> {
        for (topic, tip) in self.domain.hub().active() {
            if let Some(tip) = tip
                && self.domain.tip(topic).await? > tip
            {
                self.domain.catch_up(topic, tip).await;
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
    #[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations, by age alone")]
    pub async fn forget_old_events(&self) -> Result<u64> {
        let oldest = self.domain.clock().now().plus_seconds(-RETENTION_SECONDS);
        self.domain.delete(event::Entity::delete_many().filter(event::Column::CreatedAt.lt(oldest))).await
    }
}

impl Domain {
    /// The newest committed sequence number.
    pub(super) async fn tip(&self, (id, audience): Topic) -> Result<Seq> {
        tip(self.db(), id, audience).await
    }

    /// The events after `seq`, up to the limits. Their length is queried before any text is read.
    pub(super) async fn events_after(&self, (id, audience): Topic, seq: Seq) -> Result<Missed> {
        let after: Select<event::Entity> = Scope::of(id)
            .find()
            .filter(event::Column::Audience.eq(audience))
            .filter(event::Column::Seq.gt(i64::try_from(seq).unwrap_or(i64::MAX)))
            .order_by_asc(event::Column::Seq)
            .limit(REPLAY_MAX);
        let length: Expr = Func::char_length(event::Column::Frame.into_simple_expr()).into();
        let lengths = after.clone().select_only().column_as(length, "length");
        let lengths: Vec<i32> = lengths.into_tuple().all(self.db()).await?;
        let affordable = affordable(&lengths, REPLAY_TEXT_MAX);
        let is_all = affordable == lengths.len() && u64::try_from(affordable).is_ok_and(|count| count < REPLAY_MAX);
        let rows = after.limit(u64::try_from(affordable).ok()).all(self.db()).await?;
        let events = rows.into_iter().map(|row| Published { seq: row.seq.unsigned_abs(), frame: row.frame.into() });
        Ok(Missed { events: events.collect(), is_all })
    }
}

/// How many of these, from the first on, fit into `most` together; at least one.
fn affordable(lengths: &[i32], most: usize) -> usize {
    let sums = lengths.iter().scan(0_usize, |sum, length| {
        *sum = sum.saturating_add(usize::try_from(*length).unwrap_or(0));
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= most).count().max(1).min(lengths.len())
}

/// The sequence number of the newest event of an organization for an audience.
#[expect(clippy::disallowed_methods, reason = "the tenant itself")]
pub(super) async fn tip(db: &impl ConnectionTrait, id: OrganizationId, audience: Audience) -> Result<Seq> {
    let row = organization::Entity::find_by_id(id).one(db).await?.ok_or_else(Error::not_found)?;
    Ok(match audience {
        Audience::Public => row.public_seq,
        Audience::Members => row.members_seq,
    }
    .unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_42_a_client_is_caught_up_with_limited_text() {
        assert_eq!(affordable(&[], 10), 0);
        assert_eq!(affordable(&[4, 6], 10), 2);
        assert_eq!(affordable(&[4, 7, 1], 10), 1, "nothing after the first that does not fit");
        assert_eq!(affordable(&[11, 1], 10), 1, "or no client would get past it");
    }
}
