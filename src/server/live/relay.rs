//! Redis between the instances: each tells the others what it committed, so that their readers hear at once.
//!
//! Redis is optional and its word may be lost: readers are also caught up from the database (see `jobs`), only later.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use redis::{AsyncCommands, Client, aio::ConnectionManager};
use serde::{Deserialize, Serialize};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::hub::{Published, Topic};
use crate::{
    model::{Audience, Error, OrganizationId, Result, Seq},
    server::domain::System,
};

/// The Redis channel all instances share.
const CHANNEL: &str = "aldis:events";
/// Changes waiting for Redis; when it stands still, newer ones are dropped and caught up from the database.
const QUEUE: usize = 1024;
const REDIS_TIMEOUT: Duration = Duration::from_secs(2);

/// The way to the other instances, if there are any.
#[derive(Clone, Default)]
pub struct Relay {
    line: Option<Arc<RelayClient>>,
}

struct RelayClient {
    client: Client,
    queue: mpsc::Sender<Message>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Message {
    /// Something was committed: its events, in the order of their numbers.
    Events { organization: OrganizationId, audience: Audience, events: Vec<(Seq, String)> },
    /// A session or token has ended or changed.
    End { access: Uuid },
}

impl Relay {
    /// No other instances.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Connects the instances that share this Redis. Starts a task that sends; `listen` starts the one that hears.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub fn open(url: &str) -> redis::RedisResult<Self> {
        let client = Client::open(url)?;
        let (queue, messages) = mpsc::channel(QUEUE);
        tokio::spawn(send_all(client.clone(), messages));
        Ok(Self { line: Some(Arc::new(RelayClient { client, queue })) })
    }

    /// Redis, where there is one.
    pub(in crate::server) fn client(&self) -> Option<&Client> {
        self.line.as_ref().map(|line| &line.client)
    }

    /// Tells the other instances, without waiting for Redis.
    pub fn send(&self, (organization, audience): Topic, events: &[Published]) {
        if self.line.is_some() {
            let events = events.iter().map(|event| (event.seq, event.frame.to_string())).collect();
            self.queue(Message::Events { organization, audience, events });
        }
    }

    /// Tells the other instances that a session or token has ended or changed, without waiting for Redis.
    pub fn send_end(&self, access: Uuid) {
        self.queue(Message::End { access });
    }

    fn queue(&self, message: Message) {
        let Some(line) = &self.line else { return };
        if line.queue.try_send(message).is_err() {
            tracing::warn!("Redis does not keep up; other instances will hear of this event later");
        }
    }

    /// Whether Redis answers; always, where there is none.
    ///
    /// # Errors
    /// `unavailable`.
    pub async fn ready(&self) -> Result<()> {
        let Some(line) = &self.line else { return Ok(()) };
        let ping = async {
            let mut connection = line.client.get_multiplexed_async_connection().await?;
            connection.ping::<String>().await
        };
        match timeout(REDIS_TIMEOUT, ping).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Error::unavailable("Redis does not answer.")),
        }
    }

    /// Hears what the other instances commit until told to stop; comes back after Redis was away.
    pub async fn listen(self, system: System, stop: CancellationToken) {
        let Some(line) = self.line else { return };
        let mut retry = tokio::time::interval(REDIS_TIMEOUT);
        retry.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(retry.tick()).await.is_some() {
            match stop.run_until_cancelled(hear_all(&line.client, &system)).await {
                None => return,
                Some(Ok(())) => tracing::warn!("Redis closed the connection; connecting again"),
                Some(Err(error)) => tracing::warn!(%error, "Redis cannot be reached; trying again"),
            }
        }
    }
}

async fn hear_all(client: &Client, system: &System) -> redis::RedisResult<()> {
    let mut subscription = client.get_async_pubsub().await?;
    subscription.subscribe(CHANNEL).await?;
    tracing::info!("connected to the other instances through Redis");
    // What was committed while nobody listened.
    if let Err(error) = system.catch_up_feeds().await {
        tracing::warn!(%error, "readers could not be caught up");
    }
    let mut messages = subscription.on_message();
    while let Some(message) = messages.next().await {
        let text: String = message.get_payload()?;
        match serde_json::from_str::<Message>(&text) {
            Ok(Message::Events { organization, audience, events }) => {
                let told = events.into_iter().map(|(seq, frame)| Published { seq, frame: frame.into() }).collect();
                system.deliver((organization, audience), told).await;
            }
            Ok(Message::End { access }) => system.deliver_revocation(access),
            Err(error) => tracing::warn!(%error, "an unreadable message came through Redis"),
        }
    }
    Ok(())
}

async fn send_all(client: Client, mut messages: mpsc::Receiver<Message>) {
    let mut connection: Option<ConnectionManager> = None;
    while let Some(message) = messages.recv().await {
        let Ok(text) = serde_json::to_string(&message) else { continue };
        if connection.is_none() {
            connection = timeout(REDIS_TIMEOUT, client.get_connection_manager()).await.ok().and_then(Result::ok);
        }
        let Some(open) = &mut connection else { continue };
        let sent = timeout(REDIS_TIMEOUT, open.publish::<_, _, i64>(CHANNEL, text)).await;
        if !matches!(sent, Ok(Ok(_))) {
            tracing::warn!("an event could not be sent through Redis; other instances will hear of it later");
            connection = None;
        }
    }
}
