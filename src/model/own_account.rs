//! A user's own account: profile, sessions, second factor.

use serde::{Deserialize, Serialize};

use super::{Email, SessionId, Timestamp};

/// One of a user's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// The browser or program, described.
    pub user_agent: String,
    /// The IP address it began at.
    pub ip: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, accurate to five minutes.
    pub last_seen_at: Timestamp,
    /// Whether it is the session of the request.
    pub is_current: bool,
}

/// A user's own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAccount {
    /// Their name.
    pub name: String,
    /// Their email address.
    pub email: Email,
    /// When two-factor authentication was turned on, if it is.
    pub second_factor_since: Option<Timestamp>,
    /// How many recovery codes are left.
    pub recovery_codes: u64,
    /// Their sessions: the current one first, then by last use.
    pub sessions: Vec<SessionInfo>,
}

/// The setup of an authenticator app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorSetup {
    /// The secret in Base32, to type in.
    pub secret: String,
    /// The same as an `otpauth:` URI.
    pub uri: String,
    /// The side of the QR code, with its quiet zone, in modules.
    pub size: usize,
    /// The QR code's dark modules as an SVG path.
    pub path: String,
}

/// New recovery codes, returned only once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// The codes; each works for one login.
    pub codes: Vec<String>,
}
