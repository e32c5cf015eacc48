//! The clock of a maintenance: what happens by itself, and when (domain rule 3.6).

use serde::{Deserialize, Serialize};

use super::{IncidentStatus, Timestamp, UserId, wire::id};

id! {
    /// Names a series of maintenances.
    SeriesId;
}

/// How long before its start a maintenance reminds, in seconds (domain rule 3.6.2).
pub const REMINDER_SECONDS: i64 = 3600;
/// What the reminder says (domain rule 3.6.2).
pub const REMINDER_TEXT: &str = "Maintenance will begin as scheduled in 60 minutes.";
/// How late a reminder still says so, in seconds; after a downtime it names the time instead.
pub const REMINDER_LATE_SECONDS: i64 = 5 * 60;
/// The longest window, in seconds: 90 days.
pub const WINDOW_MAX_SECONDS: i64 = 90 * 86_400;
/// How far ahead a window may be planned, in seconds: two years.
pub const AHEAD_MAX_SECONDS: i64 = 731 * 86_400;

/// What the clock does for a maintenance; each can be switched off (domain rule 3.6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "five switches, each with a meaning of its own")]
pub struct Automations {
    /// Post a reminder 60 minutes before the start.
    pub remind: bool,
    /// Begin at the planned start.
    pub start: bool,
    /// Complete at the planned end.
    pub end: bool,
    /// Tell subscribers when it begins.
    pub notify_start: bool,
    /// Tell subscribers when it ends.
    pub notify_end: bool,
}

impl Default for Automations {
    fn default() -> Self {
        Self { remind: true, start: true, end: true, notify_start: true, notify_end: true }
    }
}

/// What the clock has to know of a maintenance.
#[derive(Clone, Copy, Debug)]
pub struct MaintenanceSchedule {
    /// Where it stands.
    pub status: IncidentStatus,
    /// What it does by itself.
    pub automations: Automations,
    /// Its planned start.
    pub start: Timestamp,
    /// Its planned end.
    pub end: Timestamp,
    /// Since when something could happen by itself as it is planned now: its creation, its publication, its last
    /// rescheduling (domain rule 3.6.8), or when what is next was switched on. Nothing happens before that.
    pub planned_at: Timestamp,
    /// Whether the reminder of its present start has gone out.
    pub is_reminded: bool,
    /// Whether it is a draft, which does nothing by itself.
    pub is_draft: bool,
}

/// What the clock does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockAction {
    /// Post the reminder.
    Remind,
    /// Begin.
    Start,
    /// Complete.
    Complete,
}

impl MaintenanceSchedule {
    /// What happens next by itself, and the instant of it: the planned one, unless it could not happen then yet.
    #[must_use]
    pub fn next(&self) -> Option<(Timestamp, ClockAction)> {
        if self.is_draft {
            return None;
        }
        let remind_at = self.start.plus_seconds(-REMINDER_SECONDS);
        match self.status {
            // Planned less than an hour before, the plan itself was the reminder.
            IncidentStatus::Scheduled
                if self.automations.remind && !self.is_reminded && self.planned_at < remind_at =>
            {
                Some((remind_at, ClockAction::Remind))
            }
            IncidentStatus::Scheduled if self.automations.start => {
                Some((self.start.max(self.planned_at), ClockAction::Start))
            }
            IncidentStatus::InProgress | IncidentStatus::Verifying if self.automations.end => {
                Some((self.end.max(self.planned_at), ClockAction::Complete))
            }
            _ => None,
        }
    }

    /// What to do now, if anything is due. A reminder nobody needs any more, because the start has come too, is passed
    /// over (domain rule 3.6.3: at most one notification after a downtime).
    #[must_use]
    pub fn due(&self, now: Timestamp) -> Option<(Timestamp, ClockAction)> {
        let reminded = Self { is_reminded: true, ..*self };
        let is_due = |step: &(Timestamp, ClockAction)| step.0 <= now;
        match self.next().filter(is_due)? {
            (_, ClockAction::Remind) if self.start <= now => reminded.next().filter(is_due),
            step => Some(step),
        }
    }
}

/// Windows that come back (domain rule 3.6.9).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Series {
    /// Its id.
    pub id: SeriesId,
    /// The title of its windows.
    pub title: String,
    /// When they come, as RFC 5545 writes it.
    pub rule: String,
    /// The first window's start.
    pub first_start: Timestamp,
    /// How long each lasts, in seconds.
    pub seconds: i64,
    /// The zone whose clocks it goes by.
    pub time_zone: String,
    /// Whether its windows are made as drafts; each is published by itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_draft: bool,
    /// Who planned it.
    pub created_by: Option<UserId>,
    /// When it ended, if it has.
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
        assert_eq!(scheduled.next(), Some((at(540), ClockAction::Remind)));
        let reminded = MaintenanceSchedule { is_reminded: true, ..scheduled };
        assert_eq!(reminded.next(), Some((at(600), ClockAction::Start)));
        let under_way = window(IncidentStatus::InProgress);
        assert_eq!(under_way.next(), Some((at(660), ClockAction::Complete)));
        assert_eq!(window(IncidentStatus::Verifying).next(), Some((at(660), ClockAction::Complete)));
        assert_eq!(window(IncidentStatus::Completed).next(), None);

        let without = |change: fn(&mut Automations), clockwork: MaintenanceSchedule| {
            let mut clockwork = clockwork;
            change(&mut clockwork.automations);
            clockwork.next()
        };
        assert_eq!(without(|a| a.remind = false, scheduled), Some((at(600), ClockAction::Start)));
        assert_eq!(without(|a| a.start = false, reminded), None);
        assert_eq!(without(|a| a.end = false, under_way), None);
        assert_eq!(MaintenanceSchedule { is_draft: true, ..scheduled }.next(), None);
    }

    #[test]
    fn rule_3_6_3_after_a_downtime_the_missed_reminder_is_passed_over() {
        let scheduled = window(IncidentStatus::Scheduled);
        assert_eq!(scheduled.due(at(539)), None);
        assert_eq!(scheduled.due(at(541)), Some((at(540), ClockAction::Remind)));
        assert_eq!(scheduled.due(at(5_000)), Some((at(600), ClockAction::Start)));
        assert_eq!(window(IncidentStatus::InProgress).due(at(5_000)), Some((at(660), ClockAction::Complete)));
    }

    #[test]
    fn rule_3_6_8_a_window_planned_within_the_hour_needs_no_reminder() {
        let late = MaintenanceSchedule { planned_at: at(550), ..window(IncidentStatus::Scheduled) };
        assert_eq!(late.next(), Some((at(600), ClockAction::Start)));
    }

    #[test]
    fn rule_3_6_2_nothing_happens_before_it_could() {
        let late = |status| MaintenanceSchedule { planned_at: at(630), ..window(status) };
        assert_eq!(late(IncidentStatus::Scheduled).next(), Some((at(630), ClockAction::Start)));
        assert_eq!(late(IncidentStatus::InProgress).next(), Some((at(660), ClockAction::Complete)));
        let later = MaintenanceSchedule { planned_at: at(700), ..window(IncidentStatus::InProgress) };
        assert_eq!(later.next(), Some((at(700), ClockAction::Complete)));
    }
}
