//! Rate limit of outgoing mail: security notices per recipient, and mails with a link per network address that
//! requests them. All instances count together, as far as Redis lets them.

use std::net::IpAddr;

use super::{
    limiter::{Quota, RateLimiter},
    shared_counters::SharedCounters,
};
use crate::{
    model::Email,
    server::{domain::Clock, http::client_ip::throttle_key},
};

/// Security notices to one address in a day.
const NOTICES: Quota = Quota { name: "letters-to-address", limit: 10, seconds: 24 * 3600, batch: 1 };
/// Password resets and invitations requested from one network address in an hour. An organization invites as many in a
/// day.
const LINKS: Quota = Quota { name: "letters-from-network", limit: 100, seconds: 3600, batch: 1 };

/// Rate limiter for outgoing mail. Cheap to clone; clones count together.
#[derive(Clone)]
pub struct MailLimiter {
    notices: RateLimiter<Email>,
    links: RateLimiter<IpAddr>,
}

impl MailLimiter {
    pub fn new(clock: Clock, counters: SharedCounters) -> Self {
        Self {
            notices: RateLimiter::new(NOTICES, clock.clone(), counters.clone()),
            links: RateLimiter::new(LINKS, clock, counters),
        }
    }

    /// Counts a security notice and returns whether it may be sent. It is limited by recipient only: somebody who takes
    /// over an account must not be able to use up the notices to its owner.
    pub async fn allow_notice(&self, to: &Email) -> bool {
        logged(self.notices.check(to.clone()).await.is_ok())
    }

    /// Whether a mail with a link could be sent, as far as this instance knows; counts nothing.
    pub fn has_room(&self, from: IpAddr) -> bool {
        is_exempt(from) || self.links.has_room(&throttle_key(from))
    }

    /// Counts a mail with a link and returns whether it may be sent.
    pub async fn allow_link(&self, from: IpAddr) -> bool {
        is_exempt(from) || logged(self.links.check(throttle_key(from)).await.is_ok())
    }
}

/// A caller on this machine is its operator, or a proxy that is not in `ALDIS_TRUSTED_PROXIES`.
fn is_exempt(from: IpAddr) -> bool {
    from.to_canonical().is_loopback()
}

fn logged(is_allowed: bool) -> bool {
    if !is_allowed {
        tracing::warn!("email not sent: rate limit reached");
    }
    is_allowed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;

    #[tokio::test]
    async fn r_63_mail_is_limited_per_recipient_and_day_and_per_network_and_hour() {
        let clock = Clock::pretend(Timestamp::EPOCH);
        let limiter = MailLimiter::new(clock.clone(), SharedCounters::none());
        let (ada, eve) =
            ("ada@example.com".parse().expect("an address"), "eve@example.com".parse().expect("an address"));
        let [home, office] = ["192.0.2.1", "192.0.2.2"].map(|ip| ip.parse().expect("an address"));
        for _ in 0..LINKS.limit {
            assert!(limiter.allow_link(home).await);
        }
        assert!(!limiter.has_room(home) && limiter.has_room(office));
        assert!(!limiter.allow_link(home).await && limiter.allow_link(office).await);
        for _ in 0..=LINKS.limit {
            assert!(limiter.allow_link("::ffff:127.0.0.1".parse().expect("an address")).await);
        }
        clock.advance_seconds(LINKS.seconds);
        assert!(limiter.allow_link(home).await);
        for _ in 0..NOTICES.limit {
            assert!(limiter.allow_notice(&ada).await);
        }
        assert!(!limiter.allow_notice(&ada).await && limiter.allow_notice(&eve).await);
        clock.advance_seconds(NOTICES.seconds);
        assert!(limiter.allow_notice(&ada).await);
    }
}
