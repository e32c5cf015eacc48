//! The address people use.

use super::error::ConfigError;
use crate::server::http::client_ip::is_this_machine;

/// The address people use, and what follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicUrl {
    origin: String,
    twin: Option<String>,
}

impl PublicUrl {
    /// Reads an address: scheme, host and port.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let bad =
            |why: &str| ConfigError::new("ALDIS_PUBLIC_URL", format!("{why}, for example https://status.example.com"));
        let trimmed = text.trim_end_matches('/');
        let (scheme, host) = trimmed.split_once("://").ok_or_else(|| bad("must begin with https:// or http://"))?;
        if !matches!(scheme, "http" | "https") {
            return Err(bad("must begin with https:// or http://"));
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b".-:[]".contains(&b);
        if host.is_empty() || !host.bytes().all(plain) {
            return Err(bad("must be a host, with a port where needed, and no path"));
        }
        let origin = format!("{scheme}://{}", host.to_ascii_lowercase());
        let twin =
            [("//localhost", "//127.0.0.1"), ("//127.0.0.1", "//localhost")].into_iter().find_map(|(from, to)| {
                let rest = origin.split_once(from)?.1;
                (rest.is_empty() || rest.starts_with(':')).then(|| origin.replacen(from, to, 1))
            });
        Ok(Self { origin, twin })
    }

    /// Scheme, host and port, without a slash at the end.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether an `Origin` header names us; `localhost` and `127.0.0.1` count as one.
    #[must_use]
    pub fn is_own(&self, origin: &str) -> bool {
        origin == self.origin || self.twin.as_deref() == Some(origin)
    }

    /// Whether people reach us over TLS, so that cookies may demand it.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// Whether only this machine reaches us, so that nobody is on the way.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let (_, host) = self.origin.split_once("://").unwrap_or_default();
        is_this_machine(host)
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
}
