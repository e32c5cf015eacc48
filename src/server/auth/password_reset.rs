//! Password reset: mails a link, and sets a new password by it.

use super::{
    SignIn,
    account_security::{notify, run_to_completion},
};
use crate::{
    model::{Check, Error, Result},
    server::mail::SecurityNotice,
};

impl SignIn {
    /// Whether reset links can be mailed.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.state.mailer.is_set_up()
    }

    /// Mails a reset link to this address in the background, so that the answer and its time do not reveal whether an
    /// account exists.
    ///
    /// # Errors
    /// `invalid` for an invalid address or where mail is not configured, `too_many_requests`.
    pub async fn request_reset(&self, email: &str) -> Result<()> {
        let mut check = Check::default();
        let email = check.take("email", email.parse());
        check.finish()?;
        if !self.sends_mail() {
            return Err(Error::invalid(
                "This server does not send email. Ask its administrator to set a new password with \
                 `aldis reset-password`.",
            ));
        }
        self.state.throttle.attempt(self.ip()).await?;
        let (state, caller) = (self.state.clone(), self.caller.clone());
        tokio::spawn(async move {
            let email = email?;
            // Checked first: creating a link counts, and invalidates the previous one.
            if !state.mail_limiter.has_room(caller.network()) {
                tracing::warn!("no password reset link was created: too many emails were requested from this address");
                return None;
            }
            // An error has been logged where it occurred.
            let secret = state.domain.site().request_reset(&email, &caller).await.ok()??;
            let link = format!("{}/reset-password/{secret}", state.config.public_url.origin());
            (state.mail_limiter.allow_link(caller.network()).await && state.mailer.password_reset(&email, &link))
                .then_some(())
        });
        Ok(())
    }

    /// Checks that a link is still valid.
    ///
    /// # Errors
    /// `invalid` when it is not.
    pub async fn view_reset(&self, secret: &str) -> Result<()> {
        self.state.domain.site().reset_holder(secret).await.map(drop)
    }

    /// Sets a new password by the secret of a link.
    ///
    /// # Errors
    /// `invalid` for a link that is no longer valid or a weak password, `too_many_requests`.
    pub async fn reset_password(&self, secret: &str, password: &str) -> Result<()> {
        self.state.throttle.attempt(self.ip()).await?;
        let site = self.state.domain.site();
        let (email, context) = site.reset_holder(secret).await?;
        self.state.passwords.check_new("password", password, context).await?;
        let hash = self.state.passwords.hash(password).await?;
        let (state, caller, secret) = (self.state.clone(), self.caller.clone(), secret.to_owned());
        run_to_completion(async move {
            site.reset_by_link(&secret, hash, &caller).await?;
            notify(&state, &caller, &email, SecurityNotice::Password).await;
            Ok(())
        })
        .await
    }
}
