//! Saying something about an incident, and how much can be said.

use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect, QueryTrait};

use super::{
    super::{
        markdown, new_id,
        store::{incident, incident_service, incident_update},
        tx::Tx,
    },
    aggregate::LoadedIncident,
    load,
};
use crate::{
    model::{
        AffectedService, Error, IncidentKind, IncidentStatus, Result, ServiceImpact, ServiceStatus, ServiceTransition,
        StatusTransition, Timestamp, UpdateId, UserId, incident_input::check_step, page::PAST_DAYS,
        status_transition::place_after,
    },
    server::error::internal,
};

/// The most updates one incident may have.
const UPDATES_MAX: usize = 1_000;
/// The most text one incident may hold, in bytes: its messages, as Markdown and as HTML, with what they said before.
/// Each of its events carries them all.
const TEXT_MAX: usize = 1_000_000;
/// The most text that an organization's pages hold together, in characters, with what it said before: of all that is not
/// over or was over lately. A page is loaded whole.
const PAGES_TEXT_MAX: usize = 8_000_000;
/// The most updates of the same.
const PAGES_UPDATES_MAX: usize = 10_000;
/// What to do once there is no room.
const ELSEWHERE: &str = "Delete updates that nobody needs any more, or go on in a new one.";

/// Something to say about an incident.
pub(in crate::server::domain) struct UpdateDraft {
    pub status: IncidentStatus,
    pub message: Option<String>,
    pub services: Option<Vec<ServiceImpact>>,
    /// The time it stands at; now when absent.
    pub display_at: Option<Timestamp>,
    /// Who says it; nobody, when the clock does.
    pub by: Option<UserId>,
    /// Whether subscribers are to be told; of a draft, once it is published.
    pub notify: bool,
}

impl LoadedIncident {
    /// The time at which something stands that is said at this instant.
    pub fn place(&self, at: Timestamp) -> Timestamp {
        place_after(self.updates.last().map(|newest| newest.display_at), at)
    }

    /// Refuses a time at which nothing can have been said yet: before an incident began, or before a maintenance was
    /// planned, unless it began still earlier.
    pub fn require_place(&self, at: Timestamp) -> Result<()> {
        let row = &self.row;
        let (first, why) = match row.kind {
            IncidentKind::Incident => (row.started_at, "An update cannot stand before the incident's beginning."),
            IncidentKind::Maintenance => (
                row.scheduled_start.map_or(row.created_at, |start| start.min(row.created_at)),
                "An update cannot stand before the maintenance was planned.",
            ),
        };
        if at < first { Err(Error::field("display_at", why)) } else { Ok(()) }
    }
}

fn update_room(updates: &[incident_update::Model]) -> Result<()> {
    if updates.len() <= UPDATES_MAX {
        return Ok(());
    }
    Err(Error::invalid(format!("This has {UPDATES_MAX} updates, as many as it can have. {ELSEWHERE}")))
}

fn text_room(updates: &[incident_update::Model]) -> Result<()> {
    let bytes = |update: &incident_update::Model| update.message.len() + update.html.len() + update.edits.len();
    if updates.iter().map(bytes).sum::<usize>() <= TEXT_MAX {
        return Ok(());
    }
    Err(Error::field("message", format!("All that was said here is as long as it can be. {ELSEWHERE}")))
}

/// Whether pages have room for these updates, beside others that are so long each.
fn pages_room(others: &[i32], updates: &[incident_update::Model]) -> Result<()> {
    let text = others.iter().map(|length| usize::try_from(*length).unwrap_or(0)).sum::<usize>();
    let own = updates.iter().flat_map(|update| [&update.message, &update.html, &update.edits]);
    let text = text + own.map(|text| text.chars().count()).sum::<usize>();
    if text <= PAGES_TEXT_MAX && others.len() + updates.len() <= PAGES_UPDATES_MAX {
        return Ok(());
    }
    let why = "All that was said of what is not over, or was over lately, is together as long as it can be.";
    Err(Error::field("message", format!("{why} Delete some of it, or updates that nobody needs any more.")))
}

fn affected(row: &incident_service::Model) -> AffectedService {
    AffectedService { id: row.service_id, name: row.name.clone(), status: row.status, worst: row.worst }
}

impl Tx {
    /// Refuses more text than one incident can hold, or than pages can show together.
    pub(in crate::server::domain) async fn require_text_room(&self, case: &LoadedIncident) -> Result<()> {
        text_room(&case.updates)?;
        let since = self.now().plus_seconds(-86_400 * i64::try_from(PAST_DAYS + 1)?);
        if case.row.resolved_at.is_some_and(|end| end < since) {
            return Ok(());
        }
        let shown = self.scope().find::<incident::Entity>().select_only().column(incident::Column::Id);
        let shown = shown.filter(incident::Column::Id.ne(case.row.id)).filter(
            Condition::any().add(incident::Column::ResolvedAt.is_null()).add(incident::Column::ResolvedAt.gte(since)),
        );
        let others = self.scope().find::<incident_update::Entity>().select_only();
        let others = others.column_as(load::text_length(), "length");
        let others = others.filter(incident_update::Column::IncidentId.in_subquery(shown.into_query()));
        let others = others.limit(u64::try_from(PAGES_UPDATES_MAX)?);
        let others: Vec<i32> = others.into_tuple().all(self.db()).await?;
        pages_room(&others, &case.updates)
    }

    /// Says something about an incident: its status follows, and its services (domain rules 3.4.2, 3.4.3 and 3.4.5).
    /// Writes nothing yet: that is [`Tx::settle_case`]'s.
    pub(in crate::server::domain) async fn say(
        &mut self,
        case: &mut LoadedIncident,
        word: UpdateDraft,
    ) -> Result<UpdateId> {
        let id = UpdateId::from_uuid(new_id());
        let display_at = word.display_at.unwrap_or_else(|| case.place(self.now()));
        let is_newest = case.updates.last().is_none_or(|newest| (display_at, id) > (newest.display_at, newest.id));
        let said = word.services.unwrap_or_default();
        if !is_newest && !said.is_empty() {
            return Err(Error::field("services", "Only the newest update can change services."));
        }
        let from = (!case.updates.is_empty()).then_some(case.row.status);
        // What stands earlier in the timeline, and the first word, only has to be of the right kind.
        if (is_newest && from.is_some()) || word.status.kind() != case.row.kind {
            check_step(case.row.status, word.status)?;
        }
        let step = StatusTransition { from, to: word.status, said: &said };
        step.check()?;
        let told = if is_newest { self.take(case, step).await? } else { None };
        let message = word.message.unwrap_or_else(|| word.status.default_text().to_owned());
        case.updates.push(incident_update::Model {
            org_id: case.row.org_id,
            id,
            incident_id: case.row.id,
            status: word.status,
            html: markdown::render(&message),
            message,
            render_version: markdown::RENDER_VERSION,
            created_by: word.by,
            created_at: self.now(),
            display_at,
            updated_at: self.now(),
            notify: word.notify,
            services: told.as_ref().map(serde_json::to_string).transpose().map_err(internal)?,
            edits: "[]".into(),
        });
        case.derive();
        // However much was said, it can be ended, and the clock goes on.
        if word.by.is_some() && !(is_newest && step.from.is_some() && step.ends()) {
            update_room(&case.updates)?;
            self.require_text_room(case).await?;
        }
        if is_newest && !case.row.is_draft {
            case.left = step.left().iter().map(|left| (left.id, left.status)).collect();
        }
        Ok(id)
    }

    /// Attaches the services that are new to the case, and lets all follow the step.
    async fn take(
        &self,
        case: &mut LoadedIncident,
        step: StatusTransition<'_>,
    ) -> Result<Option<Vec<ServiceTransition>>> {
        let fresh = step.said.iter().filter(|said| case.services.iter().all(|known| known.service_id != said.id));
        let fresh: Vec<_> =
            fresh.map(|said| ServiceImpact { id: said.id, status: ServiceStatus::Operational }).collect();
        self.attach(case, &fresh).await?;
        let mut services: Vec<AffectedService> = case.services.iter().map(affected).collect();
        let told = step.take(&mut services);
        for (row, service) in case.services.iter_mut().zip(services) {
            row.status = service.status;
        }
        Ok(told)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentId, OrganizationId};

    /// Updates with so many bytes of text each.
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
    fn r_70_an_incident_has_so_many_updates_and_no_more() {
        assert!(update_room(&updates(UPDATES_MAX, 1)).is_ok());
        let error = update_room(&updates(UPDATES_MAX + 1, 1)).expect_err("one too many");
        assert!(error.message.contains("1000 updates"), "{error}");
    }

    #[test]
    fn r_70_pages_hold_so_much_text_and_so_many_updates_and_no_more() {
        let others = |count: usize, length: usize| vec![i32::try_from(length).expect("short"); count];
        let all = PAGES_TEXT_MAX / 10;
        assert!(pages_room(&others(9, all), &updates(1, all)).is_ok());
        assert!(pages_room(&others(9, all), &updates(1, all + 1)).is_err());
        assert!(pages_room(&others(PAGES_UPDATES_MAX - 1, 1), &updates(1, 1)).is_ok());
        assert!(pages_room(&others(PAGES_UPDATES_MAX, 1), &updates(1, 1)).is_err());
    }

    #[test]
    fn r_70_an_incident_holds_so_much_text_and_no_more() {
        assert!(text_room(&updates(10, TEXT_MAX / 10)).is_ok());
        assert!(text_room(&updates(10, TEXT_MAX / 10 + 1)).is_err());
        let mut edited = updates(10, TEXT_MAX / 10);
        edited[0].edits = "[]".into();
        assert!(text_room(&edited).is_err(), "what it said before counts");
    }
}
