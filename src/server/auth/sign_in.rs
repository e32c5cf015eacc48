//! Sign-in: registers organizations, and opens sessions by password and second factor, within rate limits.

use std::net::IpAddr;

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{Challenge, challenge};
use crate::{
    model::{Code, Error, Login, LoginForm, RegistrationForm, Result},
    server::{
        config::Registrations,
        domain::{Caller, Credentials, NewSession},
        rate_limit::backoff::CountedAttempt,
        state::AppState,
    },
};

/// Rejects the registration of organizations where it is closed.
pub(super) fn require_open_registration(state: &AppState) -> Result<()> {
    if state.config.registration == Registrations::Closed {
        let message = "Registration is closed. Ask the server's administrator.".into();
        return Err(Error { message, ..Error::forbidden() });
    }
    Ok(())
}

/// The sign-in service: every form and route that opens a session uses it, and so its rate limits.
pub struct SignIn {
    pub(super) state: AppState,
    pub(super) caller: Caller,
}

impl FromRequestParts<AppState> for SignIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(Self::new(state.clone(), Caller::from_request_parts(parts, state).await?))
    }
}

impl SignIn {
    /// The service for this caller.
    #[must_use]
    pub const fn new(state: AppState, caller: Caller) -> Self {
        Self { state, caller }
    }

    pub(super) fn ip(&self) -> IpAddr {
        self.caller.network()
    }

    /// Registers an organization with its first admin, and opens a session.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `conflict` for a taken address, `forbidden` when registration is closed,
    /// `too_many_requests`.
    pub async fn register(&self, form: RegistrationForm) -> Result<NewSession> {
        require_open_registration(&self.state)?;
        let registration = form.check()?;
        // Counted only once the form is valid: correcting a typo is free, checking a password is not.
        self.state.throttle.attempt(self.ip()).await?;
        let context = vec![
            registration.email.to_string(),
            registration.name.clone(),
            registration.organization_name.clone(),
            registration.slug.to_string(),
        ];
        self.state.passwords.check_strength(&registration.password, context).await?;
        let hash = self.state.passwords.hash(&registration.password).await?;
        self.state.domain.site().register(&registration, hash, &self.caller).await
    }

    /// Logs in: opens a session, or issues a challenge if a second factor is required. The error and the time it takes
    /// do not depend on which part was wrong.
    ///
    /// # Errors
    /// `unauthorized`, `too_many_requests`, `unavailable` when too many are signing in at once.
    pub async fn login(&self, form: LoginForm, is_lasting: bool) -> Result<SignInOutcome> {
        let login = form.check()?;
        let (known, counted) = self.verify(&login).await?;
        // A disabled user, or one without organizations, gets the same answer as an unknown one.
        if known.organization.is_none() {
            return Err(self.failed(Some(known), wrong_credentials()));
        }
        let known = match self.with_current_hash(known, &login).await {
            Ok(known) => known,
            Err(error) => return Err(self.refunded(counted, error).await),
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

    /// Verifies the password. The attempt counts as a failure until [`Self::open`] or [`Self::refunded`].
    pub(super) async fn verify(&self, login: &Login) -> Result<(Credentials, CountedAttempt)> {
        self.state.throttle.attempt(self.ip()).await?;
        let counted = self.state.throttle.try_account(&login.email).await?;
        match self.compare(login).await {
            Ok((Some(known), true)) => Ok((known, counted)),
            Ok((known, _)) => Err(self.failed(known, wrong_credentials())),
            Err(error) => Err(self.refunded(counted, error).await),
        }
    }

    /// The credentials of the address, and whether the password matches.
    async fn compare(&self, login: &Login) -> Result<(Option<Credentials>, bool)> {
        let known = self.state.domain.site().credentials(&login.email).await?;
        let hash = known.as_ref().map(|known| known.password_hash.as_str());
        let is_right = self.state.passwords.verify(&login.password, hash).await?;
        Ok((known, is_right))
    }

    /// Answers a challenge with a code of the second factor, and opens a session.
    ///
    /// # Errors
    /// `invalid` for a wrong code, `unauthorized` when the challenge has ended, `too_many_requests`.
    pub async fn answer(&self, challenge: Challenge, code: &str) -> Result<NewSession> {
        if code.trim().is_empty() {
            return Err(Error::field("code", "This is required."));
        }
        self.state.throttle.attempt(self.ip()).await?;
        let counted = self.state.throttle.try_account(&challenge.email).await?;
        match self.challenged(&challenge).await {
            Ok(known) => self.open(counted, known, Some(code), challenge.is_lasting).await,
            Err(error) => Err(self.refunded(counted, error).await),
        }
    }

    /// The credentials behind a challenge, if it is still valid.
    async fn challenged(&self, challenge: &Challenge) -> Result<Credentials> {
        self.state.challenges.attempt(challenge).await?;
        let known = self.state.domain.site().credentials(&challenge.email).await?;
        let known = known.filter(|known| known.has_second_factor && known.password_hash == challenge.password_hash);
        known.ok_or_else(challenge::expired)
    }

    /// Opens a session for a user whose password has been verified.
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
            // In the meantime the password has changed or the user has been disabled.
            Err(error) if error.code == Code::Unauthorized => Err(self.failed(Some(known), wrong_credentials())),
            Err(error) => Err(self.refunded(counted, error).await),
        }
    }

    /// Refunds an attempt that did not fail by a wrong password or code, and returns the error.
    pub(super) async fn refunded(&self, counted: CountedAttempt, error: Error) -> Error {
        self.state.throttle.refund(counted).await;
        error
    }

    /// Audits a failed login, and returns the error.
    pub(super) fn failed(&self, known: Option<Credentials>, error: Error) -> Error {
        if let Some(known) = known {
            // In the background: it takes time that an unknown address would not.
            let (site, caller) = (self.state.domain.site(), self.caller.clone());
            tokio::spawn(async move { site.audit_failed_login(&known, &caller).await });
        }
        error
    }

    /// Upgrades a hash of another cost, now that the password is known.
    async fn with_current_hash(&self, known: Credentials, login: &Login) -> Result<Credentials> {
        if !self.state.passwords.is_outdated(&known.password_hash) {
            return Ok(known);
        }
        let current = self.state.passwords.hash(&login.password).await?;
        if self.state.domain.site().upgrade_password_hash(known.user, &known.password_hash, current.clone()).await? {
            return Ok(Credentials { password_hash: current, ..known });
        }
        // Another login has upgraded it, or the password has just been changed.
        match self.compare(login).await? {
            (Some(known), true) => Ok(known),
            _ => Err(wrong_credentials()),
        }
    }
}

/// The outcome of a login with the right password.
pub enum SignInOutcome {
    /// A session.
    Session(NewSession),
    /// A code of the second factor is required.
    CodeRequired(Challenge),
}

impl SignInOutcome {
    /// The session, for callers that cannot answer a challenge.
    ///
    /// # Errors
    /// `second_factor_required`.
    pub fn session(self) -> Result<NewSession> {
        match self {
            Self::Session(session) => Ok(session),
            Self::CodeRequired(_) => Err(Error::new(
                Code::SecondFactorRequired,
                "This account uses two-factor authentication: send a code from the authenticator app or a \
                 recovery code as `code`.",
            )),
        }
    }
}

pub(super) fn wrong_credentials() -> Error {
    Error { message: "The email address or the password is wrong.".into(), ..Error::unauthorized() }
}
