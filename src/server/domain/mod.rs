//! The domain: every operation, its rules and its permission.
//!
//! A request becomes a handle, and a handle is a permission: [`Viewer`], [`Member`] and [`Admin`] each belong to one
//! organization, and an operation is a method of the handle that permits it. The connection pool is private: code
//! outside the domain has nothing to query with.

mod audit;
mod audit_log;
mod clock;
pub mod demo;
mod feed;
mod handle;
mod idempotency;
mod identity;
mod incidents;
mod markdown;
mod principal;
mod services;
mod store;
mod tx;
mod zones;

use std::{
    path::Path,
    sync::{Arc, OnceLock},
};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::sync::broadcast;
use uuid::Uuid;

pub use audit_log::{AuditFields, AuditQuery};
pub use clock::Clock;
pub use feed::{Feed, Next};
pub use handle::{Admin, Member, Person, Reauthenticated, ReauthenticatedAdmin, Site, System, Viewer, Visitor};
pub use idempotency::IdempotencyKey;
pub use identity::api_tokens::PREFIX as TOKEN_PREFIX;
pub use identity::login::Credentials;
pub use identity::sessions::{IDLE_SECONDS, NewSession, RevocationWatch, SESSION_SECONDS, SHORT_IDLE_SECONDS};
pub use incidents::{IncidentFields, IncidentQuery, LEASE_SECONDS, LeaseHolder, SchedulerRun};
pub use principal::{AccessState, Caller, Credential, Principal, TokenSource};
pub use services::history::HistoryRange;
pub use store::Unreachable;
#[cfg(test)]
pub use store::statement_log;

use super::{
    error::internal,
    live::{hub::Hub, relay::Relay, replays::Replays},
    rate_limit::queues::Queues,
};
use crate::model::{Epoch, Error, OrganizationId, Result};

/// The connection pool, the hub and the clock; creates the handles. Cheap to clone.
#[derive(Clone)]
pub struct Domain {
    inner: Arc<Inner>,
}

struct Inner {
    db: DatabaseConnection,
    hub: Hub,
    replays: Replays,
    relay: Relay,
    clock: Clock,
    /// The epoch of event numbers: it changes only while no server runs.
    epoch: OnceLock<Epoch>,
    /// Ids of sessions and tokens that were revoked or changed, for open sockets.
    revocations: broadcast::Sender<Uuid>,
    /// The searches that run and wait.
    searches: Queues<OrganizationId>,
}

impl Domain {
    /// Connects to the database and migrates its schema.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated.
    pub async fn open(url: &str, relay: Relay, clock: Clock) -> Result<Self, Unreachable> {
        let domain = Self::connect(url, relay, clock).await?;
        Box::pin(store::migrate(domain.db(), url)).await?;
        // Set once: nothing else writes it.
        _ = domain.inner.epoch.set(store::epoch(domain.db()).await?);
        Ok(domain)
    }

    /// Connects to the database without migrating it.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(url: &str, relay: Relay, clock: Clock) -> Result<Self, Unreachable> {
        let db = store::connect(url).await?;
        let revocations = broadcast::Sender::new(64);
        Ok(Self {
            inner: Arc::new(Inner {
                db,
                hub: Hub::default(),
                replays: Replays::default(),
                relay,
                clock,
                epoch: OnceLock::new(),
                revocations,
                searches: Queues::of_searches(),
            }),
        })
    }

    /// The number of migrations not applied yet.
    pub async fn pending_migrations(&self) -> Result<usize, Unreachable> {
        store::pending_migrations(self.db()).await
    }

    /// Writes a consistent copy of the embedded database to a new file.
    ///
    /// # Errors
    /// When the database is not SQLite, or the file exists or cannot be written.
    pub async fn backup(&self, file: &Path) -> Result<(), Unreachable> {
        store::backup(self.db(), file).await
    }

    /// Checks that the database and, if configured, Redis answer.
    ///
    /// # Errors
    /// `unavailable`, naming the one that does not.
    pub async fn ready(&self) -> Result<()> {
        self.database_ready().await?;
        self.inner.relay.ready().await
    }

    /// Checks that the database answers.
    ///
    /// # Errors
    /// `unavailable`.
    pub(in crate::server) async fn database_ready(&self) -> Result<()> {
        self.db().execute_unprepared("SELECT 1").await.map(drop).map_err(|error| {
            tracing::warn!(%error, "the database is not responding");
            Error::unavailable("The database is not responding.")
        })
    }

    /// The clock of all operations.
    pub(in crate::server) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The epoch of event numbers; 0 before the database is migrated.
    fn epoch(&self) -> Epoch {
        self.inner.epoch.get().copied().unwrap_or_default()
    }

    /// The connection to the other instances.
    pub(in crate::server) fn relay(&self) -> &Relay {
        &self.inner.relay
    }

    /// Publishes the revocation or change of a session or token to the sockets of all instances.
    fn publish_revocation(&self, id: Uuid) {
        self.inner.relay.send_end(id);
        self.deliver_revocation(id);
    }

    fn publish_revocations(&self, ids: Vec<Uuid>) {
        for id in ids {
            self.publish_revocation(id);
        }
    }

    /// Delivers a revocation to the sockets of this instance.
    fn deliver_revocation(&self, id: Uuid) {
        // An error means that no socket listens.
        let _ = self.inner.revocations.send(id);
    }

    fn db(&self) -> &DatabaseConnection {
        &self.inner.db
    }

    fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    fn replays(&self) -> &Replays {
        &self.inner.replays
    }

    /// Closes the pool once it is idle.
    pub(crate) async fn close(self) {
        if let Err(error) = self.inner.db.clone().close().await {
            let _ = internal(error);
        }
    }
}

/// A new UUIDv7: ordered by creation time, so that recent rows are stored together.
#[expect(clippy::disallowed_methods, reason = "the one source of ids")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}
