//! The door for who comes with an invitation: closed registration does not concern them, the limits do.

use super::{Door, wrong};
use crate::{
    model::{Code, Error, InvitationView, Login, NewMember, Result},
    server::domain::NewSession,
};

impl Door {
    /// What an invitation offers. That there is an account with its address is among it, so that this is limited as
    /// guessing is. A link that offers nothing is not counted: any page on the web can have a browser ask for one.
    ///
    /// # Errors
    /// `not_found` for an invitation that cannot be used, `too_many_requests`.
    pub async fn invitation(&self, invitation: &str) -> Result<InvitationView> {
        let view = self.state.domain.site().invitation(invitation).await?;
        self.state.throttle.attempt(self.ip()).await?;
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

    /// Makes who has the invited address and knows its password a member and begins a session.
    ///
    /// # Errors
    /// `unauthorized`, `not_found` for an invitation that cannot be used, `conflict` when a password is not enough,
    /// `too_many_requests`.
    pub async fn join_with_password(&self, invitation: &str, password: String) -> Result<NewSession> {
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
        match site.join(invitation, &known, &self.caller).await {
            Ok(session) => {
                self.state.throttle.succeeded(counted).await;
                Ok(session)
            }
            // Who is shut out learns no more than who does not know the password.
            Err(error) if error.code == Code::Unauthorized => Err(self.failed(Some(known), wrong())),
            Err(error) => Err(self.excused(counted, error).await),
        }
    }
}
