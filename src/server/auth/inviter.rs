//! An admin at the desk where invitations are written: knows the address of the site, and how a link gets to people.

use axum::{extract::FromRequestParts, http::request::Parts};

use crate::{
    model::{Error, Invitation, InvitationRequest, Result},
    server::{
        AppState,
        domain::{Admin, Caller},
    },
};

/// An admin who invites.
pub struct Inviter {
    state: AppState,
    caller: Caller,
    admin: Admin,
}

impl FromRequestParts<AppState> for Inviter {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let admin = Admin::from_request_parts(parts, state).await?;
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self { state: state.clone(), caller, admin })
    }
}

impl Inviter {
    /// Invites somebody, by mail where mail is sent. The answer is the only one that tells the link.
    ///
    /// # Errors
    /// As [`Admin::invite`].
    pub async fn invite(&self, request: InvitationRequest) -> Result<Invitation> {
        let (invitation, secret, may_mail) = self.admin.invite(request, self.state.mailer.is_set_up()).await?;
        let link = format!("{}/invite/{secret}", self.state.config.public_url.origin());
        let who = self.admin.account();
        let is_mailed = may_mail
            && self.state.mail_limiter.allow_link(self.caller.network()).await
            && self.state.mailer.invitation(&invitation.email, &who.organization.name, &who.user.name, &link);
        Ok(Invitation { link: Some(link), is_mailed: Some(is_mailed), ..invitation })
    }
}
