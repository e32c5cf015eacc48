//! A transaction that tells the world when it commits, and only then.

use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::{
    Domain,
    audit::{self, Actor, AuditEvent},
    store::{self, Scope, event, organization},
};
use crate::{
    model::{Audience, Error, Event, Frame, NumberedEvent, OrganizationId, Result, Seq, StatusPage, Timestamp},
    server::{
        error::internal,
        live::hub::{EventBatch, FRAME_MAX, Publication, Published, Topic},
    },
};

/// A change of one organization. While it is open no other change of that organization runs, so events get their
/// numbers in the order of their commits. Dropping it undoes everything.
pub struct Tx {
    domain: Domain,
    db: DatabaseTransaction,
    organization: organization::Model,
    now: Timestamp,
    actor: Actor,
    /// What is being done, for the audit log.
    audit_event: Option<AuditEvent>,
    published: Vec<(Audience, Published)>,
    /// Sessions and tokens that end with this change.
    ended: Vec<Uuid>,
}

impl Tx {
    /// Begins a change and waits for the organization's other changes to end.
    pub(super) async fn begin(domain: &Domain, id: OrganizationId, actor: Actor) -> Result<Self> {
        let db = store::begin(domain.db()).await?;
        Self::over(domain, db, id, actor).await
    }

    /// As [`Tx::begin`], in a transaction that has begun.
    pub(super) async fn over(
        domain: &Domain,
        db: DatabaseTransaction,
        id: OrganizationId,
        actor: Actor,
    ) -> Result<Self> {
        let organization = locked(&db, id).await?.ok_or_else(Error::not_found)?;
        let (domain, now) = (domain.clone(), domain.clock().now());
        Ok(Self { domain, db, organization, now, actor, audit_event: None, published: Vec::new(), ended: Vec::new() })
    }

    /// The connection inside the transaction.
    pub(super) const fn db(&self) -> &DatabaseTransaction {
        &self.db
    }

    /// The organization's rows.
    pub(super) const fn scope(&self) -> Scope {
        Scope::of(self.organization.id)
    }

    /// The organization as it is inside the transaction.
    pub(super) const fn organization(&self) -> &organization::Model {
        &self.organization
    }

    /// The organization, to change its name; `commit` writes it.
    pub(super) const fn organization_mut(&mut self) -> &mut organization::Model {
        &mut self.organization
    }

    /// The instant of this change.
    pub(super) const fn now(&self) -> Timestamp {
        self.now
    }

    /// Lets the change happen at another instant: for telling the past.
    pub(super) const fn pretend(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// Says what is being done; `commit` writes it down with who did it.
    pub(super) fn audit(&mut self, audit_event: AuditEvent) {
        debug_assert!(self.audit_event.is_none(), "one change is one entry");
        self.audit_event = Some(audit_event);
    }

    /// Ends a session or token for those who listen by it, once this change is made.
    pub(super) fn end_access(&mut self, access: Uuid) {
        self.ended.push(access);
    }

    /// Notes what changed, for members and visitors alike, as each may see it. It goes out when the transaction commits.
    pub(super) async fn emit(&mut self, event: Event) -> Result<()> {
        self.emit_to(Audience::Members, event.clone()).await?;
        self.emit_to(Audience::Public, event).await
    }

    /// As [`Tx::emit`], for one audience alone. What it may not see takes no number (product.md section 5).
    pub(super) async fn emit_to(&mut self, audience: Audience, event: Event) -> Result<()> {
        let Some(event) = event.seen_by(audience) else { return Ok(()) };
        let seq = self.next_seq(audience);
        let event = match event {
            Event::PageUpdated(page) => Event::PageUpdated(Box::new(StatusPage { seq, ..*page })),
            other => other,
        };
        let frame = Frame::Event(NumberedEvent { seq, at: self.now, event });
        let text = serde_json::to_string(&frame).map_err(internal)?;
        let text = if text.len() > FRAME_MAX { String::new() } else { text };
        event::Entity::insert(event::ActiveModel {
            org_id: Set(self.organization.id),
            audience: Set(audience),
            seq: Set(i64::try_from(seq)?),
            frame: Set(text.clone()),
            created_at: Set(self.now),
        })
        .exec_without_returning(&self.db)
        .await?;
        self.published.push((audience, Published { seq, frame: text.into() }));
        Ok(())
    }

    /// Makes the change last, then tells everybody who listens. Runs to its end even when the caller goes away, so that
    /// no committed event stays untold.
    pub(super) async fn commit(self) -> Result<()> {
        tokio::spawn(async move {
            let is_silent = self.published.is_empty() && self.ended.is_empty();
            debug_assert!(
                self.audit_event.is_some() || is_silent || !self.actor.is_answerable(),
                "a change that somebody made is written down"
            );
            if let Some(audit_event) = self.audit_event {
                audit::write(&self.db, self.organization.id, self.domain.clock().now(), &self.actor, audit_event)
                    .await?;
            }
            save(&self.db, &self.organization).await?;
            self.db.commit().await?;
            for audience in [Audience::Members, Audience::Public] {
                let events = self.published.iter().filter(|(to, _)| *to == audience);
                let told = events.map(|(_, event)| event.clone()).collect();
                self.domain.tell((self.organization.id, audience), told).await;
            }
            self.ended.into_iter().for_each(|access| self.domain.tell_end(access));
            Ok(())
        })
        .await
        .map_err(internal)?
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
    /// Sends the events of one change to the readers of this process and of the others.
    async fn tell(&self, topic: Topic, events: EventBatch) {
        if !events.is_empty() {
            self.inner.relay.send(topic, &events);
            self.hear(topic, events).await;
        }
    }

    /// Sends committed events to the readers of this process, first catching up what is missing before them.
    pub(super) async fn hear(&self, topic: Topic, events: EventBatch) {
        if let Publication::MissingAfter(tip) = self.hub().publish(topic, events) {
            self.catch_up(topic, tip).await;
        }
    }

    /// Sends the readers of this process every committed event after `tip`.
    pub(super) async fn catch_up(&self, topic: Topic, mut tip: Seq) {
        loop {
            let missed = match self.events_after(topic, tip).await {
                Ok(missed) => missed,
                Err(error) => {
                    tracing::warn!(%error, "live events could not be read; readers are caught up later");
                    return;
                }
            };
            let Some(last) = missed.events.last().map(|event| event.seq) else { return };
            // A gap that is still there has been pruned; readers notice and reload.
            let publication = self.hub().publish(topic, missed.events.into());
            if missed.is_all || publication != Publication::Done {
                return;
            }
            tip = last;
        }
    }
}

/// The organization's row, locked until the transaction ends (SQLite locks the whole file instead).
#[expect(clippy::disallowed_methods, reason = "the organization is what scopes are made of")]
async fn locked(db: &DatabaseTransaction, id: OrganizationId) -> Result<Option<organization::Model>> {
    Ok(organization::Entity::find_by_id(id).lock_exclusive().one(db).await?)
}

#[expect(clippy::disallowed_methods, reason = "the organization is what scopes are made of")]
async fn save(db: &DatabaseTransaction, organization: &organization::Model) -> Result<()> {
    organization::Entity::update_many()
        .set(organization::ActiveModel {
            name: Set(organization.name.clone()),
            time_zone: Set(organization.time_zone.clone()),
            public_seq: Set(organization.public_seq),
            members_seq: Set(organization.members_seq),
            ..Default::default()
        })
        .filter(organization::Column::Id.eq(organization.id))
        .exec(db)
        .await?;
    Ok(())
}
