//! Who is asking: turns a request into a handle, and a password into a session.

mod account_security;
mod challenge;
mod csrf;
pub mod encryption;
mod extract;
mod invitations;
pub mod inviter;
mod jwt;
mod password;
mod password_reset;
mod session_token;
pub mod signing_key;

pub use account_security::AccountSecurity;
pub use challenge::{Challenge, Challenges};
pub use csrf::refuse_foreign_origins;
pub use extract::{bearer, caller_ip, page_session};
pub use password::{COST, Passwords};
pub use session_token::{SessionCookie, Tokens};

use std::net::IpAddr;

use super::{
    AppState,
    config::Registrations,
    domain::{Caller, Credentials, NewSession},
    rate_limit::backoff::CountedAttempt,
};
use crate::model::{Code, Error, Login, LoginForm, RegistrationForm, Result};

/// Refuses to make an organization where only the operator does.
fn refuse_closed(state: &AppState) -> Result<()> {
    if state.config.registration == Registrations::Closed {
        let message = "Registration is closed here. Ask whoever runs this server.".into();
        return Err(Error { message, ..Error::forbidden() });
    }
    Ok(())
}

/// The door at which somebody signs in: every way in, form or API, passes it and its limits.
pub struct SignIn {
    state: AppState,
    caller: Caller,
}

impl SignIn {
    /// The door, for this caller.
    #[must_use]
    pub const fn new(state: AppState, caller: Caller) -> Self {
        Self { state, caller }
    }

    fn ip(&self) -> IpAddr {
        self.caller.network()
    }

    /// Creates an organization with its first admin and begins a session.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `conflict` for a taken address, `forbidden` when registration is closed,
    /// `too_many_requests`.
    pub async fn register(&self, form: RegistrationForm) -> Result<NewSession> {
        refuse_closed(&self.state)?;
        let registration = form.check()?;
        // Counted only once the form is in order: mending a typing error costs nothing. Judging a password does.
        self.state.throttle.attempt(self.ip()).await?;
        let known = vec![
            registration.email.to_string(),
            registration.name.clone(),
            registration.organization_name.clone(),
            registration.slug.to_string(),
        ];
        self.state.passwords.judge(&registration.password, known).await?;
        let hash = self.state.passwords.hash(&registration.password).await?;
        self.state.domain.site().register(&registration, hash, &self.caller).await
    }

    /// Begins a session for who knows the password, or asks for a code where there is a second factor. Says the same,
    /// after the same time, whichever part was wrong.
    ///
    /// # Errors
    /// `unauthorized`, `too_many_requests`, `unavailable` when too many are signing in at once.
    pub async fn login(&self, form: LoginForm, is_lasting: bool) -> Result<SignInOutcome> {
        let login = form.check()?;
        let (known, counted) = self.prove(&login).await?;
        // Who is shut out, or belongs nowhere any more, learns no more than who is unknown.
        if known.organization.is_none() {
            return Err(self.failed(Some(known), wrong()));
        }
        let known = match self.with_fresh_hash(known, &login).await {
            Ok(known) => known,
            Err(error) => return Err(self.excused(counted, error).await),
        };
        match (known.has_second_factor, login.code) {
            (true, None) => {
                self.state.throttle.refund(counted).await;
                Ok(SignInOutcome::CodeRequired(self.state.challenges.issue(
                    login.email,
                    known.password_hash,
                    is_lasting,
                )))
            }
            (_, code) => self.open(counted, known, code.as_deref(), is_lasting).await.map(SignInOutcome::Session),
        }
    }

    /// Who knows the password; their try is counted as a failure still.
    async fn prove(&self, login: &Login) -> Result<(Credentials, CountedAttempt)> {
        self.state.throttle.attempt(self.ip()).await?;
        let counted = self.state.throttle.try_account(&login.email).await?;
        match self.compare(login).await {
            Ok((Some(known), true)) => Ok((known, counted)),
            Ok((known, _)) => Err(self.failed(known, wrong())),
            Err(error) => Err(self.excused(counted, error).await),
        }
    }

    /// Who has the address, and whether the password is theirs.
    async fn compare(&self, login: &Login) -> Result<(Option<Credentials>, bool)> {
        let known = self.state.domain.site().credentials(&login.email).await?;
        let hash = known.as_ref().map(|known| known.password_hash.as_str());
        let is_right = self.state.passwords.verify(&login.password, hash).await?;
        Ok((known, is_right))
    }

    /// Begins a session for who has answered a challenge with a code.
    ///
    /// # Errors
    /// `invalid` for a wrong code, `unauthorized` when the challenge is over, `too_many_requests`.
    pub async fn answer(&self, challenge: Challenge, code: &str) -> Result<NewSession> {
        if code.trim().is_empty() {
            return Err(Error::field("code", "This is required."));
        }
        self.state.throttle.attempt(self.ip()).await?;
        let counted = self.state.throttle.try_account(&challenge.email).await?;
        match self.challenged(&challenge).await {
            Ok(known) => self.open(counted, known, Some(code), challenge.is_lasting).await,
            Err(error) => Err(self.excused(counted, error).await),
        }
    }

    /// Who owes the code, while the challenge stands.
    async fn challenged(&self, challenge: &Challenge) -> Result<Credentials> {
        self.state.challenges.attempt(challenge).await?;
        let known = self.state.domain.site().credentials(&challenge.email).await?;
        let known = known.filter(|known| known.has_second_factor && known.password_hash == challenge.password_hash);
        known.ok_or_else(challenge::expired)
    }

    /// Opens a session for who has shown all there is to show.
    async fn open(
        &self,
        counted: CountedAttempt,
        known: Credentials,
        code: Option<&str>,
        is_lasting: bool,
    ) -> Result<NewSession> {
        let code = code.map(|code| (&self.state.seeds, code));
        match self.state.domain.site().open_session(&known, &self.caller, is_lasting, code).await {
            Ok(session) => {
                self.state.throttle.succeeded(counted).await;
                Ok(session)
            }
            Err(error) if error.fields.contains_key("code") => Err(self.failed(Some(known), error)),
            // Since it was compared, the password has been changed, or they have been shut out.
            Err(error) if error.code == Code::Unauthorized => Err(self.failed(Some(known), wrong())),
            Err(error) => Err(self.excused(counted, error).await),
        }
    }

    /// Takes back that a try failed, which came to nothing, and gives what to say of it.
    async fn excused(&self, counted: CountedAttempt, error: Error) -> Error {
        self.state.throttle.refund(counted).await;
        error
    }

    /// Writes down a failure, and gives what to say of it.
    fn failed(&self, known: Option<Credentials>, error: Error) -> Error {
        if let Some(known) = known {
            // Not waited for: writing takes time, and of an unknown address there is nothing to write.
            let (site, caller) = (self.state.domain.site(), self.caller.clone());
            tokio::spawn(async move { site.note_failed_login(&known, &caller).await });
        }
        error
    }

    /// Hashes a password anew that was hashed at another cost, now that it is known.
    async fn with_fresh_hash(&self, known: Credentials, login: &Login) -> Result<Credentials> {
        if !self.state.passwords.is_outdated(&known.password_hash) {
            return Ok(known);
        }
        let fresh = self.state.passwords.hash(&login.password).await?;
        if self.state.domain.site().renew_hash(known.user, &known.password_hash, fresh.clone()).await? {
            return Ok(Credentials { password_hash: fresh, ..known });
        }
        // Another login has renewed it, or the password has just been changed.
        match self.compare(login).await? {
            (Some(known), true) => Ok(known),
            _ => Err(wrong()),
        }
    }
}

/// What the right password opens.
pub enum SignInOutcome {
    /// The door.
    Session(NewSession),
    /// The question for a code.
    CodeRequired(Challenge),
}

impl SignInOutcome {
    /// The session, for who can only come in or not.
    ///
    /// # Errors
    /// `second_factor_required`.
    pub fn session(self) -> Result<NewSession> {
        match self {
            Self::Session(session) => Ok(session),
            Self::CodeRequired(_) => Err(Error::new(
                Code::SecondFactorRequired,
                "This account has a second factor: send the code of the app, or a recovery code, as `code`.",
            )),
        }
    }
}

fn wrong() -> Error {
    Error { message: "The e-mail address or the password is wrong.".into(), ..Error::unauthorized() }
}
