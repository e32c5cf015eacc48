//! How many letters people can have the server send: to one address about its account, and links from one network
//! address. All instances count together, as far as Redis lets them.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    fixed_window::{FixedWindow, trim},
    shared_counters::SharedCounters,
};
use crate::{
    model::Email,
    server::{domain::Clock, http::client_ip::throttle_key},
};

/// MailRateLimit about changes of an account that its address is sent in a day.
const TO_ADDRESS: u32 = 10;
const DAY: i64 = 24 * 3600;
/// Links for a new password, and invitations, that one network address has mailed in an hour. An organization invites as
/// many in a day.
const FROM_NETWORK: u32 = 100;
const HOUR: i64 = 3600;

/// Counts letters. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct MailRateLimit {
    clock: Clock,
    counts: Arc<Mutex<HashMap<Whose, FixedWindow>>>,
    counters: SharedCounters,
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

impl MailRateLimit {
    /// Counts at this instance and those it counts with.
    #[must_use]
    pub fn new(clock: Clock, counters: SharedCounters) -> Self {
        Self { clock, counts: Arc::default(), counters }
    }

    /// Counts a warning about an account, and tells whether it may go. Wherever it comes from: who changes an account must
    /// have no means to use up what its owner is told by.
    pub async fn may_tell(&self, to: &Email) -> bool {
        self.may(Whose::Address(to.clone())).await
    }

    /// Whether a letter with a link could go that is asked for there, by what is known here; counts nothing.
    #[must_use]
    pub fn has_room(&self, from: IpAddr) -> bool {
        let (now, whose) = (self.clock.now(), Whose::Network(throttle_key(from)));
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        from.to_canonical().is_loopback()
            || counts.get(&whose).is_none_or(|window| window.has_room(now, whose.most().0))
    }

    /// Counts a letter with a link by where it was asked for, and tells whether it may go.
    pub async fn may_go(&self, from: IpAddr) -> bool {
        // Whoever is on this machine is its operator, or a proxy that has not been named.
        from.to_canonical().is_loopback() || self.may(Whose::Network(throttle_key(from))).await
    }

    async fn may(&self, whose: Whose) -> bool {
        let may = self.count(whose).await;
        if !may {
            tracing::warn!("a mail was not sent: there were too many of its kind");
        }
        may
    }

    async fn count(&self, whose: Whose) -> bool {
        let (now, (most, seconds)) = (self.clock.now(), whose.most());
        let tally = {
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            trim(&mut counts, &whose, |window| window.is_over(now));
            let window = counts.entry(whose.clone()).or_insert(FixedWindow::new(now, seconds));
            if window.count(now, most).is_err() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[tokio::test]
    async fn r_63_an_address_gets_so_many_letters_a_day_and_a_network_sends_so_many_an_hour() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let letters = MailRateLimit::new(clock.clone(), SharedCounters::none());
        let (ada, eve) =
            ("ada@example.com".parse().expect("an address"), "eve@example.com".parse().expect("an address"));
        let [home, office] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().expect("an address"));
        for _ in 0..FROM_NETWORK {
            assert!(letters.may_go(home).await);
        }
        assert!(!letters.has_room(home) && letters.has_room(office));
        assert!(!letters.may_go(home).await && letters.may_go(office).await);
        for _ in 0..=FROM_NETWORK {
            assert!(letters.may_go("::ffff:127.0.0.1".parse().expect("an address")).await);
        }
        clock.advance_seconds(HOUR);
        assert!(letters.may_go(home).await);
        for _ in 0..TO_ADDRESS {
            assert!(letters.may_tell(&ada).await);
        }
        assert!(!letters.may_tell(&ada).await && letters.may_tell(&eve).await);
        clock.advance_seconds(DAY);
        assert!(letters.may_tell(&ada).await);
    }
}
