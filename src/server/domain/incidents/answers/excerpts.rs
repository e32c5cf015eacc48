//! Updates by their first words, loaded without the rest of their texts.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, ConnectionTrait, IntoSimpleExpr, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait,
    sea_query::{Expr, ExprTrait, Func, SubQueryStatement},
};

use super::{
    super::super::{
        markdown,
        store::{Scope, incident, incident_update},
    },
    budget::EXCERPT_CHARS,
};
use crate::model::{IncidentId, IncidentStatus, IncidentUpdate, Result, Timestamp, UpdateId, UserId};

/// The first and the newest update of an incident, and how many there are.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    pub first: UpdateId,
    pub newest: UpdateId,
    pub count: i64,
}

/// What is read of an update: ids, status, the start of its message, author, times, and whether it notifies.
type Row = (UpdateId, IncidentId, IncidentStatus, String, Option<UserId>, Timestamp, Timestamp, Timestamp, bool);

/// The first and the newest update of each of these incidents.
pub async fn ends(
    db: &impl ConnectionTrait,
    scope: Scope,
    incidents: impl IntoIterator<Item = IncidentId>,
) -> Result<BTreeMap<IncidentId, Ends>> {
    use incident_update::{Column, Entity};
    let own = || {
        let id = Expr::col((incident::Entity, incident::Column::Id));
        scope.find::<Entity>().filter(Expr::col((Entity, Column::IncidentId)).eq(id)).select_only()
    };
    let end = |order: Order| {
        let ids = own().column(Column::Id).order_by(Column::DisplayAt, order.clone()).order_by(Column::Id, order);
        Expr::from(SubQueryStatement::from(ids.limit(1).into_query()))
    };
    let count = Expr::from(SubQueryStatement::from(own().column_as(Column::Id.count(), "updates").into_query()));
    let rows = scope.find::<incident::Entity>().filter(incident::Column::Id.is_in(incidents)).select_only();
    let rows = rows.column(incident::Column::Id).expr_as(end(Order::Asc), "first");
    let rows = rows.expr_as(end(Order::Desc), "newest").expr_as(count, "updates");
    let rows: Vec<(IncidentId, Option<UpdateId>, Option<UpdateId>, i64)> = rows.into_tuple().all(db).await?;
    let ends = rows.into_iter().filter_map(|(id, first, newest, count)| {
        let (first, newest) = first.zip(newest)?;
        Some((id, Ends { first, newest, count }))
    });
    Ok(ends.collect())
}

/// Loads these updates with an excerpt of their messages, without earlier versions and changes to services.
pub async fn excerpts(db: &impl ConnectionTrait, scope: Scope, ids: Vec<UpdateId>) -> Result<Vec<IncidentUpdate>> {
    use incident_update::{Column, Entity};
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let length = i32::try_from(EXCERPT_CHARS + 1)?;
    let start = Func::cust("substr").args([Column::Message.into_simple_expr(), Expr::val(1), Expr::val(length)]);
    let rows = scope.find::<Entity>().filter(Column::Id.is_in(ids)).select_only();
    let rows = rows.columns([Column::Id, Column::IncidentId, Column::Status]).expr_as(start, "start");
    let rows = rows.columns([Column::CreatedBy, Column::CreatedAt, Column::DisplayAt, Column::UpdatedAt]);
    let rows: Vec<Row> = rows.column(Column::Notify).into_tuple().all(db).await?;
    Ok(rows.into_iter().map(update).collect())
}

fn update(
    (id, incident_id, status, start, created_by, created_at, display_at, updated_at, notify): Row,
) -> IncidentUpdate {
    let message = excerpt(start);
    let html = markdown::render(&message);
    IncidentUpdate {
        id,
        message,
        html,
        status,
        incident_id,
        created_by,
        created_at,
        display_at,
        updated_at,
        services: None,
        edits: Vec::new(),
        notify,
    }
}

/// At most [`EXCERPT_CHARS`] characters of a text, cut at a word; a single long word is cut.
fn excerpt(text: String) -> String {
    let Some((end, _)) = text.char_indices().nth(EXCERPT_CHARS) else { return text };
    // Room for the ellipsis.
    let kept = text[..end].char_indices().next_back().map_or("", |(last, _)| &text[..last]);
    let kept = kept.rfind(char::is_whitespace).map_or(kept, |space| &kept[..space]);
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::domain::incidents::answers::budget;

    #[test]
    fn an_excerpt_ends_at_a_word_with_an_ellipsis() {
        let short = "é".repeat(EXCERPT_CHARS);
        assert_eq!(excerpt(short.clone()), short);
        let endless = excerpt(format!("{short}é"));
        assert_eq!((endless.chars().count(), endless.ends_with("é…")), (EXCERPT_CHARS, true));
        let words = excerpt("# Two\n\nwords ".repeat(100));
        assert!(words.starts_with("# Two\n\nwords # Two\n\n") && words.ends_with('…'), "{words}");
        assert!(words.chars().count() <= EXCERPT_CHARS);
    }

    #[test]
    fn r_70_no_excerpt_takes_more_than_it_may() {
        for piece in
            ["<", "\"", "🔥", "*a* ", "- a\n", "http://a.b ", "`a` ", "> ", "1. a\n", "[a](http://a) ", "# a\n"]
        {
            let text = excerpt(piece.repeat(EXCERPT_CHARS));
            let taken = budget::update(&text, &markdown::render(&text), "[]", "");
            assert!(taken <= budget::EXCERPT_MAX, "{piece:?} takes {taken}");
        }
    }
}
