//! The public URL.

use url::Url;

use super::error::ConfigError;
use crate::server::http::client_ip::is_loopback_host;

/// The origin that people use: scheme, host and port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    /// The same origin with `localhost` in place of `127.0.0.1`, or the reverse.
    loopback_alias: Option<String>,
    is_loopback: bool,
}

impl PublicUrl {
    /// Parses a URL that consists of an origin only.
    ///
    /// # Errors
    /// Names `ALDIS_PUBLIC_URL`.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let invalid =
            |why: &str| ConfigError::new("ALDIS_PUBLIC_URL", format!("{why}, for example https://status.example.com"));
        if !text.starts_with("https://") && !text.starts_with("http://") {
            return Err(invalid("must begin with https:// or http://"));
        }
        let url = Url::parse(text.trim_end_matches('/'))
            .map_err(|error| invalid(&format!("is not a valid URL ({error})")))?;
        let origin = url.origin().ascii_serialization();
        if url.as_str().strip_suffix('/') != Some(&origin) {
            return Err(invalid("must be a scheme and a host, with a port if needed, and no path"));
        }
        let alias = match url.host_str() {
            Some("localhost") => Some("127.0.0.1"),
            Some("127.0.0.1") => Some("localhost"),
            _ => None,
        };
        let loopback_alias = alias.and_then(|host| {
            let mut url = url.clone();
            url.set_host(Some(host)).ok()?;
            Some(url.origin().ascii_serialization())
        });
        Ok(Self { origin, loopback_alias, is_loopback: is_loopback_host(&url) })
    }

    /// Scheme, host and port, without a trailing slash.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether an `Origin` header is ours; `localhost` and `127.0.0.1` count as the same host.
    #[must_use]
    pub fn is_own(&self, origin: &str) -> bool {
        origin == self.origin || self.loopback_alias.as_deref() == Some(origin)
    }

    /// Whether people use TLS, so that cookies can require it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Whether the host is this machine, so that nothing is sent over a network.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.is_loopback
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_and_127_0_0_1_count_as_one_origin() {
        let url = PublicUrl::parse("http://127.0.0.1:3000/").expect("valid");
        assert!(url.is_own("http://127.0.0.1:3000") && url.is_own("http://localhost:3000"));
        assert!(!url.is_own("http://localhost:3001") && !url.is_own("https://localhost:3000") && !url.is_own("null"));
        let named = PublicUrl::parse("https://Status.Example.com").expect("valid");
        assert!(named.is_own("https://status.example.com") && named.is_https());
        assert!(!PublicUrl::parse("http://localhost.evil.test").expect("valid").is_own("http://127.0.0.1.evil.test"));
    }

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (text, origin) in [
            ("https://status.example.com:443", "https://status.example.com"),
            ("http://STATUS.example.com:80//", "http://status.example.com"),
            ("http://[::1]:3000", "http://[::1]:3000"),
        ] {
            assert_eq!(PublicUrl::parse(text).expect("valid").origin(), origin);
        }
    }

    #[test]
    fn what_is_not_an_origin_is_refused() {
        for (text, reason) in [
            ("http://a:b:c", "is not a valid URL"),
            ("http://[", "is not a valid URL"),
            ("http://", "is not a valid URL"),
            ("https://status.example.com:99999", "is not a valid URL"),
            ("ftp://status.example.com", "must begin with https://"),
            ("status.example.com:3000", "must begin with https://"),
            ("https://status.example.com/status", "no path"),
            ("https://status.example.com?x=y", "no path"),
            ("https://status.example.com#x", "no path"),
            ("https://ada:hunter2@status.example.com", "no path"),
        ] {
            let error = PublicUrl::parse(text).expect_err(text).to_string();
            assert!(error.starts_with("ALDIS_PUBLIC_URL: ") && error.contains(reason), "{text}: {error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
