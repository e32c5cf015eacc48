//! Input about incidents, from request bodies and forms, and its validation.

use serde::{Deserialize, Serialize};

use super::{
    Check, Error, Impact, IncidentKind, IncidentStatus, Result, ServiceId, ServiceStatus, Timestamp,
    maintenance::{AHEAD_MAX_SECONDS, Automations, WINDOW_MAX_SECONDS},
};

/// The longest title, in characters (domain rule 3.4.10).
pub const TITLE_MAX: usize = 255;
/// The longest message or postmortem, in characters (domain rule 3.4.10).
pub const MESSAGE_MAX: usize = 25_000;
/// The most services of one incident.
pub const SERVICES_MAX: usize = 500;
/// How far in the past an incident may begin, in seconds: ten years.
const BACK_MAX_SECONDS: i64 = 3_653 * 86_400;

/// The status of one service in an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceImpact {
    /// The service.
    pub id: ServiceId,
    /// Its status in this incident.
    pub status: ServiceStatus,
}

/// An incident to open, or a maintenance to schedule.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "title": "Elevated error rates on checkout",
    "message": "We are looking into failed payments.",
    "status": "investigating",
    "services": [{"id": "01936f3e-8a10-7c3e-9d52-0b6f5a1c2d3e", "status": "partial_outage"}]
}))]
pub struct NewIncident {
    /// Its title, 1 to 255 characters.
    pub title: String,
    /// The impact; by default derived from the services.
    #[serde(default)]
    pub impact: Option<Impact>,
    /// Affected services without a status change; in a maintenance, those that will be under maintenance.
    #[serde(default)]
    pub service_ids: Vec<ServiceId>,
    /// A single affected service, instead of `service_ids`.
    #[serde(default)]
    pub service_id: Option<ServiceId>,
    /// Affected services, each with its status in this incident.
    #[serde(default)]
    pub services: Vec<ServiceImpact>,
    /// The first message, as Markdown, up to 25,000 characters; by default the standard text of the status.
    #[serde(default)]
    pub message: Option<String>,
    /// An alias of `message`.
    #[serde(default)]
    pub description: Option<String>,
    /// Incident or maintenance; `incident` by default.
    #[serde(default)]
    pub incident_type: IncidentKind,
    /// The first status; by default `investigating`, or `scheduled` for a maintenance.
    #[serde(default)]
    pub status: Option<IncidentStatus>,
    /// When it began; now by default.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it was resolved. Adds a past incident, without notifying subscribers.
    #[serde(default)]
    pub resolved_at: Option<Timestamp>,
    /// Whether a past incident counts in the uptime of its services.
    #[serde(default)]
    pub correct_uptime: bool,
    /// The scheduled start of a maintenance.
    #[serde(default, alias = "scheduled_start")]
    pub starts_at: Option<Timestamp>,
    /// The scheduled end of a maintenance.
    #[serde(default, alias = "scheduled_end")]
    pub ends_at: Option<Timestamp>,
    /// The automations of a maintenance; by default all are on.
    #[serde(default)]
    pub automations: Option<Automations>,
    /// The recurrence of a maintenance, as an RFC 5545 rule such as `FREQ=WEEKLY;COUNT=10`.
    #[serde(default)]
    pub recurrence: Option<String>,
    /// Whether it is a draft that only members see; in a series, each window until it is published.
    #[serde(default)]
    pub is_draft: bool,
    /// Whether subscribers are notified, for a draft once it is published; `true` by default.
    #[serde(default)]
    pub notify: Option<bool>,
}

impl NewIncident {
    /// Trims and checks the fields.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        self.title = check.line("title", &self.title, TITLE_MAX);
        let (field, text) = match (self.message.take(), self.description.take()) {
            (Some(message), Some(description)) if message.trim() != description.trim() => {
                check.fault("description", "Send either `message` or `description`, not both.");
                ("message", Some(message))
            }
            (None, Some(description)) => ("description", Some(description)),
            (message, _) => ("message", message),
        };
        self.message = text.map(|text| check.paragraph(field, &text, MESSAGE_MAX)).filter(|text| !text.is_empty());
        if self.impact == Some(Impact::Maintenance) {
            check.fault("impact", "Use none, minor, major or critical.");
        }
        let status = self.status.unwrap_or(match self.incident_type {
            IncidentKind::Incident if self.resolved_at.is_some() => IncidentStatus::Resolved,
            IncidentKind::Incident => IncidentStatus::Investigating,
            IncidentKind::Maintenance => IncidentStatus::Scheduled,
        });
        self.status = Some(status);
        if status.kind() != self.incident_type {
            check.fault("status", allowed_statuses(self.incident_type));
        }
        if !self.service_ids.is_empty() && self.service_id.is_some() {
            check.fault("service_id", "Send either `service_id` or `service_ids`, not both.");
        }
        self.service_ids.extend(self.service_id.take());
        check_services(&mut check, self.services.iter().map(|service| service.id), "services");
        check_services(&mut check, self.service_ids.iter().copied(), "service_ids");
        match self.incident_type {
            IncidentKind::Incident => self.check_incident(&mut check, now),
            IncidentKind::Maintenance => self.check_maintenance(&mut check, now),
        }
        check.finish()?;
        Ok(self)
    }

    fn check_incident(&self, check: &mut Check, now: Timestamp) {
        for (field, is_given) in [
            ("starts_at", self.starts_at.is_some()),
            ("ends_at", self.ends_at.is_some()),
            ("automations", self.automations.is_some()),
            ("recurrence", self.recurrence.is_some()),
        ] {
            if is_given {
                check.fault(field, "Only a maintenance has this field. Use `started_at` for the start of an incident.");
            }
        }
        check_past(check, "started_at", self.started_at, now);
        check_past(check, "resolved_at", self.resolved_at, now);
        if self.resolved_at.is_some() {
            match self.started_at {
                None => check.fault("started_at", "Enter when the incident began."),
                started if started > self.resolved_at => {
                    check.fault("resolved_at", "The end cannot be before the start.");
                }
                Some(_) => {}
            }
            if self.status != Some(IncidentStatus::Resolved) {
                check.fault("status", "A past incident must be resolved.");
            }
        } else if self.correct_uptime {
            check.fault("correct_uptime", "Only a past incident can correct uptime. Enter when it was resolved.");
        }
    }

    fn check_maintenance(&self, check: &mut Check, now: Timestamp) {
        for (field, is_given) in [
            ("started_at", self.started_at.is_some()),
            ("resolved_at", self.resolved_at.is_some()),
            ("correct_uptime", self.correct_uptime),
        ] {
            if is_given {
                check.fault(field, "Only an incident has this field. Use `starts_at` and `ends_at` for a maintenance.");
            }
        }
        if self.impact.is_some_and(|impact| impact != Impact::Maintenance) {
            check.fault("impact", "The impact of a maintenance is always `maintenance`. Omit this field.");
        }
        if !matches!(self.status, Some(IncidentStatus::Scheduled | IncidentStatus::InProgress)) {
            check.fault("status", "A maintenance must be created as scheduled or in_progress.");
        }
        if self.starts_at.is_none() {
            check.fault("starts_at", "Enter when the maintenance starts.");
        }
        if self.ends_at.is_none() {
            check.fault("ends_at", "Enter when the maintenance ends.");
        }
        if let (Some(start), Some(end)) = (self.starts_at, self.ends_at) {
            check_window(check, start, end, now);
        }
    }
}

/// Changes to an incident or a maintenance. Absent fields stay unchanged.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Checkout unavailable", "impact": "critical", "version": 3}))]
pub struct IncidentPatch {
    /// The title, 1 to 255 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The impact; `null` derives it from the services again.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::service::present")]
    #[schema(value_type = Option<Impact>)]
    #[expect(clippy::option_option, reason = "absent and null differ")]
    pub impact: Option<Option<Impact>>,
    /// When it began, not after its first update.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// The scheduled start of a maintenance that has not begun.
    #[serde(default, alias = "scheduled_start", skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// The scheduled end of a maintenance that has not ended.
    #[serde(default, alias = "scheduled_end", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// The automations of a maintenance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automations: Option<Automations>,
    /// The affected services, each with its status; services not listed are detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<ServiceImpact>>,
    /// `false` publishes a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_draft: Option<bool>,
    /// The postmortem, as Markdown, up to 25,000 characters; an empty one is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postmortem: Option<String>,
    /// Whether the postmortem is public; while the incident is open again, it can only be unpublished.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_postmortem: Option<bool>,
    /// The version that the change is based on; rejected with 409 if it is not the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl IncidentPatch {
    /// Trims and checks the fields that are present.
    ///
    /// # Errors
    /// `invalid` with the fields at fault.
    pub fn check(mut self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        self.title = self.title.map(|title| check.line("title", &title, TITLE_MAX));
        self.postmortem = self.postmortem.map(|text| check.paragraph("postmortem", &text, MESSAGE_MAX));
        if self.impact == Some(Some(Impact::Maintenance)) {
            check.fault("impact", "Use none, minor, major or critical.");
        }
        check_past(&mut check, "started_at", self.started_at, now);
        if let Some(services) = &self.services {
            check_services(&mut check, services.iter().map(|service| service.id), "services");
        }
        check.finish()?;
        Ok(self)
    }
}

/// Rejects a window that ends before it starts, has ended, is too long or too far ahead.
pub fn check_window(check: &mut Check, start: Timestamp, end: Timestamp, now: Timestamp) {
    if end <= start {
        check.fault("ends_at", "The end must be after the start.");
    } else if end.millis() - start.millis() > WINDOW_MAX_SECONDS * 1000 {
        check.fault("ends_at", "A maintenance can last at most 90 days.");
    } else if end <= now {
        check.fault("ends_at", "This window has already ended. To record what happened, add a past incident.");
    }
    if start > now.plus_seconds(AHEAD_MAX_SECONDS) {
        check.fault("starts_at", "A maintenance can start at most two years from now.");
    }
    if start < now.plus_seconds(-WINDOW_MAX_SECONDS) {
        check.fault("starts_at", "This is too far in the past.");
    }
}

/// Rejects a time in the future, or too far in the past.
pub(super) fn check_past(check: &mut Check, field: &str, at: Option<Timestamp>, now: Timestamp) {
    match at {
        Some(at) if at > now => check.fault(field, "This cannot be in the future."),
        Some(at) if at < now.plus_seconds(-BACK_MAX_SECONDS) => check.fault(field, "This is too far in the past."),
        _ => {}
    }
}

/// Rejects too many services, and duplicates.
pub(super) fn check_services(check: &mut Check, ids: impl Iterator<Item = ServiceId>, field: &str) {
    let mut ids: Vec<_> = ids.collect();
    if ids.len() > SERVICES_MAX {
        check.fault(field, format!("Choose at most {SERVICES_MAX} services."));
    }
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        check.fault(field, "List each service only once.");
    }
}

fn allowed_statuses(kind: IncidentKind) -> String {
    let statuses = match kind {
        IncidentKind::Incident => IncidentStatus::INCIDENT,
        IncidentKind::Maintenance => IncidentStatus::MAINTENANCE,
    };
    let statuses: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    let article = if kind == IncidentKind::Incident { "an" } else { "a" };
    format!("The status of {article} {kind} must be one of: {}.", statuses.join(", "))
}

/// Rejects a status that cannot follow this one.
///
/// # Errors
/// `invalid`, with `status` at fault.
pub fn check_step(from: IncidentStatus, to: IncidentStatus) -> Result<()> {
    if from.may_become(to) {
        return Ok(());
    }
    Err(Error::field(
        "status",
        match from.kind() {
            kind if to.kind() != kind => allowed_statuses(kind),
            _ if from.has_ended() => {
                format!("This maintenance is {}. Schedule a new one.", from.label().to_lowercase())
            }
            _ => format!(
                "A maintenance that is {} cannot become {}.",
                from.label().to_lowercase(),
                to.label().to_lowercase()
            ),
        },
    ))
}

#[cfg(test)]
#[path = "incident_input_tests.rs"]
mod tests;
