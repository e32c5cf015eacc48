//! Audit events: what was done, by whom and from where, written in the transaction that does it.

mod log;

use std::fmt::Display;

use sea_orm::ConnectionTrait;
use serde::Serialize;

pub use log::{AuditFields, AuditQuery};

use super::{
    new_id,
    principal::Caller,
    store::{audit_entry, insertion},
};
use crate::{
    model::{
        Action, ActorKind, AuditChange, AuditChanges, AuditId, AuditTarget, OrganizationId, Result, Timestamp, UserId,
        audit::{differences, shortened},
    },
    server::error::internal,
};

/// The actor of an audit event.
#[derive(Clone, Debug)]
pub(in crate::server::domain) struct Actor {
    kind: ActorKind,
    id: Option<UserId>,
    name: String,
    caller: Caller,
}

impl Actor {
    pub(in crate::server::domain) fn person(id: UserId, name: &str, caller: &Caller) -> Self {
        Self { kind: ActorKind::User, id: Some(id), name: name.to_owned(), caller: caller.clone() }
    }

    /// A program with an API token that this user created.
    pub(in crate::server::domain) fn token(made_by: UserId, name: &str, caller: &Caller) -> Self {
        Self { kind: ActorKind::Token, id: Some(made_by), name: name.to_owned(), caller: caller.clone() }
    }

    /// The server itself.
    pub(in crate::server::domain) fn system() -> Self {
        Self { kind: ActorKind::System, id: None, name: "Aldis".into(), caller: Caller::default() }
    }

    /// Whether every change must be audited: not those of the server itself.
    pub(in crate::server::domain) fn must_audit(&self) -> bool {
        self.kind != ActorKind::System
    }
}

/// An audit event: an action, its target and what changed.
#[derive(Clone, Debug)]
pub(in crate::server::domain) struct AuditEvent {
    action: Action,
    target: Option<AuditTarget>,
    changes: AuditChanges,
}

impl AuditEvent {
    pub(in crate::server::domain) const fn new(action: Action) -> Self {
        Self { action, target: None, changes: AuditChanges::new() }
    }

    /// Sets the target.
    pub(in crate::server::domain) fn on(mut self, kind: &str, id: impl Display, name: &str) -> Self {
        self.target = Some(AuditTarget { kind: kind.to_owned(), id: id.to_string(), name: name.to_owned() });
        self
    }

    /// Adds the fields that differ between two states.
    pub(in crate::server::domain) fn changing<T: Serialize>(mut self, before: &T, after: &T) -> Self {
        self.changes.extend(differences(before, after));
        self
    }

    /// Adds the names of what was revoked along with it, if anything was.
    pub(in crate::server::domain) fn ending(self, field: &str, names: Vec<String>) -> Self {
        if names.is_empty() { self } else { self.setting(field, names.join(", ")) }
    }

    /// Adds the new value of a field. Long texts are shortened.
    pub(in crate::server::domain) fn setting(mut self, field: &str, to: impl Serialize) -> Self {
        let to = shortened(serde_json::to_value(to).unwrap_or_default());
        self.changes.insert(field.to_owned(), AuditChange { from: serde_json::Value::Null, to });
        self
    }
}

/// Writes an audit event in the transaction of `db`.
pub(in crate::server::domain) async fn write(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    at: Timestamp,
    actor: &Actor,
    audit_event: AuditEvent,
) -> Result<()> {
    db.execute_raw(insertion(db.get_database_backend(), entry(organization, at, actor, audit_event)?)).await?;
    Ok(())
}

/// The entry of an audit event.
pub(in crate::server::domain) fn entry(
    organization: OrganizationId,
    at: Timestamp,
    actor: &Actor,
    audit_event: AuditEvent,
) -> Result<audit_entry::Model> {
    let (target_kind, target_id, target_name) =
        audit_event.target.map(|target| (target.kind, target.id, target.name)).unwrap_or_default();
    Ok(audit_entry::Model {
        org_id: organization,
        id: AuditId::from_uuid(new_id()),
        created_at: at,
        actor_kind: actor.kind,
        actor_id: actor.id,
        actor_name: actor.name.clone(),
        action: audit_event.action,
        target_kind,
        target_id,
        target_name,
        changes: serde_json::to_string(&audit_event.changes).map_err(internal)?,
        ip: actor.caller.address(),
        request_id: actor.caller.request_id.chars().take(64).collect(),
    })
}
