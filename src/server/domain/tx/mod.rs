//! Write transactions: changes to one organization, whose events are published after the commit and only then.

mod erase;

use std::sync::atomic::{AtomicBool, Ordering};

use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, ModelTrait,
    QueryFilter, QueryResult, QuerySelect, QueryTrait, Select, Statement, UpdateMany,
};
use uuid::Uuid;

pub(super) use erase::Erasure;

use super::{
    Domain,
    audit::{self, Actor, AuditEvent},
    store::{self, Scope, WriteTx, event, organization},
};
use crate::{
    model::{Audience, Error, Event, Frame, IncidentId, NumberedEvent, OrganizationId, Result, Seq, Timestamp},
    server::{
        error::internal,
        live::hub::{EventBatch, FRAME_MAX, FRAME_SHAPE, Publication, Published, Topic},
    },
};

/// A write transaction on one organization. It locks the organization's row, so that changes to an organization are
/// serialized and events are numbered in commit order. Dropping it rolls back.
pub struct Tx {
    domain: Domain,
    db: WriteTx,
    organization: organization::Model,
    /// The organization as it is stored.
    stored: organization::Model,
    now: Timestamp,
    actor: Actor,
    audit_event: Option<AuditEvent>,
    emitted: Vec<Emitted>,
    /// Statements that are executed before the commit.
    deferred: Vec<Statement>,
    /// Whether something was erased.
    is_erasing: AtomicBool,
    /// Sessions and tokens revoked or changed by this transaction.
    revoked: Vec<Uuid>,
}

/// An event of the transaction, for one audience.
struct Emitted {
    audience: Audience,
    incident: Option<IncidentId>,
    event: Published,
}

/// The rows of a query.
pub(super) type Rows = Vec<QueryResult>;

/// How many events are inserted by one statement at most, and how many bytes of frames.
const INSERT_MAX: (usize, usize) = (500, 4 << 20);

impl Tx {
    /// Begins a transaction, waiting for the organization's lock.
    pub(super) async fn begin(domain: &Domain, id: OrganizationId, actor: Actor) -> Result<Self> {
        Ok(Self::begin_reading(domain, id, actor, Vec::new()).await?.0)
    }

    /// As [`Tx::begin`], and returns the rows of these queries, which are read under the lock.
    pub(super) async fn begin_reading(
        domain: &Domain,
        id: OrganizationId,
        actor: Actor,
        queries: Vec<Statement>,
    ) -> Result<(Self, Vec<Rows>)> {
        let db = domain.begin(id).await?;
        let queries = [locked_organization(id).build(db.get_database_backend())].into_iter().chain(queries);
        let mut rows = db.query_together(queries.collect()).await?.into_iter();
        let organization = rows.next().and_then(|rows| rows.into_iter().next()).ok_or_else(Error::not_found)?;
        let organization = organization::Model::from_query_result(&organization, "")?;
        Ok((Self::under_lock(domain, db, organization, actor), rows.collect()))
    }

    /// As [`Tx::begin`], in a database transaction that has begun already.
    pub(super) async fn over(domain: &Domain, db: WriteTx, id: OrganizationId, actor: Actor) -> Result<Self> {
        let organization = locked_organization(id).one(&db).await?.ok_or_else(Error::not_found)?;
        Ok(Self::under_lock(domain, db, organization, actor))
    }

    fn under_lock(domain: &Domain, db: WriteTx, organization: organization::Model, actor: Actor) -> Self {
        let (domain, now) = (domain.clone(), domain.clock().now());
        let stored = organization.clone();
        let (emitted, deferred, revoked) = (Vec::new(), Vec::new(), Vec::new());
        let (audit_event, is_erasing) = (None, AtomicBool::new(false));
        Self { domain, db, organization, stored, now, actor, audit_event, emitted, deferred, is_erasing, revoked }
    }

    /// The database transaction.
    pub(super) fn db(&self) -> &WriteTx {
        &self.db
    }

    /// The organization's rows.
    pub(super) const fn scope(&self) -> Scope {
        Scope::of(self.organization.id)
    }

    /// The organization, as changed so far.
    pub(super) const fn organization(&self) -> &organization::Model {
        &self.organization
    }

    /// The organization, to be changed; `commit` saves it.
    pub(super) const fn organization_mut(&mut self) -> &mut organization::Model {
        &mut self.organization
    }

    /// The time of this change.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Sets the time of the changes that follow: for demo data and tests.
    pub(super) const fn pretend(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Sets the actor of the audit event.
    pub(super) fn act_as(&mut self, actor: Actor) {
        self.actor = actor;
    }

    /// Sets the audit event of this transaction; `commit` writes it with the actor.
    pub(super) fn audit(&mut self, audit_event: AuditEvent) {
        debug_assert!(self.audit_event.is_none(), "a transaction has one audit event");
        self.audit_event = Some(audit_event);
    }

    /// Executes a statement before the commit, together with others. What is read until then does not see it.
    pub(super) fn defer(&mut self, statement: impl QueryTrait) {
        self.deferred.push(statement.build(self.db.get_database_backend()));
    }

    /// Inserts a row before the commit, as [`Tx::defer`].
    pub(super) fn defer_insertion<M>(&mut self, row: M)
    where
        M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    {
        self.deferred.push(store::insertion(self.db.get_database_backend(), row));
    }

    /// Executes the deferred statements now.
    pub(super) async fn flush(&mut self) -> Result<()> {
        Ok(self.db.execute_together(std::mem::take(&mut self.deferred)).await?)
    }

    /// Publishes the revocation or change of a session or token after the commit.
    pub(super) fn end_access(&mut self, access: Uuid) {
        self.revoked.push(access);
    }

    /// Emits an event to members and visitors, as each audience may see it. It is published after the commit.
    pub(super) fn emit(&mut self, event: Event) -> Result<()> {
        self.emit_to(Audience::Members, event.clone())?;
        self.emit_to(Audience::Public, event)
    }

    /// Emits an event to one audience only. An event it may not see takes no sequence number.
    pub(super) fn emit_to(&mut self, audience: Audience, event: Event) -> Result<()> {
        let Some(event) = event.seen_by(audience) else { return Ok(()) };
        let (seq, incident) = (self.next_seq(audience), event.incident());
        let frame = Frame::Event(NumberedEvent { seq, at: self.now, event });
        let text = serde_json::to_string(&frame).map_err(internal)?;
        let text = if text.len() > FRAME_MAX { String::new() } else { text };
        self.emitted.push(Emitted { audience, incident, event: Published { seq, frame: text.into() } });
        Ok(())
    }

    /// Commits, then publishes. Runs in its own task, so that a cancelled request cannot leave committed events
    /// unpublished.
    pub(super) async fn commit(mut self) -> Result<()> {
        tokio::spawn(async move {
            let is_silent = self.emitted.is_empty() && self.revoked.is_empty();
            debug_assert!(
                self.audit_event.is_some() || is_silent || !self.actor.must_audit(),
                "a user's change has an audit event"
            );
            self.defer_events()?;
            if let Some(audit_event) = self.audit_event.take() {
                let now = self.domain.clock().now();
                self.defer_insertion(audit::entry(self.organization.id, now, &self.actor, audit_event)?);
            }
            if let Some(update) = changed_organization(&self.stored, &self.organization) {
                self.defer(update);
            }
            self.prune_events().await?;
            self.db.commit_after(self.deferred).await?;
            if self.is_erasing.load(Ordering::Relaxed) {
                self.domain.versions().erase_before(self.organization.id, self.organization.public_seq.unsigned_abs());
            }
            for audience in [Audience::Members, Audience::Public] {
                let events = self.emitted.iter().filter(|emitted| emitted.audience == audience);
                let events = events.map(|emitted| emitted.event.clone());
                self.domain.publish((self.organization.id, audience), events.collect()).await;
            }
            self.revoked.into_iter().for_each(|id| self.domain.publish_revocation(id));
            Ok(())
        })
        .await
        .map_err(internal)?
    }

    /// Stores the events for returning clients, in as few statements as their size allows.
    fn defer_events(&mut self) -> Result<()> {
        let mut statements = Vec::new();
        let mut rest = self.emitted.as_slice();
        while !rest.is_empty() {
            let mut bytes = 0;
            let fits = |emitted: &&Emitted| {
                bytes += emitted.event.frame.len();
                bytes <= INSERT_MAX.1
            };
            let count = rest.iter().take(INSERT_MAX.0).take_while(fits).count().max(1);
            let (batch, left) = rest.split_at(count);
            let rows = batch.iter().map(|emitted| self.event_row(emitted)).collect::<Result<Vec<_>>>()?;
            statements.push(event::Entity::insert_many(rows));
            rest = left;
        }
        for statement in statements {
            self.defer(statement);
        }
        Ok(())
    }

    /// Deletes the events that are no longer needed.
    async fn prune_events(&mut self) -> Result<()> {
        for audience in [Audience::Members, Audience::Public] {
            let mut numbers = self.emitted.iter().filter(|it| it.audience == audience).map(|it| it.event.seq);
            if let Some(first) = numbers.next()
                && store::is_pruning_due(first, numbers.next_back().unwrap_or(first))
            {
                self.flush().await?;
                store::prune_events(&self.db, self.scope(), audience).await?;
            }
        }
        Ok(())
    }

    fn event_row(&self, emitted: &Emitted) -> Result<event::ActiveModel> {
        Ok(event::ActiveModel {
            org_id: Set(self.organization.id),
            audience: Set(emitted.audience),
            seq: Set(i64::try_from(emitted.event.seq)?),
            created_at: Set(self.now),
            shape: Set(FRAME_SHAPE),
            bytes: Set(i64::try_from(emitted.event.frame.len())?),
            incident_id: Set(emitted.incident),
            frame: Set(emitted.event.frame.to_string()),
        })
    }

    fn next_seq(&mut self, audience: Audience) -> Seq {
        let counter = match audience {
            Audience::Public => &mut self.organization.public_seq,
            Audience::Members => &mut self.organization.members_seq,
        };
        *counter += 1;
        counter.unsigned_abs()
    }
}

impl Domain {
    /// Publishes the events of one transaction to all instances.
    async fn publish(&self, topic: Topic, events: EventBatch) {
        if !events.is_empty() {
            self.inner.relay.send(topic, &events);
            self.deliver(topic, events).await;
        }
    }

    /// Delivers committed events to the feeds of this instance, first those missing before them.
    pub(super) async fn deliver(&self, topic: Topic, events: EventBatch) {
        if let ((organization, Audience::Public), Some(newest)) = (topic, events.last()) {
            self.versions().advance(organization, newest.seq);
        }
        if let Publication::MissingAfter(tip) = self.hub().publish(topic, events) {
            self.catch_up(topic, tip).await;
        }
    }

    /// Delivers every committed event after `tip` to the feeds of this instance.
    pub(super) async fn catch_up(&self, topic: Topic, mut tip: Seq) {
        loop {
            let missed = match self.events_after(topic, tip).await {
                Ok(missed) => missed,
                Err(error) => {
                    tracing::warn!(%error, "live events could not be read; feeds are caught up later");
                    return;
                }
            };
            let Some(last) = missed.events.last().map(|event| event.seq) else { return };
            // Events still missing have been pruned; feeds notice and send `resync`.
            let publication = self.hub().publish(topic, missed.events);
            if missed.is_all || publication != Publication::Done {
                return;
            }
            tip = last;
        }
    }
}

/// Reads the organization's row and locks it until the transaction ends (SQLite locks the whole file instead).
#[expect(clippy::disallowed_methods, reason = "the tenant itself")]
fn locked_organization(id: OrganizationId) -> Select<organization::Entity> {
    organization::Entity::find_by_id(id).lock_exclusive()
}

/// The update of what has changed of the organization, usually its two counters.
#[expect(clippy::disallowed_methods, reason = "the tenant itself")]
fn changed_organization(
    before: &organization::Model,
    after: &organization::Model,
) -> Option<UpdateMany<organization::Entity>> {
    let update = organization::Entity::update_many().set(store::changes(before, after));
    (before != after).then(|| update.filter(organization::Column::Id.eq(after.id)))
}
