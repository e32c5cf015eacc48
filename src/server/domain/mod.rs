//! The domain: every operation, its rules and its permission.
//!
//! A request becomes a handle, and a handle is a permission: [`Viewer`], [`Member`] and [`Admin`] each belong to one
//! organization, and an operation is a method of the handle that permits it. The connection pools are private: code
//! outside the domain has nothing to query with.

mod audit;
mod clock;
pub mod demo;
mod feed;
mod handle;
mod health;
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
    sync::{Arc, OnceLock},
    time::Duration,
};

use sea_orm::{Condition, ConnectionTrait, DatabaseConnection, EntityTrait};
use tokio::{
    sync::broadcast,
    time::{MissedTickBehavior, interval, timeout},
};
use uuid::Uuid;

pub use audit::{AuditFields, AuditQuery};
pub use clock::Clock;
pub use feed::{Feed, Next};
pub use handle::{Admin, Member, Person, Reauthenticated, ReauthenticatedAdmin, Site, System, Viewer, Visitor};
pub use health::DatabaseHealth;
pub use idempotency::IdempotencyKey;
pub use identity::api_tokens::PREFIX as TOKEN_PREFIX;
pub use identity::login::Credentials;
pub use identity::sessions::{IDLE_SECONDS, NewSession, RevocationWatch, SESSION_SECONDS, SHORT_IDLE_SECONDS};
#[cfg(test)]
pub use incidents::ANSWER_MAX;
pub use incidents::{IncidentFields, IncidentQuery, LEASE_SECONDS, LeaseHolder, SchedulerRun, incident_page_of};
pub use principal::{AccessState, Caller, Credential, Principal, TokenSource};
pub use services::history::HistoryRange;
#[cfg(test)]
pub use store::statement_log;
pub use store::{ApiTokens, Restored, Unreachable, backup, finish_import, restore};

use identity::last_use::{LastUses, Use};
use store::{Lane, Pools, WriteTx};

use super::{
    error::internal,
    live::{hub::Hub, relay::Relay, replays::Replays, versions::PublicVersions},
    rate_limit::queues::Queues,
};
use crate::model::{Epoch, Error, OrganizationId, Result, Timestamp};

/// How long reading the first row may take.
const OPEN_TIMEOUT: Duration = Duration::from_secs(5);
/// The pause between two batches of a deletion.
const DELETION_PAUSE: Duration = Duration::from_millis(50);

/// The connection pools, the hub and the clock; creates the handles. Cheap to clone.
#[derive(Clone)]
pub struct Domain {
    inner: Arc<Inner>,
}

struct Inner {
    url: String,
    pools: Pools,
    last_uses: LastUses,
    hub: Hub,
    replays: Replays,
    versions: PublicVersions,
    health: DatabaseHealth,
    relay: Relay,
    clock: Clock,
    /// The epoch of event numbers, from when the database is opened: it changes only while no server runs.
    epoch: OnceLock<Epoch>,
    /// Ids of sessions and tokens that were revoked or changed, for open sockets.
    revocations: broadcast::Sender<Uuid>,
    /// The searches that run and wait.
    searches: Queues<OrganizationId>,
}

impl Domain {
    /// Opens a database.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated.
    pub async fn open(url: &str, relay: Relay, clock: Clock) -> Result<Self, Unreachable> {
        let domain = Self::closed(url, relay, clock).await?;
        domain.migrate().await?;
        Ok(domain)
    }

    /// A domain that does not use its database before [`Domain::migrate`] has opened it.
    ///
    /// # Errors
    /// When the address cannot be understood.
    pub async fn closed(url: &str, relay: Relay, clock: Clock) -> Result<Self, Unreachable> {
        let pools = Pools::new(url).await?;
        Ok(Self {
            inner: Arc::new(Inner {
                url: url.to_owned(),
                pools,
                last_uses: LastUses::default(),
                hub: Hub::default(),
                replays: Replays::default(),
                versions: PublicVersions::default(),
                health: DatabaseHealth::new(clock.clone()),
                relay,
                clock,
                epoch: OnceLock::new(),
                revocations: broadcast::Sender::new(64),
                searches: Queues::of_searches(),
            }),
        })
    }

    /// Migrates the schema unless that has been done, and opens the database.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated.
    pub async fn migrate(&self) -> Result<(), Unreachable> {
        Box::pin(store::migrate(&self.inner.url)).await?;
        let epoch = timeout(OPEN_TIMEOUT, store::epoch(self.db())).await.map_err(|_| Unreachable::Silent)??;
        // Set once: nothing else writes it.
        _ = self.inner.epoch.set(epoch);
        self.inner.health.answered();
        Ok(())
    }

    /// Whether the database has been opened: before that, nothing may be read or written.
    pub(in crate::server) fn is_open(&self) -> bool {
        self.inner.epoch.get().is_some()
    }

    /// The number of migrations not applied yet.
    pub async fn pending_migrations(&self) -> Result<usize, Unreachable> {
        store::pending_migrations(&self.inner.url).await
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

    /// The epoch of event numbers; 0 before the database is opened.
    pub(in crate::server) fn epoch(&self) -> Epoch {
        self.inner.epoch.get().copied().unwrap_or_default()
    }

    /// Whether the database answers.
    pub(in crate::server) fn health(&self) -> &DatabaseHealth {
        &self.inner.health
    }

    /// The newest public numbers.
    pub(in crate::server) fn versions(&self) -> &PublicVersions {
        &self.inner.versions
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

    /// The connections that read and cannot write; [`Domain::begin`] begins a transaction that writes.
    fn db(&self) -> &DatabaseConnection {
        &self.inner.pools.read
    }

    /// Begins a write transaction once it is the turn of this organization, user or other lane.
    ///
    /// # Errors
    /// `unavailable` when too many wait already, the turn does not come in time, or the database cannot write.
    async fn begin(&self, lane: impl Into<Lane>) -> Result<WriteTx> {
        self.inner.pools.begin(lane.into()).await
    }

    /// Deletes the rows of all organizations that meet a condition, in batches, between which others write; returns how
    /// many. After an error, those before it are gone.
    async fn delete_in_batches<E: EntityTrait>(&self, condition: Condition) -> Result<u64> {
        let statement = store::batch_deletion::<E>(self.db().get_database_backend(), condition);
        let mut pauses = interval(DELETION_PAUSE);
        pauses.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut deleted = 0;
        loop {
            pauses.tick().await;
            let tx = self.begin(Lane::System).await?;
            let rows = tx.execute(&statement).await?.rows_affected();
            tx.commit().await?;
            deleted += rows;
            if rows < store::DELETION_BATCH {
                return Ok(deleted);
            }
        }
    }

    /// Notes a use in the background, unless one of the same session or token is being noted. If that fails, the next
    /// request tries again. All notes wait in one lane of the write queue: many of them delay a change by one turn, and
    /// those that find the lane full are dropped.
    fn note_use(&self, used: Use, at: Timestamp) {
        let Some(claim) = self.inner.last_uses.claim(used.id()) else { return };
        let domain = self.clone();
        let note = async move {
            let tx = domain.begin(Lane::LastUse).await?;
            used.write(&tx, at).await?;
            Ok(tx.commit().await?)
        };
        tokio::spawn(async move {
            let noted: Result<()> = note.await;
            if let Err(error) = noted {
                tracing::debug!(%error, "the last use of a session or token was not noted");
            }
            drop(claim);
        });
    }

    fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    fn replays(&self) -> &Replays {
        &self.inner.replays
    }

    /// Closes the pools once they are idle.
    pub(crate) async fn close(self) {
        if let Err(error) = self.inner.pools.close().await {
            let _ = internal(error);
        }
    }
}

/// What integration tests arrange and wait for.
#[cfg(test)]
impl Domain {
    /// Waits until no use of a session or token is being noted.
    pub(in crate::server) async fn last_uses_noted(&self) {
        while !self.inner.last_uses.is_empty() {
            tokio::task::yield_now().await;
        }
    }

    /// Holds every slot of the write queue until the returned value is dropped.
    pub(in crate::server) async fn hold_writes(&self) -> Result<impl Sized + use<>> {
        self.inner.pools.hold_writes().await
    }

    /// How many write transactions wait for their turn.
    pub(in crate::server) fn waiting_writes(&self) -> usize {
        self.inner.pools.waiting_writes()
    }
}

/// A new UUIDv7: ordered by creation time, so that recent rows are stored together.
#[expect(clippy::disallowed_methods, reason = "the one source of ids")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}
