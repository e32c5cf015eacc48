//! Finds incidents by what they say: in their title, their status, a message or the postmortem (domain rule 3.4.10); and
//! by the services they affect.

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func, LikeExpr, SubQueryStatement},
};

use super::super::store::{Scope, incident, incident_service, incident_update};
use crate::model::{IncidentId, Result, ServiceId};

/// The most incidents of one service that are looked up by their ids.
const FEW: usize = 100;

/// How much of a search is looked at, in characters.
const SEARCH_MAX: usize = 100;
/// Stands before what would be a wildcard.
const ESCAPE: char = '!';

/// Those that say these words, in capitals or not; everything when there are none.
pub(super) fn says(scope: Scope, words: &str) -> Condition {
    use incident::Column;
    // PostgreSQL takes no NUL, and nothing that was written has one.
    let words: String = words.trim().chars().filter(|c| !c.is_control()).take(SEARCH_MAX).collect();
    if words.is_empty() {
        return Condition::all();
    }
    let said = scope.find::<incident_update::Entity>().filter(holds(incident_update::Column::Message, &words));
    let said = said.select_only().column(incident_update::Column::IncidentId).into_query();
    Condition::any()
        .add(holds(Column::Title, &words))
        .add(holds(Column::Status, &words))
        .add(holds(Column::Postmortem, &words))
        .add(Column::Id.in_subquery(said))
}

/// Those that affect a service. Few are looked up by their ids. Of many, the list looks at each it comes to, in its own
/// order, so that a page of it takes no longer the more there are. It looks by counting: of whatever says the same as a
/// join, a planner may begin at the service's end, with all of its incidents.
pub(super) async fn affecting(db: &impl ConnectionTrait, scope: Scope, service: ServiceId) -> Result<Condition> {
    use incident_service::Column;
    let of_service = || scope.find::<incident_service::Entity>().filter(Column::ServiceId.eq(service));
    let ids = of_service().select_only().column(Column::IncidentId).limit(FEW as u64 + 1).into_tuple().all(db);
    let ids: Vec<IncidentId> = ids.await?;
    if ids.len() <= FEW {
        return Ok(Condition::all().add(incident::Column::Id.is_in(ids)));
    }
    let listed =
        Expr::col((incident_service::Entity, Column::IncidentId)).equals((incident::Entity, incident::Column::Id));
    let count = of_service().filter(listed).select_only().column_as(Column::ServiceId.count(), "services");
    let count = Expr::from(SubQueryStatement::from(count.into_query()));
    Ok(Condition::all().add(count.gt(0)))
}

fn holds(column: impl ColumnTrait, words: &str) -> Condition {
    let pattern = |words: &str| {
        let escaped =
            words.chars().flat_map(|c| matches!(c, '%' | '_' | ESCAPE).then_some(ESCAPE).into_iter().chain([c]));
        LikeExpr::new(format!("%{}%", escaped.collect::<String>())).escape(ESCAPE)
    };
    // SQLite knows the capitals of ASCII alone: what is spelled as it stands there is found in any script.
    Condition::any()
        .add(column.into_simple_expr().like(pattern(words)))
        .add(Func::lower(column.into_simple_expr()).like(pattern(&words.to_lowercase())))
}
