//! How many letters people can have the server send: to one address about its account, and from one network
//! address. All instances count together, as far as Redis lets them.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex, PoisonError},
};

use super::{counters::Counters, domain::Clock, net::throttle_key, window::Window};
use crate::model::{Email, Timestamp};

/// Letters about changes of an account that its address is sent in a day.
const TO_ADDRESS: u32 = 10;
const DAY: i64 = 24 * 3600;
/// Letters of any kind that one network address brings about in an hour. An organization invites as many in a day.
const FROM_NETWORK: u32 = 100;
const HOUR: i64 = 3600;
/// Entries kept at most; past it the ones that no longer matter are dropped first.
const ENTRIES: usize = 50_000;

/// Counts letters. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Letters {
    clock: Clock,
    counts: Arc<Mutex<HashMap<Whose, Window>>>,
    counters: Counters,
}

/// What letters are counted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Whose {
    Address(Email),
    Network(IpAddr),
}

impl Whose {
    /// How many letters, in so many seconds.
    const fn most(&self) -> (u32, i64) {
        match self {
            Self::Address(_) => (TO_ADDRESS, DAY),
            Self::Network(_) => (FROM_NETWORK, HOUR),
        }
    }

    /// What the other instances know it as.
    fn name(&self) -> (&'static str, String) {
        match self {
            Self::Address(email) => ("letters-to-address", email.to_string()),
            Self::Network(ip) => ("letters-from-network", ip.to_string()),
        }
    }
}

impl Letters {
    /// Counts at this instance and those it counts with.
    #[must_use]
    pub fn new(clock: Clock, counters: Counters) -> Self {
        Self { clock, counts: Arc::default(), counters }
    }

    /// Counts a letter about an account, and tells whether it may go.
    pub async fn may_tell(&self, to: &Email, from: Option<IpAddr>) -> bool {
        // One after the other: what one refuses does not count for the other.
        self.may_go(from).await && self.count(Whose::Address(to.clone())).await
    }

    /// Counts a letter by who brings it about alone, and tells whether it may go.
    pub async fn may_go(&self, from: Option<IpAddr>) -> bool {
        let ip = from.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        // Whoever is on this machine is its operator, or a proxy that has not been named.
        if ip.to_canonical().is_loopback() {
            return true;
        }
        self.count(Whose::Network(throttle_key(ip))).await
    }

    async fn count(&self, whose: Whose) -> bool {
        let (now, (most, seconds)) = (self.clock.now(), whose.most());
        let tally = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            make_room(&mut counts, now);
            let window = counts.entry(whose.clone()).or_insert(Window::new(now, seconds));
            if window.count(now, most).is_err() {
                tracing::warn!("a mail was not sent: there were too many of its kind");
                return false;
            }
            self.counters.due(window, 1)
        };
        let Some(tally) = tally else { return true };
        let (what, name) = whose.name();
        let told = self.counters.count(now, [(what, &name, tally)]).await.map(|[told]| told);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.get_mut(&whose).is_none_or(|window| window.settle(now, most, tally, told).is_ok())
    }
}

/// Forgets what is over, once there is much; all, if that is not enough.
fn make_room(counts: &mut HashMap<Whose, Window>, now: Timestamp) {
    if counts.len() >= ENTRIES {
        counts.retain(|_, window| !window.is_over(now));
        if counts.len() >= ENTRIES {
            counts.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn r_63_an_address_gets_so_many_letters_a_day_and_a_network_sends_so_many_an_hour() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let letters = Letters::new(clock.clone(), Counters::none());
        let (ada, eve) =
            ("ada@example.com".parse().expect("an address"), "eve@example.com".parse().expect("an address"));
        let [home, office] = ["192.0.2.1", "192.0.2.2"].map(|ip| Some(ip.parse().expect("an address")));
        for _ in 0..TO_ADDRESS {
            assert!(letters.may_tell(&ada, home).await);
        }
        assert!(!letters.may_tell(&ada, office).await, "wherever they come from");
        assert!(letters.may_tell(&eve, office).await);
        clock.advance_seconds(HOUR);
        for _ in 0..FROM_NETWORK {
            assert!(letters.may_go(home).await);
        }
        assert!(!letters.may_go(home).await && letters.may_go(office).await);
        for _ in 0..=FROM_NETWORK {
            assert!(letters.may_go("127.0.0.1".parse().ok()).await);
        }
        assert!(!letters.may_tell(&eve, home).await);
        clock.advance_seconds(DAY);
        assert!(letters.may_tell(&ada, home).await);
    }
}
