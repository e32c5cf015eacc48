//! Damaged files, and a disk that is full, read-only or otherwise in the way.

use std::time::{Duration, Instant};

use super::*;

/// A file of the current format.
async fn saved(data: &Path) -> (StateSnapshots, PathBuf) {
    let store = StateSnapshots::open(data).expect("opens");
    store.save(state(1)).await;
    (store, file_of(data, &state(1)))
}

#[tokio::test]
async fn damaged_states_are_ignored_and_deleted() {
    type Damage = fn(&str, &[u8]) -> (String, Vec<u8>);
    let damages: [(&str, Damage); 6] = [
        ("empty", |_, _| Default::default()),
        ("no header", |_, state| ("{}\n".into(), state.into())),
        ("another format", |header, state| (header.replace("\"format\":1,", "\"format\":0,"), state.into())),
        ("another organization", |header, state| (header.replace("000001\"", "000002\""), state.into())),
        ("cut off", |header, state| (header.into(), state[..state.len() - 9].into())),
        ("not compressed", |header, _| (header.into(), b"{\"seq\":1}".into())),
    ];
    for (damage, make) in damages {
        let data = folder();
        let (store, file) = saved(&data).await;
        let good = fs::read(&file).expect("read");
        let end = good.iter().position(|byte| *byte == b'\n').expect("a header") + 1;
        let (header, state_bytes) = make(std::str::from_utf8(&good[..end]).expect("text"), &good[end..]);
        let bad = [header.as_bytes(), &state_bytes].concat();
        assert_ne!(good, bad, "{damage}");
        for is_restarted in [false, true] {
            fs::write(&file, &bad).expect("written");
            let store = if is_restarted { StateSnapshots::open(&data).expect("opens again") } else { store.clone() };
            assert_eq!(loaded(&store, DocumentKind::Page).await, None, "{damage}");
            assert!(!file.exists() && store.index().is_empty(), "{damage}, restarted: {is_restarted}");
            store.save(state(1)).await;
            assert_eq!(loaded(&store, DocumentKind::Page).await, Some(1), "{damage}");
        }
    }
}

#[tokio::test]
async fn what_a_killed_process_left_is_deleted_and_other_files_are_not() {
    let data = folder();
    let (_, file) = saved(&data).await;
    let snapshots = data.join("snapshots");
    let draft = snapshots.join(".00000000-0000-0000-0000-000000000001.page.4711");
    let theirs = [snapshots.join("notes.page"), snapshots.join(".keep")];
    for path in theirs.iter().chain([&draft]) {
        fs::copy(&file, path).expect("copied");
    }
    fs::write(snapshots.join("verified"), "not JSON").expect("written");
    let store = StateSnapshots::open(&data).expect("opens again");
    assert!(!draft.exists() && theirs.iter().all(|path| path.exists()));
    assert_eq!((loaded(&store, DocumentKind::Page).await, store.last_verified()), (Some(1), None));
}

#[tokio::test]
async fn an_outdated_state_is_removed_when_it_cannot_be_replaced() {
    let data = folder();
    let (store, file) = saved(&data).await;
    store.save(timeline(2)).await;
    store.save(month(1)).await;
    // In the way of the new content.
    fs::create_dir(draft_of(&file)).expect("a folder");
    store.save(state(2)).await;
    for store in [store.clone(), StateSnapshots::open(&data).expect("opens again")] {
        assert_eq!(loaded(&store, DocumentKind::Page).await, None);
        assert_eq!(loaded(&store, DocumentKind::Month).await, None);
        assert_eq!(loaded(&store, DocumentKind::Timeline).await, Some(2), "it is not outdated");
    }
    fs::remove_dir(draft_of(&file)).expect("removed");
    store.save(state(1)).await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, None, "it comes too late");
    store.save(state(2)).await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, Some(2));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_leaves_no_outdated_state() {
    let data = folder();
    let (store, file) = saved(&data).await;
    std::os::unix::fs::symlink("/dev/full", draft_of(&file)).expect("a link");
    store.save(state(2)).await;
    assert_eq!((loaded(&store, DocumentKind::Page).await, file.exists()), (None, false));
    // There is space again.
    store.save(state(3)).await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, Some(3));
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_folder_never_brings_an_outdated_state_back() {
    use std::os::unix::fs::PermissionsExt;
    let data = folder();
    let (store, _) = saved(&data).await;
    let set_mode = |mode| fs::set_permissions(data.join("snapshots"), fs::Permissions::from_mode(mode)).expect("set");
    set_mode(0o500);
    store.save(state(2)).await;
    let again = StateSnapshots::open(&data).expect("opens read-only");
    // The superuser can write all the same.
    let (now, restarted) = (loaded(&store, DocumentKind::Page).await, loaded(&again, DocumentKind::Page).await);
    set_mode(0o700);
    assert!(now != Some(1) && restarted != Some(1), "{now:?}, {restarted:?}");
}

#[tokio::test]
async fn a_state_that_can_be_neither_replaced_nor_removed_is_not_served() {
    let data = folder();
    let (store, file) = saved(&data).await;
    fs::remove_file(&file).expect("removed");
    fs::create_dir_all(file.join("full")).expect("a folder in its place");
    store.save(state(2)).await;
    assert_eq!((loaded(&store, DocumentKind::Page).await, store.index().len()), (None, 0));
    let again = StateSnapshots::open(&data).expect("opens again");
    assert_eq!(loaded(&again, DocumentKind::Page).await, None);
}

#[test]
fn the_same_trouble_is_logged_once_a_minute() {
    let (interval, start) = (Interval::default(), Instant::now());
    let due = [0, 59, 60, 61, 119, 120].map(|second| interval.is_due(start + Duration::from_secs(second)));
    assert_eq!(due, [true, false, true, false, false, true]);
}
