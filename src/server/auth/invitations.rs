//! Invitations: creates one and mails its link, and lets its holder join.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::{SignIn, sign_in::wrong_credentials};
use crate::{
    model::{Code, Error, Invitation, InvitationRequest, InvitationView, Login, NewMember, Result},
    server::{
        domain::{Admin, Caller, NewSession},
        state::AppState,
    },
};

/// Creates invitations and mails their links, for an admin.
pub struct Invitations {
    state: AppState,
    caller: Caller,
    admin: Admin,
}

impl FromRequestParts<AppState> for Invitations {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let admin = Admin::from_request_parts(parts, state).await?;
        let caller = Caller::from_request_parts(parts, state).await?;
        Ok(Self { state: state.clone(), caller, admin })
    }
}

impl Invitations {
    /// Creates an invitation, and mails its link if mail is configured. Only this response contains the link.
    ///
    /// # Errors
    /// As [`Admin::invite`].
    pub async fn invite(&self, request: InvitationRequest) -> Result<Invitation> {
        let (invitation, secret, may_mail) = self.admin.invite(request, self.state.mailer.is_set_up()).await?;
        let link = format!("{}/invite/{secret}", self.state.config.public_url.origin());
        let inviter = self.admin.account();
        let is_mailed = may_mail
            && self.state.mail_limiter.allow_link(self.caller.network()).await
            && self.state.mailer.invitation(&invitation.email, &inviter.organization.name, &inviter.user.name, &link);
        Ok(Invitation { link: Some(link), is_mailed: Some(is_mailed), ..invitation })
    }
}

/// Joining by invitation: works where registration is closed, within the rate limits of signing in.
impl SignIn {
    /// The invitation of a link. The answer reveals whether an account exists, so it has a rate limit of its own
    /// which invalid links do not count towards.
    ///
    /// # Errors
    /// `not_found` for an invitation that cannot be used, `too_many_requests`.
    pub async fn invitation(&self, invitation: &str) -> Result<InvitationView> {
        let view = self.state.domain.site().invitation(invitation).await?;
        self.state.throttle.lookup(self.ip()).await?;
        Ok(view)
    }

    /// Joins the inviting organization with a new account, and opens a session.
    ///
    /// # Errors
    /// `invalid` with the fields at fault, `not_found` for an invitation that cannot be used, `conflict` when an
    /// account with its address exists, `too_many_requests`.
    pub async fn join_as_new(&self, invitation: &str, new: NewMember) -> Result<NewSession> {
        let site = self.state.domain.site();
        let (view, slug) = site.invitation_with_slug(invitation).await?;
        let new = new.check()?;
        self.state.throttle.attempt(self.ip()).await?;
        let context = vec![view.email.to_string(), new.name.clone(), view.organization, slug];
        self.state.passwords.check_strength(&new.password, context).await?;
        let hash = self.state.passwords.hash(&new.password).await?;
        site.join_as_new(invitation, &new, hash, &self.caller).await
    }

    /// Joins the inviting organization with the existing account of the invited address, and opens a session. Takes the
    /// code of a second factor too, because a user without any organization cannot log in first.
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
            let why = "There is no account with this address. Open the invitation link again.";
            return Err(Error::new(Code::Conflict, why));
        }
        let (known, counted) = self.verify(&Login { email: view.email, password, code: None }).await?;
        if known.has_second_factor && code.trim().is_empty() {
            let why = "Your account uses two-factor authentication. Enter your password again, with a code from your \
                       authenticator app or a recovery code.";
            return Err(self.refunded(counted, Error::field("code", why)).await);
        }
        match site.join(invitation, &known, &self.caller, (&self.state.seeds, code)).await {
            Ok(session) => {
                self.state.throttle.succeeded(counted).await;
                Ok(session)
            }
            Err(error) if error.fields.contains_key("code") => Err(self.failed(Some(known), error)),
            // A disabled user gets the same answer as a wrong password.
            Err(error) if error.code == Code::Unauthorized => Err(self.failed(Some(known), wrong_credentials())),
            Err(error) => Err(self.refunded(counted, error).await),
        }
    }
}
