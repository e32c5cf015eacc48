//! Reads incidents: lists and pages for members and visitors.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::{
    super::{Viewer, Visitor, markdown, new_id, store::incident, zones},
    cursor,
    load::{self, announced, assemble, newest_first},
    search::{Needle, affects, searched_to},
};
use crate::{
    model::{
        Day, Error, Incident, IncidentId, IncidentKind, IncidentList, IncidentPage, IncidentRoom, IncidentStatus,
        Month, MonthPage, Result, ServiceId, Timestamp, UserId, Zone, zone::wall_time,
    },
    server::domain::identity::people::{organization_row, user_names},
};

/// The default page size of the members' list.
const LIST_PAGE: u64 = 25;
/// The most incidents, and the most maintenances, of one month of the public history.
const MONTH_MAX: u64 = 500;

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
    /// Incidents and maintenances, newest start first, and the cursor of the next page. A search may stop before it has
    /// found anything, with the cursor to go on from.
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
        let (mut rows, stopped) = match query.search.as_deref().and_then(Needle::of) {
            Some(needle) => self.search(rows, needle, limit + 1).await?,
            None => (rows.limit(limit + 1).all(self.db()).await?, None),
        };
        let has_more = u64::try_from(rows.len()).is_ok_and(|length| length > limit);
        if has_more {
            rows.pop();
        }
        let next = rows.last().filter(|_| has_more).map(cursor::after).or(stopped);
        Ok((assemble(self.db(), self.scope(), rows).await?, next))
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

impl Visitor {
    /// One incident or maintenance, with its page.
    ///
    /// # Errors
    /// `not_found` when this organization shows none with this id.
    pub async fn incident_page(&self, id: IncidentId) -> Result<IncidentPage> {
        let mut page = self.page().await?;
        if page.incident(id).is_none() {
            let incident = load::incident(self.domain.db(), self.scope(), id).await?;
            page.put_incident(incident.for_public().ok_or_else(Error::not_found)?);
        }
        let summary = page.incident(id).and_then(Incident::latest).map(|update| markdown::plain(&update.message));
        let now = self.domain.clock().now();
        let earliest = page.incident(id).map_or(now, Incident::earliest);
        let zone = zones::between(&page.organization.time_zone, earliest.min(now), now)?;
        Ok(IncidentPage { page, id, zone, summary: summary.unwrap_or_default() })
    }

    /// The incidents and maintenances that began in one month, by default the current one.
    ///
    /// # Errors
    /// `not_found` for a month in the future.
    pub async fn month(&self, month: Option<Month>) -> Result<MonthPage> {
        use incident::Column;
        let mut page = self.page().await?;
        let (db, now) = (self.domain.db(), self.domain.clock().now());
        let present = page.zone.day(now).month();
        let month = month.unwrap_or(present);
        if month > present {
            return Err(Error::not_found());
        }
        let noon = month.first().to_string() + "T12:00:00Z";
        let zone = zones::zone(&page.organization.time_zone, noon.parse().unwrap_or(now))?;
        let (from, to) = zone.bounds_of(month);
        let shown = || self.scope().find::<incident::Entity>().filter(Column::IsDraft.eq(false));
        let begun = newest_first(shown())
            .filter(Column::StartedAt.gte(from))
            .filter(Column::StartedAt.lt(to))
            .filter(Column::StartedAt.lte(now))
            .filter(Column::Status.ne(IncidentStatus::Scheduled))
            .filter(announced());
        let (mut rows, mut cut_at) = (Vec::new(), None);
        for kind in IncidentKind::ALL {
            let of_kind = begun.clone().filter(Column::Kind.eq(*kind)).limit(MONTH_MAX + 1);
            let mut of_kind = of_kind.all(db).await?;
            if u64::try_from(of_kind.len()).is_ok_and(|length| length > MONTH_MAX) {
                cut_at = cut_at.max(of_kind.pop().map(|row| row.started_at));
            }
            rows.extend(of_kind);
        }
        rows.retain(|row| page.incident(row.id).is_none());
        let earlier = shown().filter(Column::StartedAt.lt(from)).limit(1).one(db).await?;
        let of_month = assemble(db, self.scope(), rows).await?;
        page.put_incidents(of_month.into_iter().filter_map(Incident::for_public));
        Ok(MonthPage { page, zone, month, cut_at, has_earlier: earlier.is_some() })
    }
}

fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T>) -> Result<Option<T>> {
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}
