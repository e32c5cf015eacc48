//! Addresses without a document, remembered for a moment: many may follow one wrong link.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::document::Origin;
use crate::model::{Seq, Timestamp};

/// How many addresses are remembered, and for how many seconds: another instance may create the page.
const MISSING_MAX: usize = 1_024;
const MISSING_SECONDS: i64 = 5;

/// The addresses that were found to have no document.
#[derive(Default)]
pub struct MissingAddresses(Mutex<HashMap<String, Missing>>);

struct Missing {
    until: Timestamp,
    /// How many organizations this instance had created when it was looked up.
    created: u64,
    /// For an incident or a month of a page: the page, and its number at that time.
    of: Option<(Origin, Seq)>,
}

impl MissingAddresses {
    /// Whether a path was just found to have no document, and nothing has changed that could have given it one.
    pub fn has(&self, path: &str, now: Timestamp, created: u64) -> bool {
        self.lock().get(path).is_some_and(|missing| {
            let is_same = match &missing.of {
                Some((origin, newest)) => origin.version.newest() == *newest,
                None => missing.created == created,
            };
            is_same && now < missing.until
        })
    }

    /// Whether a path that was just found to have no document is one of a page.
    pub fn is_in_page(&self, path: &str) -> Option<bool> {
        self.lock().get(path).map(|missing| missing.of.is_some())
    }

    /// Remembers a path.
    pub fn note(&self, path: String, now: Timestamp, created: u64, of: Option<Origin>) {
        let mut missing = self.lock();
        if missing.len() >= MISSING_MAX {
            missing.retain(|_, missing| now < missing.until);
        }
        if missing.len() < MISSING_MAX {
            let of = of.map(|origin| {
                let newest = origin.version.newest();
                (origin, newest)
            });
            missing.insert(path, Missing { until: now.plus_seconds(MISSING_SECONDS), created, of });
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Missing>> {
        // Nothing panics while holding the lock, and the map would still be valid.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
