//! What comes in about the updates of incidents.

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
    /// What it says, as Markdown, up to 25 000 characters; the usual sentence of its status when absent.
    #[serde(default)]
    pub message: Option<String>,
    /// The incident's status from now on; as it is when absent.
    #[serde(default)]
    pub status: Option<IncidentStatus>,
    /// The services whose status changes as far as this incident goes; others keep theirs, new ones are attached. With
    /// a status that ends it, the status each service is left with by itself; the others recover. What is over already
    /// says nothing of services.
    #[serde(default)]
    pub services: Option<Vec<ServiceImpact>>,
    /// The time it stands at in the timeline; now when absent, never later.
    #[serde(default)]
    pub display_at: Option<Timestamp>,
    /// Whether subscribers are to be told, of a draft once it is published; yes when absent.
    #[serde(default)]
    pub notify: Option<bool>,
    /// The version it was written on: refused with 409 when it is not the present one.
    #[serde(default)]
    pub version: Option<i64>,
}

impl NewUpdate {
    /// Trims the text and checks each field.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(mut self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        let message = self.message.take().map(|text| check.paragraph("message", &text, MESSAGE_MAX));
        self.message = message.filter(|text| !text.is_empty());
        check_past(&mut check, "display_at", self.display_at, now);
        if let Some(services) = &self.services {
            check_services(&mut check, services.iter().map(|service| service.id), "services");
        }
        if self.message.is_none() && self.status.is_none() && self.services.as_ref().is_none_or(Vec::is_empty) {
            check.fault("message", "Write a message, or change the status.");
        }
        check.finish()?;
        Ok(self)
    }
}

/// What to change about an update; what it said before stays in its history.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"message": "A faulty deploy has been rolled back."}))]
pub struct UpdatePatch {
    /// What it shall say, as Markdown, 1 to 25 000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The time it shall stand at in the timeline, not later than now (domain rule 3.4.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_at: Option<Timestamp>,
    /// The incident's version the change was made on: refused with 409 when it is not the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl UpdatePatch {
    /// Trims the text and checks each field that is present.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(mut self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        if let Some(message) = self.message.take() {
            let message = check.paragraph("message", &message, MESSAGE_MAX);
            if message.is_empty() {
                check.fault("message", "An update says something. Delete it if it should not.");
            }
            self.message = Some(message);
        }
        check_past(&mut check, "display_at", self.display_at, now);
        check.finish()?;
        Ok(self)
    }
}
