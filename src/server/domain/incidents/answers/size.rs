//! Incidents before they are loaded: their sizes, and how much of each is to be loaded.

use sea_orm::{ConnectionTrait, FromQueryResult, QuerySelect, Select};

use super::{
    super::super::store::incident,
    budget::{EXCERPT_MAX, INCIDENT_MAX},
};
use crate::model::{IncidentId, Result, Timestamp};

/// An incident's times and sizes.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct Size {
    pub id: IncidentId,
    pub started_at: Timestamp,
    pub resolved_at: Option<Timestamp>,
    /// The size without messages.
    pub head_bytes: i64,
    /// The size of everything.
    pub bytes: i64,
}

/// An incident to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pick {
    pub id: IncidentId,
    /// How large it may become; none for all of it.
    pub room: Option<i64>,
}

impl Size {
    /// The incidents of a query.
    pub async fn of(db: &impl ConnectionTrait, query: Select<incident::Entity>) -> Result<Vec<Self>> {
        use incident::Column;
        let query = query.select_only().columns([Column::Id, Column::StartedAt, Column::ResolvedAt]);
        Ok(query.columns([Column::HeadBytes, Column::Bytes]).into_model().all(db).await?)
    }

    /// The size of an incident of this row.
    pub const fn of_row(row: &incident::Model) -> Self {
        let incident::Model { id, started_at, resolved_at, head_bytes, bytes, .. } = *row;
        Self { id, started_at, resolved_at, head_bytes, bytes }
    }

    /// What it takes of an answer by itself: one beyond its limit is cut to it.
    pub fn taken(&self) -> i64 {
        self.bytes.min(INCIDENT_MAX.max(self.head_bytes.saturating_add(2 * EXCERPT_MAX)))
    }

    /// The incident, cut if it is beyond its own limit.
    pub fn pick(&self) -> Pick {
        self.within(self.taken())
    }

    /// The incident, cut if it is larger than this.
    pub fn within(&self, room: i64) -> Pick {
        Pick { id: self.id, room: (room < self.bytes).then_some(room) }
    }
}
