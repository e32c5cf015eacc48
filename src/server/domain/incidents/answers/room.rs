//! The limits of incidents when they are written. At the limit an incident can still be ended, and the scheduler
//! continues; what is beyond it then is cut when it is read.

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    super::{
        super::{
            store::{incident, incident_update},
            tx::Tx,
        },
        aggregate::LoadedIncident,
    },
    budget::{self, IN_FORCE_MAX, INCIDENT_MAX, SERVICES_TEXT_MAX},
};
use crate::model::{Error, IncidentStatus, Result};

/// The most updates of one incident.
const UPDATES_MAX: usize = 1_000;
/// The most incidents in force that are counted; each takes some kilobytes.
const COUNTED_MAX: u64 = 1_000;

impl incident_update::Model {
    /// Notes how large the update is; called after it has changed.
    pub(in crate::server::domain::incidents) fn measure(&mut self) {
        let services = self.services.as_deref().unwrap_or_default();
        self.bytes = budget::update(&self.message, &self.html, &self.edits, services);
    }
}

impl LoadedIncident {
    /// Notes how large the incident is; called before it is checked or written.
    pub(in crate::server::domain::incidents) fn measure(&mut self) {
        let services = self.services.iter().map(|service| service.name.as_str());
        let row = &self.row;
        let postmortem = [&row.postmortem, &row.postmortem_html].map(|text| text.as_deref().unwrap_or_default());
        let head = budget::head(&row.title, services, postmortem);
        let first = self.updates.iter().min_by_key(|update| (update.display_at, update.id));
        let description = first.map_or(0, |first| budget::description(&first.message));
        self.row.head_bytes = head;
        self.row.bytes = head + description + self.updates.iter().map(|update| update.bytes).sum::<i64>();
    }
}

/// Rejects more updates than one incident may have.
pub fn require_update_count(loaded: &LoadedIncident) -> Result<()> {
    check_updates(loaded.updates.len())
}

/// Rejects more than one incident, or all that are in force together, may hold. The error is that of a field.
pub async fn require_room(tx: &Tx, loaded: &mut LoadedIncident, field: &str) -> Result<()> {
    use incident::Column;
    loaded.measure();
    let fault = |why: &str| Error::field(field, why);
    check_incident(loaded.row.bytes, loaded.stored.is_none()).map_err(fault)?;
    if !loaded.is_in_force() {
        return Ok(());
    }
    let in_force = IncidentStatus::ALL.iter().copied().filter(|status| status.is_in_force());
    let others = tx.scope().find::<incident::Entity>().filter(Column::IsDraft.eq(false));
    let others = others.filter(Column::Status.is_in(in_force)).filter(Column::Id.ne(loaded.row.id));
    let others = others.select_only().column(Column::Bytes).limit(COUNTED_MAX);
    let others: Vec<i64> = others.into_tuple().all(tx.db()).await?;
    check_in_force(&others, loaded.row.bytes).map_err(fault)
}

/// Rejects longer names and descriptions than all services of an organization may have together.
pub async fn require_services_fit(tx: &Tx) -> Result<()> {
    let services = tx.services().await?;
    let texts = services.iter().flat_map(|service| [service.name.as_str(), service.description.as_str()]);
    check_services(texts.map(budget::shown).sum())
}

fn check_services(bytes: i64) -> Result<()> {
    if bytes <= SERVICES_TEXT_MAX {
        return Ok(());
    }
    let why =
        "The names and descriptions of all services have together reached their text limit. Shorten some of them.";
    Err(Error::field("description", why))
}

fn check_updates(count: usize) -> Result<()> {
    if count <= UPDATES_MAX {
        return Ok(());
    }
    Err(Error::invalid(
        "This incident has reached its limit of 1,000 updates. Delete old updates, or continue in a new incident.",
    ))
}

/// Checks the size of one incident; returns what to do otherwise.
const fn check_incident(bytes: i64, is_new: bool) -> Result<(), &'static str> {
    if bytes <= INCIDENT_MAX {
        return Ok(());
    }
    Err(if is_new {
        "This is too much for one incident. Shorten it, or list fewer services."
    } else {
        "This incident has reached its text limit. Delete old updates, or continue in a new incident."
    })
}

/// Checks the size of what is in force together; returns what to do otherwise.
fn check_in_force(others: &[i64], own: i64) -> Result<(), &'static str> {
    if others.iter().fold(own, |sum, bytes| sum.saturating_add(*bytes)) <= IN_FORCE_MAX {
        return Ok(());
    }
    Err(
        "Open incidents and maintenances under way have together reached their text limit. Resolve some, or delete old \
         updates, to make room.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r_70_an_incident_has_a_limit_of_updates() {
        assert!(check_updates(UPDATES_MAX).is_ok());
        let error = check_updates(UPDATES_MAX + 1).expect_err("one too many");
        assert!(error.message.contains("1,000 updates"), "{error}");
    }

    #[test]
    fn r_70_services_have_a_limit_of_text() {
        assert!(check_services(SERVICES_TEXT_MAX).is_ok() && check_services(SERVICES_TEXT_MAX + 1).is_err());
    }

    #[test]
    fn r_70_an_incident_and_all_in_force_together_have_limits() {
        assert_eq!((check_incident(INCIDENT_MAX, true), check_in_force(&[], INCIDENT_MAX)), (Ok(()), Ok(())));
        let new = check_incident(INCIDENT_MAX + 1, true).expect_err("too much");
        assert_ne!(check_incident(INCIDENT_MAX + 1, false), Err(new), "another way out");
        assert!(check_in_force(&[IN_FORCE_MAX / 2, 10], IN_FORCE_MAX / 2 - 10).is_ok());
        assert!(check_in_force(&[IN_FORCE_MAX / 2, 10], IN_FORCE_MAX / 2 - 9).is_err());
        assert!(check_in_force(&[i64::MAX], 1).is_err());
    }
}
