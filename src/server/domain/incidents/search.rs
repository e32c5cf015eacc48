//! Search filters of incident lists: by text (domain rule 3.4.10) and by affected service.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, SubQueryStatement},
};

use super::super::store::{Scope, incident, incident_service, incident_update};
use crate::model::{IncidentId, Result, ServiceId};

/// The most incidents of one service that are filtered by their ids.
const IDS_MAX: usize = 100;

/// The longest search text, in characters; the rest is ignored.
const SEARCH_MAX: usize = 100;
/// Escapes wildcards in `LIKE`.
const ESCAPE: char = '!';

/// Matches incidents whose title, status, messages or postmortem contain the text, ignoring case; all when it is empty.
pub(super) fn matches(scope: Scope, text: &str) -> Condition {
    use incident::Column;
    // PostgreSQL rejects NUL, and no stored text contains control characters of this kind.
    let text: String = text.trim().chars().filter(|c| !c.is_control()).take(SEARCH_MAX).collect();
    if text.is_empty() {
        return Condition::all();
    }
    let updates = scope.find::<incident_update::Entity>().filter(contains(incident_update::Column::Message, &text));
    let updates = updates.select_only().column(incident_update::Column::IncidentId).into_query();
    Condition::any()
        .add(contains(Column::Title, &text))
        .add(contains(Column::Status, &text))
        .add(contains(Column::Postmortem, &text))
        .add(Column::Id.in_subquery(updates))
}

/// Matches incidents that affect a service. Few are filtered by their ids. Many are checked one by one in the order of
/// the list, so a page takes the same time however many there are. The check is a count, because of an equivalent join
/// a query planner may start with all incidents of the service.
pub(super) async fn affects(db: &impl ConnectionTrait, scope: Scope, service: ServiceId) -> Result<Condition> {
    use incident_service::Column;
    let of_service = || scope.find::<incident_service::Entity>().filter(Column::ServiceId.eq(service));
    let ids = of_service().select_only().column(Column::IncidentId).limit(IDS_MAX as u64 + 1).into_tuple().all(db);
    let ids: Vec<IncidentId> = ids.await?;
    if ids.len() <= IDS_MAX {
        return Ok(Condition::all().add(incident::Column::Id.is_in(ids)));
    }
    let listed =
        Expr::col((incident_service::Entity, Column::IncidentId)).equals((incident::Entity, incident::Column::Id));
    let count = of_service().filter(listed).select_only().column_as(Column::ServiceId.count(), "services");
    let count = Expr::from(SubQueryStatement::from(count.into_query()));
    Ok(Condition::all().add(count.gt(0)))
}

fn contains(column: impl ColumnTrait, text: &str) -> Condition {
    let pattern = |text: &str| {
        let escaped =
            text.chars().flat_map(|c| matches!(c, '%' | '_' | ESCAPE).then_some(ESCAPE).into_iter().chain([c]));
        LikeExpr::new(format!("%{}%", escaped.collect::<String>())).escape(ESCAPE)
    };
    // SQLite lowers ASCII letters only; an exact match is found in any script.
    Condition::any()
        .add(column.into_simple_expr().like(pattern(text)))
        .add(Func::lower(column.into_simple_expr()).like(pattern(&text.to_lowercase())))
}
