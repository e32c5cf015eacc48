//! Limits of text per incident and per organization: the text limits of R-70.

use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait};

use super::{
    super::{
        store::{incident, incident_update},
        tx::Tx,
    },
    aggregate::LoadedIncident,
    load,
};
use crate::model::{Error, Result, page::PAST_DAYS};

/// The most updates of one incident.
const UPDATES_MAX: usize = 1_000;
/// The most text of one incident, in bytes: its messages as Markdown and as HTML, edit history included. Each of its
/// events carries all of it.
const TEXT_MAX: usize = 1_000_000;
/// The most text of an organization's open and recent incidents together, in characters, edit history included. A page
/// is loaded whole.
const PAGES_TEXT_MAX: usize = 8_000_000;
/// The most updates of an organization's open and recent incidents together.
const PAGES_UPDATES_MAX: usize = 10_000;

/// Rejects more updates than one incident may have.
pub(super) fn require_update_limit(loaded: &LoadedIncident) -> Result<()> {
    check_updates(&loaded.updates)
}

/// Rejects more text than one incident, or the organization's pages, may have.
pub(super) async fn require_text_limit(tx: &Tx, loaded: &LoadedIncident) -> Result<()> {
    check_text(&loaded.updates)?;
    let since = tx.now().plus_seconds(-86_400 * i64::from(PAST_DAYS + 1));
    if loaded.row.resolved_at.is_some_and(|end| end < since) {
        return Ok(());
    }
    let shown = tx.scope().find::<incident::Entity>().select_only().column(incident::Column::Id);
    let shown = shown.filter(incident::Column::Id.ne(loaded.row.id)).filter(
        Condition::any().add(incident::Column::ResolvedAt.is_null()).add(incident::Column::ResolvedAt.gte(since)),
    );
    let others = tx.scope().find::<incident_update::Entity>().select_only();
    let others = others.column_as(load::text_length(), "length");
    let others = others.filter(incident_update::Column::IncidentId.in_subquery(shown.into_query()));
    let others = others.limit(u64::try_from(PAGES_UPDATES_MAX)?);
    let others: Vec<i32> = others.into_tuple().all(tx.db()).await?;
    check_pages(&others, &loaded.updates)
}

fn check_updates(updates: &[incident_update::Model]) -> Result<()> {
    if updates.len() <= UPDATES_MAX {
        return Ok(());
    }
    Err(Error::invalid(
        "This incident has reached its limit of 1,000 updates. Delete old updates, or continue in a new incident.",
    ))
}

fn check_text(updates: &[incident_update::Model]) -> Result<()> {
    let bytes = |update: &incident_update::Model| update.message.len() + update.html.len() + update.edits.len();
    if updates.iter().map(bytes).sum::<usize>() <= TEXT_MAX {
        return Ok(());
    }
    let why = "This incident has reached its text limit. Delete old updates, or continue in a new incident.";
    Err(Error::field("message", why))
}

/// Checks these updates together with the lengths of the other updates on the organization's pages.
fn check_pages(others: &[i32], updates: &[incident_update::Model]) -> Result<()> {
    let text = others.iter().map(|length| usize::try_from(*length).unwrap_or(0)).sum::<usize>();
    let own = updates.iter().flat_map(|update| [&update.message, &update.html, &update.edits]);
    let text = text + own.map(|text| text.chars().count()).sum::<usize>();
    if text <= PAGES_TEXT_MAX && others.len() + updates.len() <= PAGES_UPDATES_MAX {
        return Ok(());
    }
    let why = "Open and recent incidents have together reached their text limit. Delete old updates to make room.";
    Err(Error::field("message", why))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{IncidentId, IncidentStatus, OrganizationId, Timestamp, UpdateId},
        server::domain::{markdown, new_id},
    };

    /// Updates with this many bytes of text each.
    fn updates(count: usize, bytes: usize) -> Vec<incident_update::Model> {
        let update = incident_update::Model {
            org_id: OrganizationId::from_uuid(new_id()),
            id: UpdateId::from_uuid(new_id()),
            incident_id: IncidentId::from_uuid(new_id()),
            status: IncidentStatus::Investigating,
            message: "x".repeat(bytes),
            html: String::new(),
            render_version: markdown::RENDER_VERSION,
            created_by: None,
            created_at: Timestamp::EPOCH,
            display_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
            notify: true,
            services: None,
            edits: String::new(),
        };
        vec![update; count]
    }

    #[test]
    fn r_70_an_incident_has_a_limit_of_updates() {
        assert!(check_updates(&updates(UPDATES_MAX, 1)).is_ok());
        let error = check_updates(&updates(UPDATES_MAX + 1, 1)).expect_err("one too many");
        assert!(error.message.contains("1,000 updates"), "{error}");
    }

    #[test]
    fn r_70_pages_have_limits_of_text_and_updates() {
        let others = |count: usize, length: usize| vec![i32::try_from(length).expect("short"); count];
        let all = PAGES_TEXT_MAX / 10;
        assert!(check_pages(&others(9, all), &updates(1, all)).is_ok());
        assert!(check_pages(&others(9, all), &updates(1, all + 1)).is_err());
        assert!(check_pages(&others(PAGES_UPDATES_MAX - 1, 1), &updates(1, 1)).is_ok());
        assert!(check_pages(&others(PAGES_UPDATES_MAX, 1), &updates(1, 1)).is_err());
    }

    #[test]
    fn r_70_an_incident_has_a_limit_of_text() {
        assert!(check_text(&updates(10, TEXT_MAX / 10)).is_ok());
        assert!(check_text(&updates(10, TEXT_MAX / 10 + 1)).is_err());
        let mut edited = updates(10, TEXT_MAX / 10);
        edited[0].edits = "[]".into();
        assert!(check_text(&edited).is_err(), "the edit history counts");
    }
}
