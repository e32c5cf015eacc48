//! The states of status pages: each is loaded once for the documents that are drawn from it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::{document::Origin, state::State};
use crate::{
    model::{Error, Result, Seq, Slug, Timestamp},
    server::error::internal,
};

/// How long a state is kept for other documents, in milliseconds, and how many are.
const KEPT_MS: i64 = 1_000;
const KEPT_MAX: usize = 16;

/// A state with its number, and whose it is.
pub type Loaded = (Origin, Arc<State>, Seq);
/// Why there is no state, and the page, if there is one.
pub type NotLoaded = (Error, Option<Origin>);
/// A state that is being loaded or was, for all who wait for it.
pub type Load = Shared<BoxFuture<'static, Result<Loaded, NotLoaded>>>;

/// The states that are being loaded or were a moment ago, oldest first.
#[derive(Default)]
pub struct PageStates(Mutex<VecDeque<Recent>>);

struct Recent {
    slug: Slug,
    begun: Timestamp,
    load: Load,
}

impl PageStates {
    /// Joins the load of a page's state, takes one that is still right, or begins to load it. It goes on when everybody
    /// who waited for it has gone.
    pub fn load(
        &self,
        slug: &Slug,
        now: Timestamp,
        work: impl Future<Output = Result<Loaded, NotLoaded>> + Send + 'static,
    ) -> Load {
        let mut states = self.lock();
        states.retain(|known| known.is_kept(now) && (known.slug != *slug || known.is_usable(now)));
        if let Some(known) = states.iter().find(|known| known.slug == *slug) {
            return known.load.clone();
        }
        if states.len() >= KEPT_MAX {
            states.pop_front();
        }
        let task = tokio::spawn(work);
        let load = async move { task.await.map_err(|error| (internal(error), None))? }.boxed().shared();
        states.push_back(Recent { slug: slug.clone(), begun: now, load: load.clone() });
        load
    }

    /// Drops the states that were kept for long enough.
    pub fn tidy(&self, now: Timestamp) {
        self.lock().retain(|known| known.is_kept(now));
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Recent>> {
        // Nothing panics while holding the lock, and the list would still be valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recent {
    fn is_kept(&self, now: Timestamp) -> bool {
        now < self.begun.plus_millis(KEPT_MS)
    }

    /// Whether it is under way or shows the present state.
    fn is_usable(&self, now: Timestamp) -> bool {
        match self.load.peek() {
            None => true,
            Some(Ok((origin, state, seq))) => *seq >= origin.version.newest() && now < state.fresh_until(self.begun),
            Some(Err(_)) => false,
        }
    }
}
