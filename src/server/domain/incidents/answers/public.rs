//! What visitors see of incidents outside the status page: months of the history, and each incident's own page.

use sea_orm::{ColumnTrait, ConnectionTrait, QueryFilter, QuerySelect};

use super::{
    super::{
        super::{Visitor, markdown, store::incident, zones},
        load::{self, announced, newest_first},
    },
    budget::{self, Budget, MONTH_MAX, first_within},
    size::Size,
};
use crate::model::{
    Error, Incident, IncidentId, IncidentKind, IncidentPage, IncidentStatus, Month, MonthPage, PagePart, Result,
    StatusPage, Timestamp,
};

/// The most incidents, and the most maintenances, of one month of the public history.
const MONTH_COUNT: u64 = 500;
/// How many incidents of a month are loaded at once.
const BATCH: usize = 100;

impl Visitor {
    /// One incident or maintenance, with the organization's name and zone.
    ///
    /// # Errors
    /// `not_found` when this organization shows none with this id.
    pub async fn incident_page(&self, id: IncidentId) -> Result<IncidentPage> {
        let tx = self.snapshot().await?;
        let page = self.page_part(&tx, PagePart::Incident { id }).await?;
        let incident = load::incident(&tx, self.scope(), id).await?.for_public().ok_or_else(Error::not_found)?;
        tx.commit().await?;
        with_incident(page, incident, self.domain.clock().now())
    }

    /// The incidents and maintenances that began in one month, by default the current one: the newest that fit, each by
    /// its first and its newest update.
    ///
    /// # Errors
    /// `not_found` for a month in the future.
    pub async fn month(&self, month: Option<Month>) -> Result<MonthPage> {
        use incident::Column;
        let now = self.domain.clock().now();
        let tx = self.snapshot().await?;
        // The bounds are known once the zone is.
        let mut page = self.page_part(&tx, PagePart::Month { from: now, until: now }).await?;
        let present = page.zone.day(now).month();
        let month = month.unwrap_or(present);
        if month > present {
            return Err(Error::not_found());
        }
        let noon = month.first().to_string() + "T12:00:00Z";
        let zone = zones::zone(&page.organization.time_zone, noon.parse().unwrap_or(now))?;
        let (from, until) = zone.bounds_of(month);
        page.part = Some(PagePart::Month { from, until });
        let shown = || self.scope().find::<incident::Entity>().filter(Column::IsDraft.eq(false));
        let begun = newest_first(shown())
            .filter(Column::StartedAt.gte(from))
            .filter(Column::StartedAt.lt(until))
            .filter(Column::StartedAt.lte(now))
            .filter(Column::Status.ne(IncidentStatus::Scheduled))
            .filter(announced());
        let (mut sizes, mut cut_at) = (Vec::new(), None);
        for kind in IncidentKind::ALL {
            let of_kind = begun.clone().filter(Column::Kind.eq(*kind)).limit(MONTH_COUNT + 1);
            let mut of_kind = Size::of(&tx, of_kind).await?;
            if u64::try_from(of_kind.len()).is_ok_and(|length| length > MONTH_COUNT) {
                cut_at = cut_at.max(of_kind.pop().map(|size| size.started_at));
            }
            sizes.extend(of_kind);
        }
        sizes.sort_by_key(|size| std::cmp::Reverse((size.started_at, size.id)));
        let (incidents, left_out) = self.outlines(&tx, &sizes).await?;
        // In the order of the index, which is then read at one place.
        let earlier = newest_first(shown()).filter(Column::StartedAt.lt(from));
        let earlier = earlier.select_only().column(Column::Id).limit(1);
        let has_earlier = earlier.into_tuple::<IncidentId>().one(&tx).await?.is_some();
        tx.commit().await?;
        page.put_incidents(incidents.into_iter().filter_map(Incident::for_public));
        Ok(MonthPage { page, zone, month, cut_at: cut_at.max(left_out), has_earlier })
    }

    /// The first of these incidents that fit a month, in outline, and the start of the first that does not.
    async fn outlines(&self, db: &impl ConnectionTrait, sizes: &[Size]) -> Result<(Vec<Incident>, Option<Timestamp>)> {
        let (mut budget, mut outlines, mut rest) = (Budget::of(MONTH_MAX), Vec::new(), sizes);
        while !rest.is_empty() {
            let (batch, _) = first_within(rest.iter().take(BATCH), MONTH_MAX, |size| size.head_bytes);
            rest = rest.get(batch.len()..).unwrap_or_default();
            for incident in load::outlines(db, self.scope(), batch.iter().map(|size| size.id)).await? {
                if !budget.take(taken(&incident)) {
                    return Ok((outlines, Some(incident.started_at)));
                }
                outlines.push(incident);
            }
        }
        Ok((outlines, None))
    }
}

/// The page of an incident or a maintenance on a status page, as [`Visitor::incident_page`] returns it at this time.
///
/// # Errors
/// `not_found` when it is not on the status page, where only recent ones are.
pub fn incident_page_of(page: StatusPage, id: IncidentId, now: Timestamp) -> Result<IncidentPage> {
    let (part, incident) = (Some(PagePart::Incident { id }), page.incident(id).cloned());
    let incident = incident.and_then(Incident::for_public).ok_or_else(Error::not_found)?;
    let page =
        StatusPage { part, groups: Vec::new(), services: Vec::new(), incidents: Vec::new(), cut_at: None, ..page };
    with_incident(page, incident, now)
}

/// An incident's own page: its part of a status page, filled.
fn with_incident(mut page: StatusPage, incident: Incident, now: Timestamp) -> Result<IncidentPage> {
    let summary = incident.latest().map(|update| markdown::plain(&update.message)).unwrap_or_default();
    let zone = zones::between(&page.organization.time_zone, incident.earliest().min(now), now)?;
    let id = incident.id;
    page.put_incident(incident);
    Ok(IncidentPage { page, id, zone, summary })
}

/// What an outline takes.
fn taken(incident: &Incident) -> i64 {
    let services = incident.services.iter().map(|service| service.name.as_str());
    let updates = incident.updates.iter().map(|update| budget::update(&update.message, &update.html, "[]", ""));
    budget::head(&incident.title, services, ["", ""])
        + budget::description(&incident.description)
        + updates.sum::<i64>()
}
