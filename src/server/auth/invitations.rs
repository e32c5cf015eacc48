//! The door for who comes with an invitation: closed registration does not concern them, the limits do.

use super::{SignIn, wrong};
use crate::{
    model::{Code, Error, InvitationView, Login, NewMember, Result},
    server::domain::NewSession,
};

impl SignIn {
    /// What an invitation offers. That there is an account with its address is among it, so that this is limited as
    /// guessing is, but by itself. A link that offers nothing is not counted.
    ///
    /// # Errors
    /// `not_found` for an invitation that cannot be used, `too_many_requests`.
    pub async fn invitation(&self, invitation: &str) -> Result<InvitationView> {
        let view = self.state.domain.site().invitation(invitation).await?;
        self.state.throttle.lookup(self.ip()).await?;
        Ok(view)
    }

    /// Makes somebody new a member of the organization that invites them and begins a session.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `not_found` for an invitation that cannot be used, `conflict` when there is
    /// an account with its address, `too_many_requests`.
    pub async fn join_as_new(&self, invitation: &str, new: NewMember) -> Result<NewSession> {
        let site = self.state.domain.site();
        let (view, slug) = site.invitation_with_slug(invitation).await?;
        let new = new.check()?;
        self.state.throttle.attempt(self.ip()).await?;
        let known = vec![view.email.to_string(), new.name.clone(), view.organization, slug];
        self.state.passwords.judge(&new.password, known).await?;
        let hash = self.state.passwords.hash(&new.password).await?;
        site.join_as_new(invitation, &new, hash, &self.caller).await
    }

    /// Makes who has the invited address and knows its password a member and begins a session. Where a password is not
    /// enough, it takes a code too: who belongs to no organization any more comes in by no other door.
    ///
    /// # Errors
    /// `unauthorized`, `invalid` for a missing or wrong code, `not_found` for an invitation that cannot be used,
    /// `conflict` without an account, `too_many_requests`.
    pub async fn join_with_password(&self, invitation: &str, password: String, code: &str) -> Result<NewSession> {
        let site = self.state.domain.site();
        let view = site.invitation(invitation).await?;
        if password.is_empty() {
            return Err(Error::field("password", "This is required."));
        }
        if !view.has_account {
            self.state.throttle.attempt(self.ip()).await?;
            let why = "There is no account with this address. Open the link of the invitation again.";
            return Err(Error::new(Code::Conflict, why));
        }
        let (known, counted) = self.prove(&Login { email: view.email, password, code: None }).await?;
        if known.has_second_factor && code.trim().is_empty() {
            let why = "A second factor protects your account. Give your password again, with a code of your app or a \
                       recovery code.";
            return Err(self.excused(counted, Error::field("code", why)).await);
        }
        match site.join(invitation, &known, &self.caller, (&self.state.seeds, code)).await {
            Ok(session) => {
                self.state.throttle.succeeded(counted).await;
                Ok(session)
            }
            Err(error) if error.fields.contains_key("code") => Err(self.failed(Some(known), error)),
            // Who is shut out learns no more than who does not know the password.
            Err(error) if error.code == Code::Unauthorized => Err(self.failed(Some(known), wrong())),
            Err(error) => Err(self.excused(counted, error).await),
        }
    }
}
