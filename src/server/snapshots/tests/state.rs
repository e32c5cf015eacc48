//! Saving, loading and forgetting states.

use futures::{future::join_all, poll};

use super::{super::Verified, *};

const ALL: [DocumentKind; 3] = DocumentKind::ALL;

#[tokio::test]
async fn every_kind_of_state_is_the_same_after_a_restart() {
    let data = folder();
    let states = [state(7), month(7), timeline(7)];
    let store = StateSnapshots::open(&data).expect("opens");
    for state in &states {
        store.save(state.clone()).await;
    }
    let again = StateSnapshots::open(&data).expect("opens again");
    for store in [store, again] {
        for state in &states {
            assert_eq!(store.load(&slug("acme"), state.kind()).await.as_ref(), Some(state));
        }
        assert_eq!(store.load(&slug("other"), DocumentKind::Page).await, None);
        let [indexed] = &store.index()[..] else { panic!("{:?}", store.index()) };
        assert_eq!((indexed.organization, indexed.oldest), (organization(1), revision(7)));
        assert_eq!(indexed.slug, slug("acme"));
    }
}

#[cfg(unix)]
#[tokio::test]
async fn r_80_only_the_owner_can_read_states_and_their_names_are_ids() {
    let data = folder();
    let store = StateSnapshots::open(&data).expect("opens");
    store.save(state(1)).await;
    store.verify(Verified { epoch: 1, at: at(9) }).await;
    let snapshots = data.join("snapshots");
    assert_eq!(names(&snapshots), ["00000000-0000-0000-0000-000000000001.page", "verified"]);
    assert_eq!(mode(&snapshots), 0o700);
    assert!(names(&snapshots).iter().all(|name| mode(&snapshots.join(name)) == 0o600));
}

#[tokio::test]
async fn a_state_never_replaces_a_newer_one_of_its_epoch() {
    let data = folder();
    let mut store = StateSnapshots::open(&data).expect("opens");
    store.save(state(5)).await;
    for is_restarted in [false, true] {
        if is_restarted {
            store = StateSnapshots::open(&data).expect("opens again");
        }
        store.save(state(4)).await;
        assert_eq!(loaded(&store, DocumentKind::Page).await, Some(5), "restarted: {is_restarted}");
    }
    // With the same number, the later one counts: the page also changes with time.
    for (saved_at, expected) in [(9, 9), (8, 9)] {
        store.save(DocumentState { saved_at: at(saved_at), ..state(5) }).await;
        let state = store.load(&slug("acme"), DocumentKind::Page).await.expect("there");
        assert_eq!(state.saved_at, at(expected));
    }
    // The database was restored.
    let mut restored = page(1, "acme", 2);
    restored.epoch = 2;
    store.save(DocumentState::of_page(restored, at(1))).await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, Some(2));
}

#[tokio::test]
async fn of_many_waiting_states_only_the_newest_is_written() {
    let data = folder();
    let store = StateSnapshots::open(&data).expect("opens");
    let held = store.hold_disk().await;
    let order = (1..=50).map(|n| n * 37 % 51);
    let mut saves = Box::pin(join_all(order.map(|seq| store.save(state(seq)))));
    assert!(poll!(&mut saves).is_pending());
    assert_eq!((store.waiting(), names(&data.join("snapshots")).len()), (1, 0));
    drop(held);
    saves.await;
    assert_eq!((store.waiting(), loaded(&store, DocumentKind::Page).await), (0, Some(50)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_saves_end_with_the_newest_state() {
    let data = folder();
    let store = StateSnapshots::open(&data).expect("opens");
    let saves = (1..=60).map(|n| n * 23 % 61).map(|seq| {
        let store = store.clone();
        tokio::spawn(async move { store.save(state(seq)).await })
    });
    for save in join_all(saves).await {
        save.expect("no panic");
    }
    for store in [store, StateSnapshots::open(&data).expect("opens again")] {
        assert_eq!(loaded(&store, DocumentKind::Page).await, Some(60));
    }
}

#[tokio::test]
async fn a_state_is_written_even_if_nobody_waits_for_it() {
    let data = folder();
    let store = StateSnapshots::open(&data).expect("opens");
    let held = store.hold_disk().await;
    let mut save = Box::pin(store.save(state(1)));
    assert!(poll!(&mut save).is_pending());
    drop(save);
    drop(held);
    // Waits for its turn behind the other.
    store.verify(Verified { epoch: 1, at: at(9) }).await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, Some(1));
}

#[tokio::test]
async fn forgetting_takes_the_disk_only_where_something_may_be_on_it() {
    let store = StateSnapshots::open(&folder()).expect("opens");
    assert!(poll!(Box::pin(store.forget(organization(1), revision(5)))).is_ready());
    store.save(state(4)).await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, None, "it comes too late");
    store.save(state(5)).await;
    assert!(poll!(Box::pin(store.forget(organization(1), revision(5)))).is_ready(), "it is of that number");
    assert!(poll!(Box::pin(store.forget(organization(2), revision(5)))).is_ready());
    let mut forget = Box::pin(store.forget(organization(1), revision(6)));
    assert!(poll!(&mut forget).is_pending());
    forget.await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, None);
    // While the disk is in use, what is being written may be what is to be forgotten.
    let held = store.hold_disk().await;
    assert!(poll!(Box::pin(store.forget(organization(2), revision(6)))).is_pending());
    drop(held);
}

#[tokio::test]
async fn what_was_forgotten_does_not_return() {
    let data = folder();
    let store = StateSnapshots::open(&data).expect("opens");
    for state in [state(4), month(4), timeline(6)] {
        store.save(state).await;
    }
    let held = store.hold_disk().await;
    // One that was rendered before waits for the disk.
    let (mut late, mut forget) = (Box::pin(store.save(state(5))), Box::pin(store.forget(organization(1), revision(6))));
    assert!(poll!(&mut late).is_pending() && poll!(&mut forget).is_pending());
    drop(held);
    tokio::join!(late, forget);
    let kept = |store: StateSnapshots| async move {
        let [page, month, timeline] = ALL.map(|kind| loaded(&store, kind));
        tokio::join!(page, month, timeline)
    };
    assert_eq!(kept(store.clone()).await, (None, None, Some(6)), "it is of that number itself");
    // Others come later still.
    for state in [state(5), month(5)] {
        store.save(state).await;
    }
    assert_eq!(kept(store.clone()).await, (None, None, Some(6)));
    assert_eq!(kept(StateSnapshots::open(&data).expect("opens again")).await, (None, None, Some(6)));
    store.save(state(6)).await;
    assert_eq!(kept(store.clone()).await, (Some(6), None, Some(6)));

    store.forget(organization(1), Revision::end_of(1)).await;
    store.save(state(100)).await;
    assert_eq!(kept(store.clone()).await, (None, None, None));
    assert_eq!(names(&data.join("snapshots")), [] as [&str; 0]);
}

#[tokio::test]
async fn documents_can_be_forgotten_without_the_page() {
    let store = StateSnapshots::open(&folder()).expect("opens");
    for state in [state(4), month(4), timeline(4)] {
        store.save(state).await;
    }
    store.forget_documents(organization(1), revision(5)).await;
    assert_eq!(loaded(&store, DocumentKind::Page).await, Some(4));
    for late in [month(4), timeline(4)] {
        let kind = late.kind();
        store.save(late).await;
        assert_eq!(loaded(&store, kind).await, None);
    }
}

#[tokio::test]
async fn a_page_with_a_new_slug_is_not_found_under_the_old_one() {
    let data = folder();
    let store = StateSnapshots::open(&data).expect("opens");
    store.save(state(1)).await;
    store.save(timeline(1)).await;
    store.save(DocumentState::of_page(page(1, "acme-cloud", 2), at(2))).await;
    for store in [store, StateSnapshots::open(&data).expect("opens again")] {
        assert_eq!(loaded(&store, DocumentKind::Page).await, None);
        let found = store.load(&slug("acme-cloud"), DocumentKind::Page).await.expect("there");
        assert_eq!(found.revision, revision(2));
        // It named the old one.
        assert_eq!(store.load(&slug("acme-cloud"), DocumentKind::Timeline).await, None);
        assert_eq!(store.index().len(), 1);
    }
}

#[tokio::test]
async fn the_time_of_the_last_answer_is_written_every_30_seconds_and_counts_for_its_epoch() {
    let data = folder();
    let store = StateSnapshots::open(&data).expect("opens");
    let read_again = || StateSnapshots::open(&data).expect("opens again").last_verified().map(|verified| verified.at);
    assert_eq!((store.last_verified(), store.as_of(&state(5))), (None, at(5)));
    for (seconds, written) in [(100, 100), (129, 100), (130, 130), (50, 50), (140, 140)] {
        store.verify(Verified { epoch: 1, at: at(seconds) }).await;
        assert_eq!(read_again(), Some(at(written)), "{seconds}");
    }
    let again = StateSnapshots::open(&data).expect("opens again");
    assert_eq!((again.as_of(&state(5)), again.as_of(&state(200))), (at(140), at(200)));
    again.verify(Verified { epoch: 2, at: at(141) }).await;
    assert_eq!((read_again(), again.as_of(&state(5))), (Some(at(141)), at(5)));
}
