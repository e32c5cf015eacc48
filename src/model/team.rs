//! The team: its members, and who has been asked to join.

use serde::{Deserialize, Serialize};

use super::{Email, Error, Result, Role, Timestamp, UserId, check::Check, wire::id};

id! {
    /// Names an invitation.
    InvitationId;
}

/// How many days an invitation stands.
pub const INVITATION_DAYS: i64 = 7;

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
