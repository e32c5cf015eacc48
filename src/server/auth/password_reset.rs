//! The door for who forgot the password.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{
    SignIn,
    account_security::{check_password, tell, to_the_end},
};
use crate::{
    model::{Check, Error, Result},
    server::{AppState, domain::Caller, mail::SecurityNotice},
};

impl FromRequestParts<AppState> for SignIn {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        Ok(Self::new(state.clone(), Caller::from_request_parts(parts, state).await?))
    }
}

impl SignIn {
    /// Whether links for a new password can be sent.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.state.mailer.is_set_up()
    }

    /// Sends a link for a new password to who has this address. What there is to do is done after the answer, which is
    /// the same, and takes as long, for everybody.
    ///
    /// # Errors
    /// `invalid` for what is no address or where no mail is sent, `too_many_requests`.
    pub async fn request_reset(&self, email: &str) -> Result<()> {
        let mut check = Check::default();
        let email = check.take("email", email.parse());
        check.finish()?;
        if !self.sends_mail() {
            return Err(Error::invalid(
                "This server sends no mail. Ask whoever runs it to set a new password with `aldis reset-password`.",
            ));
        }
        self.state.throttle.attempt(self.ip()).await?;
        let (state, caller) = (self.state.clone(), self.caller.clone());
        tokio::spawn(async move {
            let email = email?;
            // Before a link is made: it would count, and make the one before it void.
            if !state.mail_limiter.has_room(caller.network()) {
                tracing::warn!("no link for a new password was made: too many letters were asked for from there");
                return None;
            }
            // A failure has been logged where it became an error.
            let secret = state.domain.site().request_reset(&email, &caller).await.ok()??;
            let link = format!("{}/reset-password/{secret}", state.config.public_url.origin());
            (state.mail_limiter.allow_link(caller.network()).await && state.mailer.password_reset(&email, &link))
                .then_some(())
        });
        Ok(())
    }

    /// Looks whether a link still works.
    ///
    /// # Errors
    /// `invalid` when it does not.
    pub async fn view_reset(&self, secret: &str) -> Result<()> {
        self.state.domain.site().reset_holder(secret).await.map(drop)
    }

    /// Sets a new password by the secret of a link.
    ///
    /// # Errors
    /// `invalid` for a link that opens nothing any more or a weak password, `too_many_requests`.
    pub async fn reset_password(&self, secret: &str, password: &str) -> Result<()> {
        self.state.throttle.attempt(self.ip()).await?;
        let site = self.state.domain.site();
        let (email, known) = site.reset_holder(secret).await?;
        check_password(&self.state.passwords, "password", password, known).await?;
        let hash = self.state.passwords.hash(password).await?;
        let (state, caller, secret) = (self.state.clone(), self.caller.clone(), secret.to_owned());
        to_the_end(async move {
            site.reset_by_link(&secret, hash, &caller).await?;
            tell(&state, &caller, &email, SecurityNotice::Password).await;
            Ok(())
        })
        .await
    }
}
