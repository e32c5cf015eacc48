//! What comes in about incidents: bodies and forms, checked before anything else looks at them.

use serde::{Deserialize, Serialize};

use super::{
    Check, Error, Impact, IncidentKind, IncidentStatus, Result, ServiceId, ServiceStatus, Timestamp,
    maintenance::{AHEAD_MAX_SECONDS, Automations, WINDOW_MAX_SECONDS},
};

/// The longest title, in characters (domain rule 3.4.10).
pub const TITLE_MAX: usize = 255;
/// The longest message or postmortem, in characters (domain rule 3.4.10).
pub const MESSAGE_MAX: usize = 25_000;
/// The most services one incident may name.
pub const SERVICES_MAX: usize = 500;
/// How far back an incident may begin, in seconds: ten years.
const BACK_MAX_SECONDS: i64 = 3_653 * 86_400;

/// What is said of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceImpact {
    /// The service.
    pub id: ServiceId,
    /// Its status as far as this incident goes.
    pub status: ServiceStatus,
}

/// An incident to open, or a maintenance to plan.
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
    /// How bad it is; when absent, that follows from its services (domain rule 3.3).
    #[serde(default)]
    pub impact: Option<Impact>,
    /// Services that are concerned, without a change of their status; of a maintenance, those worked on.
    #[serde(default)]
    pub service_ids: Vec<ServiceId>,
    /// One such service.
    #[serde(default)]
    pub service_id: Option<ServiceId>,
    /// Services, and the status each has as far as this incident goes.
    #[serde(default)]
    pub services: Vec<ServiceImpact>,
    /// The first message, as Markdown, up to 25 000 characters; a usual sentence when absent.
    #[serde(default)]
    pub message: Option<String>,
    /// The same as `message`.
    #[serde(default)]
    pub description: Option<String>,
    /// Incident or maintenance; `incident` when absent.
    #[serde(default)]
    pub incident_type: IncidentKind,
    /// Its first status: `investigating` or `scheduled` when absent.
    #[serde(default)]
    pub status: Option<IncidentStatus>,
    /// When it began, if that was earlier than now.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it was over: enters an incident of the past, which notifies nobody (domain rule 3.5).
    #[serde(default)]
    pub resolved_at: Option<Timestamp>,
    /// Of an incident of the past: let its services' statuses count in their uptime.
    #[serde(default)]
    pub correct_uptime: bool,
    /// A maintenance's planned start.
    #[serde(default, alias = "scheduled_start")]
    pub starts_at: Option<Timestamp>,
    /// A maintenance's planned end.
    #[serde(default, alias = "scheduled_end")]
    pub ends_at: Option<Timestamp>,
    /// What the clock does for a maintenance; everything when absent.
    #[serde(default)]
    pub automations: Option<Automations>,
    /// When a maintenance comes back, as an RFC 5545 rule such as `FREQ=WEEKLY;COUNT=10`.
    #[serde(default)]
    pub recurrence: Option<String>,
    /// Whether only members shall see it for now; of a series every window, each until it is published by itself.
    #[serde(default)]
    pub is_draft: bool,
    /// Whether subscribers are to be told; yes when absent.
    #[serde(default)]
    pub notify: Option<bool>,
}

impl NewIncident {
    /// Trims the text and checks each field against the others and the present.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
    pub fn check(mut self, now: Timestamp) -> Result<Self> {
        let mut check = Check::default();
        self.title = check.line("title", &self.title, TITLE_MAX);
        let (field, text) = match (self.message.take(), self.description.take()) {
            (Some(message), Some(description)) if message.trim() != description.trim() => {
                check.fault("description", "Send either `message` or `description`: they mean the same.");
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
            check.fault("status", words_of(self.incident_type));
        }
        if !self.service_ids.is_empty() && self.service_id.is_some() {
            check.fault("service_id", "Send either `service_id` or `service_ids`.");
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
                check.fault(field, "Only a maintenance has this. Use `started_at` for an incident's beginning.");
            }
        }
        check_past(check, "started_at", self.started_at, now);
        check_past(check, "resolved_at", self.resolved_at, now);
        if self.resolved_at.is_some() {
            match self.started_at {
                None => check.fault("started_at", "Say when it began, too."),
                started if started > self.resolved_at => check.fault("resolved_at", "It cannot end before it begins."),
                Some(_) => {}
            }
            if self.status != Some(IncidentStatus::Resolved) {
                check.fault("status", "An incident that is over is resolved.");
            }
        } else if self.correct_uptime {
            check.fault("correct_uptime", "Only an incident of the past corrects uptime: say when it was resolved.");
        }
    }

    fn check_maintenance(&self, check: &mut Check, now: Timestamp) {
        for (field, is_given) in [
            ("started_at", self.started_at.is_some()),
            ("resolved_at", self.resolved_at.is_some()),
            ("correct_uptime", self.correct_uptime),
        ] {
            if is_given {
                check.fault(field, "Only an incident has this. Use `starts_at` and `ends_at` for a maintenance.");
            }
        }
        if self.impact.is_some_and(|impact| impact != Impact::Maintenance) {
            check.fault("impact", "The impact of a maintenance is always `maintenance`: leave it away.");
        }
        if !matches!(self.status, Some(IncidentStatus::Scheduled | IncidentStatus::InProgress)) {
            check.fault("status", "A maintenance begins as scheduled or in_progress.");
        }
        if self.starts_at.is_none() {
            check.fault("starts_at", "Say when it starts.");
        }
        if self.ends_at.is_none() {
            check.fault("ends_at", "Say when it ends.");
        }
        if let (Some(start), Some(end)) = (self.starts_at, self.ends_at) {
            check_window(check, start, end, now);
        }
    }
}

/// What to change about an incident or a maintenance; what is absent stays as it is.
#[derive(Clone, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Checkout unavailable", "impact": "critical", "version": 3}))]
pub struct IncidentPatch {
    /// A new title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Another impact; `null` lets it follow from the services again (domain rule 3.3.2).
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "super::service::present")]
    #[schema(value_type = Option<Impact>)]
    #[expect(clippy::option_option, reason = "absent and null are two wishes")]
    pub impact: Option<Option<Impact>>,
    /// Another beginning, not after the first update (domain rule 3.4.7).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Another planned start of a maintenance that has not begun.
    #[serde(default, alias = "scheduled_start", skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// Another planned end of a maintenance that is not over.
    #[serde(default, alias = "scheduled_end", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// What the clock shall do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automations: Option<Automations>,
    /// The services it affects from now on, each with its status; those not named are detached (domain rule 3.4.8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<ServiceImpact>>,
    /// `false` publishes a draft.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_draft: Option<bool>,
    /// What was learned from it, as Markdown; empty removes it (domain rule 3.4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postmortem: Option<String>,
    /// Whether visitors see what was learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publish_postmortem: Option<bool>,
    /// The version the change was made on: refused with 409 when it is not the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

impl IncidentPatch {
    /// Trims the text and checks each field that is present.
    ///
    /// # Errors
    /// Each field at fault, with what to do.
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

/// Refuses a window that ends before it starts, is over, too long or too far ahead.
pub fn check_window(check: &mut Check, start: Timestamp, end: Timestamp, now: Timestamp) {
    if end <= start {
        check.fault("ends_at", "It must end after it starts.");
    } else if end.millis() - start.millis() > WINDOW_MAX_SECONDS * 1000 {
        check.fault("ends_at", "A maintenance lasts at most 90 days.");
    } else if end <= now {
        check.fault("ends_at", "This window is over already. Enter what happened as an incident of the past.");
    }
    if start > now.plus_seconds(AHEAD_MAX_SECONDS) {
        check.fault("starts_at", "Plan at most two years ahead.");
    }
    if start < now.plus_seconds(-WINDOW_MAX_SECONDS) {
        check.fault("starts_at", "This lies too far back.");
    }
}

pub(super) fn check_past(check: &mut Check, field: &str, at: Option<Timestamp>, now: Timestamp) {
    match at {
        Some(at) if at > now => check.fault(field, "This lies in the future."),
        Some(at) if at < now.plus_seconds(-BACK_MAX_SECONDS) => check.fault(field, "This lies too far back."),
        _ => {}
    }
}

/// Refuses too many services, and one that is named twice.
pub(super) fn check_services(check: &mut Check, ids: impl Iterator<Item = ServiceId>, field: &str) {
    let mut ids: Vec<_> = ids.collect();
    if ids.len() > SERVICES_MAX {
        check.fault(field, format!("Name at most {SERVICES_MAX} services."));
    }
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair[0] == pair[1]) {
        check.fault(field, "Name each service once.");
    }
}

fn words_of(kind: IncidentKind) -> String {
    let statuses = match kind {
        IncidentKind::Incident => IncidentStatus::INCIDENT,
        IncidentKind::Maintenance => IncidentStatus::MAINTENANCE,
    };
    let words: Vec<_> = statuses.iter().map(|status| status.as_str()).collect();
    let article = if kind == IncidentKind::Incident { "an" } else { "a" };
    format!("The status of {article} {kind} is one of: {}.", words.join(" "))
}

/// Refuses a step that a thing with this status cannot take.
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
            kind if to.kind() != kind => words_of(kind),
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
