//! Pagination cursor of incident lists: beginning and id of the last incident on a page.

use sea_orm::{ColumnTrait, Condition};

use super::{super::store::incident, answers::size::Size};
use crate::model::{Error, IncidentId, Result, Timestamp};

/// The cursor after this incident.
pub(super) fn after(incident: &Size) -> String {
    at(incident.started_at, incident.id)
}

/// The cursor after an incident that began then.
pub(super) fn at(began: Timestamp, id: IncidentId) -> String {
    format!("{}.{id}", began.millis())
}

/// Matches the incidents after this one, newest start first. Says twice that they began by then, because an index is
/// not searched for an alternative.
pub(super) fn older(began: Timestamp, id: IncidentId) -> Condition {
    use incident::Column;
    let earlier = Condition::any().add(Column::StartedAt.lt(began)).add(Column::Id.lt(id));
    Condition::all().add(Column::StartedAt.lte(began)).add(earlier)
}

/// Parses a cursor.
///
/// # Errors
/// `invalid` for text that [`after`] did not make.
pub(super) fn parse(text: &str) -> Result<(Timestamp, IncidentId)> {
    let parsed = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let (at, id) =
        parsed.ok_or_else(|| Error::field("cursor", "Use the cursor from the `Link` header of the previous page."))?;
    Ok((Timestamp::from_millis(at), id))
}
