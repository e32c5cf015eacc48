//! Reads: pages and lists read no more of the database when an organization has a long past.

use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::crowd::{Crowd, NOW, Past, analyze};
use crate::{
    server::domain::statement_log,
    tests::support::{
        app::TestApp,
        clients::Answer,
        database::{connect, texts},
        endpoints::path_to,
    },
};

/// As many as fill every list.
const SOME: Past = Past { count: 600, days: 30 };
/// All of them within the 90 days of a page, which is the worst case.
const MANY: Past = Past { count: 6_000, days: 30 };
/// How much of what is read does not count: levels of an index, or the rows between those that are shown.
const ALLOWED: u64 = 100;

/// What is asked for.
#[derive(Clone, Copy)]
enum Asked {
    /// By a visitor, from an instance that has no public pages in memory.
    Public(&'static str),
    /// By a program with a token.
    Api(&'static str),
    /// By the members' pages.
    Function(&'static str),
}

const ASKED: [Asked; 13] = [
    // With its state for `/api/public/{slug}/status`.
    Asked::Public("/public/{slug}"),
    Asked::Public("/api/public/{slug}/timeline"),
    Asked::Public("/public/{slug}/history?month=2026-11"),
    Asked::Api("/api/incidents?limit=10"),
    Asked::Api("/api/incidents?limit=10&status=investigating"),
    Asked::Api("/api/incidents?limit=10&type=maintenance"),
    Asked::Api("/api/incidents?limit=10&service={busy}"),
    Asked::Api("/api/incidents?limit=10&from=2026-11-22T00:00:00Z"),
    Asked::Api("/api/services/{service}/uptime"),
    Asked::Api("/api/services/{busy}/history"),
    Asked::Function("board"),
    Asked::Function("planned_maintenances"),
    Asked::Function("past_maintenances"),
];

impl Asked {
    const fn name(self) -> &'static str {
        let (Self::Public(name) | Self::Api(name) | Self::Function(name)) = self;
        name
    }

    /// The queries of a request.
    async fn queries(self, app: &TestApp, crowd: &Crowd) -> Vec<Statement> {
        statement_log::take();
        let answer: Answer = match self {
            Self::Public(path) => app.get(&crowd.path(path)).await,
            Self::Api(path) => crowd.team.send(axum::http::Method::GET, &crowd.path(path)).await,
            Self::Function(name) => crowd.team.browser().call(path_to(name), &[]).await,
        };
        assert_eq!(answer.status, 200, "{}: {}", self.name(), answer.text);
        let mut sent = statement_log::take_statements();
        sent.retain(|statement| statement.sql.starts_with("SELECT"));
        assert!(!sent.is_empty(), "{}: nothing was read", self.name());
        sent
    }
}

/// Counts what a database reads.
struct Meter {
    db: DatabaseConnection,
    /// SQLite's steps from one row to the next.
    steps: Arc<AtomicU64>,
}

impl Meter {
    async fn of(db: DatabaseConnection) -> Self {
        let steps = Arc::new(AtomicU64::new(0));
        if db.get_database_backend() == DbBackend::Sqlite {
            let counted = steps.clone();
            let mut connection = db.get_sqlite_connection_pool().acquire().await.expect("its one connection");
            let mut handle = connection.lock_handle().await.expect("idle");
            handle.set_progress_handler(1, move || counted.fetch_add(1, Ordering::Relaxed) < u64::MAX);
        }
        Self { db, steps }
    }

    /// What a query reads: steps on SQLite, rows of tables and indexes on MariaDB, and pages on PostgreSQL.
    async fn reads(&self, query: &Statement) -> u64 {
        match self.db.get_database_backend() {
            DbBackend::MySql => {
                self.db.execute_unprepared("FLUSH STATUS").await.expect("reset");
                self.db.query_all_raw(query.clone()).await.expect("rows");
                let counts = texts::<2>(&self.db, "SHOW SESSION STATUS LIKE 'Handler_read%'").await;
                counts.iter().map(|[_, count]| count.parse::<u64>().expect("a number")).sum()
            }
            DbBackend::Postgres => {
                let mut explained = query.clone();
                explained.sql.insert_str(0, "EXPLAIN (ANALYZE, BUFFERS) ");
                let lines = self.db.query_all_raw(explained).await.expect("a plan");
                let lines = lines.iter().map(|line| line.try_get_by_index::<String>(0).expect("text"));
                // The first line is that of the whole query.
                let line = lines.into_iter().find(|line| line.contains("Buffers: shared")).unwrap_or_default();
                let counts = line.split([' ', '=']).filter_map(|word| word.parse::<u64>().ok());
                counts.sum()
            }
            _ => {
                let before = self.steps.load(Ordering::Relaxed);
                self.db.query_all_raw(query.clone()).await.expect("rows");
                self.steps.load(Ordering::Relaxed) - before
            }
        }
    }
}

#[tokio::test]
async fn pages_and_lists_read_no_more_with_a_long_past() {
    let app = TestApp::alone_at(NOW).await;
    let url = &app.own.as_ref().expect("a database of its own").url;
    let db = connect(url).await;
    let (small, large) = (Crowd::of(&app, &db, SOME).await, Crowd::of(&app, &db, MANY).await);
    let mut asked = Vec::new();
    for one in ASKED {
        asked.push((one.name(), one.queries(&app, &small).await, one.queries(&app, &large).await));
    }
    let meter = Meter::of(db).await;
    // A query plan must be right before there are statistics, which SQLite makes only when a server stops.
    let is_sqlite = meter.db.get_database_backend() == DbBackend::Sqlite;
    for is_analyzed in if is_sqlite { vec![false, true] } else { vec![true] } {
        if is_analyzed {
            analyze(&meter.db).await;
        }
        let (mut report, mut grown) = (String::new(), Vec::new());
        for (name, few, many) in &asked {
            let mut reads = [0; 2];
            for (queries, reads) in [few, many].into_iter().zip(&mut reads) {
                let mut each = Vec::new();
                for query in queries {
                    each.push(meter.reads(query).await);
                }
                *reads = each.iter().sum();
                if let Some((most, query)) = each.iter().zip(queries).max_by_key(|(reads, _)| **reads) {
                    writeln!(report, "{name}: {reads}, of which {most}: {:.300}", query.sql).expect("text");
                }
            }
            if reads[1] > reads[0] * 13 / 10 + ALLOWED {
                grown.push((name, reads));
            }
        }
        assert!(grown.is_empty(), "{grown:?} with statistics: {is_analyzed}\n{report}");
    }
}
