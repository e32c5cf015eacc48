//! Reads incidents for members: lists and incident rooms.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    super::{Viewer, markdown, new_id, store::incident, zones},
    answers::{
        budget::{LIST_MAX, first_within},
        size::Size,
    },
    cursor,
    load::{self, newest_first, picked},
    search::{Needle, affects, searched_to},
};
use crate::{
    model::{
        Day, Error, Incident, IncidentId, IncidentKind, IncidentList, IncidentRoom, IncidentStatus, Result, ServiceId,
        Timestamp, UserId, Zone, zone::wall_time,
    },
    server::domain::identity::people::{organization_row, user_names},
};

/// The default page size of the members' list.
const LIST_PAGE: u64 = 25;

/// The filters of an incident list.
#[derive(Clone, Debug, Default)]
pub struct IncidentQuery {
    /// Only this kind.
    pub kind: Option<IncidentKind>,
    /// Only in this status.
    pub status: Option<IncidentStatus>,
    /// Only those that have ended.
    pub is_over: bool,
    /// Only those that affect this service.
    pub service: Option<ServiceId>,
    /// Only those that began at or after this.
    pub from: Option<Timestamp>,
    /// Only those that began at or before this.
    pub to: Option<Timestamp>,
    /// Only those that contain this (domain rule 3.4.10).
    pub search: Option<String>,
    /// The cursor of the previous page.
    pub before: Option<String>,
    /// At most this many.
    pub limit: Option<u64>,
}

/// The same filters as form fields; empty filters nothing.
#[derive(Clone, Debug, Default)]
pub struct IncidentFields {
    /// `incident` or `maintenance`.
    pub kind: String,
    /// A status.
    pub status: String,
    /// A service's id.
    pub service: String,
    /// The first day, in the organization's zone.
    pub from: String,
    /// The last day, in the organization's zone.
    pub to: String,
    /// Text that it contains.
    pub search: String,
    /// The cursor of the previous page.
    pub before: String,
}

impl Viewer {
    /// Incidents and maintenances, newest start first, fewer than the limit if they are large, and the cursor of the
    /// next page. A search may stop before it has found anything, with the cursor to go on from.
    ///
    /// # Errors
    /// `invalid` for an unknown cursor; `too_many_requests` while the organization has too many searches.
    pub async fn incidents(&self, query: IncidentQuery) -> Result<(Vec<Incident>, Option<String>)> {
        use incident::Column;
        let limit = query.limit.unwrap_or(LIST_PAGE).clamp(1, 100);
        let mut rows = newest_first(self.scope().find());
        if let Some(kind) = query.kind {
            rows = rows.filter(Column::Kind.eq(kind));
        }
        if let Some(status) = query.status {
            rows = rows.filter(Column::Status.eq(status));
        }
        if query.is_over {
            let ended = IncidentStatus::ALL.iter().copied().filter(|status| status.has_ended());
            rows = rows.filter(Column::Status.is_in(ended));
        }
        if let Some(from) = query.from {
            rows = rows.filter(Column::StartedAt.gte(from));
        }
        if let Some(to) = query.to {
            rows = rows.filter(Column::StartedAt.lte(to));
        }
        if let Some(service) = query.service {
            rows = rows.filter(affects(self.db(), self.scope(), service).await?);
        }
        if let Some(before) = &query.before {
            let (at, id) = cursor::parse(before)?;
            rows = rows.filter(cursor::older(at, id));
        }
        let (mut sizes, stopped) = match query.search.as_deref().and_then(Needle::of) {
            Some(needle) => self.search(rows, needle, limit + 1).await?,
            None => (Size::of(self.db(), rows.limit(limit + 1)).await?, None),
        };
        let has_more = u64::try_from(sizes.len()).is_ok_and(|length| length > limit);
        if has_more {
            sizes.pop();
        }
        let (chosen, left_out) = first_within(sizes, LIST_MAX, Size::taken);
        let next = chosen.last().filter(|_| has_more || left_out.is_some()).map(cursor::after).or(stopped);
        let picks: Vec<_> = chosen.iter().map(Size::pick).collect();
        Ok((picked(self.db(), self.scope(), &picks).await?, next))
    }

    /// As [`Viewer::incidents`], from form fields.
    ///
    /// # Errors
    /// `invalid` with the field at fault.
    pub async fn incident_list(&self, fields: IncidentFields) -> Result<IncidentList> {
        let at_field = |field: &str, fault: Error| Error::field(field, fault.message);
        let query = IncidentQuery {
            kind: optional(&fields.kind, str::parse).map_err(|fault| at_field("kind", fault))?,
            status: optional(&fields.status, str::parse).map_err(|fault| at_field("status", fault))?,
            service: optional(&fields.service, |text| text.parse().map_err(|_| Error::not_found()))?,
            from: self.day("from", &fields.from).await?.map(|(start, _)| start),
            to: self.day("to", &fields.to).await?.map(|(_, end)| end.plus_millis(-1)),
            search: Some(fields.search),
            before: Some(fields.before).filter(|before| !before.is_empty()),
            is_over: false,
            limit: None,
        };
        self.list(query).await
    }

    /// The maintenances that have ended, newest start first.
    ///
    /// # Errors
    /// `invalid` for an unknown cursor.
    pub async fn past_maintenances(&self, before: String) -> Result<IncidentList> {
        let query = IncidentQuery {
            kind: Some(IncidentKind::Maintenance),
            is_over: true,
            before: Some(before).filter(|before| !before.is_empty()),
            ..Default::default()
        };
        self.list(query).await
    }

    async fn list(&self, query: IncidentQuery) -> Result<IncidentList> {
        let (items, next) = self.incidents(query).await?;
        let searched_to = searched_to(&items, next.as_deref());
        let zone = self.zone_for(&items, searched_to).await?;
        Ok(IncidentList { items, next, searched_to, zone })
    }

    /// One incident or maintenance.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn incident(&self, id: IncidentId) -> Result<Incident> {
        load::incident(self.db(), self.scope(), id).await
    }

    /// One incident with the names of its authors.
    ///
    /// # Errors
    /// `not_found` when this organization has none with this id.
    pub async fn incident_room(&self, id: IncidentId) -> Result<IncidentRoom> {
        let incident = self.incident(id).await?;
        let people = incident.updates.iter().filter_map(|update| update.created_by);
        let people: BTreeSet<UserId> = people.chain(incident.created_by).collect();
        let names = user_names(self.db(), people).await?;
        let zone = self.zone_for(std::slice::from_ref(&incident), None).await?;
        let conflicts = self.conflicts_of(&incident).await?;
        Ok(IncidentRoom { incident, names, zone, conflicts })
    }

    /// Renders a message as the public page will show it.
    #[must_use]
    #[expect(clippy::unused_self, reason = "the handle is the permission to render")]
    pub fn preview(&self, message: &str) -> String {
        let most: String = message.chars().take(crate::model::incident_input::MESSAGE_MAX).collect();
        markdown::render(&most)
    }

    /// A new idempotency key for a form.
    #[must_use]
    #[expect(clippy::unused_self, reason = "the handle is the permission to ask")]
    pub fn form_key(&self) -> String {
        new_id().to_string()
    }

    /// The organization's time zone, in the years around the present.
    pub async fn zone(&self) -> Result<Zone> {
        let row = organization_row(self.db(), self.organization()).await?;
        zones::zone(&row.time_zone, self.domain.clock().now())
    }

    /// The organization's time zone, from the start of the earliest of these on, or from an earlier time.
    async fn zone_for(&self, incidents: &[Incident], from: Option<Timestamp>) -> Result<Zone> {
        let row = organization_row(self.db(), self.organization()).await?;
        let now = self.domain.clock().now();
        let times = incidents.iter().map(Incident::earliest).chain(from);
        zones::between(&row.time_zone, times.fold(now, Timestamp::min), now)
    }

    /// The instant of a form's local date and time, in the organization's zone.
    ///
    /// # Errors
    /// `invalid`, with the field at fault.
    pub async fn local_time(&self, field: &str, text: &str) -> Result<Timestamp> {
        let local = wall_time(text).map_err(|error| Error::field(field, error.message))?;
        let row = organization_row(self.db(), self.organization()).await?;
        Ok(zones::instant(zones::find(&row.time_zone)?, local))
    }

    /// The start and end of a form's day in the organization's zone; none for an empty field.
    ///
    /// # Errors
    /// `invalid`, with the field at fault.
    pub(in crate::server::domain) async fn day(
        &self,
        field: &str,
        text: &str,
    ) -> Result<Option<(Timestamp, Timestamp)>> {
        if text.is_empty() {
            return Ok(None);
        }
        let day: Day = text.parse().map_err(|error: Error| Error::field(field, error.message))?;
        let row = organization_row(self.db(), self.organization()).await?;
        let zone = zones::find(&row.time_zone)?;
        Ok(Some((zones::instant(zone, day.midnight()), zones::instant(zone, day.next().midnight()))))
    }
}

fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}
