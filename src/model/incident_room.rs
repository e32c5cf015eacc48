//! Incidents for members' pages: lists, the calendar, and the incident room.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Conflict, Incident, IncidentId, Timestamp, UserId, Zone};

/// One page of the incident list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentList {
    /// The incidents, newest start first.
    pub items: Vec<Incident>,
    /// The cursor of the next, older page, if there is one.
    pub next: Option<String>,
    /// The start of the oldest incident looked at, when a search stopped there; `next` goes on from there.
    #[serde(default)]
    pub searched_to: Option<Timestamp>,
    /// The organization's time zone, from the start of the earliest of them, or from `searched_to` on.
    pub zone: Zone,
}

/// One page of the maintenance calendar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The maintenances that have not begun, drafts included, the next one first.
    pub items: Vec<Incident>,
    /// The cursor of the next, later page, if there is one.
    pub next: Option<String>,
    /// The conflicts with other maintenances, of these and of those under way; only where there are any.
    pub conflicts: BTreeMap<IncidentId, Vec<Conflict>>,
}

/// An incident room: one incident, where its members work on it, with the names of its authors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRoom {
    /// The incident.
    pub incident: Incident,
    /// The names of its authors, as far as they are known.
    pub names: BTreeMap<UserId, String>,
    /// The organization's time zone, from the start of the incident on.
    pub zone: Zone,
    /// The conflicts of a maintenance that has not ended.
    pub conflicts: Vec<Conflict>,
}

impl Incident {
    /// The earliest time that it shows.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        let updates = self.updates.iter().map(|update| update.display_at);
        updates.chain(self.scheduled_start).fold(self.started_at, Timestamp::min)
    }
}
