//! Audit log entries: who did what, when and from where. An entry is written in the same transaction and never changes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Timestamp, UserId,
    wire::{id, wire_enum},
};

id! {
    /// The id of an audit log entry.
    AuditId;
}

/// How long an entry is kept, in days.
pub const AUDIT_DAYS: i64 = 400;
/// The longest recorded value, in characters.
const VALUE_MAX: usize = 200;
/// Fields that follow from others or say nothing, and are not recorded as changes.
const DERIVED: [&str; 8] =
    ["updated_at", "status_since", "version", "updates", "html", "message_html", "organization_id", "seq"];

wire_enum! {
    /// The kind of actor.
    ActorKind {
        /// A user, logged in or trying to log in.
        User = "user",
        /// A program with an API token.
        Token = "token",
        /// The server: its scheduler or its administrator.
        System = "system",
    }
}

wire_enum! {
    /// An audited action.
    Action {
        /// An organization was created.
        OrganizationCreated = "organization_created",
        /// An organization's name or time zone was changed.
        OrganizationChanged = "organization_changed",
        /// A service was created.
        ServiceCreated = "service_created",
        /// A service was changed or its status set.
        ServiceChanged = "service_changed",
        /// A service was moved.
        ServiceMoved = "service_moved",
        /// A service was deleted.
        ServiceDeleted = "service_deleted",
        /// A group was created.
        GroupCreated = "group_created",
        /// A group was changed.
        GroupChanged = "group_changed",
        /// A group was moved.
        GroupMoved = "group_moved",
        /// A group was deleted.
        GroupDeleted = "group_deleted",
        /// An incident was opened, or a maintenance scheduled.
        IncidentOpened = "incident_opened",
        /// An incident was changed.
        IncidentChanged = "incident_changed",
        /// An incident was deleted.
        IncidentDeleted = "incident_deleted",
        /// An update was posted.
        UpdatePosted = "update_posted",
        /// An update was edited.
        UpdateEdited = "update_edited",
        /// An update was deleted.
        UpdateDeleted = "update_deleted",
        /// A series of maintenances was ended.
        SeriesEnded = "series_ended",
        /// The next windows of a series were created.
        SeriesExtended = "series_extended",
        /// A template was created.
        TemplateCreated = "template_created",
        /// A template was changed.
        TemplateChanged = "template_changed",
        /// A template was deleted.
        TemplateDeleted = "template_deleted",
        /// A person was invited.
        MemberInvited = "member_invited",
        /// An invitation was revoked.
        InvitationRevoked = "invitation_revoked",
        /// An invitation was accepted.
        MemberJoined = "member_joined",
        /// A member's role was changed.
        RoleChanged = "role_changed",
        /// A member was removed.
        MemberRemoved = "member_removed",
        /// A member left.
        MemberLeft = "member_left",
        /// An API token was created.
        TokenCreated = "token_created",
        /// An API token was revoked.
        TokenRevoked = "token_revoked",
        /// A user logged in.
        LoggedIn = "logged_in",
        /// A login failed.
        LoginFailed = "login_failed",
        /// A password confirmation failed.
        PasswordRefused = "password_refused",
        /// A user confirmed their password.
        PasswordConfirmed = "password_confirmed",
        /// A user logged out.
        LoggedOut = "logged_out",
        /// A user switched to another of their organizations.
        OrganizationSwitched = "organization_switched",
        /// A session was ended from another session.
        SessionRevoked = "session_revoked",
        /// A name or an email address was changed.
        ProfileChanged = "profile_changed",
        /// A user changed their password.
        PasswordChanged = "password_changed",
        /// A password reset link was requested.
        PasswordResetRequested = "password_reset_requested",
        /// A password was reset, by a link or by the server's administrator.
        PasswordReset = "password_reset",
        /// The setup of two-factor authentication was started.
        TwoFactorBegun = "two_factor_begun",
        /// Two-factor authentication was turned on.
        TwoFactorEnabled = "two_factor_enabled",
        /// Two-factor authentication was turned off.
        TwoFactorDisabled = "two_factor_disabled",
        /// New recovery codes were generated.
        RecoveryCodesRenewed = "recovery_codes_renewed",
        /// A recovery code was used.
        RecoveryCodeUsed = "recovery_code_used",
        /// A user was disabled by the server's administrator.
        PersonDisabled = "person_disabled",
        /// A user was enabled again by the server's administrator.
        PersonEnabled = "person_enabled",
    }
}

impl Action {
    /// The display name, as in “Service changed”.
    #[must_use]
    pub fn label(self) -> String {
        let text = self.as_str().replace('_', " ");
        let mut letters = text.chars();
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
    }
}

/// The actor of an audit log entry, with the name at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditActor {
    /// The kind of actor.
    pub kind: ActorKind,
    /// The user; for an API token, the user who created it.
    pub id: Option<UserId>,
    /// The name of the user or token.
    pub name: String,
}

/// The target of an audited action, with the name at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditTarget {
    /// The kind of target, for example `service`.
    pub kind: String,
    /// Its id; empty if it has none.
    pub id: String,
    /// Its name or title.
    pub name: String,
}

/// The old and new value of one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditChange {
    /// The old value; null if there was none.
    #[schema(value_type = Value)]
    pub from: Value,
    /// The new value.
    #[schema(value_type = Value)]
    pub to: Value,
}

/// Changed fields with their old and new values.
pub type AuditChanges = BTreeMap<String, AuditChange>;

/// One entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: AuditId,
    /// When it happened.
    pub created_at: Timestamp,
    /// The actor.
    pub actor: AuditActor,
    /// The action.
    pub action: Action,
    /// The target.
    pub target: Option<AuditTarget>,
    /// The changed fields.
    pub changes: AuditChanges,
    /// The IP address of the request; empty for the server itself.
    pub ip: String,
    /// The request's id, as in its `x-request-id` header and the server log.
    pub request_id: String,
}

/// One page of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditPage {
    /// The entries, newest first.
    pub entries: Vec<AuditEntry>,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// The members and everybody else in the log, by name, to filter by.
    pub people: Vec<(UserId, String)>,
    /// The start of the filtered period, in the organization's zone.
    pub from: Option<Timestamp>,
    /// Its end.
    pub to: Option<Timestamp>,
}

/// The fields that differ between two states of an object, without derived ones. Long values are shortened.
#[must_use]
pub fn differences<T: Serialize>(before: &T, after: &T) -> AuditChanges {
    let fields = |object: &T| match serde_json::to_value(object) {
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

/// Shortens a value to [`VALUE_MAX`] characters.
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
    fn only_differences_are_recorded_and_long_values_are_shortened() {
        let before = json!({"name": "API", "status": "operational", "updated_at": 1, "description": ""});
        let after = json!({"name": "API", "status": "degraded", "updated_at": 2, "description": "é".repeat(300)});
        let changes = differences(&before, &after);
        assert_eq!(changes.keys().collect::<Vec<_>>(), ["description", "status"]);
        assert_eq!(changes["status"], AuditChange { from: json!("operational"), to: json!("degraded") });
        assert_eq!(changes["description"].to.as_str().map(|text| text.chars().count()), Some(VALUE_MAX + 1));
        assert!(differences(&before, &before).is_empty());
    }

    #[test]
    fn every_action_fits_its_column_and_has_a_label() {
        assert!(Action::ALL.iter().all(|action| action.as_str().len() <= 32));
        assert_eq!(Action::ServiceChanged.label(), "Service changed");
    }
}
