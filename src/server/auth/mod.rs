//! Who is asking: turns a request into a handle, and a password into a session.

mod csrf;
mod extract;
mod password;
mod throttle;
mod token;

pub use csrf::refuse_foreign_origins;
pub use extract::{caller_ip, cookie_session};
pub use password::{COST, Passwords};
pub use throttle::Throttle;
pub use token::{SessionCookie, Tokens};

use std::net::{IpAddr, Ipv4Addr};

use super::{
    AppState,
    config::Registrations,
    domain::{Caller, NewSession},
};
use crate::model::{Error, LoginForm, RegistrationForm, Result};

/// The door at which somebody signs in: every way in, form or API, passes it and its limits.
pub struct Door {
    state: AppState,
    caller: Caller,
}

impl Door {
    /// The door, for this caller.
    #[must_use]
    pub const fn new(state: AppState, caller: Caller) -> Self {
        Self { state, caller }
    }

    fn ip(&self) -> IpAddr {
        self.caller.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// Creates an organization with its first admin and begins a session.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `conflict` for a taken address, `forbidden` when registration is closed,
    /// `too_many_requests`.
    pub async fn register(&self, form: RegistrationForm) -> Result<NewSession> {
        if self.state.config.registration == Registrations::Closed {
            return Err(Error {
                message: "Registration is closed here. Ask whoever runs this server.".into(),
                ..Error::forbidden()
            });
        }
        let registration = form.check()?;
        Passwords::judge(
            &registration.password,
            &[
                registration.email.as_str(),
                &registration.name,
                &registration.organization_name,
                registration.slug.as_str(),
            ],
        )?;
        // Counted only once the form is in order: mending a typing error costs nothing.
        self.state.throttle.attempt(self.ip())?;
        let hash = self.state.passwords.hash(&registration.password).await?;
        self.state.domain.site().register(&registration, hash, &self.caller).await
    }

    /// Begins a session for who knows the password. Says the same, after the same time, whichever part was wrong
    ///
    ///
    /// # Errors
    /// `unauthorized`, `too_many_requests`, `unavailable` when too many are signing in at once.
    pub async fn login(&self, form: LoginForm) -> Result<NewSession> {
        let login = form.check()?;
        self.state.throttle.attempt(self.ip())?;
        self.state.throttle.account_may_try(&login.email)?;
        let site = self.state.domain.site();
        let credentials = site.credentials(&login.email).await?;
        let hash = credentials.as_ref().map(|known| known.password_hash.as_str());
        let right = self.state.passwords.verify(&login.password, hash).await?;
        match credentials {
            Some(known) if right => {
                self.state.throttle.account_succeeded(&login.email);
                // Who belongs nowhere any more learns no more than who is unknown.
                let organization = known.organization.ok_or_else(wrong)?;
                site.open_session(known.user, organization, &self.caller, true).await
            }
            known => {
                self.state.throttle.account_failed(&login.email);
                if let Some(known) = known {
                    // Not waited for: writing takes time, and of an unknown address there is nothing to write.
                    let caller = self.caller.clone();
                    tokio::spawn(async move { site.note_failed_login(&known, &caller).await });
                }
                Err(wrong())
            }
        }
    }
}

fn wrong() -> Error {
    Error { message: "The e-mail address or the password is wrong.".into(), ..Error::unauthorized() }
}
