//! The copy that `aldis backup` writes.

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::Path,
    process::Command,
};

use serde_json::json;
use tokio::{task::JoinSet, time::timeout};

use crate::{
    server::{
        Relay,
        domain::{self, Domain},
        state::AppState,
    },
    tests::support::{
        app::{TestApp, config},
        clients::TIMEOUT,
        database::{connect, database_url, folder, texts},
        fixtures::NOW,
    },
};

/// The names in a folder.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("read").file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// Whether the tests run on SQLite, the database with backups and restores of its own.
pub fn is_embedded() -> bool {
    database_url().starts_with("sqlite:")
}

/// An id of a process that has ended.
pub fn ended_process() -> u32 {
    let mut child = Command::new("true").spawn().expect("started");
    child.wait().expect("ended");
    child.id()
}

#[tokio::test]
async fn a_backup_has_all_data_an_epoch_of_its_own_and_no_sessions() {
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    team.service("API").await;
    let (url, folder) = (&app.own.as_ref().expect("a database of its own").url, folder());
    let file = folder.join("copy.db");
    let made = domain::backup(url, &file).await;
    if !is_embedded() {
        assert!(made.expect_err("refused").to_string().contains("mariadb-dump or pg_dump"));
        return;
    }
    made.expect("written");
    assert_eq!(names(&folder), ["copy.db"]);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).expect("there").permissions()), 0o100_600);
    let copy = format!("sqlite://{}", file.display());
    let domain = Domain::open(&copy, Relay::none(), app.clock.clone()).await.expect("opened");
    let copy = TestApp::of(AppState::for_tests(config(&["--database-url", &copy]), domain), app.clock.clone());
    let status = format!("/api/public/{}/status", team.slug);
    let (before, after) = (app.get(&status).await.is(200), copy.get(&status).await.is(200));
    assert_eq!((&before["services"], &before["seq"]), (&after["services"], &after["seq"]));
    assert_ne!(before["epoch"], after["epoch"]);
    team.get("/api/auth/me").await.is(200);
    team.at(&copy).get("/api/auth/me").await.is(401);
}

#[tokio::test]
async fn a_backup_under_load_is_one_moment() {
    if !is_embedded() {
        return;
    }
    let app = TestApp::alone_at(NOW).await;
    let (url, folder) = (&app.own.as_ref().expect("a database of its own").url, folder());
    let mut writers = JoinSet::new();
    for number in 0..20 {
        let team = app.register(&format!("Team {number}")).await;
        let service = team.service("API").await;
        writers.spawn(async move {
            for status in ["degraded", "operational"].into_iter().cycle() {
                team.change(&service, json!({"status": status})).await;
            }
        });
    }
    for number in 0..5 {
        let file = folder.join(format!("{number}.db"));
        domain::backup(url, &file).await.expect("written");
        let copy = connect(&format!("sqlite://{}", file.display())).await;
        assert_eq!(texts::<1>(&copy, "PRAGMA integrity_check").await, [["ok"]]);
        assert!(texts::<1>(&copy, "SELECT \"table\" FROM pragma_foreign_key_check").await.is_empty());
        // Each change raises the numbers, stores events with them, and changes a service and its history.
        let torn = "SELECT o.slug FROM organization o WHERE \
             o.public_seq <> (SELECT MAX(seq) FROM event e WHERE e.org_id = o.id AND e.audience = 'public') OR \
             o.members_seq <> (SELECT MAX(seq) FROM event e WHERE e.org_id = o.id AND e.audience = 'members') OR \
             EXISTS (SELECT 1 FROM service s WHERE s.org_id = o.id AND s.status <> (SELECT c.new_status FROM status_change c \
             WHERE c.org_id = o.id AND c.service_id = s.id ORDER BY c.id DESC LIMIT 1))";
        assert_eq!(texts::<1>(&copy, torn).await, [] as [[String; 1]; 0]);
        // Writers go on between two copies.
        let sum = "SELECT printf('%09d', SUM(public_seq)) FROM organization";
        let copied = &texts::<1>(&copy, sum).await[0][0];
        let live = connect(url).await;
        let newer = async {
            while texts::<1>(&live, sum).await[0][0] <= *copied {
                tokio::task::yield_now().await;
            }
        };
        timeout(TIMEOUT, newer).await.expect("writers write");
    }
    writers.shutdown().await;
}

#[tokio::test]
async fn a_failed_backup_leaves_no_file_and_its_cause_is_said_again() {
    if !is_embedded() {
        return;
    }
    let app = TestApp::alone_at(NOW).await;
    let team = app.register("Acme").await;
    for number in 0..40 {
        team.post("/api/services", json!({"name": number.to_string(), "description": "x".repeat(500)})).await.is(201);
    }
    let (url, folder) = (&app.own.as_ref().expect("a database of its own").url, folder());
    let whole = folder.join("whole.db");
    domain::backup(url, &whole).await.expect("written");
    assert!(domain::backup(url, &whole).await.expect_err("refused").to_string().contains("already exists"));

    // A page in the middle cannot be read: some of the copy has been written by then.
    let size = fs::metadata(&whole).expect("there").len();
    let mut damaged = fs::File::options().write(true).open(&whole).expect("opened");
    for page in size / 4096 / 2..size / 4096 {
        damaged.seek(SeekFrom::Start(page * 4096)).expect("there");
        damaged.write_all(&[0xff; 64]).expect("damaged");
    }
    drop(damaged);
    let damaged = format!("sqlite://{}", whole.display());
    let target = folder.join("copy.db");
    for _ in 0..2 {
        let error = domain::backup(&damaged, &target).await.expect_err("it cannot be read").to_string();
        assert!(error.contains("whole.db") && error.contains("malformed"), "{error}");
        assert_eq!(names(&folder), ["whole.db"]);
    }

    let missing = format!("sqlite://{}", folder.join("missing.db").display());
    let error = domain::backup(&missing, &target).await.expect_err("nothing there").to_string();
    assert!(error.contains("there is no database to back up"), "{error}");
    assert_eq!(names(&folder), ["whole.db"]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_backup_to_a_full_disk_says_so_each_time() {
    let small = folder().join("small");
    fs::create_dir(&small).expect("a folder");
    // Only root can make a small disk; elsewhere, the test of a damaged database covers what happens after a failure.
    let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&small).output();
    if !is_embedded() || !mount.is_ok_and(|made| made.status.success()) {
        return;
    }
    let app = TestApp::alone_at(NOW).await;
    let url = &app.own.as_ref().expect("a database of its own").url;
    let mut said = Vec::new();
    for _ in 0..2 {
        said.push((domain::backup(url, &small.join("copy.db")).await, names(&small)));
    }
    Command::new("umount").arg(&small).status().expect("unmounted");
    for (made, left) in said {
        let error = made.expect_err("full").to_string();
        assert!(error.contains("copy.db: database or disk is full"), "{error}");
        assert!(left.is_empty(), "{left:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_killed_backups_left_is_removed_and_what_others_write_is_not() {
    if !is_embedded() {
        return;
    }
    let app = TestApp::alone_at(NOW).await;
    let (url, folder) = (&app.own.as_ref().expect("a database of its own").url, folder());
    let (ended, mut other) = (ended_process(), Command::new("sleep").arg("60").spawn().expect("started"));
    let left = |name: &str, id: u32| fs::write(folder.join(format!("{name}.part-{id}")), "cut").expect("written");
    left("copy.db", ended);
    fs::write(folder.join(format!("copy.db.part-{ended}-journal")), "cut").expect("written");
    // In a container, each backup may have the same id.
    left("copy.db", std::process::id());
    left("copy.db", other.id());
    left("another.db", ended);
    domain::backup(url, &folder.join("copy.db")).await.expect("written");
    let mut expected =
        [format!("another.db.part-{ended}"), "copy.db".to_owned(), format!("copy.db.part-{}", other.id())];
    expected.sort();
    assert_eq!(names(&folder), expected);
    other.kill().and_then(|()| other.wait()).expect("ended");
}
