//! Replays of missed events, shared by the clients that come back at once: after a restart, thousands miss the same.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::{OnceCell, Semaphore};

use super::hub::{EventBatch, Topic};
use crate::{
    model::{Result, Seq},
    server::error::internal,
};

/// The most replays that are read from the database at once.
const CONCURRENT_READS: usize = 4;

/// The events a client has missed.
pub struct Missed {
    /// The events, oldest first.
    pub events: EventBatch,
    /// Whether they are complete, up to the time of the query.
    pub is_all: bool,
}

/// A replay that may still be read. It is shared while somebody keeps it.
pub type Replay = Arc<OnceCell<Missed>>;

/// What a client has missed: the events after a number, at least up to another.
type Key = (Topic, Seq, Seq);

/// The replays in use.
pub struct Replays {
    shared: Mutex<HashMap<Key, Weak<OnceCell<Missed>>>>,
    reads: Semaphore,
}

impl Default for Replays {
    fn default() -> Self {
        Self { shared: Mutex::default(), reads: Semaphore::new(CONCURRENT_READS) }
    }
}

impl Replays {
    /// The events of a topic after `since`, at least up to `tip`: those another client keeps, or else read by `read`,
    /// once for all that wait for them.
    ///
    /// # Errors
    /// Those of `read`; the next client that waits tries again.
    pub async fn get(
        &self,
        topic: Topic,
        since: Seq,
        tip: Seq,
        read: impl Future<Output = Result<Missed>>,
    ) -> Result<Replay> {
        let replay = self.replay((topic, since, tip));
        let reading = async {
            let _permit = self.reads.acquire().await.map_err(internal)?;
            read.await
        };
        replay.get_or_try_init(|| reading).await?;
        Ok(replay)
    }

    fn replay(&self, key: Key) -> Replay {
        let mut shared = self.lock();
        if let Some(replay) = shared.get(&key).and_then(Weak::upgrade) {
            return replay;
        }
        shared.retain(|_, replay| replay.strong_count() > 0);
        let replay = Replay::default();
        shared.insert(key, Arc::downgrade(&replay));
        replay
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Weak<OnceCell<Missed>>>> {
        // Nothing panics while holding the lock, and the map would still be valid.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use tokio::task::yield_now;
    use uuid::Uuid;

    use super::*;
    use crate::{
        model::{Audience, Error, OrganizationId},
        server::live::hub::Published,
    };

    const TOPIC: Topic = (OrganizationId::from_uuid(Uuid::from_u128(1)), Audience::Public);

    fn missed() -> Missed {
        Missed { events: Arc::new([Published { seq: 3, frame: "{}".into() }]), is_all: true }
    }

    #[tokio::test]
    async fn clients_that_come_back_at_once_share_one_replay() {
        let (replays, reads) = (Replays::default(), AtomicUsize::new(0));
        let get = |since| {
            replays.get(TOPIC, since, 3, async {
                reads.fetch_add(1, Ordering::SeqCst);
                yield_now().await;
                Ok(missed())
            })
        };
        let all = join_all((0..100).map(|_| get(2))).await;
        let kept: Vec<Replay> = all.into_iter().map(|replay| replay.expect("read")).collect();
        assert_eq!(reads.load(Ordering::SeqCst), 1);
        let events = |replay: &Replay| Arc::as_ptr(&replay.get().expect("read").events).cast::<Published>();
        assert!(kept.iter().all(|replay| events(replay) == events(&kept[0])), "one copy in memory");
        let other = get(1).await.expect("read");
        assert_eq!(reads.load(Ordering::SeqCst), 2, "other numbers are read");
        drop((kept, other));
        get(2).await.expect("read");
        assert_eq!(reads.load(Ordering::SeqCst), 3, "nothing is kept for nobody");
        assert_eq!(replays.lock().len(), 1);
    }

    #[tokio::test]
    async fn few_replays_are_read_at_once_and_a_failed_one_is_tried_again() {
        let (replays, reading, most) = (Replays::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let all = (0..50).map(|since| {
            replays.get(TOPIC, since, 50, async {
                most.fetch_max(reading.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                yield_now().await;
                reading.fetch_sub(1, Ordering::SeqCst);
                Ok(missed())
            })
        });
        assert!(join_all(all).await.iter().all(Result::is_ok));
        assert_eq!(most.load(Ordering::SeqCst), CONCURRENT_READS);
        assert!(replays.get(TOPIC, 7, 50, async { Err(Error::internal()) }).await.is_err());
        assert!(replays.get(TOPIC, 7, 50, async { Ok(missed()) }).await.is_ok());
    }
}
