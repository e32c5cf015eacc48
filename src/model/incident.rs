//! Incidents and maintenances, and the rules that need only the incident itself (domain rules 3.3, 3.4 and 3.6).

use serde::{Deserialize, Serialize};

use super::{
    OrganizationId, SeriesId, ServiceId, ServiceStatus, Timestamp, UserId,
    maintenance::Automations,
    wire::{id, wire_enum},
};

id! {
    /// The id of an incident or a maintenance.
    IncidentId;
    /// The id of an update.
    UpdateId;
    /// The id of a period in which an incident affects a service.
    ImpactId;
}

wire_enum! {
    /// Incident or maintenance.
    #[derive(Default)]
    IncidentKind {
        /// Something went wrong.
        #[default]
        Incident = "incident",
        /// Planned work.
        Maintenance = "maintenance",
    }
}

wire_enum! {
    /// The status of an incident or a maintenance (domain rules 3.4.1 and 3.6.1).
    IncidentStatus {
        /// An incident is being investigated.
        Investigating = "investigating",
        /// The cause of an incident is known.
        Identified = "identified",
        /// A fix is in place and being monitored.
        Monitoring = "monitoring",
        /// An incident is over.
        Resolved = "resolved",
        /// A maintenance is scheduled.
        Scheduled = "scheduled",
        /// A maintenance is under way.
        InProgress = "in_progress",
        /// A maintenance's work is done and being checked.
        Verifying = "verifying",
        /// A maintenance is over.
        Completed = "completed",
        /// A maintenance was cancelled.
        Cancelled = "cancelled",
    }
}

impl IncidentStatus {
    /// The statuses of an incident, in order.
    pub const INCIDENT: &'static [Self] = &[Self::Investigating, Self::Identified, Self::Monitoring, Self::Resolved];
    /// The statuses of a maintenance, in order.
    pub const MAINTENANCE: &'static [Self] =
        &[Self::Scheduled, Self::InProgress, Self::Verifying, Self::Completed, Self::Cancelled];

    /// The display name.
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

    /// Whether it ends an incident or a maintenance.
    #[must_use]
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Resolved | Self::Completed | Self::Cancelled)
    }

    /// Whether service impacts are in force: of an incident until it is resolved, of a maintenance while it is under
    /// way (domain rules 3.1.2 and 3.4.6).
    #[must_use]
    pub const fn is_in_force(self) -> bool {
        !self.has_ended() && !matches!(self, Self::Scheduled)
    }

    /// The message of an update without one (domain rules 3.4.11 and 3.6.2).
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

    /// Whether this status may be followed by another: of an incident any (domain rule 3.4.1); of a maintenance the
    /// next ones, and in progress after verifying (domain rule 3.6.1).
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
    /// The impact of an incident (domain rule 3.3.1). It never changes the status of a service (domain rule 3.3.4).
    #[derive(Default)]
    Impact {
        /// Planned work.
        Maintenance = "maintenance",
        /// Nobody is affected.
        #[default]
        None = "none",
        /// Something is impaired.
        Minor = "minor",
        /// Something is down for some users.
        Major = "major",
        /// Something is down for all users.
        Critical = "critical",
    }
}

impl Impact {
    /// The display name.
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

    /// The automatic impact: the worst of the affected services, never less than it was before (domain rules 3.3.2 and
    /// 3.3.3).
    #[must_use]
    pub fn automatic(reached: Self, statuses: impl IntoIterator<Item = ServiceStatus>) -> Self {
        statuses.into_iter().map(Self::of).fold(reached, Self::max)
    }
}

/// A service affected by an incident. A deleted service keeps its name (domain rule 3.4.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AffectedService {
    /// The service.
    pub id: ServiceId,
    /// Its name.
    pub name: String,
    /// Its status in this incident; in a scheduled maintenance, the status it will get.
    pub status: ServiceStatus,
    /// The worst status it had in this incident.
    pub worst: ServiceStatus,
}

/// The change of one service's status in an incident by an update (domain rule 3.4.3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ServiceTransition {
    /// The service.
    pub id: ServiceId,
    /// Its name at that time.
    pub name: String,
    /// Its status in the incident before the update.
    pub old_status: ServiceStatus,
    /// Its status in the incident after the update.
    pub new_status: ServiceStatus,
}

/// An earlier version of an update's message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct UpdateEdit {
    /// The earlier message, as Markdown.
    pub message: String,
    /// The earlier message, as safe HTML.
    pub html: String,
    /// When it was replaced.
    pub edited_at: Timestamp,
}

/// An update of an incident or a maintenance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IncidentUpdate {
    /// Its id.
    pub id: UpdateId,
    /// The message, as Markdown.
    pub message: String,
    /// The message, as safe HTML.
    pub html: String,
    /// The incident's status after this update.
    pub status: IncidentStatus,
    /// The incident.
    pub incident_id: IncidentId,
    /// The author. Absent for the scheduler and in public responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was written.
    pub created_at: Timestamp,
    /// Its time in the timeline; updates are ordered by it.
    pub display_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The status changes of the services that changed; null if none did.
    pub services: Option<Vec<ServiceTransition>>,
    /// The last 50 published earlier messages, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edits: Vec<UpdateEdit>,
    /// Whether subscribers are notified; for a draft, once it is published.
    pub notify: bool,
}

/// The postmortem of an incident (domain rule 3.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Postmortem {
    /// The text, as Markdown.
    pub body: String,
    /// The text, as safe HTML.
    pub html: String,
    /// When it was published; null while it is a draft that only members see.
    pub published_at: Option<Timestamp>,
}

/// An incident or a maintenance, with its services and updates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(clippy::struct_field_names, reason = "`incident_type` is the name on the wire")]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Incident or maintenance.
    pub incident_type: IncidentKind,
    /// Its title.
    pub title: String,
    /// Its first message, as Markdown.
    pub description: String,
    /// The status of its latest update (domain rule 3.4.2).
    pub status: IncidentStatus,
    /// The impact that a member chose, or the worst it ever reached (domain rule 3.3).
    pub impact: Impact,
    /// The impact that a member chose, if any; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact_override: Option<Impact>,
    /// The first affected service.
    pub service_id: Option<ServiceId>,
    /// The affected services.
    pub services: Vec<AffectedService>,
    /// The organization it belongs to.
    pub organization_id: OrganizationId,
    /// The user who opened it. Absent in public responses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_by: Option<UserId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// When it began; for a maintenance the scheduled start until it begins, and the actual one from then on.
    pub started_at: Timestamp,
    /// When it was first monitoring (domain rule 3.4.4).
    pub monitoring_at: Option<Timestamp>,
    /// When it was resolved, completed or cancelled (domain rule 3.4.4).
    pub resolved_at: Option<Timestamp>,
    /// The scheduled start of a maintenance.
    pub scheduled_start: Option<Timestamp>,
    /// The scheduled end of a maintenance.
    pub scheduled_end: Option<Timestamp>,
    /// The automations of a maintenance; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub automations: Option<Automations>,
    /// The series that a maintenance belongs to; members only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub series_id: Option<SeriesId>,
    /// When it was added, if it was added after its end (domain rule 3.5).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backfilled_at: Option<Timestamp>,
    /// Whether it is a draft that only members see.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_draft: bool,
    /// The version for optimistic locking; increases with each change.
    pub version: i64,
    /// Its postmortem.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postmortem: Option<Postmortem>,
    /// When updates are left out of a very large incident: before this time some are missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<Timestamp>,
    /// Its updates, newest first by `display_at`; absent in the live event `incident_updated`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<IncidentUpdate>,
}

impl Incident {
    /// The incident as visitors see it; none for a draft.
    #[must_use]
    pub fn for_public(mut self) -> Option<Self> {
        if self.is_draft {
            return None;
        }
        self.created_by = None;
        self.impact_override = None;
        self.automations = None;
        self.series_id = None;
        // While the incident is open again, the postmortem is hidden.
        let has_ended = self.status.has_ended();
        self.postmortem = self.postmortem.filter(|postmortem| has_ended && postmortem.published_at.is_some());
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

    /// Whether it is an open incident or a maintenance under way, and not a draft.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.status.is_in_force() && !self.is_draft
    }

    /// Whether it is a scheduled maintenance, and not a draft.
    #[must_use]
    pub fn is_upcoming(&self) -> bool {
        self.status == IncidentStatus::Scheduled && !self.is_draft
    }

    /// A maintenance's scheduled start and end.
    #[must_use]
    pub fn window(&self) -> Option<(Timestamp, Timestamp)> {
        self.scheduled_start.zip(self.scheduled_end)
    }

    /// The newest update.
    #[must_use]
    pub fn latest(&self) -> Option<&IncidentUpdate> {
        self.updates.first()
    }

    /// Sorts the updates, newest `display_at` first (domain rule 3.4.2).
    pub fn sort(&mut self) {
        self.updates.sort_by_key(|update| std::cmp::Reverse((update.display_at, update.id)));
    }
}

#[cfg(test)]
#[path = "incident_tests.rs"]
mod tests;
