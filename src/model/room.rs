//! What members' pages read of incidents: a list, and one with the names of who wrote what.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Incident, UserId};

/// One page of a list of incidents.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentList {
    /// The incidents, newest beginning first.
    pub items: Vec<Incident>,
    /// Where the next, older page begins, if there is one.
    pub next: Option<String>,
}

/// One incident with the names of who wrote what, for its room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentRoom {
    /// The incident.
    pub incident: Incident,
    /// The names of the people in it, while they are known.
    pub names: BTreeMap<UserId, String>,
}
