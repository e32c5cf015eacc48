//! The schema of the database under test: constraints that hold even if the code is wrong.

use std::{collections::BTreeMap, thread};

use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend};

use crate::{
    server::{
        Relay,
        domain::{Clock, Domain},
    },
    tests::support::{
        app::TestApp,
        clients::{Team, id_of},
        database::{OwnDatabase, connect, database_url, literal, texts},
        endpoints::Field,
        fixtures::{NOW, Owner},
    },
};

/// Tables that belong to no organization or to several. All others must separate their rows by organization.
const SHARED: [&str; 8] = [
    "organization",
    "user_account",
    "session",
    "password_reset",
    "recovery_code",
    "job_lease",
    "event_epoch",
    "seaql_migrations",
];
/// Tables whose rows belong to one organization each.
const TENANTS: [&str; 16] = [
    "api_token",
    "audit_entry",
    "event",
    "idempotency_key",
    "incident",
    "incident_impact",
    "incident_service",
    "incident_template",
    "incident_update",
    "invitation",
    "maintenance_series",
    "membership",
    "presence",
    "service",
    "service_group",
    "status_change",
];

/// The columns of each table's primary key, in order.
async fn primary_keys(db: &DatabaseConnection) -> BTreeMap<String, Vec<String>> {
    let rows = match db.get_database_backend() {
        DbBackend::Sqlite => {
            texts::<2>(
                db,
                "SELECT t.name, coalesce((SELECT group_concat(name) FROM (SELECT c.name FROM pragma_table_info(t.name) c \
                 WHERE c.pk > 0 ORDER BY c.pk)), '') FROM sqlite_master t WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'",
            )
            .await
        }
        DbBackend::Postgres => {
            texts::<2>(
                db,
                "SELECT t.table_name::text, coalesce(string_agg(k.column_name::text, ',' ORDER BY k.ordinal_position), '') \
                 FROM information_schema.tables t LEFT JOIN information_schema.table_constraints c \
                 ON c.table_name = t.table_name AND c.table_schema = t.table_schema AND c.constraint_type = 'PRIMARY KEY' \
                 LEFT JOIN information_schema.key_column_usage k ON k.constraint_name = c.constraint_name \
                 AND k.table_schema = c.table_schema WHERE t.table_schema = current_schema() GROUP BY t.table_name",
            )
            .await
        }
        _ => {
            texts::<2>(
                db,
                "SELECT t.table_name, coalesce(group_concat(k.column_name ORDER BY k.ordinal_position), '') \
                 FROM information_schema.tables t LEFT JOIN information_schema.key_column_usage k \
                 ON k.table_name = t.table_name AND k.table_schema = t.table_schema AND k.constraint_name = 'PRIMARY' \
                 WHERE t.table_schema = database() GROUP BY t.table_name",
            )
            .await
        }
    };
    let key = |columns: &str| columns.split(',').map(str::to_owned).collect();
    rows.into_iter().map(|[table, columns]| (table, key(&columns))).collect()
}

#[tokio::test]
async fn r_02_every_tenants_table_begins_its_key_with_the_organization() {
    let _app = TestApp::open().await;
    let keys = primary_keys(&connect(database_url()).await).await;
    let mut tenants = Vec::new();
    for (table, key) in keys.iter().filter(|(table, _)| !SHARED.contains(&table.as_str())) {
        assert_eq!(key.first().map(String::as_str), Some("org_id"), "{table} has the key {key:?}");
        assert!(key.len() > 1, "{table}");
        tenants.push(table.as_str());
    }
    assert_eq!(tenants, TENANTS);
    for table in SHARED {
        assert!(keys.contains_key(table), "{table}");
    }
}

/// An SQL statement that inserts a service.
fn service_row(backend: DbBackend, organization: &str, group: &str) -> String {
    let id = |id: &str| literal(backend, id);
    let new = uuid::Uuid::from_u128((u128::from(rand::random::<u64>()) << 64) | u128::from(rand::random::<u64>()));
    format!(
        "INSERT INTO service (org_id, id, group_id, name, description, baseline, status, status_since, position, \
         created_at, updated_at) VALUES ({}, {}, {}, 'x', '', 'operational', 'operational', 0, 0, 0, 0)",
        id(organization),
        id(&new.to_string()),
        id(group),
    )
}

fn change_row(backend: DbBackend, organization: &str, service: &str) -> String {
    let id = |id: &str| literal(backend, id);
    let new = uuid::Uuid::from_u128((u128::from(rand::random::<u64>()) << 64) | u128::from(rand::random::<u64>()));
    format!(
        "INSERT INTO status_change (org_id, id, service_id, old_status, new_status, cause, created_at) \
         VALUES ({}, {}, {}, 'operational', 'degraded', 'api', 0)",
        id(organization),
        id(&new.to_string()),
        id(service),
    )
}

#[tokio::test]
async fn the_database_itself_refuses_a_link_between_two_organizations() {
    let app = TestApp::at(NOW).await;
    let (ours, theirs) = (app.register("Ours").await, app.register("Theirs").await);
    let (our_group, their_group) = (ours.group("Ours").await, theirs.group("Theirs").await);
    let (our_service, their_service) = (ours.service("Ours").await, theirs.service("Theirs").await);
    let organization = |team: &Team| id_of(&team.organization).to_owned();
    let db = connect(database_url()).await;
    let backend = db.get_database_backend();
    if backend == DbBackend::Sqlite {
        db.execute_unprepared("PRAGMA foreign_keys = ON").await.expect("switched on");
    }
    // A valid row is accepted, so a refusal is due to the link.
    for sql in [
        service_row(backend, &organization(&ours), id_of(&our_group)),
        change_row(backend, &organization(&ours), id_of(&our_service)),
    ] {
        db.execute_unprepared(&sql).await.expect("accepted");
    }
    let (our, their) = (Owner::of(&app, "Ours").await, Owner::of(&app, "Theirs").await);
    let id = |owner: &Owner, field| literal(backend, owner.id_of_kind(field));
    let link = |table: &str, column: &str, key: &str, row: Field, to: String| {
        format!("UPDATE {table} SET {column} = {to} WHERE {key} = {}", id(&our, row))
    };
    let within = link("incident_update", "incident_id", "id", Field::Update, id(&our, Field::Past));
    db.execute_unprepared(&within).await.expect("accepted");
    for (table, column, key, row, to) in [
        ("incident_update", "incident_id", "id", Field::Update, Field::Incident),
        ("incident_service", "incident_id", "incident_id", Field::Incident, Field::Incident),
        ("incident_service", "service_id", "incident_id", Field::Incident, Field::Service),
        ("incident_impact", "incident_id", "incident_id", Field::Incident, Field::Incident),
        ("incident_impact", "service_id", "incident_id", Field::Incident, Field::Service),
        ("incident", "series_id", "id", Field::Maintenance, Field::Series),
    ] {
        let sql = link(table, column, key, row, id(&their, to));
        let error = db.execute_unprepared(&sql).await.expect_err(&sql).to_string().to_lowercase();
        assert!(error.contains("foreign key"), "{error}");
    }
    for sql in [
        service_row(backend, &organization(&ours), id_of(&their_group)),
        change_row(backend, &organization(&ours), id_of(&their_service)),
        format!(
            "UPDATE service SET group_id = {} WHERE id = {}",
            literal(backend, id_of(&their_group)),
            literal(backend, id_of(&our_service))
        ),
        format!(
            "UPDATE service SET org_id = {} WHERE id = {}",
            literal(backend, &organization(&theirs)),
            literal(backend, id_of(&our_service))
        ),
    ] {
        let error = db.execute_unprepared(&sql).await.expect_err(&sql).to_string().to_lowercase();
        assert!(error.contains("foreign key"), "{error}");
    }
    assert_eq!(theirs.services().await, [their_service]);
}

#[tokio::test]
async fn page_addresses_and_emails_are_unique_in_the_database_itself() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let db = connect(database_url()).await;
    let id = literal(db.get_database_backend(), "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000");
    for sql in [
        format!(
            "INSERT INTO organization (id, name, slug, public_seq, members_seq, created_at) VALUES ({id}, 'x', '{}', 0, 0, 0)",
            team.slug
        ),
        format!(
            "INSERT INTO user_account (id, email, name, password_hash, created_at) VALUES ({id}, '{}', 'x', 'x', 0)",
            team.email
        ),
    ] {
        let error = db.execute_unprepared(&sql).await.expect_err(&sql);
        assert!(matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_))), "{error}");
    }
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let app = TestApp::open().await;
    let team = app.register("Acme").await;
    let db = connect(database_url()).await;
    let applied = async || texts::<1>(&db, "SELECT version FROM seaql_migrations ORDER BY version").await;
    let (keys, versions) = (primary_keys(&db).await, applied().await);
    Migrator::up(&db, None).await.expect("nothing to do");
    Domain::open(database_url(), Relay::none(), Clock::System).await.expect("opened again");
    assert_eq!((primary_keys(&db).await, applied().await), (keys, versions.clone()));
    assert_eq!(versions.len(), Migrator::migrations().len());
    team.get("/api/auth/me").await.is(200);
}

#[tokio::test]
async fn servers_that_start_together_on_an_empty_database_migrate_it_once() {
    let own = OwnDatabase::create().await;
    let starts: Vec<_> = (0..4)
        .map(|_| {
            let url = own.url.clone();
            thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(async {
                    let domain = Domain::open(&url, Relay::none(), Clock::System).await.expect("opened");
                    domain.ready().await.expect("ready");
                });
            })
        })
        .collect();
    for start in starts {
        start.join().expect("started");
    }
    let db = connect(&own.url).await;
    assert_eq!(texts::<1>(&db, "SELECT version FROM seaql_migrations").await.len(), Migrator::migrations().len());
    assert_eq!(primary_keys(&db).await.len(), SHARED.len() + TENANTS.len());
}

#[tokio::test]
async fn a_schema_can_be_reverted_and_migrated_again() {
    let own = OwnDatabase::create().await;
    let db = connect(&own.url).await;
    Migrator::up(&db, None).await.expect("built");
    let keys = primary_keys(&db).await;
    Migrator::down(&db, None).await.expect("taken down");
    Migrator::up(&db, None).await.expect("built again");
    assert_eq!(primary_keys(&db).await, keys);
}

#[tokio::test]
async fn an_organization_from_before_incidents_uses_utc_and_can_be_migrated_back() {
    let own = OwnDatabase::create().await;
    let db = connect(&own.url).await;
    Migrator::up(&db, Some(1)).await.expect("as it was");
    let id = literal(db.get_database_backend(), "0199aaaa-bbbb-7ccc-8ddd-eeeeffff0000");
    let columns = "(id, name, slug, public_seq, members_seq, created_at)";
    let old = format!("INSERT INTO organization {columns} VALUES ({id}, 'Old', 'old-hands', 3, 4, 5)");
    db.execute_unprepared(&old).await.expect("inserted");
    let keys = primary_keys(&db).await;
    let domain = Domain::open(&own.url, Relay::none(), Clock::System).await.expect("brought up to date");
    let rows = texts::<2>(&db, "SELECT name, time_zone FROM organization").await;
    assert_eq!(rows, [["Old".to_owned(), "UTC".to_owned()]]);
    assert_eq!(domain.pending_migrations().await.expect("asked"), 0);
    domain.close().await;
    let later = u32::try_from(Migrator::migrations().len() - 1).expect("a few");
    Migrator::down(&db, Some(later)).await.expect("reverted");
    assert_eq!(primary_keys(&db).await, keys);
    assert_eq!(texts::<1>(&db, "SELECT slug FROM organization").await, [["old-hands".to_owned()]]);
}

#[tokio::test]
async fn a_database_of_an_older_development_version_is_refused_with_an_explanation() {
    let own = OwnDatabase::create().await;
    let db = connect(&own.url).await;
    Migrator::up(&db, None).await.expect("built");
    let rename =
        |from: &str, to: &str| format!("UPDATE seaql_migrations SET version = '{to}' WHERE version = '{from}'");
    let (old, new) = ("m20261125_000006_limits", "m20261125_000005_limits");
    db.execute_unprepared(&rename(new, old)).await.expect("as it was");
    let why = "This database was created by an older development version of Aldis. Move it away and start again.";
    let refused = Domain::open(&own.url, Relay::none(), Clock::System).await.err().expect("refused");
    assert_eq!(refused.to_string(), why);
    let domain = Domain::closed(&own.url, Relay::none(), Clock::System).await.expect("an address");
    assert_eq!(domain.pending_migrations().await.expect_err("refused").to_string(), why);
    // A database of a later version is not one of them.
    db.execute_unprepared(&rename(old, "m20991231_000099_later")).await.expect("renamed");
    let refused = domain.pending_migrations().await.expect_err("refused").to_string();
    assert!(refused.contains("m20991231_000099_later"), "{refused}");
    domain.close().await;
}

#[tokio::test]
async fn timestamps_and_numbers_are_64_bit_integers() {
    let _app = TestApp::open().await;
    let db = connect(database_url()).await;
    let rows = match db.get_database_backend() {
        DbBackend::Sqlite => {
            texts::<3>(
                &db,
                "SELECT t.name, c.name, lower(c.type) FROM sqlite_master t, pragma_table_info(t.name) c \
                 WHERE t.type = 'table' AND t.name NOT IN ('seaql_migrations') AND t.name NOT LIKE 'sqlite%'",
            )
            .await
        }
        backend => {
            let schema = if backend == DbBackend::Postgres { "current_schema()" } else { "database()" };
            let text = if backend == DbBackend::Postgres { "::text" } else { "" };
            texts::<3>(
                &db,
                &format!(
                    "SELECT table_name{text}, column_name{text}, lower(data_type{text}) FROM information_schema.columns \
                     WHERE table_schema = {schema} AND table_name <> 'seaql_migrations'"
                ),
            )
            .await
        }
    };
    let numbers: Vec<_> = rows
        .iter()
        .filter(|[_, column, _]| {
            let ends = ["_at", "seq", "_start", "_end"];
            let whole = ["status_since", "position", "version", "seconds", "until"];
            ends.iter().any(|end| column.ends_with(end))
                && !column.starts_with("auto_")
                && !column.starts_with("notify_")
                || whole.contains(&column.as_str())
        })
        .collect();
    assert!(numbers.len() > 45, "{numbers:?}");
    for [table, column, kind] in numbers {
        assert!(matches!(kind.as_str(), "bigint" | "integer"), "{table}.{column} is {kind}");
        assert!(kind == "bigint" || db.get_database_backend() == DbBackend::Sqlite, "{table}.{column} is {kind}");
    }
}

#[tokio::test]
async fn an_unreachable_database_is_an_error_and_no_panic() {
    for url in ["sqlite:///proc/nowhere/aldis.db", "sqlite:///dev/null/aldis.db", "sqlite:///"] {
        assert!(Domain::open(url, Relay::none(), Clock::System).await.is_err(), "{url}");
    }
}
