//! The list of services, page by page.

use sea_orm::{
    ColumnTrait, Condition, IntoSimpleExpr, JoinType, QueryFilter, QueryOrder, QuerySelect, RelationTrait,
    sea_query::{Expr, ExprTrait, Func},
};

use crate::{
    model::{Error, Result, Service, ServiceId},
    server::domain::{
        Viewer,
        store::{service, service_group},
    },
};

/// The position of services without a group: before every group.
const NO_GROUP: i64 = -1;

impl Viewer {
    /// At most `limit` services in page order, after the one with this id, and the cursor of the next page.
    ///
    /// # Errors
    /// `invalid` when no service ever had this id.
    pub async fn services(&self, after: Option<&str>, limit: u64) -> Result<(Vec<Service>, Option<ServiceId>)> {
        use service::Column;
        let group = || {
            let position = service_group::Column::Position.into_simple_expr();
            Expr::from(Func::coalesce([position, Expr::val(NO_GROUP)]))
        };
        let mut query = self.scope().find::<service::Entity>().filter(Column::DeletedAt.is_null());
        if let Some(after) = after {
            let (last, rank) = self.position_of(after).await?;
            let behind = Condition::any().add(Column::Position.gt(last.position));
            let behind = if last.deleted_at.is_some() {
                // The services after it have moved up.
                behind.add(Column::Position.eq(last.position))
            } else {
                behind.add(Condition::all().add(Column::Position.eq(last.position)).add(Column::Id.gt(last.id)))
            };
            let beside = Condition::all().add(group().eq(rank)).add(behind);
            query = query.filter(Condition::any().add(group().gt(rank)).add(beside));
        }
        let mut rows = query
            .join(JoinType::LeftJoin, service::Relation::Group.def())
            .order_by_asc(group())
            .order_by_asc(Column::Position)
            .order_by_asc(Column::Id)
            .limit(limit + 1)
            .all(self.db())
            .await?;
        let more = u64::try_from(rows.len()).is_ok_and(|length| length > limit);
        if more {
            rows.pop();
        }
        let next = rows.last().filter(|_| more).map(|row| row.id);
        Ok((rows.into_iter().map(Into::into).collect(), next))
    }

    /// The service a cursor names, deleted or not, and the position of its group.
    async fn position_of(&self, cursor: &str) -> Result<(service::Model, i64)> {
        let row = match cursor.parse::<ServiceId>() {
            Ok(id) => self.scope().find_id::<service::Entity>(id).one(self.db()).await?,
            Err(_) => None,
        };
        let row =
            row.ok_or_else(|| Error::field("cursor", "Use the cursor from the `Link` header of the previous page."))?;
        let group = match row.group_id {
            Some(id) => self.scope().find_id::<service_group::Entity>(id).one(self.db()).await?,
            None => None,
        };
        Ok((row, group.map_or(NO_GROUP, |group| group.position)))
    }
}
