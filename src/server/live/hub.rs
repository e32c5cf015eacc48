//! The hub: a channel per organization and audience, on which committed events go out in their order.
//!
//! The hub knows no database. Whoever publishes tells it the event's number; when one is missing the hub says so and is
//! given what lies between.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::broadcast;

use crate::model::{Audience, OrganizationId, Seq};

/// Changes a slow reader may lag behind before it is caught up from the database instead.
const BUFFER: usize = 64;

/// The largest frame that goes out, in bytes. In place of a larger event the reader is told to load the state, where it
/// comes compressed and once for all; else one huge page would be kept for each change and held for each of its readers.
pub const FRAME_MAX: usize = 256 * 1024;

/// Names a channel.
pub type Topic = (OrganizationId, Audience);

/// A committed event as the text that goes out, encoded once for all readers.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its number.
    pub seq: Seq,
    /// The frame; empty, when it would be larger than [`FRAME_MAX`].
    pub frame: Utf8Bytes,
}

impl Published {
    /// Whether the frame goes out. What was stored before the limit, or by an instance with another one, may be longer.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        !self.frame.is_empty() && self.frame.len() <= FRAME_MAX
    }
}

/// What one change tells, in the order of its numbers: one message for all readers, however many events it has.
pub type EventBatch = Arc<[Published]>;

/// What the hub made of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// Sent, known already, or nobody listens.
    Done,
    /// Events after this number are missing; publish those first.
    MissingAfter(Seq),
}

/// All channels of this process.
#[derive(Clone, Default)]
pub struct Hub {
    channels: Arc<Mutex<HashMap<Topic, Channel>>>,
}

struct Channel {
    sender: broadcast::Sender<EventBatch>,
    /// The newest number sent; unknown until the first reader or event brings it.
    tip: Option<Seq>,
}

impl Hub {
    /// Begins to listen. Ask the database for the newest number afterwards, then call [`Hub::note_tip`]: what is committed
    /// later arrives here.
    #[must_use]
    pub fn subscribe(&self, topic: Topic) -> broadcast::Receiver<EventBatch> {
        let mut channels = self.lock();
        let channel =
            channels.entry(topic).or_insert_with(|| Channel { sender: broadcast::Sender::new(BUFFER), tip: None });
        channel.sender.subscribe()
    }

    /// Tells an unknowing channel the newest number that is already committed.
    pub fn note_tip(&self, topic: Topic, seq: Seq) {
        if let Some(channel) = self.lock().get_mut(&topic) {
            channel.tip.get_or_insert(seq);
        }
    }

    /// Sends events to everybody who listens. Numbers only rise: known ones are ignored, a gap is reported.
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
                // An error means that the last reader has just left.
                let _ = channel.sender.send(news);
                Publication::Done
            }
        }
    }

    /// The channels somebody listens to, with the newest number each has sent; forgets the others.
    #[must_use]
    pub fn active(&self) -> Vec<(Topic, Option<Seq>)> {
        let mut channels = self.lock();
        channels.retain(|_, channel| channel.sender.receiver_count() > 0);
        channels.iter().map(|(topic, channel)| (*topic, channel.tip)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Topic, Channel>> {
        // Nothing panics while holding the lock; were it so, the map would still be whole.
        self.channels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn told(numbers: impl IntoIterator<Item = Seq>) -> EventBatch {
        numbers.into_iter().map(|seq| Published { seq, frame: Utf8Bytes::from(seq.to_string()) }).collect()
    }

    fn heard(reader: &mut broadcast::Receiver<EventBatch>) -> Vec<Seq> {
        reader.try_recv().expect("a message").iter().map(|event| event.seq).collect()
    }

    fn topic(n: u128) -> Topic {
        (OrganizationId::from_uuid(Uuid::from_u128(n)), Audience::Public)
    }

    #[test]
    fn events_go_out_once_and_in_order_and_a_gap_is_reported() {
        let hub = Hub::default();
        let mut reader = hub.subscribe(topic(1));
        hub.note_tip(topic(1), 4);
        assert_eq!(hub.publish(topic(1), told([6])), Publication::MissingAfter(4));
        for seq in [5, 6, 5, 6] {
            assert_eq!(hub.publish(topic(1), told([seq])), Publication::Done);
        }
        assert_eq!(hub.publish(topic(1), told([])), Publication::Done);
        assert_eq!([heard(&mut reader), heard(&mut reader)], [[5], [6]]);
        assert!(reader.try_recv().is_err());
    }

    #[test]
    fn a_change_of_many_events_is_one_message_that_no_reader_falls_behind_by() {
        let hub = Hub::default();
        let mut reader = hub.subscribe(topic(1));
        hub.note_tip(topic(1), 4);
        let many = Seq::try_from(BUFFER).expect("a number") * 3;
        assert_eq!(hub.publish(topic(1), told(5..many)), Publication::Done);
        assert_eq!(hub.publish(topic(1), told(many + 1..many + 9)), Publication::MissingAfter(many - 1));
        // Of what is known in part, the rest goes out.
        assert_eq!(hub.publish(topic(1), told(many - 3..many + 9)), Publication::Done);
        assert_eq!(hub.publish(topic(1), told(many + 1..many + 9)), Publication::Done);
        assert_eq!(heard(&mut reader), (5..many).collect::<Vec<_>>());
        assert_eq!(heard(&mut reader), (many..many + 9).collect::<Vec<_>>());
        assert!(reader.try_recv().is_err());
    }

    #[test]
    fn one_organization_never_hears_another() {
        let hub = Hub::default();
        let (mut one, mut two) = (hub.subscribe(topic(1)), hub.subscribe(topic(2)));
        let members = (topic(1).0, Audience::Members);
        let mut team = hub.subscribe(members);
        assert_eq!(hub.publish(topic(1), told([1])), Publication::Done);
        assert!(one.try_recv().is_ok());
        assert!(two.try_recv().is_err() && team.try_recv().is_err());
    }

    #[test]
    fn a_channel_nobody_listens_to_is_forgotten() {
        let hub = Hub::default();
        let reader = hub.subscribe(topic(1));
        assert_eq!(hub.active(), [(topic(1), None)]);
        drop(reader);
        assert_eq!(hub.active(), []);
    }
}
