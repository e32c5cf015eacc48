//! Incidents and maintenances: what they are, and the rules that need nothing but the thing itself (domain rules 3.3,
//! 3.4 and 3.6).

use serde::{Deserialize, Serialize};

use super::{
    OrganizationId, SeriesId, ServiceId, ServiceStatus, Timestamp, UserId,
    maintenance::Automations,
    wire::{id, wire_enum},
};

id! {
    /// Names an incident or a maintenance.
    IncidentId;
    /// Names one update of an incident.
    UpdateId;
    /// Names one stretch of time in which an incident said something of a service.
    ImpactId;
}

wire_enum! {
    /// Whether something broke or work was planned.
    #[derive(Default)]
    IncidentKind {
        /// Something is wrong.
        #[default]
        Incident = "incident",
        /// Planned work.
        Maintenance = "maintenance",
    }
}

wire_enum! {
    /// Where an incident or a maintenance stands (domain rules 3.4.1 and 3.6.1).
    IncidentStatus {
        /// Somebody is looking into it.
        Investigating = "investigating",
        /// The cause is known.
        Identified = "identified",
        /// A fix is in place and watched.
        Monitoring = "monitoring",
        /// It is over.
        Resolved = "resolved",
        /// A maintenance is planned.
        Scheduled = "scheduled",
        /// A maintenance is under way.
        InProgress = "in_progress",
        /// A maintenance's work is done and being checked.
        Verifying = "verifying",
        /// A maintenance is over.
        Completed = "completed",
        /// A maintenance was called off.
        Cancelled = "cancelled",
    }
}

impl IncidentStatus {
    /// The steps of an incident, in order.
    pub const INCIDENT: &'static [Self] = &[Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];
    /// The steps of a maintenance, in order.
    pub const MAINTENANCE: &'static [Self] =
        &[Self::Scheduled, Self::InProgress, Self::Verifying, Self::Completed, Self::Cancelled];

    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Investigating => "Investigating",
            Self::Identified => "Identified",
            Self::Monitoring => "Monitoring",
            Self::Resolved => "Resolved",
            Self::Scheduled => "Scheduled",
            Self::InProgress => "In Progress",
            Self::Verifying => "Verifying",
            Self::Completed => "Completed",
            Self::Cancelled => "Cancelled",
        }
    }

    /// Whether an incident or a maintenance has this status.
    #[must_use]
    pub const fn kind(self) -> IncidentKind {
        match self {
            Self::Investigating | Self::Identified | Self::Monitoring | Self::Resolved => IncidentKind::Incident,
            Self::Scheduled | Self::InProgress | Self::Verifying | Self::Completed | Self::Cancelled => {
                IncidentKind::Maintenance
            }
        }
    }

    /// Whether it is over.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Resolved | Self::Completed | Self::Cancelled)
    }

    /// Whether impacts are in force: an incident's until it is resolved, a maintenance's while it is under way (domain
    /// rules 3.1.2 and 3.4.6).
    #[must_use]
    pub const fn is_in_force(self) -> bool {
        !self.has_ended() && !matches!(self, Self::Scheduled)
    }

    /// What an update says when nobody writes anything (domain rules 3.4.11 and 3.6.2).
    #[must_use]
    pub const fn default_text(self) -> &'static str {
        match self {
            Self::Investigating => "We are currently investigating this issue.",
            Self::Identified => "The issue has been identified and a fix is being implemented.",
            Self::Monitoring => "A fix has been implemented and we are monitoring the results.",
            Self::Resolved => "This incident has been resolved.",
            Self::Scheduled => "We will be undergoing scheduled maintenance during this time.",
            Self::InProgress => "Scheduled maintenance is currently in progress. We will provide updates as necessary.",
            Self::Verifying => "Verification is currently underway for the maintenance items.",
            Self::Completed => "The scheduled maintenance has been completed.",
            Self::Cancelled => "This maintenance has been cancelled.",
        }
    }

    /// Where one may go from here: an incident anywhere, forward and back (domain rule 3.4.1); a maintenance on, back
    /// from verifying to the work, and never out of its end.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self == next
            || match self {
                Self::Scheduled => matches!(next, Self::InProgress | Self::Cancelled),
                Self::InProgress => matches!(next, Self::Verifying | Self::Completed | Self::Cancelled),
                Self::Verifying => matches!(next, Self::InProgress | Self::Completed | Self::Cancelled),
                Self::Completed | Self::Cancelled => false,
                _ => next.kind() == IncidentKind::Incident,
            }
    }
}

wire_enum! {
    /// How bad an incident is (domain rule 3.3.1). It never drives the status of a service (domain rule 3.3.4).
    #[derive(Default)]
    Impact {
        /// Planned work.
        Maintenance = "maintenance",
        /// Nobody is affected.
        #[default]
        None = "none",
        /// Something is impaired.
        Minor = "minor",
        /// Something is down for some.
        Major = "major",
        /// Something is down for all.
        Critical = "critical",
    }
}

impl Impact {
    /// The word people read.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Maintenance => "Maintenance",
            Self::None => "None",
            Self::Minor => "Minor",
            Self::Major => "Major",
            Self::Critical => "Critical",
        }
    }

    /// The impact that follows from a service's status (domain rule 3.3.2).
    #[must_use]
    pub const fn of(status: ServiceStatus) -> Self {
        match status {
            ServiceStatus::Operational | ServiceStatus::UnderMaintenance => Self::None,
            ServiceStatus::Degraded => Self::Minor,
            ServiceStatus::PartialOutage => Self::Major,
            ServiceStatus::MajorOutage => Self::Critical,
        }
    }

    /// The automatic impact: the worst of the affected services, never less than what was reached before (domain rules
    /// 3.3.2 and 3.3.3).
    #[must_use]
    pub fn automatic(reached: Self, statuses: impl IntoIterator<Item = ServiceStatus>) -> Self {
        statuses.into_iter().map(Self::of).fold(reached, Self::max)
    }
}

/// A service as an incident affects it. Its name is the one it had, should it be deleted (domain rule 3.4.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AffectedService {
    /// The service.
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// What the incident says of it now; of a scheduled maintenance, what it will say.
    pub status: ServiceStatus,
    /// The worst the incident ever said of it.
    pub worst: ServiceStatus,
}

/// What an update did to one service (domain rule 3.4.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceTransition {
    /// The service.
    pub id: ServiceId,
    /// Its name then.
    pub name: String,
    /// What the incident said of it before.
    pub old_status: ServiceStatus,
    /// What the incident says of it since.
    pub new_status: ServiceStatus,
}

/// What an update said before somebody changed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpdateEdit {
    /// The message before the change, as Markdown.
    pub message: String,
    /// The message before the change, as safe HTML.
    pub html: String,
    /// When it was changed.
    pub edited_at: Timestamp,
}

/// One message about an incident. Holds nothing private in public answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IncidentUpdate {
    /// Its id.
    pub id: UpdateId,
    /// What it says, as Markdown.
    pub message: String,
    /// What it says, as safe HTML.
    pub html: String,
    /// The incident's status from this update on.
    pub status: IncidentStatus,
    /// The incident.
    pub incident_id: IncidentId,
    /// Who wrote it. Absent for the system itself, and always absent in public answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// The time it stands at in the timeline; updates are ordered by it.
    pub display_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// What it did to every attached service; absent when it said nothing of services (domain rule 3.4.3).
    pub services: Option<Vec<ServiceTransition>>,
    /// What visitors could read before, newest first; the 50 last ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<UpdateEdit>,
    /// Whether subscribers are to be told of it; of a draft's, once it is published.
    pub notify: bool,
}

/// What was learned from an incident (domain rule 3.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Postmortem {
    /// The text, as Markdown.
    pub body: String,
    /// The text, as safe HTML.
    pub html: String,
    /// When it was published; absent while it is a draft, which only members see.
    pub published_at: Option<Timestamp>,
}

/// Something that went wrong, or planned work, with everything said about it.
///
/// Members and visitors see the same type; [`Incident::for_public`] takes out what is private.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(clippy::struct_field_names, reason = "`incident_type` is the name on the wire")]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Whether it is an incident or a maintenance.
    pub incident_type: IncidentKind,
    /// Its title.
    pub title: String,
    /// Its first message, as Markdown.
    pub description: String,
    /// Where it stands: the status of its newest update (domain rule 3.4.2).
    pub status: IncidentStatus,
    /// How bad it is: what somebody chose, or the worst it ever reached (domain rule 3.3).
    pub impact: Impact,
    /// What somebody chose as impact, while they did; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact_override: Option<Impact>,
    /// The first affected service.
    pub service_id: Option<ServiceId>,
    /// The affected services.
    pub services: Vec<AffectedService>,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// Who opened it. Absent in public answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was recorded.
    pub created_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// When it began: for a maintenance its planned start, and its true one once it is under way.
    pub started_at: Timestamp,
    /// When it was first watched after a fix (domain rule 3.4.4).
    pub monitoring_at: Option<Timestamp>,
    /// When it ended, by whatever end (domain rule 3.4.4).
    pub resolved_at: Option<Timestamp>,
    /// A maintenance's planned start.
    pub scheduled_start: Option<Timestamp>,
    /// A maintenance's planned end.
    pub scheduled_end: Option<Timestamp>,
    /// What the clock does for a maintenance; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automations: Option<Automations>,
    /// The series a maintenance is one of; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series_id: Option<SeriesId>,
    /// When it was entered, if that was after it was over (domain rule 3.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfilled_at: Option<Timestamp>,
    /// Whether only members see it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_draft: bool,
    /// Counts its changes: send it with a change to be told when somebody else was faster.
    pub version: i64,
    /// What was learned from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postmortem: Option<Postmortem>,
    /// Everything said about it, newest first by `display_at`.
    pub updates: Vec<IncidentUpdate>,
}

impl Incident {
    /// What visitors may see of it; nothing of a draft.
    #[must_use]
    pub fn for_public(mut self) -> Option<Self> {
        if self.is_draft {
            return None;
        }
        self.created_by = None;
        self.impact_override = None;
        self.automations = None;
        self.series_id = None;
        // It looks back: open again, there is nothing to look back on yet.
        let is_over = self.status.has_ended();
        self.postmortem = self.postmortem.filter(|postmortem| is_over && postmortem.published_at.is_some());
        for update in &mut self.updates {
            update.created_by = None;
        }
        Some(self)
    }

    /// Whether it is a maintenance.
    #[must_use]
    pub fn is_maintenance(&self) -> bool {
        self.incident_type == IncidentKind::Maintenance
    }

    /// Whether it is going on: not over, and not only planned.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status.is_in_force() && !self.is_draft
    }

    /// Whether it is planned and has not begun.
    #[must_use]
    pub fn is_upcoming(&self) -> bool {
        self.status == IncidentStatus::Scheduled && !self.is_draft
    }

    /// A maintenance's planned start and end.
    #[must_use]
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        self.scheduled_start.zip(self.scheduled_end)
    }

    /// The newest message.
    #[must_use]
    pub fn latest(&self) -> Option<&IncidentUpdate> {
        self.updates.first()
    }

    /// Brings the updates into the order of the timeline: newest `display_at` first (domain rule 3.4.2).
    pub fn sort(&mut self) {
        self.updates.sort_by_key(|update| std::cmp::Reverse((update.display_at, update.id)));
    }
}

#[cfg(test)]
#[path = "incident_tests.rs"]
mod tests;
