//! The page as a whole, and the history of statuses: what members and visitors read.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoSimpleExpr, JoinType, QueryFilter,
    QueryOrder, QuerySelect, RelationTrait, Select,
    sea_query::{Expr, ExprTrait, Func},
};

use super::{
    Site, Viewer, Visitor, feed,
    identity::registration::organization_of,
    incidents,
    store::{self, Scope, organization, service, service_group, status_change, user_account},
    tx::Tx,
    zones,
};
use crate::{
    model::{
        Audience, Error, History, HistoryEntry, OrganizationId, PublicOrganization, Result, Service, ServiceId, Slug,
        StatusChange, StatusChangeId, StatusPage, Timeline, Timestamp, Uptime, UserId, page::PAST_DAYS, uptime::DAYS,
    },
    server::error::internal,
};

/// How many changes the public timeline and one page of a history hold.
pub const PAGE: u64 = 100;

/// Where services without a group stand: before every group.
const NO_GROUP: i64 = -1;

/// The longest stretch of a history that can be asked for, in days.
const RANGE_DAYS: i64 = 400;

/// Which part of a service's history is asked for.
#[derive(Clone, Debug, Default)]
pub struct HistoryRange {
    /// Nothing older than this.
    pub from: Option<Timestamp>,
    /// Nothing newer than this.
    pub to: Option<Timestamp>,
    /// Where the page before ended.
    pub before: Option<String>,
    /// At most this many; [`PAGE`] when absent.
    pub limit: Option<u64>,
}

impl Site {
    /// Goes to the page with this address.
    ///
    /// # Errors
    /// `not_found` when there is none.
    pub async fn visit(&self, slug: &str) -> Result<Visitor> {
        let slug = Slug::unreserved(slug).map_err(|_| Error::not_found())?;
        let row = self.domain.organization_at(&slug).await?.ok_or_else(Error::not_found)?;
        Ok(Visitor::new(self.domain.clone(), row.id))
    }
}

impl Visitor {
    /// The page as visitors see it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn page(&self) -> Result<StatusPage> {
        let tx = store::snapshot(self.domain.db()).await?;
        let page = load(&tx, self.scope(), Audience::Public, self.domain.clock().now()).await?;
        tx.commit().await?;
        Ok(page)
    }

    /// What changed lately, newest first, without who did it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn timeline(&self) -> Result<Timeline> {
        let db = self.domain.db();
        let shown = self.scope().find::<service::Entity>().filter(service::Column::DeletedAt.is_null());
        let shown: Vec<ServiceId> = shown.select_only().column(service::Column::Id).into_tuple().all(db).await?;
        let rows = newest_first(self.scope().find())
            .filter(status_change::Column::ServiceId.is_in(shown))
            .limit(PAGE)
            .all(db)
            .await?;
        let status_changes =
            rows.into_iter().map(|row| StatusChange { changed_by: None, ..StatusChange::from(row) }).collect();
        let incidents = incidents::timeline(db, self.scope(), self.domain.clock().now(), PAGE).await?;
        Ok(Timeline { status_changes, incidents })
    }
}

impl Viewer {
    /// The page as members see it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn board(&self) -> Result<StatusPage> {
        let tx = store::snapshot(self.domain.db()).await?;
        let page = load(&tx, self.scope(), Audience::Members, self.domain.clock().now()).await?;
        tx.commit().await?;
        Ok(page)
    }

    /// The services in page order, at most so many of those after the one with this id, and the id to go on from.
    ///
    /// # Errors
    /// `invalid` when there never was such a service.
    pub async fn services(&self, after: Option<&str>, limit: u64) -> Result<(Vec<Service>, Option<ServiceId>)> {
        use service::Column;
        let group = || {
            let position = service_group::Column::Position.into_simple_expr();
            Expr::from(Func::coalesce([position, Expr::val(NO_GROUP)]))
        };
        let mut query = self.scope().find::<service::Entity>().filter(Column::DeletedAt.is_null());
        if let Some(after) = after {
            let (last, rank) = self.place(after).await?;
            let behind = Condition::any().add(Column::Position.gt(last.position));
            let behind = if last.deleted_at.is_some() {
                // Those that followed have moved up.
                behind.add(Column::Position.eq(last.position))
            } else {
                behind.add(Condition::all().add(Column::Position.eq(last.position)).add(Column::Id.gt(last.id)))
            };
            let beside = Condition::all().add(group().eq(rank)).add(behind);
            query = query.filter(Condition::any().add(group().gt(rank)).add(beside));
        }
        let query = query.join(JoinType::LeftJoin, service::Relation::Group.def()).order_by_asc(group());
        let query = query.order_by_asc(Column::Position).order_by_asc(Column::Id).limit(limit + 1);
        let mut rows = query.all(self.db()).await?;
        let more = u64::try_from(rows.len()).is_ok_and(|length| length > limit);
        if more {
            rows.pop();
        }
        let next = rows.last().filter(|_| more).map(|row| row.id);
        Ok((rows.into_iter().map(Into::into).collect(), next))
    }

    /// The service a list has come to, and where its group stands. One that has been deleted meanwhile kept its place.
    async fn place(&self, cursor: &str) -> Result<(service::Model, i64)> {
        let row = match cursor.parse::<ServiceId>() {
            Ok(id) => self.scope().find_id::<service::Entity>(id).one(self.db()).await?,
            Err(_) => None,
        };
        let row = row.ok_or_else(|| Error::field("cursor", "Use the cursor of the page before, unchanged."))?;
        let group = match row.group_id {
            Some(id) => self.scope().find_id::<service_group::Entity>(id).one(self.db()).await?,
            None => None,
        };
        Ok((row, group.map_or(NO_GROUP, |group| group.position)))
    }

    /// A service's status changes, newest first, and where the next page begins.
    ///
    /// # Errors
    /// `not_found` for an unknown service, `invalid` for a `before` that is not ours.
    pub async fn history(&self, id: ServiceId, range: HistoryRange) -> Result<(Vec<StatusChange>, Option<String>)> {
        let db = self.db();
        let known = self.scope().find_id::<service::Entity>(id).filter(service::Column::DeletedAt.is_null());
        known.one(db).await?.ok_or_else(Error::not_found)?;
        let limit = range.limit.unwrap_or(PAGE).clamp(1, PAGE);
        let end = range.to.unwrap_or_else(|| self.domain.clock().now());
        if range.from.is_some_and(|from| from.plus_seconds(RANGE_DAYS * 86_400) < end) {
            return Err(Error::field("from", format!("Ask for at most {RANGE_DAYS} days at once.")));
        }
        let mut query = newest_first(self.scope().find()).filter(status_change::Column::ServiceId.eq(id));
        if let Some(from) = range.from {
            query = query.filter(status_change::Column::CreatedAt.gte(from));
        }
        if let Some(to) = range.to {
            query = query.filter(status_change::Column::CreatedAt.lte(to));
        }
        if let Some(before) = range.before {
            let (at, id) = cursor(&before)?;
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

    /// How much of the last 90 days a service worked (domain rule 3.7).
    ///
    /// # Errors
    /// `not_found` for an unknown service.
    pub async fn uptime(&self, id: ServiceId) -> Result<Uptime> {
        let service = self.service(id).await?;
        let now = self.domain.clock().now();
        // A day more than are shown: days are the zone's, which may be behind.
        let window = now.plus_seconds(-86_400 * (i64::try_from(DAYS + 1).map_err(internal)?));
        let rows = newest_first(self.scope().find())
            .filter(status_change::Column::ServiceId.eq(id))
            .filter(status_change::Column::CreatedAt.gte(window))
            .all(self.db())
            .await?;
        let changes = rows.into_iter().map(StatusChange::from).collect();
        let corrections = incidents::corrections(self.db(), self.scope(), id, window).await?;
        Ok(Uptime::of((service.created_at, service.status), changes, &corrections, &self.zone().await?, now))
    }

    /// A page of [`Viewer::history`] with the names of who changed what.
    ///
    /// # Errors
    /// As [`Viewer::history`].
    pub async fn history_page(&self, id: ServiceId, before: Option<String>) -> Result<History> {
        let before = before.filter(|before| !before.is_empty());
        let (changes, next) = self.history(id, HistoryRange { before, limit: Some(25), ..Default::default() }).await?;
        let people: BTreeSet<UserId> = changes.iter().filter_map(|change| change.changed_by).collect();
        let names = names(self.db(), people).await?;
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

impl Tx {
    /// The page as it is inside the transaction; its number is set when it is emitted.
    pub(super) async fn page(&self) -> Result<StatusPage> {
        assemble(self.db(), (self.scope(), Audience::Members), self.organization().clone(), self.now(), 0).await
    }
}

async fn load(db: &DatabaseTransaction, scope: Scope, audience: Audience, now: Timestamp) -> Result<StatusPage> {
    let seq = feed::tip(db, scope.organization(), audience).await?;
    let row = organization_row(db, scope.organization()).await?;
    assemble(db, (scope, audience), row, now, seq).await
}

/// The page at an instant, as its audience may see it.
async fn assemble(
    db: &impl ConnectionTrait,
    (scope, audience): (Scope, Audience),
    row: organization::Model,
    now: Timestamp,
    seq: u64,
) -> Result<StatusPage> {
    let time_zone = row.time_zone.clone();
    let zone = zones::zone(&time_zone, now)?;
    let organization = organization_of(row)?;
    let groups = scope.find::<service_group::Entity>().all(db).await?;
    let services = scope.find::<service::Entity>().filter(service::Column::DeletedAt.is_null());
    let services = services.all(db).await?;
    let today = zone.start_of(zone.day(now));
    let since = today.plus_seconds(-86_400 * i64::try_from(PAST_DAYS)?);
    let shown = incidents::page_incidents(db, scope, since, audience == Audience::Members).await?;
    let mut page = StatusPage {
        seq,
        organization: PublicOrganization {
            id: organization.id,
            name: organization.name,
            slug: organization.slug,
            time_zone,
        },
        zone,
        today,
        groups: groups.into_iter().map(Into::into).collect(),
        services: services.into_iter().map(Into::into).collect(),
        incidents: shown.incidents,
        cut_at: shown.cut_at,
    };
    page.sort();
    Ok(if audience == Audience::Public { page.for_public() } else { page })
}

#[expect(clippy::disallowed_methods, reason = "the organization is what scopes are made of")]
pub(super) async fn organization_row(db: &impl ConnectionTrait, id: OrganizationId) -> Result<organization::Model> {
    organization::Entity::find_by_id(id).one(db).await?.ok_or_else(Error::not_found)
}

fn newest_first(query: Select<status_change::Entity>) -> Select<status_change::Entity> {
    query.order_by_desc(status_change::Column::CreatedAt).order_by_desc(status_change::Column::Id)
}

/// Reads a place in a history: the instant and the id of the last change shown.
fn cursor(text: &str) -> Result<(Timestamp, StatusChangeId)> {
    let place = text.split_once('.').and_then(|(at, id)| Some((at.parse().ok()?, id.parse().ok()?)));
    let (at, id) = place.ok_or_else(|| Error::field("cursor", "Use the cursor of the page before, unchanged."))?;
    Ok((Timestamp::from_millis(at), id))
}

/// The names of people who changed something here; they may have left since.
#[expect(clippy::disallowed_methods, reason = "the ids come from this organization's own rows")]
pub(super) async fn names(db: &impl ConnectionTrait, people: BTreeSet<UserId>) -> Result<BTreeMap<UserId, String>> {
    if people.is_empty() {
        return Ok(BTreeMap::new());
    }
    let rows = user_account::Entity::find().filter(user_account::Column::Id.is_in(people));
    Ok(rows.all(db).await?.into_iter().map(|user| (user.id, user.name)).collect())
}
