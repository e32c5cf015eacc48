//! Authentication: turns a request into a handle, and a password into a session.

mod account_security;
mod caller;
mod challenge;
mod csrf;
mod extract;
mod invitations;
mod jwt;
mod password;
mod password_reset;
mod request_limit;
mod session_token;
mod sign_in;
pub mod signing_key;

pub use account_security::AccountSecurity;
pub use challenge::{Challenge, Challenges};
pub use csrf::refuse_foreign_origins;
pub use extract::{ChangeRequest, page_session};
pub use invitations::Invitations;
pub use password::{COST, Passwords};
pub use request_limit::limit_requests;
pub use session_token::{SessionCookie, Tokens};
pub use sign_in::{SignIn, SignInOutcome};
