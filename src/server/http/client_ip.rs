//! Network addresses: who is calling, as far as the proxies before us can be trusted.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    str::FromStr,
};

use axum::http::HeaderMap;
use url::Url;

/// A network in CIDR notation, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("`{text}` is not a network such as 10.0.0.0/8");
        let (address, prefix) = match text.trim().split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text.trim(), None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(longest), |prefix| prefix.parse().map_err(|_| bad()))?;
        if prefix > longest { Err(bad()) } else { Ok(Self { address, prefix }) }
    }
}

impl Network {
    /// Whether the address lies inside.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let (own, other) = (self.address.to_canonical(), address.to_canonical());
        let (own, other, width) = match (own, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => (u128::from(own.to_bits()), u128::from(other.to_bits()), 32),
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let shift = u32::from(width - self.prefix.min(width));
        own.checked_shr(shift).unwrap_or(0) == other.checked_shr(shift).unwrap_or(0)
    }
}

/// The caller's address: the peer's, unless the peer is a trusted proxy; then the right-most hop of `X-Forwarded-For`
/// that is not one itself. What stands further left was written by the caller and proves nothing.
#[must_use]
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut client = peer.to_canonical();
    // Each hop by itself: what the caller wrote before it, in whatever bytes, must not hide what a proxy added.
    let values = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<&[u8]> = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_trusted(client) {
            break;
        }
        match std::str::from_utf8(hop).ok().and_then(|hop| address_in(hop.trim())) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// The address of a hop, which some proxies write with the port.
fn address_in(hop: &str) -> Option<IpAddr> {
    hop.parse().ok().or_else(|| hop.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
}

/// Whether the host of a URL is this machine.
#[must_use]
pub fn is_loopback_host(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// What attempts are counted by: an IPv4 address, or the /64 an IPv6 caller can move in.
#[must_use]
pub fn throttle_key(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn r_71_only_hops_added_by_trusted_proxies_count() {
        let trusted = ["10.0.0.0/8".parse().expect("network"), "::1".parse().expect("address")];
        for (peer, forwarded, client) in [
            ("203.0.113.9", "1.2.3.4", "203.0.113.9"),
            ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"),
            ("10.0.0.1", "nonsense", "10.0.0.1"),
            ("10.0.0.1", "\u{ff}, 1.2.3.4", "1.2.3.4"),
            ("10.0.0.1", "1.2.3.4, \u{ff}", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
            ("::ffff:10.0.0.1", "1.2.3.4", "1.2.3.4"),
            ("::1", "2001:db8::7", "2001:db8::7"),
            ("10.0.0.1", "1.2.3.4:5678", "1.2.3.4"),
            ("10.0.0.1", "[2001:db8::7]:5678, 10.9.9.9:80", "2001:db8::7"),
        ] {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_bytes(forwarded.as_bytes()).expect("header"),
            )]);
            let seen = client_ip(peer.parse().expect("ip"), &headers, &trusted);
            assert_eq!(seen, client.parse::<IpAddr>().expect("ip"), "{peer} {forwarded}");
        }
    }

    #[test]
    fn networks_are_read_and_refused() {
        assert!("0.0.0.0/0".parse::<Network>().expect("all").contains("8.8.8.8".parse().expect("ip")));
        assert!(!"192.168.1.0/24".parse::<Network>().expect("lan").contains("192.168.2.1".parse().expect("ip")));
        for text in ["", "10.0.0.0/33", "ten", "::/129", "10.0.0.0/"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[test]
    fn r_27_an_ipv6_caller_is_counted_by_its_64() {
        let key = |text: &str| throttle_key(text.parse().expect("ip"));
        assert_eq!(key("2001:db8:0:1:a::1"), key("2001:db8:0:1:b::2"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
