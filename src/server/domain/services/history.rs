//! The history of a service's status, and the uptime computed from it.

use std::collections::BTreeSet;

use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::{
    model::{
        Error, History, HistoryEntry, Result, ServiceId, StatusChange, StatusChangeId, Timeline, Timestamp, Uptime,
        UserId, uptime::DAYS,
    },
    server::{
        domain::{
            Viewer, Visitor,
            identity::people::user_names,
            incidents,
            store::{service, status_change},
        },
        error::internal,
    },
};

/// The most changes in the public timeline and in one page of a history.
const PAGE_SIZE: u64 = 100;

/// The longest range of a history in one request, in days.
const RANGE_DAYS: i64 = 400;

/// A range of a service's history.
#[derive(Clone, Debug, Default)]
pub struct HistoryRange {
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The latest time.
    pub to: Option<Timestamp>,
    /// The cursor of the previous page.
    pub before: Option<String>,
    /// The most changes to return, 100 if absent.
    pub limit: Option<u64>,
}

impl Visitor {
    /// The latest changes, newest first, without their authors.
    pub async fn timeline(&self) -> Result<Timeline> {
        let db = self.domain.db();
        let shown = self.scope().find::<service::Entity>().filter(service::Column::DeletedAt.is_null());
        let shown: Vec<ServiceId> = shown.select_only().column(service::Column::Id).into_tuple().all(db).await?;
        let rows = newest_first(self.scope().find())
            .filter(status_change::Column::ServiceId.is_in(shown))
            .limit(PAGE_SIZE)
            .all(db)
            .await?;
        let status_changes =
            rows.into_iter().map(|row| StatusChange { changed_by: None, ..StatusChange::from(row) }).collect();
        let incidents = incidents::timeline(db, self.scope(), self.domain.clock().now(), PAGE_SIZE).await?;
        Ok(Timeline { status_changes, incidents })
    }
}

impl Viewer {
    /// A service's status changes, newest first, and the cursor of the next page.
    ///
    /// # Errors
    /// `not_found` for an unknown service, `invalid` for an invalid cursor or a range that is too long.
    pub async fn history(&self, id: ServiceId, range: HistoryRange) -> Result<(Vec<StatusChange>, Option<String>)> {
        let db = self.db();
        self.service(id).await?;
        let limit = range.limit.unwrap_or(PAGE_SIZE).clamp(1, PAGE_SIZE);
        let end = range.to.unwrap_or_else(|| self.domain.clock().now());
        if range.from.is_some_and(|from| from.plus_seconds(RANGE_DAYS * 86_400) < end) {
            return Err(Error::field("from", format!("A range can be at most {RANGE_DAYS} days.")));
        }
        let mut query = newest_first(self.scope().find()).filter(status_change::Column::ServiceId.eq(id));
        if let Some(from) = range.from {
            query = query.filter(status_change::Column::CreatedAt.gte(from));
        }
        if let Some(to) = range.to {
            query = query.filter(status_change::Column::CreatedAt.lte(to));
        }
        if let Some(before) = range.before {
            let (at, id) = parse_cursor(&before)?;
            let older = Condition::any().add(status_change::Column::CreatedAt.lt(at)).add(
                Condition::all().add(status_change::Column::CreatedAt.eq(at)).add(status_change::Column::Id.lt(id)),
            );
            query = query.filter(older);
        }
        let mut rows = query.limit(limit + 1).all(db).await?;
        let more = u64::try_from(rows.len()).is_ok_and(|length| length > limit);
        if more {
            rows.pop();
        }
        let next = rows.last().filter(|_| more).map(|row| format!("{}.{}", row.created_at.millis(), row.id));
        Ok((rows.into_iter().map(StatusChange::from).collect(), next))
    }

    /// The uptime of a service over the last 90 days (domain rule 3.7).
    ///
    /// # Errors
    /// `not_found` for an unknown service.
    pub async fn uptime(&self, id: ServiceId) -> Result<Uptime> {
        let service = self.service(id).await?;
        let now = self.domain.clock().now();
        // One day more than is shown: days are those of the time zone, which may be behind UTC.
        let since = now.plus_seconds(-86_400 * (i64::try_from(DAYS + 1).map_err(internal)?));
        let rows = newest_first(self.scope().find())
            .filter(status_change::Column::ServiceId.eq(id))
            .filter(status_change::Column::CreatedAt.gte(since))
            .all(self.db())
            .await?;
        let changes = rows.into_iter().map(StatusChange::from).collect();
        let corrections = incidents::corrections(self.db(), self.scope(), id, since).await?;
        Ok(Uptime::of((service.created_at, service.status), changes, &corrections, &self.zone().await?, now))
    }

    /// A page of [`Viewer::history`] with the names of the authors.
    ///
    /// # Errors
    /// As [`Viewer::history`].
    pub async fn history_page(&self, id: ServiceId, before: Option<String>) -> Result<History> {
        let before = before.filter(|before| !before.is_empty());
        let (changes, next) = self.history(id, HistoryRange { before, limit: Some(25), ..Default::default() }).await?;
        let people: BTreeSet<UserId> = changes.iter().filter_map(|change| change.changed_by).collect();
        let names = user_names(self.db(), people).await?;
        let entries = changes
            .into_iter()
            .map(|change| {
                let changed_by_name = change.changed_by.and_then(|id| names.get(&id).cloned());
                HistoryEntry { change, changed_by_name }
            })
            .collect();
        Ok(History { entries, next })
    }
}

fn newest_first(query: Select<status_change::Entity>) -> Select<status_change::Entity> {
    query.order_by_desc(status_change::Column::CreatedAt).order_by_desc(status_change::Column::Id)
}

/// Parses a cursor: the time and the id of the last change shown.
fn parse_cursor(text: &str) -> Result<(Timestamp, StatusChangeId)> {
    let parts = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let (at, id) =
        parts.ok_or_else(|| Error::field("cursor", "Use the cursor from the `Link` header of the previous page."))?;
    Ok((Timestamp::from_millis(at), id))
}
