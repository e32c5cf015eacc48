//! Counters shared through Redis, so that a rate limit holds for all instances together.
//!
//! Each instance counts its own events, adds them to the count in Redis and adopts the total. While Redis is absent,
//! slow or full, its own count applies: a request waits for Redis for [`REDIS_TIMEOUT`] at most, and not at all while
//! Redis is known to be unavailable.

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

use super::fixed_window::{Count, FixedWindow, Quota};
use crate::{
    model::Timestamp,
    server::{auth::signing_key::Secret, live::relay::Relay},
};

/// Timeout of a request to Redis.
pub const REDIS_TIMEOUT: Duration = Duration::from_millis(50);
/// Timeout of opening a connection, which happens in the background.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Interval between attempts to open one.
const RECONNECT_INTERVAL: Duration = Duration::from_secs(1);
/// Interval between log messages that Redis is unavailable.
const WARN_INTERVAL: Duration = Duration::from_mins(1);

/// Script: adds to a window's count, or begins another once it is over. Arguments: now, length, when the calling
/// instance's window began, events. A window that begins in the far future comes from a clock that was wrong.
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

/// Script: counts an attempt as a failure, if the backoff allows it. Arguments: now and the fields of [`Backoff`]. An
/// attempt counts as a failure until it proves otherwise, so that concurrent attempts cannot bypass the backoff.
const ATTEMPT: &str = "
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

/// Script: takes a failure back. Arguments: when it was counted, when the previous one was.
const REFUND: &str = "
if redis.call('HINCRBY', KEYS[1], 'count', -1) < 1 then
    redis.call('DEL', KEYS[1])
elseif redis.call('HGET', KEYS[1], 'last') == ARGV[1] then
    redis.call('HSET', KEYS[1], 'last', ARGV[2])
end
return 1";

/// Counters shared by all instances through Redis, if there is one. Cheap to clone.
#[derive(Clone, Default)]
pub struct SharedCounters {
    redis: Option<Arc<RedisLink>>,
}

struct RedisLink {
    /// HMAC key that hides whose events are counted.
    key: [u8; 32],
    timeout: Duration,
    connection: watch::Sender<Connection>,
    last_warning: Mutex<Option<Instant>>,
}

/// Connection to Redis.
#[derive(Clone)]
enum Connection {
    /// It is not known yet whether Redis is available.
    Opening,
    Open(MultiplexedConnection),
    Unavailable,
}

impl SharedCounters {
    /// Counters of a single instance.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Counters shared by the instances with this Redis and this secret.
    #[must_use]
    pub fn open(relay: &Relay, secret: &Secret, timeout: Duration) -> Self {
        let Some(client) = relay.client() else { return Self::none() };
        let (connection, state) = watch::channel(Connection::Opening);
        let key = secret.key("shared counts");
        let redis = Arc::new(RedisLink { key, timeout, connection, last_warning: Mutex::default() });
        tokio::spawn(keep_open(client.clone(), Arc::downgrade(&redis), state));
        Self { redis: Some(redis) }
    }

    /// Takes the events of this window that are due to be shared.
    pub fn due(&self, window: &mut FixedWindow, batch: u32) -> Option<Count> {
        self.redis.as_ref()?;
        window.take_unshared(batch)
    }

    /// Adds these events, each by limit and key, and returns the totals of all instances.
    pub async fn count(&self, now: Timestamp, counts: &[(&Quota, String, Count)]) -> Option<Vec<Count>> {
        let redis = self.redis.as_ref()?;
        let mut calls = Vec::with_capacity(counts.len());
        for (Quota { name, seconds, .. }, key, Count { began, count }) in counts {
            let args = [now.millis(), seconds.saturating_mul(1000), began.millis(), (*count).into()];
            calls.push((*name, key.as_str(), args));
        }
        let totals: Vec<(i64, u32)> = redis.eval(COUNT, &calls).await?;
        let totals = totals.into_iter().map(|(began, count)| Count { began: Timestamp::from_millis(began), count });
        Some(totals.collect()).filter(|totals: &Vec<_>| totals.len() == counts.len())
    }

    /// Counts an attempt as a failure, if the backoff allows it.
    pub async fn attempt(&self, now: Timestamp, name: &str, key: &str, backoff: &Backoff) -> Option<Attempt> {
        let (max_pause, forget_after) = (backoff.max_pause * 1000, backoff.forget_after * 1000);
        let args = [now.millis(), backoff.free_failures.into(), max_pause, forget_after];
        let [(is_allowed, failures, last)]: [(bool, u32, i64); 1] =
            self.redis.as_ref()?.eval(ATTEMPT, &[(name, key, args)]).await?;
        Some(Attempt { is_allowed, failures, last: Timestamp::from_millis(last) })
    }

    /// Takes back the failure counted at this time.
    pub async fn refund(&self, name: &str, key: &str, at: Timestamp, previous: Timestamp) {
        let Some(redis) = &self.redis else { return };
        let _: Option<Vec<i64>> = redis.eval(REFUND, &[(name, key, [at.millis(), previous.millis()])]).await;
    }

    /// Whether Redis answers in time, on the open connection; also true without Redis.
    pub async fn is_redis_ready(&self) -> bool {
        let Some(redis) = &self.redis else { return true };
        let mut request = redis::pipe();
        request.cmd("PING");
        redis.query::<Vec<String>>(&request).await.is_some()
    }

    /// Forgets all failures.
    pub async fn forget(&self, name: &str, key: &str) {
        let Some(redis) = &self.redis else { return };
        let mut request = redis::pipe();
        request.cmd("DEL").arg(redis.key(name, key));
        let _: Option<Vec<i64>> = redis.query(&request).await;
    }
}

/// Exponential backoff after failures, in seconds: the pause doubles with each.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    /// Failures before the first pause, which is one second.
    pub free_failures: u32,
    pub max_pause: i64,
    /// Time after the last failure until all are forgotten.
    pub forget_after: i64,
}

/// Outcome of an attempt under a [`Backoff`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub is_allowed: bool,
    /// Failures so far, including this attempt if it is allowed.
    pub failures: u32,
    /// Time of the last failure before this attempt.
    pub last: Timestamp,
}

impl RedisLink {
    /// The key in Redis, which does not reveal whose events it counts.
    fn key(&self, name: &str, key: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("an HMAC takes a key of any length");
        mac.update(name.as_bytes());
        mac.update(b" ");
        mac.update(key.as_bytes());
        let hash = URL_SAFE_NO_PAD.encode(&mac.finalize().into_bytes()[..18]);
        format!("aldis:{name}:{hash}")
    }

    /// Runs a script on each of these counters, by name and key, in one request.
    async fn eval<T: FromRedisValue, const N: usize>(
        &self,
        script: &str,
        calls: &[(&str, &str, [i64; N])],
    ) -> Option<T> {
        let mut request = redis::pipe();
        for (name, key, args) in calls {
            request.cmd("EVAL").arg(script).arg(1).arg(self.key(name, key)).arg(args);
        }
        self.query(&request).await
    }

    /// Redis's answer, if it arrives in time.
    async fn query<T: FromRedisValue>(&self, request: &Pipeline) -> Option<T> {
        let answer = timeout(self.timeout, async {
            match self.connection().await {
                Connection::Open(mut connection) => Some(request.query_async(&mut connection).await),
                Connection::Opening | Connection::Unavailable => None,
            }
        });
        match answer.await {
            Ok(Some(Ok(answer))) => return Some(answer),
            // Logged when the connection was lost.
            Ok(None) => {}
            Ok(Some(Err(error))) if !error.is_unrecoverable_error() => self.warn(&error),
            Ok(Some(Err(error))) => self.disconnect(&error),
            Err(_) => self.disconnect(&"no answer in time"),
        }
        None
    }

    /// The connection, once it is known whether there is one.
    async fn connection(&self) -> Connection {
        let mut connection = self.connection.subscribe();
        let known = connection.wait_for(|connection| !matches!(connection, Connection::Opening)).await;
        // Never an error: `self` holds the sender.
        known.map_or(Connection::Unavailable, |connection| connection.clone())
    }

    /// Gives the connection up until there is another.
    fn disconnect(&self, why: &dyn Display) {
        self.connection.send_replace(Connection::Unavailable);
        self.warn(why);
    }

    fn warn(&self, why: &dyn Display) {
        let mut last = self.last_warning.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|at| at.elapsed() >= WARN_INTERVAL) {
            *last = Some(Instant::now());
            tracing::warn!(%why, "Redis is unavailable; rate limits apply to each instance separately");
        }
    }
}

/// Opens a connection whenever there is none, until the counters are dropped.
async fn keep_open(client: Client, redis: Weak<RedisLink>, mut state: watch::Receiver<Connection>) {
    // The response timeout is applied by `query`.
    let config = AsyncConnectionConfig::new().set_connection_timeout(Some(CONNECT_TIMEOUT)).set_response_timeout(None);
    let mut turn = interval(RECONNECT_INTERVAL);
    turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while state.wait_for(|connection| !matches!(connection, Connection::Open(_))).await.is_ok() {
        turn.tick().await;
        let opened = timeout(CONNECT_TIMEOUT, client.get_multiplexed_async_connection_with_config(&config)).await;
        let Some(redis) = redis.upgrade() else { return };
        match opened {
            Ok(Ok(connection)) => {
                redis.connection.send_replace(Connection::Open(connection));
            }
            Ok(Err(error)) => redis.disconnect(&error),
            Err(_) => redis.disconnect(&"no connection in time"),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;
    use tokio::net::TcpListener;

    use super::*;
    use crate::server::supervisor::Heartbeats;

    fn secret(text: &str) -> Secret {
        Secret::parse(text).expect("strong")
    }

    fn counters(address: &str) -> SharedCounters {
        let relay = Relay::open(&format!("redis://{address}/"), &Heartbeats::ignored()).expect("an address");
        SharedCounters::open(&relay, &secret("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi"), REDIS_TIMEOUT)
    }

    /// A connection in a fixed state.
    fn link(text: &str, connection: Connection) -> RedisLink {
        let key = secret(text).key("shared counts");
        RedisLink {
            key,
            timeout: REDIS_TIMEOUT,
            connection: watch::Sender::new(connection),
            last_warning: Mutex::default(),
        }
    }

    fn counted() -> FixedWindow {
        let mut window = FixedWindow::new(Timestamp::EPOCH, 60);
        window.add(Timestamp::EPOCH);
        window
    }

    async fn count(counters: &SharedCounters) -> Option<Vec<Count>> {
        let mut window = counted();
        let own = counters.due(&mut window, 1).expect("one");
        let quota = Quota { name: "attempts", limit: 1, seconds: 60, batch: 1 };
        counters.count(Timestamp::EPOCH, &[(&quota, "ada@example.com".into(), own)]).await
    }

    #[tokio::test]
    async fn r_27_an_absent_or_silent_redis_is_waited_for_once_and_briefly() {
        let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let silent_address = silent.local_addr().expect("bound").to_string();
        // Nobody listens on this port.
        for address in ["127.0.0.1:9", &silent_address] {
            let counters = counters(address);
            assert_eq!(count(&counters).await, None);
            assert_eq!(count(&counters).now_or_never(), Some(None), "nobody waits for a Redis known to be unavailable");
            let backoff = Backoff { free_failures: 5, max_pause: 900, forget_after: 3600 };
            let attempt = counters.attempt(Timestamp::EPOCH, "failures", "ada@example.com", &backoff);
            assert_eq!(attempt.now_or_never(), Some(None));
        }
    }

    /// This connection never opens: without the timeout, counting would wait forever.
    #[tokio::test]
    async fn r_27_counting_does_not_wait_for_a_connection() {
        let link = link("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi", Connection::Opening);
        let counters = SharedCounters { redis: Some(Arc::new(link)) };
        assert_eq!(count(&counters).await, None);
        assert_eq!(count(&counters).now_or_never(), Some(None), "nobody waits for a Redis known to be unavailable");
    }

    #[tokio::test]
    async fn without_redis_nothing_is_due() {
        let mut window = counted();
        assert_eq!(SharedCounters::none().due(&mut window, 1), None);
    }

    #[tokio::test]
    async fn r_86_redis_keys_do_not_reveal_whose_they_are() {
        let link = |text: &str| link(text, Connection::Unavailable);
        let here = link("kXo2vT7qLm9ZrB4nWc8YpD1sHf6GjE3uAaQi");
        let key = here.key("failures", "ada@example.com");
        assert!(key.starts_with("aldis:failures:") && !key.contains("ada") && !key.contains("example"), "{key}");
        assert_eq!(key, here.key("failures", "ada@example.com"));
        assert_ne!(key, here.key("failures", "eve@example.com"));
        assert_ne!(key.rsplit(':').next(), here.key("attempts", "ada@example.com").rsplit(':').next());
        // Without the secret, addresses cannot be tried out, and two installations do not collide.
        assert_ne!(key, link("Zo2vT7qLm9kXrB4nWc8YpD1sHf6GjE3uAaQi").key("failures", "ada@example.com"));
    }
}
