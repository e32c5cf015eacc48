//! Client addresses behind trusted proxies.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;
use url::Url;

/// Parses a network in CIDR notation, or a single address.
///
/// # Errors
/// Quotes the text.
pub fn parse_network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse().map(|address: IpAddr| IpNet::from(address.to_canonical())))
        .map_err(|_| format!("`{text}` is not a network such as 10.0.0.0/8"))
}

/// Whether one of these networks contains the address.
#[must_use]
pub fn is_in(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// The client's address: the peer's or, if the peer is a trusted proxy, the right-most hop in `X-Forwarded-For` that is
/// not one itself. The client controls everything to the left of it.
#[must_use]
pub fn client_ip(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let mut client = peer.to_canonical();
    // Decoded hop by hop: invalid bytes from the client must not hide a hop that a proxy added.
    let values = headers.get_all("x-forwarded-for").iter();
    let hops: Vec<&[u8]> = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b',')).collect();
    for hop in hops.into_iter().rev() {
        if !is_in(trusted, client) {
            break;
        }
        match std::str::from_utf8(hop).ok().and_then(|hop| parse_hop(hop.trim())) {
            Some(address) => client = address.to_canonical(),
            None => break,
        }
    }
    client
}

/// Parses a hop, to which some proxies add a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    hop.parse().ok().or_else(|| hop.parse().ok().map(|with_port: SocketAddr| with_port.ip()))
}

/// Whether the host of a URL is this machine.
#[must_use]
pub fn is_loopback_host(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.ends_with(".localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The key of per-address rate limits: an IPv4 address, or the /64 of an IPv6 address, as one client has all of it
///
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
        let trusted = ["10.0.0.0/8", "::1"].map(|text| parse_network(text).expect("a network"));
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
    fn networks_are_parsed_and_rejected() {
        let contains = |network: &str, address: &str| {
            is_in(&[parse_network(network).expect("a network")], address.parse().expect("ip"))
        };
        assert!(contains("0.0.0.0/0", "8.8.8.8"));
        assert!(!contains("192.168.1.0/24", "192.168.2.1"));
        assert!(contains(" 192.168.1.7/24", "::ffff:192.168.1.9") && contains("::ffff:10.0.0.1", "10.0.0.1"));
        assert!(contains("2001:db8::/32", "2001:db8:7::1") && !contains("::/0", "10.0.0.1"));
        for text in ["", "10.0.0.0/33", "ten", "::/129", "10.0.0.0/"] {
            assert!(parse_network(text).is_err(), "{text}");
        }
    }

    #[test]
    fn r_27_ipv6_clients_are_limited_per_64() {
        let key = |text: &str| throttle_key(text.parse().expect("ip"));
        assert_eq!(key("2001:db8:0:1:a::1"), key("2001:db8:0:1:b::2"));
        assert_ne!(key("2001:db8:0:1::1"), key("2001:db8:0:2::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
