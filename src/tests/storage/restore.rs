//! `aldis restore`: an earlier state in place of the present one.

use std::{
    fs,
    path::{Path, PathBuf},
    process,
};

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};

use super::backup::{is_embedded, names};
use crate::{
    server::{
        Relay,
        domain::{self, ApiTokens, Clock, Domain},
        state::AppState,
    },
    tests::support::{
        app::{TestApp, config, pretended},
        clients::{Team, id_of},
        database::{OwnDatabase, connect, folder, literal, texts},
        fixtures::NOW,
    },
};

/// A server that can be stopped.
struct Server {
    domain: Domain,
    app: TestApp,
}

impl Server {
    async fn start(url: &str, clock: &Clock) -> Self {
        let domain = Domain::open(url, Relay::none(), clock.clone()).await.expect("opened");
        let app = TestApp::of(AppState::for_tests(config(&["--database-url", url]), domain.clone()), clock.clone());
        Self { domain, app }
    }

    async fn stop(self) {
        self.domain.close().await;
    }

    async fn status(&self, team: &Team) -> Value {
        self.app.get(&format!("/api/public/{}/status", team.slug)).await.is(200)
    }
}

/// An installation on SQLite, with a copy of when it had one service.
struct Installation {
    folder: PathBuf,
    url: String,
    copy: PathBuf,
    clock: Clock,
    team: Team,
}

impl Installation {
    async fn create() -> (Self, Server) {
        let (folder, clock) = (folder(), pretended(NOW));
        let (url, copy) = (format!("sqlite://{}", folder.join("aldis.db").display()), folder.join("copy.db"));
        let server = Server::start(&url, &clock).await;
        let team = server.app.register("Acme").await;
        team.service("API").await;
        domain::backup(&url, &copy).await.expect("written");
        (Self { folder, url, copy, clock, team }, server)
    }

    async fn restore(&self, file: &Path, tokens: ApiTokens) -> Result<domain::Restored, String> {
        domain::restore(&self.url, file, self.clock.now(), tokens).await.map_err(|error| error.to_string())
    }

    /// The names of services in the database that is in place.
    async fn services(&self) -> Vec<String> {
        let rows = texts::<1>(&connect(&self.url).await, "SELECT name FROM service ORDER BY name").await;
        rows.into_iter().flatten().collect()
    }
}

/// A plain copy of the file, with sessions, as tools other than `aldis backup` make it.
async fn plain_copy(url: &str, file: &Path) {
    connect(url).await.execute_unprepared(&format!("VACUUM INTO '{}'", file.display())).await.expect("copied");
}

/// A program with a new API token.
async fn program(team: &Team) -> Team {
    let token = team.post("/api/tokens", json!({"name": "Pipeline", "scope": "read"})).await.is(201);
    Team { token: token["secret"].as_str().expect("returned once").to_owned(), ..team.clone() }
}

#[tokio::test]
async fn a_restore_brings_back_the_copy_and_nothing_that_was_ended() {
    if !is_embedded() {
        let own = OwnDatabase::create().await;
        let refused = domain::restore(&own.url, Path::new("copy.db"), pretended(NOW).now(), ApiTokens::Keep).await;
        assert!(refused.expect_err("refused").to_string().contains("aldis restore --after-import"));
        return;
    }
    let (installation, server) = Installation::create().await;
    let (Installation { folder, url, clock, team, .. }, plain) = (&installation, installation.folder.join("plain.db"));
    let program = program(team).await;
    let invited = team.invite("member").await;
    let reset = "INSERT INTO password_reset SELECT 'hash', id, 0, 9000000000000 FROM user_account";
    connect(url).await.execute_unprepared(reset).await.expect("written");
    plain_copy(url, &plain).await;
    let before = server.status(team).await;
    let (seq, epoch) = (before["seq"].as_u64().expect("a number"), before["epoch"].as_u64().expect("a number"));
    // What happens after the copy.
    team.service("Web").await;
    let tokens = team.get("/api/tokens").await.is(200);
    team.delete(&format!("/api/tokens/{}", id_of(&tokens[0]))).await.is(204);
    program.get("/api/services").await.is(401);
    server.stop().await;

    let restored = installation.restore(&plain, ApiTokens::Keep).await.expect("restored");
    assert_eq!(restored.tokens, 1, "the revoked one is valid again");
    let kept = folder.join("aldis.db.before-restore-2026-11-23T12-00-00Z");
    assert_eq!(restored.kept.as_deref(), Some(&*kept));
    assert_eq!(
        names(folder),
        ["aldis.db", "aldis.db.before-restore-2026-11-23T12-00-00Z", "aldis.migration-lock", "copy.db", "plain.db"]
    );
    assert_eq!(installation.services().await, ["API"]);
    let old = connect(&format!("sqlite://{}", kept.display())).await;
    assert_eq!(texts::<1>(&old, "SELECT name FROM service ORDER BY name").await, [["API"], ["Web"]]);
    let db = connect(url).await;
    for table in ["session", "password_reset", "event", "invitation WHERE revoked_at IS NULL"] {
        let rows = texts::<1>(&db, &format!("SELECT CAST(COUNT(*) AS TEXT) FROM {table}")).await;
        assert_eq!(rows, [["0"]], "{table}");
    }
    drop(db);

    let server = Server::start(url, clock).await;
    team.at(&server.app).get("/api/auth/me").await.is(401);
    program.at(&server.app).get("/api/services").await.is(200);
    invited.is_invalid(&server.app).await;
    let after = server.status(team).await;
    assert_eq!(after["seq"], seq + 1_000_000);
    assert_ne!(after["epoch"], before["epoch"]);
    // Readers of before reload, whether or not they know of epochs.
    let port = server.app.listen().await;
    for query in [format!("since={}&epoch={epoch}", seq + 1), format!("since={}", seq + 1), format!("since={seq}")] {
        let path = format!("/api/public/{}/live?{query}", team.slug);
        let mut reader = port.connect(&path, &[]).await.expect("opened");
        assert_eq!(reader.hello().await, seq + 1_000_000);
        assert_eq!(reader.next().await, json!({"type": "resync"}), "{query}");
    }
    // And it goes on: new changes have higher numbers.
    let again = team.at(&server.app).log_in_again().await;
    again.service("New").await;
    assert_eq!(server.status(team).await["seq"], seq + 1_000_001);
}

#[tokio::test]
async fn a_restore_can_revoke_all_api_tokens_and_be_repeated() {
    if !is_embedded() {
        return;
    }
    let (installation, server) = Installation::create().await;
    let (Installation { folder, url, clock, team, .. }, plain) = (&installation, installation.folder.join("plain.db"));
    let program = program(team).await;
    plain_copy(url, &plain).await;
    server.stop().await;
    let restored = installation.restore(&plain, ApiTokens::Revoke).await.expect("restored");
    assert_eq!(restored.tokens, 0);
    let server = Server::start(url, clock).await;
    program.at(&server.app).get("/api/services").await.is(401);
    server.stop().await;
    clock.advance_seconds(1);
    installation.restore(&plain, ApiTokens::Keep).await.expect("restored");
    let kept = names(folder).into_iter().filter(|name| name.contains(".before-restore-")).count();
    assert_eq!(kept, 2, "each restore keeps the database before it");
    // As when a volume is lost.
    fs::remove_file(folder.join("aldis.db")).expect("removed");
    let restored = installation.restore(&plain, ApiTokens::Keep).await.expect("restored");
    assert_eq!(restored.kept, None);
    assert_eq!(installation.services().await, ["API"]);
}

#[tokio::test]
async fn a_restore_refuses_while_a_server_runs_and_files_that_are_no_copy() {
    if !is_embedded() {
        return;
    }
    let (installation, server) = Installation::create().await;
    let Installation { folder, url, copy, team, .. } = &installation;
    team.service("Web").await;
    let refused = async |file: &Path| {
        let before = names(folder);
        let error = installation.restore(file, ApiTokens::Keep).await.expect_err("refused");
        assert_eq!(names(folder), before, "nothing is left behind: {error}");
        error
    };
    let error = refused(copy).await;
    assert!(error.contains("aldis.db: a server or another process uses the database"), "{error}");
    team.service("Mail").await;
    server.stop().await;

    let (text, empty, foreign) = (folder.join("text.db"), folder.join("empty.db"), folder.join("foreign.db"));
    fs::write(&text, "not a database, but long enough to have a header of one hundred bytes ".repeat(9))
        .expect("written");
    fs::write(&empty, "").expect("written");
    connect(&format!("sqlite://{}", foreign.display()))
        .await
        .execute_unprepared("CREATE TABLE seaql_migrations (version TEXT); INSERT INTO seaql_migrations VALUES ('m1')")
        .await
        .expect("written");
    for file in [&text, &empty, &foreign] {
        let error = refused(file).await;
        assert!(error.ends_with("this is not a database of Aldis"), "{error}");
    }
    assert!(refused(&folder.join("missing.db")).await.contains("missing.db: No such file"));
    assert!(refused(&folder.join("aldis.db")).await.contains("the database itself"));

    let newer = folder.join("newer.db");
    fs::copy(copy, &newer).expect("copied");
    let change = "INSERT INTO seaql_migrations VALUES ('m20991231_000001_future', 0)";
    let db = connect(&format!("sqlite://{}", newer.display())).await;
    db.execute_unprepared(change).await.expect("written");
    db.close().await.expect("closed");
    let error = refused(&newer).await;
    assert!(error.contains("newer version of Aldis") && error.contains("m20991231_000001_future"), "{error}");

    assert_eq!(installation.services().await, ["API", "Mail", "Web"], "nothing was changed");
    connect(url).await.execute_unprepared("PRAGMA integrity_check").await.expect("whole");
}

#[tokio::test]
async fn a_copy_of_an_older_version_is_migrated() {
    use migration::{Migrator, MigratorTrait};
    if !is_embedded() {
        return;
    }
    let (installation, server) = Installation::create().await;
    server.stop().await;
    let older = installation.folder.join("older.db");
    fs::copy(&installation.copy, &older).expect("copied");
    let db = connect(&format!("sqlite://{}", older.display())).await;
    Migrator::down(&db, Some(2)).await.expect("an older schema");
    db.close().await.expect("closed");
    installation.restore(&older, ApiTokens::Keep).await.expect("restored");
    let server = Server::start(&installation.url, &installation.clock).await;
    assert_eq!(server.status(&installation.team).await["services"][0]["name"], "API");
}

#[tokio::test]
async fn a_restore_that_was_cut_short_or_follows_damage_succeeds_the_next_time() {
    if !is_embedded() {
        return;
    }
    let (installation, server) = Installation::create().await;
    let Installation { folder, copy, clock, team, .. } = &installation;
    team.service("Web").await;
    server.stop().await;
    let present = folder.join("aldis.db");
    // Killed with the copy half written, and the present database having its second name.
    fs::write(folder.join(format!("aldis.db.part-{}", process::id())), "cut").expect("written");
    fs::hard_link(&present, folder.join("aldis.db.before-restore-2026-11-23T11-59-00Z")).expect("a second name");
    assert_eq!(installation.services().await, ["API", "Web"], "the old database is in place");
    installation.restore(copy, ApiTokens::Keep).await.expect("restored");
    assert_eq!(installation.services().await, ["API"]);
    let kept = "aldis.db.before-restore-2026-11-23T12-00-00Z";
    assert_eq!(names(folder), ["aldis.db", kept, "aldis.migration-lock", "copy.db"]);

    // The file is damaged, and has a log beside it, which is not applied to the restored one.
    clock.advance_seconds(60);
    fs::write(&present, "damaged ".repeat(2000)).expect("damaged");
    fs::write(folder.join("aldis.db-wal"), "log").expect("written");
    let restored = installation.restore(copy, ApiTokens::Keep).await.expect("restored").kept.expect("kept");
    assert_eq!(installation.services().await, ["API"]);
    assert!(fs::read_to_string(&restored).expect("kept").starts_with("damaged"));
    assert!(!folder.join("aldis.db-wal").exists());
}

#[tokio::test]
async fn the_import_of_a_dump_ends_sessions_and_begins_new_numbers() {
    let own = OwnDatabase::create().await;
    let clock = pretended(NOW);
    let server = Server::start(&own.url, &clock).await;
    let team = server.app.register("Acme").await;
    team.service("API").await;
    let program = program(&team).await;
    let before = server.status(&team).await;
    let finish = async |tokens| domain::finish_import(&own.url, clock.now(), tokens).await;
    server.stop().await;

    // The lease of a server that runs.
    let db = connect(&own.url).await;
    let holder = literal(db.get_database_backend(), "00000000-0000-0000-0000-000000000001");
    let lease = format!("INSERT INTO job_lease VALUES ('scheduler', {holder}, 9000000000000)");
    db.execute_unprepared("DELETE FROM job_lease").await.expect("deleted");
    db.execute_unprepared(&lease).await.expect("written");
    let error = finish(ApiTokens::Keep).await.expect_err("refused").to_string();
    assert!(error.contains("stop every server"), "{error}");
    db.execute_unprepared("UPDATE job_lease SET until = 0").await.expect("written");

    assert_eq!(finish(ApiTokens::Keep).await.expect("finished"), 1);
    let server = Server::start(&own.url, &clock).await;
    team.at(&server.app).get("/api/auth/me").await.is(401);
    program.at(&server.app).get("/api/services").await.is(200);
    let after = server.status(&team).await;
    assert_eq!(after["seq"].as_u64(), before["seq"].as_u64().map(|seq| seq + 1_000_000));
    assert_ne!(after["epoch"], before["epoch"]);
    assert_eq!(after["services"], before["services"]);
    server.stop().await;
    assert_eq!(finish(ApiTokens::Revoke).await.expect("finished"), 0);
    let server = Server::start(&own.url, &clock).await;
    program.at(&server.app).get("/api/services").await.is(401);
    server.stop().await;
}
