//! Finds incidents by what they say: in their title, their status, a message or the postmortem (domain rule 3.4.10).

use sea_orm::{
    ColumnTrait, Condition, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait,
    sea_query::{ExprTrait, Func, LikeExpr},
};

use super::super::store::{Scope, incident, incident_update};

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
