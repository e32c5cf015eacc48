//! The write queue: before a transaction takes a connection, it waits for its turn among those of its tenant. Tenants
//! take turns, so that the work of one delays another by a single transaction, not by all that wait.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{sync::oneshot, time::timeout};

use crate::model::{Error, OrganizationId, Result, UserId};

/// The most transactions that wait in a lane.
pub const WAITING_MAX: usize = 64;
/// The longest wait for a turn.
const WAIT_MAX: Duration = Duration::from_secs(5);

/// Whose transactions wait in one line, first in, first out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lane {
    /// Changes to an organization.
    Organization(OrganizationId),
    /// Changes to a user's own account and sessions.
    User(UserId),
    /// Callers nobody knows yet: registrations.
    Anonymous,
    /// Jobs and commands.
    System,
    /// Notes of when sessions and tokens were last used.
    LastUse,
}

impl From<OrganizationId> for Lane {
    fn from(id: OrganizationId) -> Self {
        Self::Organization(id)
    }
}

impl From<Option<OrganizationId>> for Lane {
    fn from(id: Option<OrganizationId>) -> Self {
        id.map_or(Self::Anonymous, Self::Organization)
    }
}

impl From<UserId> for Lane {
    fn from(id: UserId) -> Self {
        Self::User(id)
    }
}

/// A fair queue for write transactions: one at a time per lane, as many at once as there are slots. Free slots go to
/// the lanes in turn. Cheap to clone.
#[derive(Clone)]
pub struct WriteQueue {
    state: Arc<Mutex<State>>,
    wait_max: Duration,
}

struct State {
    free: usize,
    /// Lanes that wait or hold a slot.
    lanes: BTreeMap<Lane, VecDeque<oneshot::Sender<WritePermit>>>,
    /// Lanes that wait and hold no slot, each once, in the order of their turns.
    turns: VecDeque<Lane>,
}

impl State {
    /// Takes a slot for the next waiter, if there are both.
    fn next(&mut self) -> Option<(Lane, oneshot::Sender<WritePermit>)> {
        if self.free == 0 {
            return None;
        }
        while let Some(lane) = self.turns.pop_front() {
            let waiting = self.lanes.entry(lane).or_default();
            while let Some(waiter) = waiting.pop_front() {
                if !waiter.is_closed() {
                    self.free -= 1;
                    return Some((lane, waiter));
                }
            }
            self.lanes.remove(&lane);
        }
        None
    }
}

/// The right to run one write transaction. Dropping it passes the turn on.
pub struct WritePermit {
    queue: WriteQueue,
    lane: Lane,
}

impl Drop for WritePermit {
    fn drop(&mut self) {
        {
            let mut state = self.queue.lock();
            state.free += 1;
            if state.lanes.get(&self.lane).is_none_or(VecDeque::is_empty) {
                state.lanes.remove(&self.lane);
            } else {
                state.turns.push_back(self.lane);
            }
        }
        self.queue.dispatch();
    }
}

impl WriteQueue {
    /// A queue with this many slots.
    pub fn new(slots: usize) -> Self {
        Self::with_wait(slots, WAIT_MAX)
    }

    fn with_wait(slots: usize, wait_max: Duration) -> Self {
        let state = State { free: slots, lanes: BTreeMap::new(), turns: VecDeque::new() };
        Self { state: Arc::new(Mutex::new(state)), wait_max }
    }

    /// Waits for the lane's turn. Cancel-safe: a waiter that is dropped leaves the queue, and a turn it was given in the
    /// meantime goes to the next.
    ///
    /// # Errors
    /// `unavailable` when too many wait in the lane, or the turn does not come in time.
    pub async fn enter(&self, lane: Lane) -> Result<WritePermit> {
        let turn = self.join(lane)?;
        self.dispatch();
        // A permit that arrives too late is dropped with `turn`.
        match timeout(self.wait_max, turn).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Error::unavailable("The server is busy saving other changes. Try again in a moment.")),
        }
    }

    fn join(&self, lane: Lane) -> Result<oneshot::Receiver<WritePermit>> {
        let (waiter, turn) = oneshot::channel();
        let state = &mut *self.lock();
        if let Some(waiting) = state.lanes.get_mut(&lane) {
            if waiting.len() >= WAITING_MAX {
                waiting.retain(|waiter| !waiter.is_closed());
            }
            if waiting.len() >= WAITING_MAX {
                return Err(Error::unavailable("Too many changes are waiting to be saved. Try again in a moment."));
            }
            waiting.push_back(waiter);
        } else {
            state.lanes.insert(lane, VecDeque::from([waiter]));
            state.turns.push_back(lane);
        }
        Ok(turn)
    }

    /// Gives free slots to waiters.
    fn dispatch(&self) {
        loop {
            let Some((lane, waiter)) = self.lock().next() else { return };
            // If the waiter has just left, the permit is dropped here, which passes the turn on.
            drop(waiter.send(WritePermit { queue: self.clone(), lane }));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many transactions wait in all lanes.
    #[cfg(test)]
    pub fn waiting(&self) -> usize {
        self.lock().lanes.values().flatten().filter(|waiter| !waiter.is_closed()).count()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::model::Code;

    fn lane(number: u8) -> Lane {
        Lane::Organization(OrganizationId::from_uuid(Uuid::from_u128(number.into())))
    }

    /// Joins the queue without waiting.
    fn join(queue: &WriteQueue, number: u8) -> oneshot::Receiver<WritePermit> {
        let turn = queue.join(lane(number)).expect("there is room");
        queue.dispatch();
        turn
    }

    fn granted(turn: &mut oneshot::Receiver<WritePermit>) -> Option<WritePermit> {
        turn.try_recv().ok()
    }

    #[tokio::test]
    async fn lanes_take_turns_and_each_is_first_in_first_out() {
        let queue = WriteQueue::new(1);
        let running = queue.enter(Lane::System).await.expect("nobody else");
        let mut waiters: Vec<_> = [1, 1, 1, 2, 3, 2].map(|number| (number, join(&queue, number))).into();
        assert_eq!(queue.waiting(), 6);
        drop(running);
        let mut order = Vec::new();
        for _ in 0..6 {
            let at = waiters.iter().position(|(_, turn)| !turn.is_empty()).expect("one has the turn");
            let (number, mut turn) = waiters.remove(at);
            assert!(waiters.iter().all(|(_, turn)| turn.is_empty()), "one slot, one turn");
            // The first of its lane.
            assert_eq!(at, waiters[..at].iter().filter(|(other, _)| *other != number).count());
            order.push(number);
            drop(granted(&mut turn).expect("its turn"));
        }
        assert_eq!(order, [1, 2, 3, 1, 2, 1]);
        assert!(queue.lock().lanes.is_empty() && queue.lock().turns.is_empty() && queue.lock().free == 1);
    }

    #[tokio::test]
    async fn a_lane_runs_one_at_a_time_however_many_slots_are_free() {
        let queue = WriteQueue::new(3);
        let (mut first, mut second, mut other) = (join(&queue, 1), join(&queue, 1), join(&queue, 2));
        let permit = granted(&mut first).expect("the first of its lane");
        assert!(granted(&mut second).is_none());
        assert!(granted(&mut other).is_some());
        drop(permit);
        assert!(granted(&mut second).is_some());
    }

    #[tokio::test]
    async fn a_waiter_that_leaves_holds_up_nobody() {
        let queue = WriteQueue::new(1);
        let mut running = join(&queue, 1);
        let (leaving, mut next, other) = (join(&queue, 1), join(&queue, 1), join(&queue, 2));
        drop(leaving);
        drop(granted(&mut running));
        // One that leaves with a turn it has not taken passes it on.
        assert!(!other.is_empty() && next.is_empty());
        drop(other);
        assert!(granted(&mut next).is_some());
    }

    #[tokio::test]
    async fn a_full_lane_refuses_and_others_do_not() {
        let queue = WriteQueue::new(1);
        let running = queue.enter(Lane::System).await.expect("nobody else");
        let mut waiting: Vec<_> = (0..WAITING_MAX).map(|_| join(&queue, 1)).collect();
        let error = queue.enter(lane(1)).await.err().expect("full");
        assert_eq!((error.code, error.retry_after), (Code::Unavailable, Some(5)));
        let mut other = Box::pin(queue.enter(lane(2)));
        assert!((&mut other).now_or_never().is_none(), "it waits");
        // Those that have left make room.
        waiting.truncate(1);
        let mut late = Box::pin(queue.enter(lane(1)));
        assert!((&mut late).now_or_never().is_none(), "it waits");
        drop(running);
        assert!(granted(&mut waiting[0]).is_some());
        other.await.expect("its turn");
        late.await.expect("its turn");
    }

    #[tokio::test]
    async fn a_turn_that_does_not_come_in_time_is_refused() {
        let queue = WriteQueue::with_wait(1, Duration::from_millis(1));
        let running = queue.enter(lane(1)).await.expect("nobody else");
        let error = queue.enter(lane(2)).await.err().expect("too late");
        assert_eq!((error.code, error.retry_after), (Code::Unavailable, Some(5)));
        assert_eq!(queue.waiting(), 0);
        drop(running);
        queue.enter(lane(2)).await.expect("its turn");
    }

    proptest! {
        /// Whatever joins, leaves and ends in whatever order: no more run than there are slots and none twice in a lane,
        /// nobody waits while a slot is free for them, and in the end the queue is empty.
        #[test]
        fn no_turn_is_lost_or_given_twice(
            slots in 1_usize..4, steps in prop::collection::vec((0_u8..4, 0_u8..5, any::<prop::sample::Index>()), 1..120)
        ) {
            let queue = WriteQueue::new(slots);
            let mut waiting: Vec<(u8, oneshot::Receiver<_>)> = vec![];
            let mut running: Vec<(u8, WritePermit)> = vec![];
            for (step, number, which) in steps {
                match step {
                    0 | 1 => waiting.push((number, join(&queue, number))),
                    2 if !waiting.is_empty() => drop(waiting.remove(which.index(waiting.len()))),
                    3 if !running.is_empty() => drop(running.remove(which.index(running.len()))),
                    _ => {}
                }
                for (number, turn) in &mut waiting {
                    running.extend(granted(turn).map(|permit| (*number, permit)));
                }
                waiting.retain(|(_, turn)| !turn.is_terminated());
                prop_assert!(running.len() <= slots);
                let busy = |number: u8| running.iter().any(|(other, _)| *other == number);
                let mut lanes: Vec<u8> = running.iter().map(|(number, _)| *number).collect();
                lanes.sort_unstable();
                lanes.dedup();
                prop_assert_eq!(lanes.len(), running.len());
                let is_held_up = running.len() < slots && waiting.iter().any(|(number, _)| !busy(*number));
                prop_assert!(!is_held_up, "{} run in {} slots", running.len(), slots);
            }
            drop(waiting);
            drop(running);
            let state = queue.lock();
            prop_assert_eq!(state.free, slots);
            prop_assert!(state.lanes.is_empty() && state.turns.is_empty());
        }
    }
}
