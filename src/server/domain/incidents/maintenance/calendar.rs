//! The maintenance calendar for members: scheduled maintenances page by page, and their conflicts.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::{
    model::{Calendar, Conflict, Error, Incident, IncidentKind, IncidentStatus, Plan, Result, ServiceId, Timestamp},
    server::domain::{
        Viewer,
        incidents::{
            answers::{
                budget::{CANDIDATES_MAX, LIST_MAX, first_within},
                size::Size,
            },
            cursor,
            load::{heads, newest_first, next_first, picked},
            search::affects_any,
        },
        store::{incident, service},
    },
};

/// The page size of the calendar.
const CALENDAR_PAGE: u64 = 50;
/// The most maintenances, and open incidents, that are searched for conflicts.
const CANDIDATES_COUNT: u64 = 1_000;

impl Viewer {
    /// The maintenances that have not begun, drafts included, the next one first; `after` is the cursor of the previous
    /// page.
    ///
    /// # Errors
    /// `invalid` for an unknown cursor.
    pub async fn calendar(&self, after: &str) -> Result<Calendar> {
        use incident::Column;
        let mut rows = next_first(self.scope().find()).filter(Column::Status.eq(IncidentStatus::Scheduled));
        if !after.is_empty() {
            let (at, id) = cursor::parse(after)?;
            let tie = Condition::all().add(Column::StartedAt.eq(at)).add(Column::Id.gt(id));
            rows = rows.filter(Condition::any().add(Column::StartedAt.gt(at)).add(tie));
        }
        let mut sizes = Size::of(self.db(), rows.limit(CALENDAR_PAGE + 1)).await?;
        let has_more = u64::try_from(sizes.len()).is_ok_and(|length| length > CALENDAR_PAGE);
        if has_more {
            sizes.pop();
        }
        let (chosen, left_out) = first_within(sizes, LIST_MAX, Size::taken);
        let next = chosen.last().filter(|_| has_more || left_out.is_some()).map(cursor::after);
        let under_way = if after.is_empty() { self.under_way().await? } else { Vec::new() };
        let picks: Vec<_> = chosen.iter().map(Size::pick).collect();
        let items = picked(self.db(), self.scope(), &picks).await?;

        let now = self.domain.clock().now();
        let all: Vec<&Incident> = items.iter().chain(&under_way).collect();
        let windows: Vec<_> = all.iter().filter_map(|one| one.occupied(now)).collect();
        let span = windows.iter().map(|(start, _)| *start).min().zip(windows.iter().map(|(_, end)| *end).max());
        let services: BTreeSet<ServiceId> =
            all.iter().flat_map(|one| one.services.iter().map(|service| service.id)).collect();
        let candidates = self.overlapping(span, services).await?;
        let conflicts = all.into_iter().map(|one| (one.id, conflicts(one, &candidates, now)));
        Ok(Calendar { conflicts: conflicts.filter(|(_, conflicts)| !conflicts.is_empty()).collect(), items, next })
    }

    /// The conflicts of a planned window on these services.
    ///
    /// # Errors
    /// `not_found` for a service that is not this organization's.
    pub async fn conflicts(
        &self,
        window: Option<(Timestamp, Timestamp)>,
        services: Vec<ServiceId>,
    ) -> Result<Vec<Conflict>> {
        let known = self.scope().find::<service::Entity>().filter(service::Column::DeletedAt.is_null());
        let known = known.filter(service::Column::Id.is_in(services.iter().copied())).all(self.db()).await;
        if known?.len() < services.len() {
            return Err(Error::not_found());
        }
        let plan = Plan { window, services: &services, itself: None };
        let mut candidates = self.overlapping(window, services.iter().copied().collect()).await?;
        candidates.extend(self.open_incidents(&services).await?);
        Ok(plan.conflicts(&candidates, self.domain.clock().now()))
    }

    /// The conflicts of a maintenance that has not ended; once it has begun, those with other maintenances only.
    pub(in crate::server::domain::incidents) async fn conflicts_of(
        &self,
        incident: &Incident,
    ) -> Result<Vec<Conflict>> {
        let now = self.domain.clock().now();
        let window = incident.occupied(now).filter(|_| !incident.status.has_ended());
        if window.is_none() {
            return Ok(Vec::new());
        }
        let services: Vec<_> = incident.services.iter().map(|service| service.id).collect();
        let mut candidates = self.overlapping(window, services.iter().copied().collect()).await?;
        if incident.status == IncidentStatus::Scheduled {
            candidates.extend(self.open_incidents(&services).await?);
        }
        Ok(conflicts(incident, &candidates, now))
    }

    /// The maintenances of any of these services that overlap a period, or are under way, as those may last longer.
    async fn overlapping(
        &self,
        span: Option<(Timestamp, Timestamp)>,
        services: BTreeSet<ServiceId>,
    ) -> Result<Vec<Incident>> {
        use incident::Column;
        let Some((from, to)) = span.filter(|_| !services.is_empty()) else { return Ok(Vec::new()) };
        let overlaps = Condition::all().add(Column::ScheduledStart.lt(to)).add(Column::ScheduledEnd.gt(from));
        let rows = self.scope().find::<incident::Entity>().filter(Column::Kind.eq(IncidentKind::Maintenance));
        let rows = rows.filter(Column::ResolvedAt.is_null());
        let rows = rows.filter(Condition::any().add(Column::Status.ne(IncidentStatus::Scheduled)).add(overlaps));
        self.candidates(next_first(rows.filter(affects_any(self.scope(), services)))).await
    }

    /// The open incidents of any of these services.
    async fn open_incidents(&self, services: &[ServiceId]) -> Result<Vec<Incident>> {
        use incident::Column;
        if services.is_empty() {
            return Ok(Vec::new());
        }
        let rows = self.scope().find::<incident::Entity>().filter(Column::Kind.eq(IncidentKind::Incident));
        let rows = rows.filter(Column::ResolvedAt.is_null()).filter(Column::IsDraft.eq(false));
        let rows = rows.filter(affects_any(self.scope(), services.iter().copied()));
        self.candidates(newest_first(rows)).await
    }

    /// The maintenances under way.
    async fn under_way(&self) -> Result<Vec<Incident>> {
        use incident::Column;
        let rows = self.scope().find::<incident::Entity>().filter(Column::Kind.eq(IncidentKind::Maintenance));
        let rows = rows.filter(Column::ResolvedAt.is_null()).filter(Column::Status.ne(IncidentStatus::Scheduled));
        self.candidates(rows.order_by_asc(Column::StartedAt)).await
    }

    /// The first of these with their services, as many as are searched for conflicts.
    async fn candidates(&self, rows: Select<incident::Entity>) -> Result<Vec<Incident>> {
        let sizes = Size::of(self.db(), rows.limit(CANDIDATES_COUNT)).await?;
        let (chosen, _) = first_within(sizes, CANDIDATES_MAX, |size| size.head_bytes);
        heads(self.db(), self.scope(), chosen.iter().map(|size| size.id)).await
    }
}

/// The conflicts of a maintenance among the candidates.
fn conflicts(maintenance: &Incident, candidates: &[Incident], now: Timestamp) -> Vec<Conflict> {
    let services: Vec<_> = maintenance.services.iter().map(|service| service.id).collect();
    let plan = Plan { window: maintenance.occupied(now), services: &services, itself: Some(maintenance.id) };
    plan.conflicts(candidates, now)
}
