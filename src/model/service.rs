//! Services, the groups they stand in, and the history of their status.

use serde::{Deserialize, Deserializer, Serialize};

use super::{
    Cause, OrganizationId, Result, ServiceStatus, Timestamp, UserId,
    check::{Check, DESCRIPTION_MAX, NAME_MAX},
    wire::{id, wire_enum},
};

id! {
    /// Names a service.
    ServiceId;
    /// Names a group of services.
    GroupId;
    /// Names one change of a status.
    StatusChangeId;
}

/// Something a team runs and its users depend on. Holds nothing that the public may not see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Service {
    /// Its id.
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// What it does; may be empty.
    pub description: String,
    /// Its effective status (domain rule 3.1.2).
    pub status: ServiceStatus,
    /// The status it has when no incident and no maintenance says otherwise; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<ServiceStatus>,
    /// Since when it has had this status.
    pub status_since: Timestamp,
    /// The group it stands in, if any.
    pub group_id: Option<GroupId>,
    /// Its place inside its group, counted from 0.
    pub position: i32,
    /// The organization that runs it.
    pub organization_id: OrganizationId,
    /// When it was added.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// Counts what was changed about it by itself: not what follows from incidents, nor its moving when others do.
    #[serde(default)]
    pub version: i64,
}

/// A heading over services.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceGroup {
    /// Its id.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// Its place on the page, counted from 0.
    pub position: i32,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts what was changed about it by itself: not its moving when others do.
    #[serde(default)]
    pub version: i64,
}

/// One change of a service's effective status (domain rule 3.1.4); never altered once written.
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
    /// Who changed it. Absent for the system itself, and always absent in public answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<UserId>,
    /// When it changed.
    pub created_at: Timestamp,
}

/// A change with the name of who made it, as members see it in a service's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryEntry {
    /// The change.
    pub change: StatusChange,
    /// The name of who changed it, while that person is known.
    pub changed_by_name: Option<String>,
}

/// One page of a service's history, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The changes.
    pub entries: Vec<HistoryEntry>,
    /// Where the next, older page begins, if there is one.
    pub next: Option<String>,
}

/// A service to add.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Checkout", "description": "Card and invoice payments", "status": "operational"}))]
pub struct NewService {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// What it does, up to 500 characters.
    #[serde(default)]
    pub description: String,
    /// The group to put it in.
    #[serde(default)]
    pub group_id: Option<GroupId>,
    /// Its status from the start; `operational` when absent.
    #[serde(default)]
    pub status: Option<ServiceStatus>,
    /// Its place inside its group, counted from 0; last when absent.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
}

impl NewService {
    /// Trims the text and checks each field.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = check.line("name", &self.name, NAME_MAX);
        self.description = check.paragraph("description", &self.description, DESCRIPTION_MAX);
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

/// What to change about a service; what is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"status": "major_outage"}))]
pub struct ServicePatch {
    /// A new name, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new description, up to 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Another group; `null` takes the service out of its group.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    #[schema(value_type = Option<GroupId>)]
    #[expect(clippy::option_option, reason = "absent and null are two wishes")]
    pub group_id: Option<Option<GroupId>>,
    /// A new baseline status (domain rule 3.1.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ServiceStatus>,
    /// A new place inside its group, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
    /// The version the change was made on: refused with 409 when it is not the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl ServicePatch {
    /// A patch that only sets the baseline status.
    #[must_use]
    pub fn status(status: ServiceStatus) -> Self {
        Self { status: Some(status), ..Self::default() }
    }

    /// Trims the text and checks each field that is present.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = self.name.map(|name| check.line("name", &name, NAME_MAX));
        self.description = self.description.map(|text| check.paragraph("description", &text, DESCRIPTION_MAX));
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

/// A group to add.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Core platform"}))]
pub struct NewGroup {
    /// Its name, 1 to 100 characters.
    pub name: String,
    /// Its place on the page, counted from 0; last when absent.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
}

impl NewGroup {
    /// Trims the text and checks each field.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = check.line("name", &self.name, NAME_MAX);
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

/// What to change about a group; what is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Platform", "position": 0}))]
pub struct GroupPatch {
    /// A new name, 1 to 100 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// A new place on the page, counted from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub position: Option<i32>,
    /// The version the change was made on: refused with 409 when it is not the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl GroupPatch {
    /// Trims the text and checks each field that is present.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(mut self) -> Result<Self> {
        let mut check = Check::default();
        self.name = self.name.map(|name| check.line("name", &name, NAME_MAX));
        check_position(&mut check, self.position);
        check.finish()?;
        Ok(self)
    }
}

wire_enum! {
    /// One step for a service or group among its neighbours.
    Placement {
        /// Before the one above it.
        Up = "up",
        /// After the one below it.
        Down = "down",
    }
}

fn check_position(check: &mut Check, position: Option<i32>) {
    if position.is_some_and(|position| position < 0) {
        check.fault("position", "Positions are counted from 0.");
    }
}

/// Tells an explicit `null` (`Some(None)`) from an absent field (`None`).
#[expect(clippy::option_option, reason = "absent and null are two wishes")]
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
    fn a_patch_tells_null_from_absent() {
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
