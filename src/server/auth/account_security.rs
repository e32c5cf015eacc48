//! Where somebody who is signed in changes what proves them: passwords are compared here, and the domain writes.

use axum::{extract::FromRequestParts, http::request::Parts};
use tracing::Instrument as _;

use super::{Passwords, refuse_closed};
use crate::{
    model::{
        Check, Email, Error, NewOrganization, RecoveryCodes, Result, SecondFactorSetup, check_new_password, device,
    },
    server::{
        AppState,
        domain::{Caller, NewSession, Person, Reauthenticated},
        error::internal,
        mail::SecurityNotice,
    },
};

/// The desk, for who came to it: a [`Person`], or one who is [`Reauthenticated`].
#[derive(Clone)]
pub struct AccountSecurity<P> {
    state: AppState,
    caller: Caller,
    holder: P,
}

impl<P> FromRequestParts<AppState> for AccountSecurity<P>
where
    P: FromRequestParts<AppState, Rejection = Error> + Send,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let holder = P::from_request_parts(parts, state).await?;
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self { state: state.clone(), caller, holder })
    }
}

impl<P> AccountSecurity<P> {
    /// Compares the password, within limits as strict as those of signing in: a stolen session must not be a way to guess
    /// it.
    async fn prove(&self, person: &Person, password: &str) -> Result<()> {
        if password.is_empty() {
            return Err(Error::field("password", "This is required."));
        }
        if password.len() > 1024 {
            return Err(Error::field("password", "This is longer than any password here."));
        }
        self.state.throttle.attempt(self.caller.network()).await?;
        let counted = self.state.throttle.try_again(person.account().user.id).await?;
        match self.compare(person, password).await {
            Ok(true) => {
                self.state.throttle.succeeded(counted).await;
                Ok(())
            }
            Ok(false) => {
                person.note_refused_password().await?;
                Err(Error::field("password", "This is not your password."))
            }
            Err(error) => {
                self.state.throttle.excuse(counted).await;
                Err(error)
            }
        }
    }

    async fn compare(&self, person: &Person, password: &str) -> Result<bool> {
        self.state.passwords.verify(password, Some(&person.password_hash().await?)).await
    }
}

/// Tells a person by mail that what protects their account was changed, where mail is sent. What was done is done whether
/// they hear of it or not; see [`to_the_end`].
pub async fn tell(state: &AppState, caller: &Caller, to: &Email, guard: SecurityNotice) {
    if !state.mailer.is_set_up() {
        return;
    }
    let device = device::describe(&caller.user_agent);
    let place = caller.ip.map_or_else(|| device.clone(), |ip| format!("{device}, {ip}"));
    // A letter that does not go has been logged.
    _ = state.letters.may_tell(to).await
        && state.mailer.guard_changed(to, guard, &place, state.config.public_url.origin());
}

/// Does something and tells of it to the end, even when the caller hangs up meanwhile: nobody changes what protects an
/// account without a word to its owner.
///
/// # Errors
/// As the work says.
pub async fn to_the_end<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work.in_current_span()).await.map_err(internal)?
}

impl AccountSecurity<Person> {
    /// Makes another organization and goes on in it.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `conflict` for a taken address, `forbidden` when registration is closed,
    /// `too_many_requests`.
    pub async fn found(&self, name: &str, slug: &str) -> Result<NewSession> {
        refuse_closed(&self.state)?;
        let new = NewOrganization::check(name, slug)?;
        self.state.throttle.attempt(self.caller.network()).await?;
        self.holder.found(&new).await
    }

    /// Notes that the password was given again.
    ///
    /// # Errors
    /// `invalid` for a wrong password, `too_many_requests`.
    pub async fn confirm(&self, password: &str) -> Result<()> {
        self.prove(&self.holder, password).await?;
        self.holder.note_confirmed().await
    }

    /// Changes the address they sign in by.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `conflict` when somebody else has the address.
    pub async fn change_email(&self, email: &str, password: &str) -> Result<()> {
        let mut check = Check::default();
        let email = check.take("email", email.parse());
        check.finish()?;
        self.prove(&self.holder, password).await?;
        let email = email.ok_or_else(Error::internal)?;
        let Self { state, caller, holder } = self.clone();
        to_the_end(async move {
            holder.change_email(&email).await?;
            let before = holder.account().user.email;
            if before != email {
                tell(&state, &caller, &before, SecurityNotice::Email).await;
            }
            Ok(())
        })
        .await
    }

    /// Changes the password. Every session ends; this one goes on as another.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub async fn change_password(&self, password: &str, new: &str) -> Result<NewSession> {
        let mut check = Check::default();
        check_new_password(&mut check, "new_password", new);
        check.finish()?;
        if password == new {
            return Err(Error::field("new_password", "This is the password you have."));
        }
        self.prove(&self.holder, password).await?;
        check_password(&self.state.passwords, "new_password", new, self.holder.known_words().await?).await?;
        let hash = self.state.passwords.hash(new).await?;
        let Self { state, caller, holder } = self.clone();
        to_the_end(async move {
            let session = holder.change_password(hash).await?;
            tell(&state, &caller, &holder.account().user.email, SecurityNotice::Password).await;
            Ok(session)
        })
        .await
    }

    /// Takes the second factor away.
    ///
    /// # Errors
    /// `invalid` for a wrong password, `not_found` when there is none.
    pub async fn disable_second_factor(&self, password: &str) -> Result<()> {
        self.prove(&self.holder, password).await?;
        let Self { state, caller, holder } = self.clone();
        to_the_end(async move {
            holder.disable_second_factor().await?;
            tell(&state, &caller, &holder.account().user.email, SecurityNotice::SecondFactorOff).await;
            Ok(())
        })
        .await
    }

    /// Makes new recovery codes.
    ///
    /// # Errors
    /// `invalid` for a wrong password, `not_found` without a second factor.
    pub async fn renew_recovery_codes(&self, password: &str) -> Result<RecoveryCodes> {
        self.prove(&self.holder, password).await?;
        self.holder.renew_recovery_codes().await
    }
}

impl AccountSecurity<Reauthenticated> {
    /// Begins to set up a second factor.
    ///
    /// # Errors
    /// `conflict` when there is one.
    pub async fn begin_second_factor(&self) -> Result<()> {
        self.holder.begin_second_factor(&self.state.seeds).await
    }

    /// What the app needs.
    ///
    /// # Errors
    /// `not_found` when nothing was begun.
    pub async fn second_factor_setup(&self) -> Result<SecondFactorSetup> {
        self.holder.second_factor_setup(&self.state.seeds).await
    }

    /// Asks for the second factor from now on.
    ///
    /// # Errors
    /// `invalid` for a wrong code, `too_many_requests`.
    pub async fn enable_second_factor(&self, code: &str) -> Result<RecoveryCodes> {
        self.state.throttle.attempt(self.caller.network()).await?;
        let (Self { state, caller, holder }, code) = (self.clone(), code.to_owned());
        to_the_end(async move {
            let codes = holder.enable_second_factor(&state.seeds, &code).await?;
            tell(&state, &caller, &holder.account().user.email, SecurityNotice::SecondFactorOn).await;
            Ok(codes)
        })
        .await
    }
}

/// Refuses a new password that is short, long or easy to guess by who knows this much, under the name its field has.
///
/// # Errors
/// `invalid`, saying why; `unavailable` when too many are waiting.
pub async fn check_password(passwords: &Passwords, field: &str, password: &str, known: Vec<String>) -> Result<()> {
    let mut check = Check::default();
    check_new_password(&mut check, field, password);
    check.finish()?;
    passwords.judge(password, known).await.map_err(|mut error| match error.fields.remove("password") {
        Some(why) => Error::field(field, why),
        None => error,
    })
}
