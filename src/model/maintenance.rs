//! The schedule of a maintenance: what the scheduler does, and when (domain rule 3.6).

use serde::{Deserialize, Serialize};

use super::{IncidentStatus, Timestamp, UserId, wire::id};

id! {
    /// The id of a maintenance series.
    SeriesId;
}

/// How long before the start the reminder is posted, in seconds (domain rule 3.6.2).
pub const REMINDER_SECONDS: i64 = 3600;
/// The text of the reminder (domain rule 3.6.2).
pub const REMINDER_TEXT: &str = "Maintenance will begin as scheduled in 60 minutes.";
/// How late a reminder may be with [`REMINDER_TEXT`], in seconds; later it names the start instead.
pub const REMINDER_LATE_SECONDS: i64 = 5 * 60;
/// The longest window, in seconds: 90 days.
pub const WINDOW_MAX_SECONDS: i64 = 90 * 86_400;
/// How far ahead a window may be planned, in seconds: two years.
pub const AHEAD_MAX_SECONDS: i64 = 731 * 86_400;

/// The automations of a maintenance; each can be switched off (domain rule 3.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "five switches, each with a meaning of its own")]
pub struct Automations {
    /// Post a reminder 60 minutes before the start.
    pub remind: bool,
    /// Begin at the scheduled start.
    pub start: bool,
    /// Complete at the scheduled end.
    pub end: bool,
    /// Notify subscribers when it begins.
    pub notify_start: bool,
    /// Notify subscribers when it ends.
    pub notify_end: bool,
}

impl Default for Automations {
    fn default() -> Self {
        Self { remind: true, start: true, end: true, notify_start: true, notify_end: true }
    }
}

/// The schedule of a maintenance, for the scheduler.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceSchedule {
    /// Its status.
    pub status: IncidentStatus,
    /// Its automations.
    pub automations: Automations,
    /// Its scheduled start.
    pub start: Timestamp,
    /// Its scheduled end.
    pub end: Timestamp,
    /// The earliest time of the next step: when the maintenance was created, published or last rescheduled (domain rule
    /// 3.6.8), or when the step was switched on.
    pub planned_at: Timestamp,
    /// Whether the reminder of its current start has been posted.
    pub is_reminded: bool,
    /// Whether it is a draft, for which no step is taken.
    pub is_draft: bool,
}

/// A step that the scheduler takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduledStep {
    /// Post the reminder.
    Remind,
    /// Begin.
    Start,
    /// Complete.
    Complete,
}

impl MaintenanceSchedule {
    /// The next step and its time: the planned one, or [`MaintenanceSchedule::planned_at`] if that is later.
    #[must_use]
    pub fn next(&self) -> Option<(Timestamp, ScheduledStep)> {
        if self.is_draft {
            return None;
        }
        let remind_at = self.start.plus_seconds(-REMINDER_SECONDS);
        match self.status {
            // Scheduled less than an hour before, the announcement was the reminder.
            IncidentStatus::Scheduled
                if self.automations.remind && !self.is_reminded && self.planned_at < remind_at =>
            {
                Some((remind_at, ScheduledStep::Remind))
            }
            IncidentStatus::Scheduled if self.automations.start => {
                Some((self.start.max(self.planned_at), ScheduledStep::Start))
            }
            IncidentStatus::InProgress | IncidentStatus::Verifying if self.automations.end => {
                Some((self.end.max(self.planned_at), ScheduledStep::Complete))
            }
            _ => None,
        }
    }

    /// The step that is due. A reminder is skipped when the start is due too (domain rule 3.6.3).
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<(Timestamp, ScheduledStep)> {
        let reminded = Self { is_reminded: true, ..*self };
        let is_due = |step: &(Timestamp, ScheduledStep)| step.0 <= now;
        match self.next().filter(is_due)? {
            (_, ScheduledStep::Remind) if self.start <= now => reminded.next().filter(is_due),
            step => Some(step),
        }
    }
}

/// A series of recurring maintenance windows (domain rule 3.6.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Series {
    /// Its id.
    pub id: SeriesId,
    /// The title of each window.
    pub title: String,
    /// The recurrence rule, as in RFC 5545.
    pub rule: String,
    /// The start of the first window.
    pub first_start: Timestamp,
    /// The duration of each window, in seconds.
    pub seconds: i64,
    /// The IANA time zone of the rule.
    pub time_zone: String,
    /// Whether its windows are created as drafts; each is published separately.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_draft: bool,
    /// The user who created it.
    pub created_by: Option<UserId>,
    /// When it ended; null while it is active.
    pub ended_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    /// A window from minute 600 to minute 660, planned at minute 0.
    fn window(status: IncidentStatus) -> MaintenanceSchedule {
        MaintenanceSchedule {
            status,
            automations: Automations::default(),
            start: at(600),
            end: at(660),
            planned_at: at(0),
            is_reminded: false,
            is_draft: false,
        }
    }

    #[test]
    fn rule_3_6_2_reminder_start_and_end_are_three_switches() {
        let scheduled = window(IncidentStatus::Scheduled);
        assert_eq!(scheduled.next(), Some((at(540), ScheduledStep::Remind)));
        let reminded = MaintenanceSchedule { is_reminded: true, ..scheduled };
        assert_eq!(reminded.next(), Some((at(600), ScheduledStep::Start)));
        let under_way = window(IncidentStatus::InProgress);
        assert_eq!(under_way.next(), Some((at(660), ScheduledStep::Complete)));
        assert_eq!(window(IncidentStatus::Verifying).next(), Some((at(660), ScheduledStep::Complete)));
        assert_eq!(window(IncidentStatus::Completed).next(), None);

        let without = |change: fn(&mut Automations), mut schedule: MaintenanceSchedule| {
            change(&mut schedule.automations);
            schedule.next()
        };
        assert_eq!(without(|a| a.remind = false, scheduled), Some((at(600), ScheduledStep::Start)));
        assert_eq!(without(|a| a.start = false, reminded), None);
        assert_eq!(without(|a| a.end = false, under_way), None);
        assert_eq!(MaintenanceSchedule { is_draft: true, ..scheduled }.next(), None);
    }

    #[test]
    fn rule_3_6_3_after_a_downtime_the_missed_reminder_is_skipped() {
        let scheduled = window(IncidentStatus::Scheduled);
        assert_eq!(scheduled.due(at(539)), None);
        assert_eq!(scheduled.due(at(541)), Some((at(540), ScheduledStep::Remind)));
        assert_eq!(scheduled.due(at(5_000)), Some((at(600), ScheduledStep::Start)));
        assert_eq!(window(IncidentStatus::InProgress).due(at(5_000)), Some((at(660), ScheduledStep::Complete)));
    }

    #[test]
    fn rule_3_6_8_a_window_scheduled_within_the_hour_gets_no_reminder() {
        let late = MaintenanceSchedule { planned_at: at(550), ..window(IncidentStatus::Scheduled) };
        assert_eq!(late.next(), Some((at(600), ScheduledStep::Start)));
    }

    #[test]
    fn rule_3_6_2_no_step_is_taken_before_it_is_possible() {
        let late = |status| MaintenanceSchedule { planned_at: at(630), ..window(status) };
        assert_eq!(late(IncidentStatus::Scheduled).next(), Some((at(630), ScheduledStep::Start)));
        assert_eq!(late(IncidentStatus::InProgress).next(), Some((at(660), ScheduledStep::Complete)));
        let later = MaintenanceSchedule { planned_at: at(700), ..window(IncidentStatus::InProgress) };
        assert_eq!(later.next(), Some((at(700), ScheduledStep::Complete)));
    }
}
