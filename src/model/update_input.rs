//! Input about updates of incidents, and its validation.

use serde::{Deserialize, Serialize};

use super::{
    Check, IncidentStatus, Result, ServiceImpact, Timestamp,
    incident_input::{MESSAGE_MAX, check_past, check_services},
};

/// An update to post.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "message": "A faulty deploy is being rolled back.",
    "status": "identified",
    "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "degraded"}],
    "version": 2
}))]
pub struct NewUpdate {
    /// The message, as Markdown, up to 25,000 characters; by default the standard text of the status.
    #[serde(default)]
    pub message: Option<String>,
    /// The incident's status; unchanged by default.
    #[serde(default)]
    pub status: Option<IncidentStatus>,
    /// Services whose status in this incident changes; new ones are attached, others keep theirs. With a status that
    /// ends the incident, services listed here are left with their status as baseline, and the others recover. An
    /// incident that has ended cannot affect services.
    #[serde(default)]
    pub services: Option<Vec<ServiceImpact>>,
    /// Its time in the timeline, not in the future; now by default.
    #[serde(default)]
    pub display_at: Option<Timestamp>,
    /// Whether subscribers are notified, for a draft once it is published; `true` by default.
    #[serde(default)]
    pub notify: Option<bool>,
    /// The incident's version that it is based on; rejected with 409 if it is not the current one.
    #[serde(default)]
    pub version: Option<i64>,
}

impl NewUpdate {
    /// Trims and checks the fields.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        let message = self.message.take().map(|text| check.paragraph("message", &text, MESSAGE_MAX));
        self.message = message.filter(|text| !text.is_empty());
        check_past(&mut check, "display_at", self.display_at, now);
        if let Some(services) = &self.services {
            check_services(&mut check, services.iter().map(|service| service.id), "services");
        }
        if self.message.is_none() && self.status.is_none() && self.services.as_ref().is_none_or(Vec::is_empty) {
            check.fault("message", "Write a message or change the status.");
        }
        check.finish()?;
        Ok(self)
    }
}

/// Changes to an update. Absent fields stay unchanged; an earlier public message stays in the edit history.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"message": "A faulty deploy has been rolled back."}))]
pub struct UpdatePatch {
    /// The message, as Markdown, 1 to 25,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Its time in the timeline, not in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_at: Option<Timestamp>,
    /// The incident's version that the change is based on; rejected with 409 if it is not the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl UpdatePatch {
    /// Trims and checks the fields that are present.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        if let Some(message) = self.message.take() {
            let message = check.paragraph("message", &message, MESSAGE_MAX);
            if message.is_empty() {
                check.fault("message", "The message cannot be empty. To remove an update, delete it.");
            }
            self.message = Some(message);
        }
        check_past(&mut check, "display_at", self.display_at, now);
        check.finish()?;
        Ok(self)
    }
}
