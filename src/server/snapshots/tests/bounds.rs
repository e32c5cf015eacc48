//! How many states are kept.

use super::{super::index::Bounds, *};

fn state_of(number: u128, saved_at: i64) -> DocumentState {
    DocumentState::of_page(page(number, &format!("acme-{number}"), 1), at(saved_at))
}

fn kept(store: &StateSnapshots) -> Vec<u128> {
    store.index().iter().map(|indexed| indexed.organization.uuid().as_u128()).collect()
}

#[tokio::test]
async fn the_organizations_saved_the_longest_ago_make_room() {
    let data = folder();
    let bounds = Bounds { organizations: 3, ..Bounds::default() };
    let store = StateSnapshots::with(&data, bounds).expect("opens");
    for (number, saved_at) in [(1, 10), (2, 20), (3, 30), (1, 40), (4, 50)] {
        store.save(state_of(number, saved_at)).await;
    }
    assert_eq!(kept(&store), [1, 3, 4]);
    assert_eq!(store.load(&slug("acme-2"), DocumentKind::Page).await, None);
    assert_eq!(names(&data.join("snapshots")).len(), 3);
    let lower = StateSnapshots::with(&data, Bounds { organizations: 1, ..bounds }).expect("opens again");
    assert_eq!((kept(&lower), names(&data.join("snapshots")).len()), (vec![4], 1));
}

#[tokio::test]
async fn files_have_a_bound_in_bytes_together() {
    let data = folder();
    let size = |data: &Path| -> u64 {
        let snapshots = data.join("snapshots");
        names(&snapshots).iter().map(|name| fs::metadata(snapshots.join(name)).expect("there").len()).sum()
    };
    let unbounded = StateSnapshots::open(&data).expect("opens");
    unbounded.save(state_of(1, 1)).await;
    let one = size(&data);
    let bounds = Bounds { bytes: one * 5 / 2, ..Bounds::default() };
    let store = StateSnapshots::with(&data, bounds).expect("opens again");
    for (number, saved_at) in [(2, 2), (1, 3), (3, 4), (3, 5), (4, 6)] {
        store.save(state_of(number, saved_at)).await;
        assert!(size(&data) <= bounds.bytes);
    }
    assert_eq!(kept(&store), [3, 4]);
}
