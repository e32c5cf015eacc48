//! Chooses the incidents and maintenances of status pages and of the timeline.

use sea_orm::{ColumnTrait, Condition, ConnectionTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::{
    super::{
        super::store::{Scope, incident},
        load::{self, announced, called_off, had_begun, newest_first, next_first},
    },
    budget::{Budget, LIST_MAX, PAGE_MAX, first_within},
    size::{Pick, Size},
};
use crate::model::{Incident, IncidentKind, IncidentStatus, Result, Timestamp};

/// The most incidents in force on one page: practically all, since statuses follow from them.
const IN_FORCE_COUNT: u64 = 1_000;
/// The most drafts of each kind.
const DRAFTS_COUNT: u64 = 50;
/// The most scheduled maintenances.
const SCHEDULED_COUNT: u64 = 50;
/// The most recently ended incidents, and maintenances.
const PAST_COUNT: u64 = 50;
/// The most recently cancelled plans.
const CANCELLED_COUNT: u64 = 20;

/// The incidents and maintenances of a page.
pub struct PageIncidents {
    pub incidents: Vec<Incident>,
    /// When some that ended were left out, the end of the latest of them.
    pub cut_at: Option<Timestamp>,
}

/// Loads the incidents of a page: those in force, those scheduled, drafts, and those that ended after `since`, as far
/// as they fit in this order. Each kind has a limit of its own.
pub async fn page_incidents(
    db: &impl ConnectionTrait,
    scope: Scope,
    since: Timestamp,
    with_drafts: bool,
) -> Result<PageIncidents> {
    use incident::Column;
    let public = || scope.find::<incident::Entity>().filter(Column::IsDraft.eq(false));
    let scheduled = next_first(public().filter(Column::Status.eq(IncidentStatus::Scheduled))).limit(SCHEDULED_COUNT);
    let mut budget = Budget::of(PAGE_MAX);
    let mut picks = in_force_within(&mut budget, &in_force(db, public).await?);
    let mut planned = Size::of(db, scheduled).await?;
    if with_drafts {
        let drafts = scope.find::<incident::Entity>().filter(Column::IsDraft.eq(true));
        let drafts = drafts.filter(Column::ResolvedAt.is_null());
        let incidents = newest_first(drafts.clone().filter(Column::Kind.eq(IncidentKind::Incident)));
        planned.extend(Size::of(db, incidents.limit(DRAFTS_COUNT)).await?);
        let maintenances = next_first(drafts.filter(Column::Kind.eq(IncidentKind::Maintenance)));
        planned.extend(Size::of(db, maintenances.limit(DRAFTS_COUNT)).await?);
    }
    picks.extend(planned.iter().filter(|size| budget.take(size.taken())).map(Size::pick));
    let (past, mut cut_at) = past(db, || if with_drafts { scope.find() } else { public() }, since).await?;
    for size in past {
        if !budget.take(size.taken()) {
            cut_at = cut_at.max(size.resolved_at);
            break;
        }
        picks.push(size.pick());
    }
    let cancelled = if with_drafts { scope.find() } else { public() };
    let cancelled = ended(cancelled, IncidentKind::Maintenance, since).filter(called_off());
    let cancelled = Size::of(db, cancelled.order_by_asc(Column::StartedAt).limit(CANCELLED_COUNT)).await?;
    picks.extend(cancelled.iter().filter(|size| budget.take(size.taken())).map(Size::pick));
    Ok(PageIncidents { incidents: load::picked(db, scope, &picks).await?, cut_at })
}

/// Those in force, newest start first. One query for each kind, as an index has by kind what has not ended: for both at
/// once, a query planner may rather read all incidents in the order of their start.
async fn in_force(db: &impl ConnectionTrait, shown: impl Fn() -> Select<incident::Entity>) -> Result<Vec<Size>> {
    use incident::Column;
    let mut all = Vec::new();
    for kind in IncidentKind::ALL {
        let statuses = IncidentStatus::ALL.iter().copied().filter(|status| status.is_in_force());
        let of_kind = shown().filter(Column::Kind.eq(*kind)).filter(Column::ResolvedAt.is_null());
        let of_kind = newest_first(of_kind.filter(Column::Status.is_in(statuses)));
        all.extend(Size::of(db, of_kind.limit(IN_FORCE_COUNT)).await?);
    }
    all.sort_by_key(|size| std::cmp::Reverse((size.started_at, size.id)));
    all.truncate(usize::try_from(IN_FORCE_COUNT)?);
    Ok(all)
}

/// All incidents in force, if they fit. Otherwise each gets its share, but at least its head, and the last ones are
/// left out. Only the scheduler, and data of older versions, can exceed the budget.
fn in_force_within(budget: &mut Budget, sizes: &[Size]) -> Vec<Pick> {
    let all = sizes.iter().fold(0_i64, |sum, size| sum.saturating_add(size.taken()));
    if budget.take(all) {
        return sizes.iter().map(Size::pick).collect();
    }
    let mut remaining = i64::try_from(sizes.len()).unwrap_or(i64::MAX);
    let picks = sizes.iter().filter_map(|size| {
        let share = budget.left() / remaining;
        remaining -= 1;
        let room = size.taken().min(share.max(size.head_bytes));
        budget.take(room).then(|| size.within(room))
    });
    picks.collect()
}

/// Those that ended after `since`, latest first, and the end of the latest that was left out. Plans that were cancelled
/// beforehand are not among them.
async fn past(
    db: &impl ConnectionTrait,
    shown: impl Fn() -> Select<incident::Entity>,
    since: Timestamp,
) -> Result<(Vec<Size>, Option<Timestamp>)> {
    let (mut all, mut cut_at) = (Vec::new(), None);
    for kind in IncidentKind::ALL {
        let is_planned = *kind == IncidentKind::Maintenance;
        let of_kind = ended(shown(), *kind, since).filter(Condition::all().add_option(is_planned.then(had_begun)));
        let mut of_kind = Size::of(db, of_kind.limit(PAST_COUNT + 1)).await?;
        if u64::try_from(of_kind.len()).is_ok_and(|length| length > PAST_COUNT) {
            cut_at = Ord::max(cut_at, of_kind.pop().and_then(|size| size.resolved_at));
        }
        all.extend(of_kind);
    }
    all.sort_by_key(|size| std::cmp::Reverse((size.resolved_at, size.id)));
    Ok((all, cut_at))
}

fn ended(shown: Select<incident::Entity>, kind: IncidentKind, since: Timestamp) -> Select<incident::Entity> {
    let of_kind = shown.filter(incident::Column::Kind.eq(kind)).filter(incident::Column::ResolvedAt.gte(since));
    of_kind.order_by_desc(incident::Column::ResolvedAt)
}

/// Loads the newest incidents and maintenances that have begun, for the public timeline.
pub async fn timeline(db: &impl ConnectionTrait, scope: Scope, now: Timestamp, most: u64) -> Result<Vec<Incident>> {
    let shown = newest_first(scope.find()).filter(incident::Column::IsDraft.eq(false));
    let begun = shown.filter(incident::Column::StartedAt.lte(now)).filter(announced());
    let (chosen, _) = first_within(Size::of(db, begun.limit(most)).await?, LIST_MAX, Size::taken);
    let picks: Vec<Pick> = chosen.iter().map(Size::pick).collect();
    Ok(load::picked(db, scope, &picks).await?.into_iter().filter_map(Incident::for_public).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::IncidentId, server::domain::new_id};

    fn sized(head_bytes: i64, bytes: i64) -> Size {
        let (id, at) = (IncidentId::from_uuid(new_id()), Timestamp::EPOCH);
        Size { id, started_at: at, resolved_at: None, head_bytes, bytes }
    }

    /// The room of each incident that is picked, and what is left of the budget.
    fn within(most: i64, sizes: &[Size]) -> (Vec<Option<i64>>, i64) {
        let mut budget = Budget::of(most);
        let rooms = in_force_within(&mut budget, sizes).into_iter().map(|pick| pick.room).collect();
        (rooms, budget.left())
    }

    #[test]
    fn r_70_incidents_in_force_share_a_page_that_is_too_small() {
        let (small, large) = (sized(10, 20), sized(10, 1_000));
        assert_eq!(within(1_020, &[small, large]), (vec![None, None], 0));
        assert_eq!(within(120, &[small, large]), (vec![None, Some(100)], 0));
        assert_eq!(within(120, &[large, small]), (vec![Some(60), None], 40));
        assert_eq!(within(25, &[large, large, small]), (vec![Some(10), Some(10)], 5), "the heads first");
        let all_head = sized(100, 100);
        assert_eq!(within(50, &[all_head, small]), (vec![None], 30), "what fits no page is left out");
    }
}
