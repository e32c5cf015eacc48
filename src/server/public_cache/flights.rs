//! Single flight: what several requests wait for is made once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::document::Document;
use crate::{model::Result, server::error::internal};

/// A document that is being made, for all who wait for it.
pub type Flight = Shared<BoxFuture<'static, Result<Arc<Document>>>>;

/// The documents that are being made, by what they are. Cheap to clone.
#[derive(Clone, Default)]
pub struct Flights(Arc<Mutex<HashMap<String, Flight>>>);

impl Flights {
    /// Joins the flight with this key, or begins it. It goes on when everybody who waited for it has gone.
    pub fn join(&self, key: String, work: impl Future<Output = Result<Arc<Document>>> + Send + 'static) -> Flight {
        let mut flights = self.lock();
        if let Some(flight) = flights.get(&key) {
            return flight.clone();
        }
        let landing = Landing { flights: self.clone(), key: key.clone() };
        let task = tokio::spawn(async move {
            let _landing = landing;
            work.await
        });
        let flight = async move { task.await.map_err(internal)? }.boxed().shared();
        flights.insert(key, flight.clone());
        flight
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Flight>> {
        // Nothing panics while holding the lock, and the map would still be valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a flight when it ends, whichever way.
struct Landing {
    flights: Flights,
    key: String,
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.flights.lock().remove(&self.key);
    }
}
