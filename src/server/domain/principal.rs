//! Principals: who makes a request, with which credential, and from where.

use std::net::{IpAddr, Ipv4Addr};

use uuid::Uuid;

use crate::model::{Account, SessionId, Timestamp, TokenId, TokenScope};

/// The last use of a session or token is recorded at most this often, in seconds.
pub(super) const LAST_USE_SECONDS: i64 = 300;

/// A valid session or API token, and the member it acts for.
#[derive(Clone, Debug)]
pub struct Principal {
    /// The user, and the organization they act in.
    pub account: Account,
    /// The credential the request carried.
    pub credential: Credential,
}

/// The credential a request is authenticated by.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A user's session.
    Session {
        /// Its id.
        id: SessionId,
        /// When the password was last given.
        authenticated_at: Timestamp,
    },
    /// An API token.
    Token {
        /// Its id.
        id: TokenId,
        /// Its scope.
        scope: TokenScope,
        /// Its name, for the audit log.
        name: String,
    },
}

impl Credential {
    /// The id under which its revocation is published.
    pub(super) const fn uuid(&self) -> Uuid {
        match self {
            Self::Session { id, .. } => id.uuid(),
            Self::Token { id, .. } => id.uuid(),
        }
    }
}

/// What a request presents to be authenticated by.
#[derive(Clone)]
pub enum Presented {
    /// The id of a session, from a verified session token.
    Session(SessionId, TokenSource),
    /// The secret of an API token.
    Token(String),
}

/// The access of a live connection, checked again while it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessState {
    /// Unchanged.
    Same,
    /// Valid, but with another role.
    OtherRole,
    /// Expired or revoked.
    Ended,
}

/// Where a request carries its session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenSource {
    /// The `Authorization` header: a program, whose token cannot be replaced.
    Header,
    /// The cookie: a browser, whose token can.
    Cookie,
}

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The client's IP address, as reported by trusted proxies.
    pub ip: Option<IpAddr>,
    /// The id of the request.
    pub request_id: String,
    /// The `User-Agent` header.
    pub user_agent: String,
}

impl Caller {
    /// The address that rate limits count by; callers without one share a single count.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        self.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// The address as text, empty if unknown.
    pub(super) fn address(&self) -> String {
        self.ip.map(|ip| ip.to_string()).unwrap_or_default()
    }
}
