//! The team: members, roles and invitations.

use serde::{Deserialize, Serialize};

use super::{
    Email, Error, Result, Role, Timestamp, UserId,
    check::{Check, NAME_MAX},
    identity::check_new_password,
    wire::id,
};

id! {
    /// The id of an invitation.
    InvitationId;
}

/// How long an invitation is valid, in days.
pub const INVITATION_DAYS: i64 = 7;
/// The most members of an organization, pending invitations included.
pub const MEMBERS_MAX: u64 = 200;

/// A member of the team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TeamMember {
    /// Their id.
    pub id: UserId,
    /// Their email address.
    pub email: Email,
    /// Their name.
    pub name: String,
    /// Their role.
    pub role: Role,
    /// When they joined.
    pub joined_at: Timestamp,
    /// When they were last active here, accurate to five minutes.
    pub last_seen_at: Option<Timestamp>,
    /// Whether their account has two-factor authentication.
    pub has_two_factor: bool,
}

/// A pending invitation. Only a hash of its link's secret is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The invited email address.
    pub email: Email,
    /// The role they will have.
    pub role: Role,
    /// The user who sent it.
    pub invited_by: UserId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// The link for them. Returned only once, when the invitation is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// Whether the link was sent by email; returned with the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_mailed: Option<bool>,
}

/// A request to invite a member.
#[derive(Clone, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"email": "grace@example.com", "role": "member"}))]
pub struct InvitationRequest {
    /// The email address to invite.
    pub email: String,
    /// The role they will have; `member` by default.
    #[serde(default = "member")]
    pub role: Role,
}

const fn member() -> Role {
    Role::Member
}

impl InvitationRequest {
    /// Checks the fields.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(self) -> Result<(Email, Role)> {
        let mut check = Check::default();
        let email = check.take("email", self.email.parse());
        check.finish()?;
        email.map(|email| (email, self.role)).ok_or_else(|| Error::invalid("Please fill in all fields."))
    }
}

/// An invitation, as the page of its link shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    /// The name of the organization.
    pub organization: String,
    /// The invited e-mail address.
    pub email: Email,
    /// The role.
    pub role: Role,
    /// Whether an account with this address exists.
    pub has_account: bool,
}

/// The account of somebody new who accepts an invitation.
#[derive(Clone)]
pub struct NewMember {
    /// Their name.
    pub name: String,
    /// Their password.
    pub password: String,
}

impl NewMember {
    /// Checks each field.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(self) -> Result<Self> {
        let mut check = Check::default();
        let name = check.line("name", &self.name, NAME_MAX);
        check_new_password(&mut check, "password", &self.password);
        check.finish()?;
        Ok(Self { name, ..self })
    }
}

/// A request to change a member's role.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"role": "member"}))]
pub struct RoleRequest {
    /// The new role.
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
