//! The team: its members, and who has been asked to join.

use serde::{Deserialize, Serialize};

use super::{
    Email, Error, Result, Role, Timestamp, UserId,
    check::{Check, NAME_MAX},
    identity::check_new_password,
    wire::id,
};

id! {
    /// Names an invitation.
    InvitationId;
}

/// How many days an invitation stands.
pub const INVITATION_DAYS: i64 = 7;
/// The most members an organization may have, with those it has invited.
pub const MEMBERS_MAX: u64 = 200;

/// A member of an organization, as its members see them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TeamMember {
    /// Their id.
    pub id: UserId,
    /// Their e-mail address.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// What they may do here.
    pub role: Role,
    /// When they joined.
    pub joined_at: Timestamp,
    /// When they last did something here, to within five minutes.
    pub last_seen_at: Option<Timestamp>,
    /// Whether a second factor protects their account.
    pub has_two_factor: bool,
}

/// An invitation that stands. Its link is known to nobody but who was given it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Whom it is for.
    pub email: Email,
    /// What they will be allowed.
    pub role: Role,
    /// Who invited them.
    pub invited_by: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The link to give to them: told in the answer to its making, and never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whether the link has been sent to them by mail; told with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_mailed: Option<bool>,
}

/// A request to invite somebody, as typed.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "grace@example.com", "role": "member"}))]
pub struct InvitationRequest {
    /// Whom to invite.
    pub email: String,
    /// What they will be allowed; `member` when absent.
    #[serde(default = "member")]
    pub role: Role,
}

const fn member() -> Role {
    Role::Member
}

impl InvitationRequest {
    /// Checks every field.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(self) -> Result<(Email, Role)> {
        let mut check = Check::default();
        let email = check.take("email", self.email.parse());
        check.finish()?;
        email.map(|email| (email, self.role)).ok_or_else(|| Error::invalid("Please fill in every field."))
    }
}

/// What somebody who opens an invitation's link is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    /// The organization that invites.
    pub organization: String,
    /// Whom.
    pub email: Email,
    /// As what.
    pub role: Role,
    /// Whether there is an account with this address already.
    pub has_account: bool,
}

/// What somebody new types to accept an invitation.
#[derive(Clone)]
pub struct NewMember {
    /// Their name.
    pub name: String,
    /// The password they will log in with.
    pub password: String,
}

impl NewMember {
    /// Checks every field that can be wrong alone.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(self) -> Result<Self> {
        let mut check = Check::default();
        let name = check.line("name", &self.name, NAME_MAX);
        check_new_password(&mut check, "password", &self.password);
        check.finish()?;
        Ok(Self { name, ..self })
    }
}

/// Another role for a member.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "member"}))]
pub struct RoleRequest {
    /// What they will be allowed.
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_needs_an_address_and_a_new_member_a_name_and_a_password() {
        let request = |email: &str| InvitationRequest { email: email.into(), role: Role::Admin };
        assert_eq!(
            request(" Grace@Example.COM ").check().map(|(email, _)| email.to_string()),
            Ok("grace@example.com".into())
        );
        assert!(request("grace").check().is_err_and(|error| error.fields.contains_key("email")));
        let new = |name: &str, password: &str| NewMember { name: name.into(), password: password.into() };
        let error = new(" ", "short").check().err().expect("two faults");
        assert_eq!(error.fields.keys().collect::<Vec<_>>(), ["name", "password"]);
        assert_eq!(new(" Grace ", "a long and private sentence").check().map(|new| new.name), Ok("Grace".into()));
    }
}
