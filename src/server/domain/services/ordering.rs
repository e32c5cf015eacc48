//! Order: the dense positions (0, 1, 2, …) of services in their group and of groups in their organization.

use std::collections::BTreeMap;

use sea_orm::{
    ColumnTrait, ModelTrait, QueryFilter, Value,
    sea_query::{Expr, ExprTrait},
};

use crate::{
    model::{GroupId, Result, ServiceId},
    server::domain::{
        store::{Tenant, VALUES_MAX, service, service_group},
        tx::Tx,
    },
};

/// A row that has a position among others.
pub(super) trait Ordered: ModelTrait<Entity: Tenant> {
    /// What identifies it.
    type Id: Copy + Into<Value> + PartialEq;

    fn id(&self) -> Self::Id;
    fn position(&mut self) -> &mut i64;
    /// The columns of the position and of the last change.
    fn columns() -> [<Self::Entity as sea_orm::EntityTrait>::Column; 2];
}

macro_rules! ordered {
    ($table:ident, $id:ty) => {
        impl Ordered for $table::Model {
            type Id = $id;

            fn id(&self) -> $id {
                self.id
            }

            fn position(&mut self) -> &mut i64 {
                &mut self.position
            }

            fn columns() -> [$table::Column; 2] {
                [$table::Column::Position, $table::Column::UpdatedAt]
            }
        }
    };
}

ordered!(service, ServiceId);
ordered!(service_group, GroupId);

/// How far a row moves.
pub(super) type Move<R> = (<R as Ordered>::Id, i64);

/// Places a row among the others in their order, last by default, and sets its position. Returns how the others move.
pub(super) fn place<R: Ordered>(row: &mut R, mut others: Vec<R>, position: Option<i32>) -> Vec<Move<R>> {
    others.retain(|other| other.id() != row.id());
    let index = match position {
        Some(position) => usize::try_from(position).unwrap_or(0).min(others.len()),
        None => others.len(),
    };
    let behind = others.split_off(index);
    let mut numbers = 0_i64..;
    let mut moves = renumber(others, &mut numbers);
    *row.position() = numbers.next().unwrap_or_default();
    moves.extend(renumber(behind, &mut numbers));
    moves
}

/// Numbers these rows in their order. Returns how they move.
pub(super) fn renumber<R: Ordered>(rows: Vec<R>, numbers: impl Iterator<Item = i64>) -> Vec<Move<R>> {
    let moves = rows.into_iter().zip(numbers).map(|(mut row, number)| (row.id(), number - *row.position()));
    moves.filter(|(_, by)| *by != 0).collect()
}

impl Tx {
    /// Moves rows. As by [`Tx::moment_after`], each is changed later than the last time.
    pub(super) async fn shift<R: Ordered>(&self, moves: Vec<Move<R>>) -> Result<()> {
        let [position, updated_at] = R::columns();
        let mut by_distance: BTreeMap<i64, Vec<R::Id>> = BTreeMap::new();
        for (id, by) in moves {
            by_distance.entry(by).or_default().push(id);
        }
        for (by, ids) in &by_distance {
            let now = self.now().millis();
            let is_new = Expr::col(updated_at).gte(now);
            let later: Expr = Expr::case(is_new, Expr::col(updated_at).add(1_i64)).finally(now).into();
            for ids in ids.chunks(VALUES_MAX) {
                let update = self.scope().update::<R::Entity>().filter(R::Entity::ID.is_in(ids.iter().copied()));
                let update = update.col_expr(position, Expr::col(position).add(*by));
                update.col_expr(updated_at, later.clone()).exec(self.db()).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        model::{OrganizationId, Timestamp},
        server::domain::new_id,
    };

    fn groups(positions: &[i64]) -> Vec<service_group::Model> {
        let org_id = OrganizationId::from_uuid(new_id());
        let row = |position| service_group::Model {
            org_id,
            id: GroupId::from_uuid(new_id()),
            name: String::new(),
            position,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::EPOCH,
            version: 1,
        };
        positions.iter().copied().map(row).collect()
    }

    #[test]
    fn only_the_rows_between_the_old_and_the_new_place_move() {
        for (from, to, place_after, expected) in [
            (1, Some(3), 3, vec![(2, -1), (3, -1)]),
            (3, Some(1), 1, vec![(1, 1), (2, 1)]),
            (2, Some(99), 4, vec![(3, -1), (4, -1)]),
            (2, None, 4, vec![(3, -1), (4, -1)]),
            (1, Some(-1), 0, vec![(0, 1)]),
            (2, Some(2), 2, vec![]),
        ] {
            let rows = groups(&[0, 1, 2, 3, 4]);
            let expected: Vec<_> = expected.into_iter().map(|(n, by): (usize, i64)| (rows[n].id, by)).collect();
            let mut row = rows[from].clone();
            let moves = place(&mut row, rows, to);
            assert_eq!((row.position, moves), (place_after, expected), "{from} to {to:?}");
        }
    }

    #[test]
    fn a_gap_is_closed_wherever_it_is() {
        let distances = |positions: &[i64], first: i64| -> Vec<i64> {
            renumber(groups(positions), first..).into_iter().map(|(_, by)| by).collect()
        };
        assert_eq!(distances(&[0, 2, 3], 0), [-1, -1]);
        assert_eq!(distances(&[5, 5], 0), [-5, -4]);
        assert_eq!(distances(&[7, 8], 7), [0; 0]);
    }
}
