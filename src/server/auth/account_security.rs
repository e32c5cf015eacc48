//! Account security: changes to an account's password, e-mail address and second factor, each after re-authentication
//! and followed by a notice to the owner.

use axum::{extract::FromRequestParts, http::request::Parts};
use tracing::Instrument as _;

use super::sign_in::require_open_registration;
use crate::{
    model::{
        Check, Email, Error, NewOrganization, RecoveryCodes, Result, SecondFactorSetup, check_new_password, device,
    },
    server::{
        domain::{Caller, NewSession, Person, Reauthenticated},
        error::internal,
        mail::SecurityNotice,
        state::AppState,
    },
};

/// The operations of a user on their own account: a [`Person`], who gives their password with each, or one who is
/// [`Reauthenticated`].
#[derive(Clone)]
pub struct AccountSecurity<P> {
    state: AppState,
    caller: Caller,
    user: P,
}

impl<P> FromRequestParts<AppState> for AccountSecurity<P>
where
    P: FromRequestParts<AppState, Rejection = Error> + Send,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let user = P::from_request_parts(parts, state).await?;
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self { state: state.clone(), caller, user })
    }
}

impl<P> AccountSecurity<P> {
    /// Verifies the password, with the rate limits of a login, so that a stolen session cannot be used to guess it.
    async fn reauthenticate(&self, person: &Person, password: &str) -> Result<()> {
        if password.is_empty() {
            return Err(Error::field("password", "This is required."));
        }
        if password.len() > 1024 {
            return Err(Error::field("password", "This password is too long."));
        }
        self.state.throttle.attempt(self.caller.network()).await?;
        let counted = self.state.throttle.try_reauthentication(person.account().user.id).await?;
        match self.compare(person, password).await {
            Ok(true) => {
                self.state.throttle.succeeded(counted).await;
                Ok(())
            }
            Ok(false) => {
                person.audit_refused_password().await?;
                Err(Error::field("password", "This is not your password."))
            }
            Err(error) => {
                self.state.throttle.refund(counted).await;
                Err(error)
            }
        }
    }

    async fn compare(&self, person: &Person, password: &str) -> Result<bool> {
        self.state.passwords.verify(password, Some(&person.password_hash().await?)).await
    }
}

/// Mails a notice about a change to the account's security, if mail is configured. The change remains even if the mail
/// fails.
pub async fn notify(state: &AppState, caller: &Caller, to: &Email, notice: SecurityNotice) {
    if !state.mailer.is_set_up() {
        return;
    }
    let device = device::describe(&caller.user_agent);
    let origin = caller.ip.map_or_else(|| device.clone(), |ip| format!("{device}, {ip}"));
    // A mail that cannot be sent has been logged.
    _ = state.mail_limiter.allow_notice(to).await
        && state.mailer.security_notice(to, notice, &origin, state.config.public_url.origin());
}

/// Runs a change and its notice to completion even if the client disconnects: no change goes without a notice.
///
/// # Errors
/// Those of `work`.
pub async fn run_to_completion<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work.in_current_span()).await.map_err(internal)?
}

impl AccountSecurity<Person> {
    /// Creates another organization and switches to it.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `conflict` for a taken address, `forbidden` when registration is closed,
    /// `too_many_requests`.
    pub async fn found(&self, name: &str, slug: &str) -> Result<NewSession> {
        require_open_registration(&self.state)?;
        let new = NewOrganization::check(name, slug)?;
        self.state.throttle.attempt(self.caller.network()).await?;
        self.user.found(&new).await
    }

    /// Re-authenticates: records that the password was given again.
    ///
    /// # Errors
    /// `invalid` for a wrong password, `too_many_requests`.
    pub async fn confirm(&self, password: &str) -> Result<()> {
        self.reauthenticate(&self.user, password).await?;
        self.user.record_reauthentication().await
    }

    /// Changes the e-mail address.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `conflict` when the address is taken.
    pub async fn change_email(&self, email: &str, password: &str) -> Result<()> {
        let mut check = Check::default();
        let email = check.take("email", email.parse());
        check.finish()?;
        self.reauthenticate(&self.user, password).await?;
        let email = email.ok_or_else(Error::internal)?;
        let Self { state, caller, user } = self.clone();
        run_to_completion(async move {
            user.change_email(&email).await?;
            let before = user.account().user.email;
            if before != email {
                notify(&state, &caller, &before, SecurityNotice::Email).await;
            }
            Ok(())
        })
        .await
    }

    /// Changes the password. Ends all sessions; the current one continues under a new id.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub async fn change_password(&self, password: &str, new: &str) -> Result<NewSession> {
        let mut check = Check::default();
        check_new_password(&mut check, "new_password", new);
        check.finish()?;
        if password == new {
            return Err(Error::field("new_password", "This is your current password. Choose a new one."));
        }
        self.reauthenticate(&self.user, password).await?;
        self.state.passwords.check_new("new_password", new, self.user.password_context().await?).await?;
        let hash = self.state.passwords.hash(new).await?;
        let Self { state, caller, user } = self.clone();
        run_to_completion(async move {
            let session = user.change_password(hash).await?;
            notify(&state, &caller, &user.account().user.email, SecurityNotice::Password).await;
            Ok(session)
        })
        .await
    }

    /// Turns the second factor off.
    ///
    /// # Errors
    /// `invalid` for a wrong password, `not_found` when there is none.
    pub async fn disable_second_factor(&self, password: &str) -> Result<()> {
        self.reauthenticate(&self.user, password).await?;
        let Self { state, caller, user } = self.clone();
        run_to_completion(async move {
            user.disable_second_factor().await?;
            notify(&state, &caller, &user.account().user.email, SecurityNotice::SecondFactorOff).await;
            Ok(())
        })
        .await
    }

    /// Replaces the recovery codes.
    ///
    /// # Errors
    /// `invalid` for a wrong password, `not_found` without a second factor.
    pub async fn renew_recovery_codes(&self, password: &str) -> Result<RecoveryCodes> {
        self.reauthenticate(&self.user, password).await?;
        self.user.renew_recovery_codes().await
    }
}

impl AccountSecurity<Reauthenticated> {
    /// Begins the setup of a second factor.
    ///
    /// # Errors
    /// `conflict` when there is one already.
    pub async fn begin_second_factor(&self) -> Result<()> {
        self.user.begin_second_factor(&self.state.seeds).await
    }

    /// The seed for the authenticator app, during the setup.
    ///
    /// # Errors
    /// `not_found` when no setup has begun.
    pub async fn second_factor_setup(&self) -> Result<SecondFactorSetup> {
        self.user.second_factor_setup(&self.state.seeds).await
    }

    /// Turns the second factor on.
    ///
    /// # Errors
    /// `invalid` for a wrong code, `too_many_requests`.
    pub async fn enable_second_factor(&self, code: &str) -> Result<RecoveryCodes> {
        self.state.throttle.attempt(self.caller.network()).await?;
        let (Self { state, caller, user }, code) = (self.clone(), code.to_owned());
        run_to_completion(async move {
            let codes = user.enable_second_factor(&state.seeds, &code).await?;
            notify(&state, &caller, &user.account().user.email, SecurityNotice::SecondFactorOn).await;
            Ok(codes)
        })
        .await
    }
}
