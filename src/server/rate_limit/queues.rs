//! Queues by key: a few run at a time, a few more wait their turn, and the rest are refused. What one tenant asks for
//! waits behind that tenant's own work only.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::model::OrganizationId;

/// The searches of an organization that run at the same time.
const SEARCHES_RUNNING: usize = 2;
/// The searches of an organization that wait.
const SEARCHES_WAITING: usize = 8;

/// A queue per key. Clones share them.
#[derive(Clone, Debug)]
pub struct Queues<K: Eq + Hash> {
    running: usize,
    waiting: usize,
    by_key: Arc<Mutex<HashMap<K, Queue>>>,
}

#[derive(Debug)]
struct Queue {
    turns: Arc<Semaphore>,
    /// How many run or wait.
    length: usize,
}

/// A turn in a queue; ends when dropped.
#[derive(Debug)]
pub struct Turn<K: Eq + Hash> {
    _turn: OwnedSemaphorePermit,
    _place: Place<K>,
}

/// A place in a queue, left when dropped.
#[derive(Debug)]
struct Place<K: Eq + Hash> {
    by_key: Arc<Mutex<HashMap<K, Queue>>>,
    key: K,
}

impl Queues<OrganizationId> {
    /// The queues of searches.
    #[must_use]
    pub fn of_searches() -> Self {
        Self::new(SEARCHES_RUNNING, SEARCHES_WAITING)
    }
}

impl<K: Eq + Hash + Clone> Queues<K> {
    /// Queues in which so many run at a time and so many more wait, per key.
    #[must_use]
    pub fn new(running: usize, waiting: usize) -> Self {
        Self { running, waiting, by_key: Arc::default() }
    }

    /// Waits for a turn, first come, first served; none if too many wait already.
    pub async fn turn(&self, key: K) -> Option<Turn<K>> {
        let (turns, place) = self.enter(key)?;
        let turn = turns.acquire_owned().await.ok()?;
        Some(Turn { _turn: turn, _place: place })
    }

    fn enter(&self, key: K) -> Option<(Arc<Semaphore>, Place<K>)> {
        let mut queues = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queues
            .entry(key.clone())
            .or_insert_with(|| Queue { turns: Arc::new(Semaphore::new(self.running)), length: 0 });
        if queue.length >= self.running + self.waiting {
            return None;
        }
        queue.length += 1;
        Some((queue.turns.clone(), Place { by_key: self.by_key.clone(), key }))
    }
}

impl<K: Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut queues = self.by_key.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queues.get_mut(&self.key) {
            queue.length -= 1;
            if queue.length == 0 {
                queues.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, pin_mut};
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn r_70_two_searches_of_an_organization_run_and_eight_wait() {
        let (queues, org) = (Queues::of_searches(), |n| OrganizationId::from_uuid(Uuid::from_u128(n)));
        let mut searches: Vec<_> = (0..10).map(|_| Box::pin(queues.turn(org(1)))).collect();
        let turns: Vec<_> = searches.iter_mut().map(|search| search.now_or_never().flatten()).collect();
        assert_eq!(turns.iter().map(Option::is_some).collect::<Vec<_>>(), [[true; 2].as_slice(), &[false; 8]].concat());
        assert!(queues.turn(org(1)).await.is_none(), "the eleventh is refused");
        assert!(queues.turn(org(2)).await.is_some(), "another organization does not wait");
    }

    #[tokio::test]
    async fn two_run_one_waits_and_others_are_refused_per_key() {
        let queues = Queues::new(2, 1);
        let turn = |key: u8| queues.turn(key);
        let first = turn(1).await.expect("a turn");
        let _second = turn(1).await.expect("a turn");
        let third = turn(1);
        pin_mut!(third);
        assert!(third.as_mut().now_or_never().is_none(), "it waits");
        assert!(turn(1).await.is_none(), "the queue is full");
        let _other = turn(2).await.expect("another key has its own queue");
        drop(first);
        assert!(third.as_mut().now_or_never().flatten().is_some(), "it is its turn");
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_queue_and_empty_queues_are_forgotten() {
        let queues = Queues::new(1, 1);
        let turn = queues.turn(1).await.expect("a turn");
        assert!(queues.turn(1).now_or_never().is_none(), "it waited, and was dropped");
        let waiting = queues.turn(1);
        drop(turn);
        drop(waiting.await.expect("a turn"));
        assert!(queues.by_key.lock().expect("not poisoned").is_empty());
    }
}
