//! Publish/subscribe between instances through Redis.
//!
//! Redis is optional and may lose messages: `jobs` also catches readers up from the database, only later.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use redis::{
    AsyncCommands, Client,
    aio::{ConnectionManager, PubSub},
};
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, time::timeout};
use uuid::Uuid;

use super::hub::{EventBatch, FRAME_SHAPE, Published, Topic};
use crate::{
    model::{Audience, Error, OrganizationId, Result, Seq},
    server::supervisor::{Heartbeat, Heartbeats},
};

/// The Redis channel of all instances.
const CHANNEL: &str = "aldis:events";
/// Messages that can wait for Redis; further ones are dropped.
const QUEUE_CAPACITY: usize = 1024;
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);
/// How often the publisher gives a heartbeat while nothing is published, and when it is late.
const IDLE_INTERVAL: Duration = Duration::from_secs(5);
const LATE_AFTER: Duration = Duration::from_secs(30);

/// Publishes to and subscribes to the other instances, if Redis is configured. Cheap to clone.
#[derive(Clone, Default)]
pub struct Relay {
    redis: Option<Arc<RelayClient>>,
}

struct RelayClient {
    client: Client,
    queue: mpsc::Sender<Message>,
}

/// A message from another instance.
pub enum Received {
    /// Committed events, in the order of their sequence numbers.
    Events(Topic, EventBatch),
    /// The id of a session or token that was revoked or changed.
    Revoked(Uuid),
}

/// A message as JSON in Redis.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Message {
    Events {
        organization: OrganizationId,
        audience: Audience,
        /// The version of the frames' form; older servers send none.
        #[serde(default)]
        shape: i64,
        events: Vec<(Seq, String)>,
    },
    End {
        access: Uuid,
    },
}

impl Relay {
    /// A relay without Redis, which publishes and receives nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Starts the task that publishes to this Redis.
    ///
    /// # Errors
    /// When the URL is invalid.
    pub fn open(url: &str, heartbeats: &Heartbeats) -> redis::RedisResult<Self> {
        let client = Client::open(url)?;
        let (queue, messages) = mpsc::channel(QUEUE_CAPACITY);
        tokio::spawn(publish_all(client.clone(), messages, heartbeats.register("publisher", LATE_AFTER)));
        Ok(Self { redis: Some(Arc::new(RelayClient { client, queue })) })
    }

    /// The Redis client, if configured.
    pub(in crate::server) fn client(&self) -> Option<&Client> {
        self.redis.as_ref().map(|redis| &redis.client)
    }

    /// Publishes committed events, without waiting for Redis.
    pub fn send(&self, (organization, audience): Topic, events: &[Published]) {
        if self.redis.is_some() {
            let events = events.iter().map(|event| (event.seq, event.frame.to_string())).collect();
            self.queue(Message::Events { organization, audience, shape: FRAME_SHAPE, events });
        }
    }

    /// Publishes that a session or token was revoked or changed, without waiting for Redis.
    pub fn send_end(&self, access: Uuid) {
        self.queue(Message::End { access });
    }

    fn queue(&self, message: Message) {
        let Some(redis) = &self.redis else { return };
        if redis.queue.try_send(message).is_err() {
            tracing::warn!("the Redis queue is full; other instances will get this event later");
        }
    }

    /// Checks that Redis answers, if configured.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn ready(&self) -> Result<()> {
        let Some(redis) = &self.redis else { return Ok(()) };
        let ping = async {
            let mut connection = redis.client.get_multiplexed_async_connection().await?;
            connection.ping::<String>().await
        };
        match timeout(REDIS_TIMEOUT, ping).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::unavailable("Redis is not responding.")),
        }
    }

    /// Subscribes to the messages of all instances; `None` without Redis.
    ///
    /// # Errors
    /// When Redis cannot be reached.
    pub async fn subscribe(&self) -> redis::RedisResult<Option<Subscription>> {
        let Some(redis) = &self.redis else { return Ok(None) };
        let mut subscription = redis.client.get_async_pubsub().await?;
        subscription.subscribe(CHANNEL).await?;
        Ok(Some(Subscription(subscription)))
    }
}

/// A subscription to the messages of all instances.
pub struct Subscription(PubSub);

impl Subscription {
    /// The next message; `None` when the connection was closed.
    ///
    /// # Errors
    /// When a message is not text.
    pub async fn next(&mut self) -> redis::RedisResult<Option<Received>> {
        while let Some(message) = self.0.on_message().next().await {
            let text: String = message.get_payload()?;
            match serde_json::from_str(&text) {
                Ok(Message::Events { organization, audience, shape, events }) => {
                    let events = events.into_iter().map(|(seq, frame)| Published::stored(seq, shape, frame));
                    return Ok(Some(Received::Events((organization, audience), events.collect())));
                }
                Ok(Message::End { access }) => return Ok(Some(Received::Revoked(access))),
                Err(error) => tracing::warn!(%error, "unreadable message from Redis"),
            }
        }
        Ok(None)
    }
}

async fn publish_all(client: Client, mut messages: mpsc::Receiver<Message>, heartbeat: Heartbeat) {
    let mut connection: Option<ConnectionManager> = None;
    loop {
        heartbeat.beat();
        let Ok(message) = timeout(IDLE_INTERVAL, messages.recv()).await else { continue };
        let Some(message) = message else { return };
        // One after the other, in the order of the events. A panic costs this message and the connection.
        connection = heartbeat.supervise(publish_one(client.clone(), connection, message)).await.flatten();
    }
}

/// Publishes one message; returns the connection, unless it failed.
async fn publish_one(client: Client, open: Option<ConnectionManager>, message: Message) -> Option<ConnectionManager> {
    let Ok(text) = serde_json::to_string(&message) else { return open };
    let mut connection = match open {
        Some(open) => open,
        None => timeout(REDIS_TIMEOUT, client.get_connection_manager()).await.ok().and_then(Result::ok)?,
    };
    let sent = timeout(REDIS_TIMEOUT, connection.publish::<_, _, i64>(CHANNEL, text)).await;
    if matches!(sent, Ok(Ok(_))) {
        return Some(connection);
    }
    tracing::warn!("an event could not be published to Redis; other instances will get it later");
    None
}
