//! A person's own account, as they alone see it.

use serde::{Deserialize, Serialize};

use super::{Email, SessionId, Timestamp};

/// One of a person's sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its id.
    pub id: SessionId,
    /// The browser or program, in words.
    pub user_agent: String,
    /// The network address it began at.
    pub ip: String,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to within five minutes.
    pub last_seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub is_current: bool,
}

/// What a person sees of their own account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnAccount {
    /// Their name.
    pub name: String,
    /// How they sign in.
    pub email: Email,
    /// Since when a second factor is asked for, if one is.
    pub second_factor_since: Option<Timestamp>,
    /// How many recovery codes are left.
    pub recovery_codes: u64,
    /// Where they are signed in: this session first, then the one used last.
    pub sessions: Vec<SessionInfo>,
}

/// What an authenticator app needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecondFactorSetup {
    /// The seed in Base32, to type in.
    pub secret: String,
    /// The same as an address apps open.
    pub uri: String,
    /// The side of the QR code, with its quiet zone, in modules.
    pub size: usize,
    /// The QR code's dark modules as an SVG path.
    pub path: String,
}

/// New recovery codes: told this once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecoveryCodes {
    /// The codes, each for one login.
    pub codes: Vec<String>,
}
