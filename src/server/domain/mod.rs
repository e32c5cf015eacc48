//! What may be done, and its rules.
//!
//! A request becomes a handle, and a handle is a permission: [`Viewer`], [`Member`] and [`Admin`] each hold one
//! organization, and a mutation is a method that exists only on the handle that may do it. The pool is private, so that
//! outside there is nothing to query with.

mod audit;
mod clock;
pub mod demo;
mod feed;
mod groups;
mod handle;
mod idempotency;
mod identity;
mod incidents;
mod markdown;
mod services;
mod status_page;
mod store;
mod tx;
mod zones;

use std::{path::Path, sync::Arc};

use sea_orm::{ConnectionTrait, DatabaseConnection};
use tokio::sync::broadcast;
use uuid::Uuid;

pub use audit::{AuditFields, AuditQuery, Caller};
pub use clock::Clock;
pub use feed::{Feed, Next};
pub use handle::{Admin, Member, Person, Reauthenticated, ReauthenticatedAdmin, Site, System, Viewer, Visitor};
pub use idempotency::IdempotencyKey;
pub use identity::api_tokens::PREFIX as TOKEN_PREFIX;
pub use identity::registration::Credentials;
pub use identity::session_rotation::TokenSource;
pub use identity::sessions::{
    AccessState, Credential, IDLE_SECONDS, NewSession, Principal, RevocationWatch, SESSION_SECONDS, SHORT_IDLE_SECONDS,
};
pub use incidents::{IncidentFields, IncidentQuery, LEASE_SECONDS, LeaseHolder};
pub use status_page::HistoryRange;
pub use store::Unreachable;

use super::{
    error::internal,
    live::{hub::Hub, relay::Relay},
};
use crate::model::Result;

/// The pool, the hub and the clock; hands out handles. Cheap to clone.
#[derive(Clone)]
pub struct Domain {
    inner: Arc<Inner>,
}

struct Inner {
    db: DatabaseConnection,
    hub: Hub,
    relay: Relay,
    clock: Clock,
    /// Sessions and tokens as they end or change, for the sockets that live on them.
    endings: broadcast::Sender<Uuid>,
}

impl Domain {
    /// Opens the database and brings its schema up to date.
    ///
    /// # Errors
    /// When the database cannot be reached or migrated.
    pub async fn open(url: &str, relay: Relay, clock: Clock) -> Result<Self, Unreachable> {
        let domain = Self::connect(url, relay, clock).await?;
        Box::pin(store::migrate(domain.db(), url)).await?;
        Ok(domain)
    }

    /// Opens the database and leaves its schema as it is.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn connect(url: &str, relay: Relay, clock: Clock) -> Result<Self, Unreachable> {
        let db = store::connect(url).await?;
        let endings = broadcast::Sender::new(64);
        Ok(Self { inner: Arc::new(Inner { db, hub: Hub::default(), relay, clock, endings }) })
    }

    /// How many changes of the schema the database has not seen yet.
    ///
    /// # Errors
    /// When the database does not answer.
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

    /// Whether the database and, where there is one, Redis answer.
    ///
    /// # Errors
    /// `unavailable`, naming which does not.
    pub async fn ready(&self) -> Result<()> {
        use crate::model::Error;
        self.db().execute_unprepared("SELECT 1").await.map_err(|error| {
            tracing::warn!(%error, "the database does not answer");
            Error::unavailable("The database does not answer.")
        })?;
        self.inner.relay.ready().await
    }

    /// The handle of somebody who is nobody yet.
    pub(in crate::server) fn site(&self) -> Site {
        Site::new(self.clone())
    }

    /// The handle of the server's own jobs.
    pub(in crate::server) fn system(&self) -> System {
        System::new(self.clone())
    }

    /// The time everything here goes by.
    pub(in crate::server) fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// The way to the other instances.
    pub(in crate::server) fn relay(&self) -> &Relay {
        &self.inner.relay
    }

    /// Tells the sockets here and at the other instances that a session or token has ended or changed.
    fn tell_end(&self, access: Uuid) {
        self.inner.relay.send_end(access);
        self.hear_end(access);
    }

    /// Tells of several.
    fn tell_ends(&self, ended: Vec<Uuid>) {
        for access in ended {
            self.tell_end(access);
        }
    }

    /// Tells the sockets here.
    fn hear_end(&self, access: Uuid) {
        // An error means that no socket listens.
        let _ = self.inner.endings.send(access);
    }

    fn db(&self) -> &DatabaseConnection {
        &self.inner.db
    }

    fn hub(&self) -> &Hub {
        &self.inner.hub
    }

    /// Closes the pool once nothing uses it any more.
    pub(crate) async fn close(self) {
        if let Err(error) = self.inner.db.clone().close().await {
            let _ = internal(error);
        }
    }
}

/// A new id: ordered by time of making, so that rows of one time lie together.
#[expect(clippy::disallowed_methods, reason = "this is where everybody else takes ids from")]
fn new_id() -> Uuid {
    Uuid::now_v7()
}
