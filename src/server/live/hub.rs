//! In-process publish/subscribe: a channel per organization and audience, in the order of the events' sequence numbers.
//!
//! The hub does not use the database. It reports a gap in the numbers, and the publisher fills it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast;

use crate::model::{Audience, OrganizationId, Seq};

/// Batches a slow reader can lag behind; past it, the reader is caught up from the database.
const CHANNEL_CAPACITY: usize = 64;

/// The largest frame that is sent, in bytes. For a larger event, readers reload the state instead: compressed, and once
/// for all such events, which would otherwise be stored for each change and buffered for each reader.
pub const FRAME_MAX: usize = 256 * 1024;

/// The version of the form of frames. A stored or relayed frame of another form is not sent: readers reload the state.
pub const FRAME_SHAPE: i64 = 1;

/// The key of a channel.
pub type Topic = (OrganizationId, Audience);

/// A committed event, encoded once for all readers.
#[derive(Clone, Debug)]
pub struct Published {
    /// The sequence number.
    pub seq: Seq,
    /// The frame as JSON; empty if readers must reload the state instead.
    pub frame: Utf8Bytes,
}

impl Published {
    /// An event as it was stored or relayed.
    #[must_use]
    pub fn stored(seq: Seq, shape: i64, frame: String) -> Self {
        Self { seq, frame: if shape == FRAME_SHAPE { frame.into() } else { Utf8Bytes::default() } }
    }

    /// Whether the frame is sent. A frame that another version stored, with another limit, can be too large.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        !self.frame.is_empty() && self.frame.len() <= FRAME_MAX
    }
}

/// The events of one change, in the order of their numbers: one message, so that a large change fills no channel.
pub type EventBatch = Arc<[Published]>;

/// The result of publishing a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// Sent, sent before, or without subscribers.
    Done,
    /// Not sent, as events after this number are missing: publish those first.
    MissingAfter(Seq),
}

/// The channels of this instance. Cheap to clone.
#[derive(Clone, Default)]
pub struct Hub {
    channels: Arc<Mutex<HashMap<Topic, Channel>>>,
}

struct Channel {
    sender: broadcast::Sender<EventBatch>,
    /// The newest number sent; unknown until the first reader or event sets it.
    tip: Option<Seq>,
}

impl Hub {
    /// Subscribes to a channel. Read the newest number from the database only afterwards, and pass it to
    /// [`Hub::init_tip`]: later events arrive here.
    #[must_use]
    pub fn subscribe(&self, topic: Topic) -> broadcast::Receiver<EventBatch> {
        let mut channels = self.lock();
        let channel = channels
            .entry(topic)
            .or_insert_with(|| Channel { sender: broadcast::Sender::new(CHANNEL_CAPACITY), tip: None });
        channel.sender.subscribe()
    }

    /// Sets the newest committed number of a channel, unless it is known.
    pub fn init_tip(&self, topic: Topic, seq: Seq) {
        if let Some(channel) = self.lock().get_mut(&topic) {
            channel.tip.get_or_insert(seq);
        }
    }

    /// The newest committed number of a channel, if it is known.
    pub fn tip(&self, topic: Topic) -> Option<Seq> {
        self.lock().get(&topic)?.tip
    }

    /// Sends events to the subscribers of a channel. Ignores those sent before, and reports a gap.
    #[must_use]
    pub fn publish(&self, topic: Topic, events: EventBatch) -> Publication {
        let mut channels = self.lock();
        let Some(channel) = channels.get_mut(&topic) else { return Publication::Done };
        let known = channel.tip.map_or(0, |tip| events.partition_point(|event| event.seq <= tip));
        let (Some(first), Some(last)) = (events.get(known), events.last()) else { return Publication::Done };
        match channel.tip {
            Some(tip) if first.seq > tip + 1 => Publication::MissingAfter(tip),
            _ => {
                channel.tip = Some(last.seq);
                let news = if known == 0 { events } else { events[known..].into() };
                // Fails when the last subscriber has just left.
                let _ = channel.sender.send(news);
                Publication::Done
            }
        }
    }

    /// The channels with subscribers, with the newest number of each. Removes the others.
    #[must_use]
    pub fn active(&self) -> Vec<(Topic, Option<Seq>)> {
        let mut channels = self.lock();
        channels.retain(|_, channel| channel.sender.receiver_count() > 0);
        channels.iter().map(|(topic, channel)| (*topic, channel.tip)).collect()
    }

    /// Closes the channels of an organization that no longer exists, which ends its feeds.
    pub fn close(&self, organization: OrganizationId) {
        self.lock().retain(|(of, _), _| *of != organization);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Channel>> {
        // Nothing panics while holding the lock, and the map would still be valid.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn batch(numbers: impl IntoIterator<Item = Seq>) -> EventBatch {
        numbers.into_iter().map(|seq| Published { seq, frame: Utf8Bytes::from(seq.to_string()) }).collect()
    }

    fn received(reader: &mut broadcast::Receiver<EventBatch>) -> Vec<Seq> {
        reader.try_recv().expect("a message").iter().map(|event| event.seq).collect()
    }

    fn topic(n: u128) -> Topic {
        (OrganizationId::from_uuid(Uuid::from_u128(n)), Audience::Public)
    }

    #[test]
    fn events_are_sent_once_and_in_order_and_a_gap_is_reported() {
        let hub = Hub::default();
        let mut reader = hub.subscribe(topic(1));
        hub.init_tip(topic(1), 4);
        assert_eq!(hub.publish(topic(1), batch([6])), Publication::MissingAfter(4));
        for seq in [5, 6, 5, 6] {
            assert_eq!(hub.publish(topic(1), batch([seq])), Publication::Done);
        }
        assert_eq!(hub.publish(topic(1), batch([])), Publication::Done);
        assert_eq!([received(&mut reader), received(&mut reader)], [[5], [6]]);
        assert!(reader.try_recv().is_err());
    }

    #[test]
    fn a_change_of_many_events_is_one_message() {
        let hub = Hub::default();
        let mut reader = hub.subscribe(topic(1));
        hub.init_tip(topic(1), 4);
        let many = Seq::try_from(CHANNEL_CAPACITY).expect("a number") * 3;
        assert_eq!(hub.publish(topic(1), batch(5..many)), Publication::Done);
        assert_eq!(hub.publish(topic(1), batch(many + 1..many + 9)), Publication::MissingAfter(many - 1));
        // Of a batch sent in part, the rest is sent.
        assert_eq!(hub.publish(topic(1), batch(many - 3..many + 9)), Publication::Done);
        assert_eq!(hub.publish(topic(1), batch(many + 1..many + 9)), Publication::Done);
        assert_eq!(received(&mut reader), (5..many).collect::<Vec<_>>());
        assert_eq!(received(&mut reader), (many..many + 9).collect::<Vec<_>>());
        assert!(reader.try_recv().is_err());
    }

    #[test]
    fn channels_are_separate() {
        let hub = Hub::default();
        let (mut one, mut two) = (hub.subscribe(topic(1)), hub.subscribe(topic(2)));
        let members = (topic(1).0, Audience::Members);
        let mut team = hub.subscribe(members);
        assert_eq!(hub.publish(topic(1), batch([1])), Publication::Done);
        assert!(one.try_recv().is_ok());
        assert!(two.try_recv().is_err() && team.try_recv().is_err());
    }

    #[test]
    fn a_channel_without_subscribers_is_removed() {
        let hub = Hub::default();
        let reader = hub.subscribe(topic(1));
        assert_eq!(hub.active(), [(topic(1), None)]);
        drop(reader);
        assert_eq!(hub.active(), []);
    }

    #[test]
    fn the_channels_of_a_deleted_organization_are_closed() {
        let hub = Hub::default();
        let (mut closed, _open) = (hub.subscribe(topic(1)), hub.subscribe(topic(2)));
        hub.close(topic(1).0);
        assert_eq!(closed.try_recv().err(), Some(broadcast::error::TryRecvError::Closed));
        assert_eq!(hub.active(), [(topic(2), None)]);
    }
}
