//! What the instances count together through Redis, so that a limit holds however many of them run.
//!
//! Each instance counts for itself in any case. Through Redis it tells what it has counted, and takes over what all have
//! counted. When Redis is absent, away, slow or full, its own count stands: nobody waits for Redis longer than
//! [`REDIS_TIMEOUT`], and nobody at all while it is known to be away.

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use redis::{AsyncConnectionConfig, Client, FromRedisValue, Pipeline, aio::MultiplexedConnection};
use sha2::Sha256;
use tokio::{
    sync::watch,
    time::{Instant, MissedTickBehavior, interval, timeout},
};

use super::fixed_window::{FixedWindow, Increment, SharedCount};
use crate::{
    model::Timestamp,
    server::{auth::signing_key::Secret, live::relay::Relay},
};

/// How long a request may wait for an answer of Redis.
pub const REDIS_TIMEOUT: Duration = Duration::from_millis(50);
/// How long a connection may take to open, which no request waits for.
const OPENING: Duration = Duration::from_secs(2);
/// How often to try for one.
const RETRY: Duration = Duration::from_secs(1);
/// How often to say that there is none.
const REPEAT: Duration = Duration::from_mins(1);

/// Adds to a window's count, or begins another once it is over: `now`, its length, when the instance that asks began to
/// count, how many. A window that begins in the far future is that of a clock which was wrong.
const COUNT: &str = "
local began = redis.call('HGET', KEYS[1], 'began')
if not began or math.abs(ARGV[1] - began) >= tonumber(ARGV[2]) then
    began = ARGV[3]
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'began', began)
end
local count = redis.call('HINCRBY', KEYS[1], 'count', ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return {began, count}";

/// Counts a try at something that must not be guessed, unless the pause after the failures before is not over: `now`,
/// how many failures are free of a pause, the longest pause, and how long after the last failure all are forgotten. A
/// try is a failure until it turns out otherwise, so that many at once are no way around the pause.
const TRY: &str = "
local now, held = tonumber(ARGV[1]), redis.call('HMGET', KEYS[1], 'count', 'last')
local count, last = tonumber(held[1] or 0), tonumber(held[2] or 0)
if math.abs(now - last) >= tonumber(ARGV[4]) then
    count = 0
end
local over = count - tonumber(ARGV[2])
if over >= 0 and last + math.min(2 ^ math.min(over, 20) * 1000, tonumber(ARGV[3])) > now then
    return {0, count, held[2] or '0'}
end
redis.call('HSET', KEYS[1], 'count', count + 1, 'last', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return {1, count + 1, held[2] or '0'}";

/// Takes back a try that was none: when it was, when the failure before it was.
const EXCUSE: &str = "
if redis.call('HINCRBY', KEYS[1], 'count', -1) < 1 then
    redis.call('DEL', KEYS[1])
elseif redis.call('HGET', KEYS[1], 'last') == ARGV[1] then
    redis.call('HSET', KEYS[1], 'last', ARGV[2])
end
return 1";

/// The counts that all instances keep together, if there are any. Cheap to clone.
#[derive(Clone, Default)]
pub struct SharedCounters {
    line: Option<Arc<RedisLink>>,
}

struct RedisLink {
    /// What hides who is counted.
    key: [u8; 32],
    patience: Duration,
    link: watch::Sender<Link>,
    /// When it was last said that Redis is away.
    said: Mutex<Option<Instant>>,
}

/// The connection to Redis.
#[derive(Clone)]
enum Link {
    /// It is not known yet whether there is one.
    Opening,
    Open(MultiplexedConnection),
    Away,
}

impl SharedCounters {
    /// No other instances.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Counts with the instances that share this Redis and this secret, and waits so long for an answer.
    #[must_use]
    pub fn open(relay: &Relay, secret: &Secret, patience: Duration) -> Self {
        let Some(client) = relay.client() else { return Self::none() };
        let (sender, state) = watch::channel(Link::Opening);
        let key = secret.key("shared counts");
        let line = Arc::new(RedisLink { key, patience, link: sender, said: Mutex::default() });
        tokio::spawn(keep_open(client.clone(), Arc::downgrade(&line), state));
        Self { line: Some(line) }
    }

    /// What is to be told of this window, once it is so many.
    pub fn due(&self, window: &mut FixedWindow, batch: u32) -> Option<Increment> {
        self.line.as_ref()?;
        window.take_untold(batch)
    }

    /// Tells what was counted here, of each by what it is and whose, and learns what all instances have counted.
    pub async fn count<const N: usize>(
        &self,
        now: Timestamp,
        counted: [(&str, &str, Increment); N],
    ) -> Option<[SharedCount; N]> {
        let line = self.line.as_ref()?;
        let mut request = redis::pipe();
        for (what, whose, tally) in counted {
            request
                .cmd("EVAL")
                .arg(COUNT)
                .arg(1)
                .arg(line.name(what, whose))
                .arg(now.millis())
                .arg(tally.seconds.saturating_mul(1000))
                .arg(tally.began.millis())
                .arg(tally.count);
        }
        let told: Vec<(i64, u32)> = line.ask(&request).await?;
        let told = told.into_iter().map(|(began, count)| SharedCount { began: Timestamp::from_millis(began), count });
        told.collect::<Vec<_>>().try_into().ok()
    }

    /// Counts a try as a failure, if the pause after the failures before is over; says what failures there are.
    pub async fn attempt(&self, now: Timestamp, what: &str, whose: &str, pauses: &Pauses) -> Option<Attempt> {
        let line = self.line.as_ref()?;
        let mut request = redis::pipe();
        request
            .cmd("EVAL")
            .arg(TRY)
            .arg(1)
            .arg(line.name(what, whose))
            .arg(now.millis())
            .arg(pauses.free)
            .arg(pauses.longest.saturating_mul(1000))
            .arg(pauses.forget.saturating_mul(1000));
        let [(is_allowed, failures, last)]: [(bool, u32, i64); 1] = line.ask(&request).await?;
        Some(Attempt { is_allowed, failures, last: Timestamp::from_millis(last) })
    }

    /// Takes back a try that turned out to be no failure: when it was, and when the failure before it was.
    pub async fn excuse(&self, what: &str, whose: &str, at: Timestamp, before: Timestamp) {
        let Some(line) = &self.line else { return };
        let mut request = redis::pipe();
        request.cmd("EVAL").arg(EXCUSE).arg(1).arg(line.name(what, whose)).arg(at.millis()).arg(before.millis());
        let _: Option<Vec<i64>> = line.ask(&request).await;
    }

    /// Forgets all failures.
    pub async fn forget(&self, what: &str, whose: &str) {
        let Some(line) = &self.line else { return };
        let mut request = redis::pipe();
        request.cmd("DEL").arg(line.name(what, whose));
        let _: Option<Vec<i64>> = line.ask(&request).await;
    }
}

/// How long failures keep somebody waiting, in seconds: twice as long after each.
#[derive(Clone, Copy, Debug)]
pub struct Pauses {
    /// Failures before the first pause, which takes one second.
    pub free: u32,
    /// The longest pause.
    pub longest: i64,
    /// How long after the last failure all are forgotten.
    pub forget: i64,
}

/// Whether somebody may try, and the failures there are: this try is one of them, if so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Whether it may be tried.
    pub is_allowed: bool,
    /// How many failures.
    pub failures: u32,
    /// When the last was, this try apart.
    pub last: Timestamp,
}

impl RedisLink {
    /// The name of a count in Redis, from which nobody learns whose it is.
    fn name(&self, what: &str, whose: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("an HMAC takes a key of any length");
        mac.update(what.as_bytes());
        mac.update(b" ");
        mac.update(whose.as_bytes());
        let hash = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..18]);
        format!("aldis:{what}:{hash}")
    }

    /// Redis's answer, if it gives one in time.
    async fn ask<T: FromRedisValue>(&self, request: &Pipeline) -> Option<T> {
        let answer = timeout(self.patience, async {
            match self.link().await {
                Link::Open(mut connection) => Some(request.query_async(&mut connection).await),
                Link::Opening | Link::Away => None,
            }
        });
        match answer.await {
            Ok(Some(Ok(answer))) => Some(answer),
            // It has been said that it is away.
            Ok(None) => None,
            Ok(Some(Err(error))) if !error.is_unrecoverable_error() => {
                self.say(&error);
                None
            }
            Ok(Some(Err(error))) => {
                self.lose(&error);
                None
            }
            Err(_) => {
                self.lose(&"it does not answer in time");
                None
            }
        }
    }

    /// The connection, once it is known whether there is one.
    async fn link(&self) -> Link {
        let mut link = self.link.subscribe();
        // An error would mean that we, who hold the sender, are gone.
        let known = link.wait_for(|link| !matches!(link, Link::Opening)).await;
        known.map_or(Link::Away, |link| link.clone())
    }

    /// Does without the connection until there is another.
    fn lose(&self, why: &dyn Display) {
        self.link.send_replace(Link::Away);
        self.say(why);
    }

    fn say(&self, why: &dyn Display) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if said.is_none_or(|at| at.elapsed() >= REPEAT) {
            *said = Some(Instant::now());
            tracing::warn!(%why, "Redis cannot be asked; limits hold for each instance by itself");
        }
    }
}

/// Opens the connection whenever there is none, until nobody counts any more.
async fn keep_open(client: Client, line: Weak<RedisLink>, mut state: watch::Receiver<Link>) {
    // How long an answer may take is for whoever asks to say.
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(OPENING)).set_response_timeout(None);
    let mut turn = interval(RETRY);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while state.wait_for(|link| !matches!(link, Link::Open(_))).await.is_ok() {
        turn.tick().await;
        let opened = timeout(OPENING, client.get_multiplexed_async_connection_with_config(&config)).await;
        let Some(line) = line.upgrade() else { return };
        match opened {
            Ok(Ok(connection)) => {
                line.link.send_replace(Link::Open(connection));
            }
            Ok(Err(error)) => line.lose(&error),
            Err(_) => line.lose(&"it does not answer"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::net::TcpListener;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::parse(text).expect("strong")
    }

    fn counters(address: &str) -> SharedCounters {
        let relay = Relay::open(&format!("redis://{address}/")).expect("an address");
        SharedCounters::open(&relay, &secret("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi"), REDIS_TIMEOUT)
    }

    /// A line that stays as it is.
    fn line(text: &str, link: Link) -> RedisLink {
        let key = secret(text).key("shared counts");
        RedisLink { key, patience: REDIS_TIMEOUT, link: watch::Sender::new(link), said: Mutex::default() }
    }

    fn counted() -> FixedWindow {
        let mut window = FixedWindow::new(Timestamp::EPOCH, 60);
        window.add(Timestamp::EPOCH);
        window
    }

    async fn count(counters: &SharedCounters) -> Option<[SharedCount; 1]> {
        let mut window = counted();
        let tally = counters.due(&mut window, 1).expect("one");
        counters.count(Timestamp::EPOCH, [("attempts", "ada@example.com", tally)]).await
    }

    #[tokio::test]
    async fn r1_a_redis_that_is_not_there_or_says_nothing_is_waited_for_once_and_briefly() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let silent_address = silent.local_addr().expect("bound").to_string();
        // Nobody listens on this port.
        for address in ["127.0.0.1:9", &silent_address] {
            let counters = counters(address);
            assert_eq!(count(&counters).await, None);
            assert_eq!(count(&counters).now_or_never(), Some(None), "nobody waits for what is known to be away");
            let pauses = Pauses { free: 5, longest: 900, forget: 3600 };
            let attempt = counters.attempt(Timestamp::EPOCH, "failures", "ada@example.com", &pauses);
            assert_eq!(attempt.now_or_never(), Some(None));
        }
    }

    /// Nobody opens this connection: whoever waited longer than their patience would wait for good.
    #[tokio::test]
    async fn r1_whoever_counts_does_not_wait_until_a_connection_is_open() {
        let line = line("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi", Link::Opening);
        let counters = SharedCounters { line: Some(Arc::new(line)) };
        assert_eq!(count(&counters).await, None);
        assert_eq!(count(&counters).now_or_never(), Some(None), "nobody waits for what is known to be away");
    }

    #[tokio::test]
    async fn without_redis_there_is_nothing_to_tell() {
        let mut window = counted();
        assert_eq!(SharedCounters::none().due(&mut window, 1), None);
    }

    #[tokio::test]
    async fn r_86_what_stands_in_redis_does_not_tell_whose_it_is() {
        let line = |text: &str| line(text, Link::Away);
        let here = line("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi");
        let name = here.name("failures", "ada@example.com");
        assert!(name.starts_with("aldis:failures:") && !name.contains("ada") && !name.contains("example"), "{name}");
        assert_eq!(name, here.name("failures", "ada@example.com"));
        assert_ne!(name, here.name("failures", "eve@example.com"));
        assert_ne!(name.rsplit(':').next(), here.name("attempts", "ada@example.com").rsplit(':').next());
        // Who does not have the secret cannot find out by trying addresses, nor do two installations meet.
        assert_ne!(name, line("Zo2vT7qLm9kXrB4nWc8YpD1sHf6GjE3uAaQi").name("failures", "ada@example.com"));
    }
}
