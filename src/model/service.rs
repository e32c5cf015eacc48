//! Services, groups, and the history of statuses.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Cause, OrganizationId, Result, ServiceStatus, Timestamp, UserId,
    check::{Check, DESCRIPTION_MAX, NAME_MAX},
    wire::{id, wire_enum},
};

id! {
    /// The id of a service.
    ServiceId;
    /// The id of a group of services.
    GroupId;
    /// The id of a status change.
    StatusChangeId;
}

/// A service, whose status the page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// Its description; may be empty.
    pub description: String,
    /// Its effective status (domain rule 3.1.2).
    pub status: ServiceStatus,
    /// The status it has when no incident and no maintenance affects it; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<ServiceStatus>,
    /// When it got this status.
    pub status_since: Timestamp,
    /// Its group, if any.
    pub group_id: Option<GroupId>,
    /// Its position in its group, counted from 0.
    pub position: i32,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The version for optimistic locking. It does not change when an incident changes the status, or when other
    /// services are reordered.
    #[serde(default)]
    pub version: i64,
}

/// A group of services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Its position on the page, counted from 0.
    pub position: i32,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The version for optimistic locking. It does not change when other groups are reordered.
    #[serde(default)]
    pub version: i64,
}

/// A change of a service's effective status (domain rule 3.1.4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StatusChange {
    /// Its id.
    pub id: StatusChangeId,
    /// The service.
    pub service_id: ServiceId,
    /// The status before.
    pub old_status: ServiceStatus,
    /// The status after.
    pub new_status: ServiceStatus,
    /// Why it changed.
    pub cause: Cause,
    /// The user who changed it. Absent for the scheduler and in public responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<UserId>,
    /// When it changed.
    pub created_at: Timestamp,
}

/// A status change with the name of its author.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The change.
    pub change: StatusChange,
    /// The name of its author, if known.
    pub changed_by_name: Option<String>,
}

/// One page of a service's history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The changes.
    pub entries: Vec<HistoryEntry>,
    /// The cursor of the next, older page, if there is one.
    pub next: Option<String>,
}

/// A service to create.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Checkout", "description": "Card and invoice payments", "status": "operational"}))]
pub struct NewService {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Its description, up to 500 characters.
    #[serde(default)]
    pub description: String,
    /// Its group; none by default.
    #[serde(default)]
    pub group_id: Option<GroupId>,
    /// Its status; `operational` by default.
    #[serde(default)]
    pub status: Option<ServiceStatus>,
    /// Its position in its group, counted from 0; last by default.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
}

impl NewService {
    /// Trims and checks the fields.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = check.line("name", &self.name, NAME_MAX);
        self.description = check.paragraph("description", &self.description, DESCRIPTION_MAX);
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

/// Changes to a service. Absent fields stay unchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "major_outage"}))]
pub struct ServicePatch {
    /// The name, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The description, up to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The group; `null` removes the service from its group.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(value_type = Option<GroupId>)]
    #[expect(clippy::option_option, reason = "absent and null differ")]
    pub group_id: Option<Option<GroupId>>,
    /// The baseline status (domain rule 3.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ServiceStatus>,
    /// The position in its group, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
    /// The version that the change is based on; rejected with 409 if it is not the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl ServicePatch {
    /// A patch that only sets the baseline status.
    #[must_use]
    pub fn status(status: ServiceStatus) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Trims and checks the fields that are present.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = self.name.map(|name| check.line("name", &name, NAME_MAX));
        self.description = self.description.map(|text| check.paragraph("description", &text, DESCRIPTION_MAX));
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

/// A group to create.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Core platform"}))]
pub struct NewGroup {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Its position on the page, counted from 0; last by default.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
}

impl NewGroup {
    /// Trims and checks the fields.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = check.line("name", &self.name, NAME_MAX);
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

/// Changes to a group. Absent fields stay unchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Platform", "position": 0}))]
pub struct GroupPatch {
    /// The name, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The position on the page, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
    /// The version that the change is based on; rejected with 409 if it is not the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl GroupPatch {
    /// Trims and checks the fields that are present.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = self.name.map(|name| check.line("name", &name, NAME_MAX));
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

wire_enum! {
    /// The direction in which to move a service or group by one position.
    Placement {
        /// One position up.
        Up = "up",
        /// One position down.
        Down = "down",
    }
}

fn check_position(check: &mut Check, position: Option<i32>) {
    if position.is_some_and(|position| position < 0) {
        check.fault("position", "Positions start at 0.");
    }
}

/// Distinguishes an explicit `null` (`Some(None)`) from an absent field (`None`).
#[expect(clippy::option_option, reason = "absent and null differ")]
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_distinguishes_null_from_absent() {
        let absent: ServicePatch = serde_json::from_str("{}").expect("valid");
        assert_eq!(absent.group_id, None);
        let null: ServicePatch = serde_json::from_str(r#"{"group_id": null}"#).expect("valid");
        assert_eq!(null.group_id, Some(None));
        assert!(serde_json::from_str::<ServicePatch>(r#"{"organization_id": "x"}"#).is_err());
    }

    #[test]
    fn names_are_trimmed_and_measured() {
        let service = NewService { name: "  API ".into(), ..Default::default() }.check().expect("valid");
        assert_eq!(service.name, "API");
        for name in [String::new(), "  ".into(), "x".repeat(101)] {
            let error = NewService { name, ..Default::default() }.check().expect_err("bad name");
            assert!(error.fields.contains_key("name"));
        }
        let error = NewService { name: "API".into(), position: Some(-1), ..Default::default() }.check();
        assert!(error.expect_err("negative").fields.contains_key("position"));
    }
}
