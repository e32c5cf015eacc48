//! One reader's way through the live events: what it missed first, then each as it happens, without a gap.

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

/// The most events a returning reader is caught up with; one that missed more reloads the state.
const REPLAY_MAX: u64 = 500;

/// The most text a returning reader is caught up with, in characters: past it the state is less to load.
const REPLAY_TEXT_MAX: usize = 2_000_000;

/// How long events are kept for readers that return.
const KEPT_SECONDS: i64 = 7 * 24 * 3600;

/// What a reader has missed.
pub(super) struct Missed {
    /// The events, oldest first.
    pub events: Vec<Published>,
    /// Whether they are all there are; committed ones may have come since.
    pub is_all: bool,
}

/// A reader's place in the order of events.
pub struct Feed {
    domain: Domain,
    topic: Topic,
    receiver: broadcast::Receiver<EventBatch>,
    backlog: VecDeque<Published>,
    /// The newest number when the reader came.
    tip: Seq,
    /// The newest number the reader has.
    last: Seq,
    /// Events between `last` and what has arrived must be read from the database.
    behind: bool,
    /// Some of them are not there any more.
    gone: bool,
}

/// What a reader gets next.
#[derive(Debug)]
pub enum Next {
    /// An event.
    Event(Published),
    /// Events are gone, or one is too large: the reader must reload the state.
    Resync,
    /// There will be no more.
    Closed,
}

impl Viewer {
    /// Begins to read what members see, after the event numbered `since` or from now on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed(&self, since: Option<Seq>) -> Result<Feed> {
        Feed::open(&self.domain, (self.organization(), Audience::Members), since).await
    }
}

impl Visitor {
    /// Begins to read what visitors see, after the event numbered `since` or from now on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed(&self, since: Option<Seq>) -> Result<Feed> {
        Feed::open(&self.domain, (self.organization, Audience::Public), since).await
    }
}

impl Feed {
    async fn open(domain: &Domain, topic: Topic, since: Option<Seq>) -> Result<Self> {
        // Listen first and look afterwards: what is committed in between arrives twice, never not at all.
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
            behind: false,
            gone: false,
        };
        if feed.last > tip {
            // The reader knows more than the database, for example after a restore: it must begin again.
            feed.gone = true;
        } else if feed.last < tip {
            feed.refill().await?;
        }
        Ok(feed)
    }

    /// The newest number when the reader came.
    #[must_use]
    pub const fn tip(&self) -> Seq {
        self.tip
    }

    /// The newest number the reader has.
    #[must_use]
    pub const fn last(&self) -> Seq {
        self.last
    }

    /// Waits for what comes next. May be dropped and called again without losing anything.
    pub async fn next(&mut self) -> Next {
        loop {
            if self.gone {
                return Next::Resync;
            }
            if let Some(event) = self.backlog.pop_front() {
                self.last = event.seq;
                return if event.is_sent() { Next::Event(event) } else { Next::Resync };
            }
            // Remembered outside this call, which may be dropped while it waits for the database.
            if self.behind {
                if let Err(error) = self.refill().await {
                    tracing::warn!(%error, "a live reader could not be caught up");
                    return Next::Resync;
                }
                self.behind = false;
                continue;
            }
            match self.receiver.recv().await {
                Ok(told) => {
                    let news = &told[told.partition_point(|event| event.seq <= self.last)..];
                    if news.first().is_none_or(|event| event.seq == self.last + 1) {
                        self.backlog.extend(news.iter().cloned());
                    } else {
                        self.behind = true;
                    }
                }
                Err(RecvError::Lagged(_)) => self.behind = true,
                Err(RecvError::Closed) => return Next::Closed,
            }
        }
    }

    /// Goes on from now, for a reader that was told to reload the state.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn skip_to_now(&mut self) -> Result<()> {
        self.backlog.clear();
        self.last = self.domain.tip(self.topic).await?;
        (self.behind, self.gone) = (false, false);
        Ok(())
    }

    /// Reads what lies after the reader's last event; notes when some of it is gone.
    async fn refill(&mut self) -> Result<()> {
        let missed = self.domain.events_after(self.topic, self.last).await?;
        self.backlog = missed.events.into();
        let follows = self.backlog.front().is_some_and(|event| event.seq == self.last + 1);
        self.gone = !(follows && missed.is_all);
        Ok(())
    }
}

impl System {
    /// Catches this process's readers up with what other processes committed, in case their word was lost.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn catch_up_readers(&self) -> Result<()> {
        for (topic, tip) in self.domain.hub().active() {
            if let Some(tip) = tip
                && self.domain.tip(topic).await? > tip
            {
                self.domain.catch_up(topic, tip).await;
            }
        }
        Ok(())
    }

    /// Passes what another process committed to this process's readers.
    pub async fn hear(&self, topic: Topic, events: EventBatch) {
        self.domain.hear(topic, events).await;
    }

    /// Passes on that a session or token has ended or changed at another process.
    pub fn hear_end(&self, access: uuid::Uuid) {
        self.domain.hear_end(access);
    }

    /// Forgets events that no reader can still ask for.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations, by age alone")]
    pub async fn forget_old_events(&self) -> Result<u64> {
        let oldest = self.domain.clock().now().plus_seconds(-KEPT_SECONDS);
        let result =
            event::Entity::delete_many().filter(event::Column::CreatedAt.lt(oldest)).exec(self.domain.db()).await?;
        Ok(result.rows_affected)
    }
}

impl Domain {
    /// The newest committed number.
    pub(super) async fn tip(&self, (id, audience): Topic) -> Result<Seq> {
        tip(self.db(), id, audience).await
    }

    /// The events after `seq`, as many as a reader is caught up with. How much text they are is looked at before any of it
    /// is read.
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

/// How many of these, from the first on, are at most so long together; the first is one of them in any case.
fn affordable(lengths: &[i32], most: usize) -> usize {
    let sums = lengths.iter().scan(0_usize, |sum, length| {
        *sum = sum.saturating_add(usize::try_from(*length).unwrap_or(0));
        Some(*sum)
    });
    sums.take_while(|sum| *sum <= most).count().max(1).min(lengths.len())
}

/// The number of the newest event of an organization for an audience.
#[expect(clippy::disallowed_methods, reason = "the organization is what scopes are made of")]
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
    fn r_42_a_reader_is_caught_up_with_so_much_text_and_no_more() {
        assert_eq!(affordable(&[], 10), 0);
        assert_eq!(affordable(&[4, 6], 10), 2);
        assert_eq!(affordable(&[4, 7, 1], 10), 1, "what follows one that is too much is not there either");
        assert_eq!(affordable(&[11, 1], 10), 1, "else nobody would get past it");
    }
}
