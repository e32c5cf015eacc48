//! What members' pages read of incidents: lists, the calendar, and one with the names of who wrote what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Conflict, Incident, IncidentId, Timestamp, UserId, Zone};

/// One page of a list of incidents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentList {
    /// The incidents, newest beginning first.
    pub items: Vec<Incident>,
    /// Where the next, older page begins, if there is one.
    pub next: Option<String>,
    /// The organization's zone, from when the first of them began.
    pub zone: Zone,
}

/// One page of what is planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    /// The maintenances that have not begun, drafts among them, the next one first.
    pub items: Vec<Incident>,
    /// Where the next, later page begins, if there is one.
    pub next: Option<String>,
    /// The other maintenances that each collides with, and each that is under way; nothing for those that collide with
    /// none.
    pub conflicts: BTreeMap<IncidentId, Vec<Conflict>>,
}

/// One incident with the names of who wrote what, for its room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRoom {
    /// The incident.
    pub incident: Incident,
    /// The names of the people in it, while they are known.
    pub names: BTreeMap<UserId, String>,
    /// The organization's zone, from when it began.
    pub zone: Zone,
    /// What stands in the way of a maintenance that is not over.
    pub conflicts: Vec<Conflict>,
}

impl Incident {
    /// The earliest instant that is told of it.
    #[must_use]
    pub fn earliest(&self) -> Timestamp {
        let said = self.updates.iter().map(|update| update.display_at);
        said.chain(self.scheduled_start).fold(self.started_at, Timestamp::min)
    }
}
