//! Pagination cursor of incident lists: beginning and id of the last incident on a page.

use super::answers::size::Size;
use crate::model::{Error, IncidentId, Result, Timestamp};

/// The cursor after this incident.
pub(super) fn after(incident: &Size) -> String {
    format!("{}.{}", incident.started_at.millis(), incident.id)
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
