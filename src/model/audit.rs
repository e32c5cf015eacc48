//! The audit log: who did what, when and from where. Entries are written with what they tell of, and never change.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Timestamp, UserId,
    wire::{id, wire_enum},
};

id! {
    /// Names an entry of the audit log.
    AuditId;
}

/// How many days an entry is kept.
pub const AUDIT_DAYS: i64 = 400;
/// The longest text of a change that is kept, in characters.
const VALUE_MAX: usize = 200;
/// What follows from other changes or tells nothing, and is not written down as a change.
const DERIVED: [&str; 8] =
    ["updated_at", "status_since", "version", "updates", "html", "message_html", "organization_id", "seq"];

wire_enum! {
    /// Who did something.
    ActorKind {
        /// A person, signed in or trying to be.
        User = "user",
        /// A program with an API token.
        Token = "token",
        /// The server itself: its clock, or whoever runs it.
        System = "system",
    }
}

wire_enum! {
    /// What was done.
    Action {
        /// An organization was created.
        OrganizationCreated = "organization_created",
        /// Its name or zone was changed.
        OrganizationChanged = "organization_changed",
        /// A service was added.
        ServiceCreated = "service_created",
        /// A service was changed or its status set.
        ServiceChanged = "service_changed",
        /// A service got another place.
        ServiceMoved = "service_moved",
        /// A service was deleted.
        ServiceDeleted = "service_deleted",
        /// A group was added.
        GroupCreated = "group_created",
        /// A group was changed.
        GroupChanged = "group_changed",
        /// A group got another place.
        GroupMoved = "group_moved",
        /// A group was deleted.
        GroupDeleted = "group_deleted",
        /// An incident was opened, or a maintenance planned.
        IncidentOpened = "incident_opened",
        /// An incident was changed.
        IncidentChanged = "incident_changed",
        /// An incident was deleted.
        IncidentDeleted = "incident_deleted",
        /// Something was said about an incident.
        UpdatePosted = "update_posted",
        /// What was said was changed.
        UpdateEdited = "update_edited",
        /// What was said was deleted.
        UpdateDeleted = "update_deleted",
        /// A series of maintenances was ended.
        SeriesEnded = "series_ended",
        /// A series got its next windows.
        SeriesExtended = "series_extended",
        /// A template was added.
        TemplateCreated = "template_created",
        /// A template was changed.
        TemplateChanged = "template_changed",
        /// A template was deleted.
        TemplateDeleted = "template_deleted",
        /// Somebody was invited.
        MemberInvited = "member_invited",
        /// An invitation was taken back.
        InvitationRevoked = "invitation_revoked",
        /// Somebody accepted an invitation.
        MemberJoined = "member_joined",
        /// A member got another role.
        RoleChanged = "role_changed",
        /// A member was removed.
        MemberRemoved = "member_removed",
        /// A member left.
        MemberLeft = "member_left",
        /// An API token was made.
        TokenCreated = "token_created",
        /// An API token was revoked.
        TokenRevoked = "token_revoked",
        /// Somebody logged in.
        LoggedIn = "logged_in",
        /// Somebody tried to log in and failed.
        LoginFailed = "login_failed",
        /// Somebody signed in gave a password again, and it was not theirs.
        PasswordRefused = "password_refused",
        /// Somebody signed in gave their password again.
        PasswordConfirmed = "password_confirmed",
        /// Somebody logged out.
        LoggedOut = "logged_out",
        /// Somebody went on in another of their organizations.
        OrganizationSwitched = "organization_switched",
        /// A session was ended from another.
        SessionRevoked = "session_revoked",
        /// A name or an e-mail address was changed.
        ProfileChanged = "profile_changed",
        /// A password was changed by who knew it.
        PasswordChanged = "password_changed",
        /// A link for a new password was asked for.
        PasswordResetRequested = "password_reset_requested",
        /// A password was set anew, by a link or by whoever runs the server.
        PasswordReset = "password_reset",
        /// A second factor is being set up.
        TwoFactorBegun = "two_factor_begun",
        /// A second factor was set up.
        TwoFactorEnabled = "two_factor_enabled",
        /// A second factor was taken away.
        TwoFactorDisabled = "two_factor_disabled",
        /// New recovery codes were made.
        RecoveryCodesRenewed = "recovery_codes_renewed",
        /// A recovery code was used up.
        RecoveryCodeUsed = "recovery_code_used",
        /// A person was shut out, or let in again, by whoever runs the server.
        PersonDisabled = "person_disabled",
        /// A person was let in again by whoever runs the server.
        PersonEnabled = "person_enabled",
    }
}

impl Action {
    /// The action in words, as in “Ada Lovelace · service changed”.
    #[must_use]
    pub fn label(self) -> String {
        let words = self.as_str().replace('_', " ");
        let mut letters = words.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// Who did something, as they were called then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditActor {
    /// Person, program or server.
    pub kind: ActorKind,
    /// The person: for a program, who made its token.
    pub id: Option<UserId>,
    /// Their name, or the token's.
    pub name: String,
}

/// What something was done to, as it was called then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditTarget {
    /// What it is, as `service`.
    pub kind: String,
    /// Its id; empty where it has none.
    pub id: String,
    /// Its name or title.
    pub name: String,
}

/// What one field was and what it became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditChange {
    /// Before; nothing for what is new.
    #[schema(value_type = Value)]
    pub from: Value,
    /// Afterwards.
    #[schema(value_type = Value)]
    pub to: Value,
}

/// What changed, by field.
pub type AuditChanges = BTreeMap<String, AuditChange>;

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When.
    pub created_at: Timestamp,
    /// Who.
    pub actor: AuditActor,
    /// What.
    pub action: Action,
    /// To what.
    pub target: Option<AuditTarget>,
    /// What changed by it.
    pub changes: AuditChanges,
    /// The network address it came from; empty for the server itself.
    pub ip: String,
    /// The request, as its `x-request-id` header and the log name it.
    pub request_id: String,
}

/// A page of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
    /// The members and whoever else stands in the log, by name, to narrow it by.
    pub people: Vec<(UserId, String)>,
    /// The first instant that was asked for: a day's, in the organization's zone.
    pub from: Option<Timestamp>,
    /// The last.
    pub to: Option<Timestamp>,
}

/// The fields that differ between two states of a thing, without what follows from others. Long texts are cut.
#[must_use]
pub fn differences<T: Serialize>(before: &T, after: &T) -> AuditChanges {
    let fields = |thing: &T| match serde_json::to_value(thing) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    };
    let (before, after) = (fields(before), fields(after));
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut changes = AuditChanges::new();
    for name in names {
        let value = |fields: &serde_json::Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
        let (from, to) = (value(&before), value(&after));
        if from != to && !DERIVED.contains(&name.as_str()) {
            changes.insert(name.clone(), AuditChange { from: shortened(from), to: shortened(to) });
        }
    }
    changes
}

/// A value as it is kept: long texts are cut.
#[must_use]
pub fn shortened(value: Value) -> Value {
    let text = match &value {
        Value::String(text) => text.clone(),
        Value::Array(_) | Value::Object(_) => value.to_string(),
        _ => return value,
    };
    match text.char_indices().nth(VALUE_MAX) {
        Some((end, _)) => Value::String(format!("{}…", &text[..end])),
        None => value,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_told_and_long_texts_are_cut() {
        let before = json!({"name": "API", "status": "operational", "updated_at": 1, "description": ""});
        let after = json!({"name": "API", "status": "degraded", "updated_at": 2, "description": "é".repeat(300)});
        let changes = differences(&before, &after);
        assert_eq!(changes.keys().collect::<Vec<_>>(), ["description", "status"]);
        assert_eq!(changes["status"], AuditChange { from: json!("operational"), to: json!("degraded") });
        assert_eq!(changes["description"].to.as_str().map(|text| text.chars().count()), Some(VALUE_MAX + 1));
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn every_action_fits_its_column_and_reads_as_words() {
        assert!(Action::ALL.iter().all(|action| action.as_str().len() <= 32));
        assert_eq!(Action::ServiceChanged.label(), "Service changed");
    }
}
