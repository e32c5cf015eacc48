//! Order: the dense positions (0, 1, 2, …) of services in their group and of groups in their organization.

use crate::{
    model::{GroupId, ServiceId, Timestamp},
    server::domain::store::{service, service_group},
};

/// A row that has a position among others.
pub(super) trait Ordered {
    /// What identifies it.
    type Id: PartialEq;

    fn id(&self) -> Self::Id;
    fn position(&mut self) -> &mut i64;
    fn updated_at(&mut self) -> &mut Timestamp;
}

macro_rules! ordered {
    ($row:ty, $id:ty) => {
        impl Ordered for $row {
            type Id = $id;

            fn id(&self) -> $id {
                self.id
            }

            fn position(&mut self) -> &mut i64 {
                &mut self.position
            }

            fn updated_at(&mut self) -> &mut Timestamp {
                &mut self.updated_at
            }
        }
    };
}

ordered!(service::Model, ServiceId);
ordered!(service_group::Model, GroupId);

/// Places a row among the others in their order, last by default, and sets its position. Returns the others that move.
pub(super) fn place<R: Ordered>(row: &mut R, mut others: Vec<R>, position: Option<i32>, now: Timestamp) -> Vec<R> {
    others.retain(|other| other.id() != row.id());
    let index = match position {
        Some(position) => usize::try_from(position).unwrap_or(0).min(others.len()),
        None => others.len(),
    };
    let behind = others.split_off(index);
    let mut numbers = 0_i64..;
    let mut moved = renumber(others, &mut numbers, now);
    *row.position() = numbers.next().unwrap_or_default();
    moved.extend(renumber(behind, &mut numbers, now));
    moved
}

/// Numbers these rows in their order. Returns those that move, each changed after its last change.
pub(super) fn renumber<R: Ordered>(rows: Vec<R>, numbers: impl Iterator<Item = i64>, now: Timestamp) -> Vec<R> {
    let mut moved = Vec::new();
    for (mut row, position) in rows.into_iter().zip(numbers) {
        if *row.position() != position {
            *row.position() = position;
            *row.updated_at() = now.max(row.updated_at().plus_millis(1));
            moved.push(row);
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::OrganizationId, server::domain::new_id};

    fn groups(positions: &[i64]) -> Vec<service_group::Model> {
        let org_id = OrganizationId::from_uuid(new_id());
        let row = |position| service_group::Model {
            org_id,
            id: GroupId::from_uuid(new_id()),
            name: format!("{position}"),
            position,
            created_at: Timestamp::EPOCH,
            updated_at: Timestamp::from_millis(10 * position),
            version: 1,
        };
        positions.iter().copied().map(row).collect()
    }

    fn moves(rows: &[service_group::Model]) -> Vec<(&str, i64, i64)> {
        rows.iter().map(|row| (row.name.as_str(), row.position, row.updated_at.millis())).collect()
    }

    #[test]
    fn only_the_rows_between_the_old_and_the_new_place_move() {
        let now = Timestamp::from_millis(15);
        for (from, to, place_after, expected) in [
            (1, Some(3), 3, vec![("2", 1, 21), ("3", 2, 31)]),
            (3, Some(1), 1, vec![("1", 2, 15), ("2", 3, 21)]),
            (2, Some(99), 4, vec![("3", 2, 31), ("4", 3, 41)]),
            (2, None, 4, vec![("3", 2, 31), ("4", 3, 41)]),
            (1, Some(-1), 0, vec![("0", 1, 15)]),
            (2, Some(2), 2, vec![]),
        ] {
            let rows = groups(&[0, 1, 2, 3, 4]);
            let mut row = rows[from].clone();
            let moved = place(&mut row, rows, to, now);
            assert_eq!((row.position, moves(&moved)), (place_after, expected), "{from} to {to:?}");
        }
    }

    #[test]
    fn a_gap_is_closed_wherever_it_is() {
        let now = Timestamp::from_millis(500);
        assert_eq!(moves(&renumber(groups(&[0, 2, 3]), 0.., now)), [("2", 1, 500), ("3", 2, 500)]);
        assert_eq!(moves(&renumber(groups(&[5, 5]), 0.., now)), [("5", 0, 500), ("5", 1, 500)]);
        assert!(renumber(groups(&[7, 8]), 7.., now).is_empty());
    }
}
