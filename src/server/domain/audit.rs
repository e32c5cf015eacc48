//! The audit log: what was done is written in the transaction that does it.

use std::{
    collections::BTreeMap,
    fmt::Display,
    net::{IpAddr, Ipv4Addr},
};

use futures::{Stream, StreamExt as _, stream};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::Serialize;

use super::{
    Admin, System, new_id,
    status_page::names,
    store::{audit_entry, membership},
};
use crate::{
    model::{
        Action, ActorKind, AuditActor, AuditChange, AuditChanges, AuditEntry, AuditId, AuditPage, AuditTarget, Error,
        OrganizationId, Result, Timestamp, UserId,
        audit::{AUDIT_DAYS, differences, shortened},
    },
    server::error::internal,
};

/// How many entries a page for people has.
const PAGE: u64 = 50;
/// The most entries of one export.
const EXPORT_MAX: u64 = 50_000;
/// How many of those who have left the log can be narrowed to.
const LEAVERS_MAX: u64 = 500;
/// How many entries of an export are in memory at once.
const EXPORT_PAGE: u64 = 250;

/// Where a request comes from.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    /// The network address, as far as it can be trusted.
    pub ip: Option<IpAddr>,
    /// The request's own number.
    pub request_id: String,
    /// What the browser or program calls itself.
    pub user_agent: String,
}

impl Caller {
    /// What the caller is counted by; those of whom nothing is known are counted together.
    #[must_use]
    pub fn network(&self) -> IpAddr {
        self.ip.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
    }

    /// The address as it is written down.
    pub(super) fn address(&self) -> String {
        self.ip.map(|ip| ip.to_string()).unwrap_or_default()
    }
}

/// Who acts, and from where.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    kind: ActorKind,
    id: Option<UserId>,
    name: String,
    caller: Caller,
}

impl Actor {
    /// A person.
    pub(super) fn person(id: UserId, name: &str, caller: &Caller) -> Self {
        Self { kind: ActorKind::User, id: Some(id), name: name.to_owned(), caller: caller.clone() }
    }

    /// A program, whose token this person made.
    pub(super) fn token(made_by: UserId, name: &str, caller: &Caller) -> Self {
        Self { kind: ActorKind::Token, id: Some(made_by), name: name.to_owned(), caller: caller.clone() }
    }

    /// The server itself.
    pub(super) fn system() -> Self {
        Self { kind: ActorKind::System, id: None, name: "Aldis".into(), caller: Caller::default() }
    }

    /// Whether what is done must be written down: what the server does by itself is, where it matters.
    pub(super) fn is_answerable(&self) -> bool {
        self.kind != ActorKind::System
    }
}

/// What was done, for the log.
#[derive(Clone, Debug)]
pub(super) struct AuditEvent {
    action: Action,
    target: Option<AuditTarget>,
    changes: AuditChanges,
}

impl AuditEvent {
    pub(super) const fn new(action: Action) -> Self {
        Self { action, target: None, changes: AuditChanges::new() }
    }

    /// To what it was done.
    pub(super) fn on(mut self, kind: &str, id: impl Display, name: &str) -> Self {
        self.target = Some(AuditTarget { kind: kind.to_owned(), id: id.to_string(), name: name.to_owned() });
        self
    }

    /// What changed by it, told from the states before and after.
    pub(super) fn changing<T: Serialize>(mut self, before: &T, after: &T) -> Self {
        self.changes.extend(differences(before, after));
        self
    }

    /// What ended along with it, by name, if anything did.
    pub(super) fn ending(self, field: &str, names: Vec<String>) -> Self {
        if names.is_empty() { self } else { self.setting(field, names.join(", ")) }
    }

    /// Another field that was set. Of a long text the beginning is kept.
    pub(super) fn setting(mut self, field: &str, to: impl Serialize) -> Self {
        let to = shortened(serde_json::to_value(to).unwrap_or_default());
        self.changes.insert(field.to_owned(), AuditChange { from: serde_json::Value::Null, to });
        self
    }
}

/// Writes an entry, as part of whatever `db` is in.
pub(super) async fn write(
    db: &impl ConnectionTrait,
    organization: OrganizationId,
    at: Timestamp,
    actor: &Actor,
    audit_event: AuditEvent,
) -> Result<()> {
    let target = audit_event.target.unwrap_or_else(|| AuditTarget {
        kind: String::new(),
        id: String::new(),
        name: String::new(),
    });
    let row = audit_entry::Model {
        org_id: organization,
        id: AuditId::from_uuid(new_id()),
        created_at: at,
        actor_kind: actor.kind,
        actor_id: actor.id,
        actor_name: actor.name.clone(),
        action: audit_event.action,
        target_kind: target.kind,
        target_id: target.id,
        target_name: target.name,
        changes: serde_json::to_string(&audit_event.changes).map_err(internal)?,
        ip: actor.caller.address(),
        request_id: actor.caller.request_id.chars().take(64).collect(),
    };
    audit_entry::Entity::insert(row.into_active_model().reset_all()).exec_without_returning(db).await?;
    Ok(())
}

/// Which entries are asked for.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Of this kind alone.
    pub action: Option<Action>,
    /// By this person, or by tokens they made.
    pub actor: Option<UserId>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Not after.
    pub to: Option<Timestamp>,
    /// After the entry a page ended with.
    pub before: Option<String>,
}

/// As [`AuditQuery`], in the words of a form; what is empty narrows nothing.
#[derive(Clone, Debug, Default)]
pub struct AuditFields {
    /// A deed.
    pub action: String,
    /// A person's id.
    pub actor: String,
    /// The first day, in the organization's zone.
    pub from: String,
    /// The last day, in the organization's zone.
    pub to: String,
    /// Where the page before ended.
    pub before: String,
}

impl Admin {
    /// A page of the log, for people.
    ///
    /// # Errors
    /// `invalid` with the field at fault.
    pub async fn audit_page(&self, fields: AuditFields) -> Result<AuditPage> {
        let query = AuditQuery {
            action: Some(fields.action.as_str())
                .filter(|action| !action.is_empty())
                .map(str::parse)
                .transpose()
                .map_err(|_| Error::field("action", "Choose one of the list."))?,
            actor: Some(fields.actor.as_str())
                .filter(|actor| !actor.is_empty())
                .map(str::parse)
                .transpose()
                .map_err(|_| Error::not_found())?,
            from: self.day("from", &fields.from).await?.map(|(start, _)| start),
            to: self.day("to", &fields.to).await?.map(|(_, end)| end.plus_millis(-1)),
            before: Some(fields.before).filter(|before| !before.is_empty()),
        };
        let (entries, next) = self.audit(&query, PAGE).await?;
        let people = self.audited_people().await?;
        Ok(AuditPage { entries, next, people, from: query.from, to: query.to })
    }

    /// Whoever may be looked for, by name: the members, and who has left, by the name they had then.
    async fn audited_people(&self) -> Result<Vec<(UserId, String)>> {
        use audit_entry::Column;
        let members = self.scope().find::<membership::Entity>().all(self.db()).await?;
        let members = names(self.db(), members.into_iter().map(|member| member.user_id).collect()).await?;
        let left = Column::Action.is_in([Action::MemberLeft, Action::MemberRemoved]);
        let left = self.scope().find::<audit_entry::Entity>().filter(left).order_by_desc(Column::CreatedAt);
        let left = left.select_only().columns([Column::TargetId, Column::TargetName]).limit(LEAVERS_MAX);
        let left: Vec<(String, String)> = left.into_tuple().all(self.db()).await?;
        let left = left.into_iter().rev().filter_map(|(id, name)| Some((id.parse().ok()?, name)));
        let people: BTreeMap<UserId, String> = left.chain(members).collect();
        let mut people: Vec<_> = people.into_iter().collect();
        people.sort_by_cached_key(|(id, name)| (name.to_lowercase(), *id));
        Ok(people)
    }

    /// The newest entries that fit, and where the next page begins if there is one.
    ///
    /// # Errors
    /// `invalid` for a place that is none.
    pub async fn audit(&self, query: &AuditQuery, limit: u64) -> Result<(Vec<AuditEntry>, Option<String>)> {
        let mut rows = self.audit_rows(query, limit + 1).await?;
        let has_more = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit)?);
        let next = rows.last().filter(|_| has_more).map(place_of);
        Ok((rows.into_iter().map(entry).collect::<Result<_>>()?, next))
    }

    /// Every entry that fits, newest first, as a table for a spreadsheet, in pieces: it may be long.
    ///
    /// # Errors
    /// `invalid` for a place that is none.
    pub async fn audit_csv(self, query: AuditQuery) -> Result<impl Stream<Item = Result<String>> + Send> {
        // Read before anything is answered, so that what cannot be asked is refused.
        let (first, rest) = self.csv_piece(query, 0).await?;
        let rest = stream::try_unfold((self, rest), async |(admin, rest)| {
            let Some((query, written)) = rest else { return Ok(None) };
            let (piece, rest) = admin.csv_piece(query, written).await?;
            Ok(Some((piece, (admin, rest))))
        });
        Ok(stream::iter([Ok(first)]).chain(rest))
    }

    /// A piece of the table after so many entries, with the head before the first, and what to ask for the next.
    async fn csv_piece(&self, query: AuditQuery, written: u64) -> Result<(String, Option<(AuditQuery, u64)>)> {
        let mut table = csv::Writer::from_writer(Vec::new());
        if written == 0 {
            table.write_record(COLUMNS).map_err(internal)?;
        }
        let rows = self.audit_rows(&query, EXPORT_PAGE).await?;
        let (read, written) = (rows.len() as u64, written + rows.len() as u64);
        let next = rows.last().filter(|_| read == EXPORT_PAGE && written < EXPORT_MAX).map(place_of);
        for row in rows {
            let fields = [
                row.created_at.to_string(),
                row.actor_kind.to_string(),
                row.actor_name,
                row.action.to_string(),
                row.target_kind,
                row.target_id,
                row.target_name,
                row.changes,
                row.ip,
                row.request_id,
            ];
            table.write_record(fields.iter().map(|field| harmless(field))).map_err(internal)?;
        }
        let piece = String::from_utf8(table.into_inner().map_err(internal)?).map_err(internal)?;
        Ok((piece, next.map(|next| (AuditQuery { before: Some(next), ..query }, written))))
    }

    async fn audit_rows(&self, query: &AuditQuery, limit: u64) -> Result<Vec<audit_entry::Model>> {
        use audit_entry::Column;
        let mut rows = self.scope().find::<audit_entry::Entity>();
        if let Some(action) = query.action {
            rows = rows.filter(Column::Action.eq(action));
        }
        if let Some(actor) = query.actor {
            rows = rows.filter(Column::ActorId.eq(actor));
        }
        if let Some(from) = query.from {
            rows = rows.filter(Column::CreatedAt.gte(from));
        }
        if let Some(to) = query.to {
            rows = rows.filter(Column::CreatedAt.lte(to));
        }
        if let Some((at, id)) = query.before.as_deref().map(place).transpose()? {
            let same = Condition::all().add(Column::CreatedAt.eq(at)).add(Column::Id.lt(id));
            rows = rows.filter(Condition::any().add(Column::CreatedAt.lt(at)).add(same));
        }
        let rows = rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(limit);
        Ok(rows.all(self.db()).await?)
    }
}

impl System {
    /// Forgets entries that are older than they are kept.
    ///
    /// # Errors
    /// When the database does not answer.
    #[expect(clippy::disallowed_methods, reason = "housekeeping over all organizations, by age alone")]
    pub async fn forget_old_audit(&self) -> Result<u64> {
        let oldest = self.domain.clock().now().plus_seconds(-AUDIT_DAYS * 86_400);
        let old = audit_entry::Entity::delete_many().filter(audit_entry::Column::CreatedAt.lt(oldest));
        Ok(old.exec(self.domain.db()).await?.rows_affected)
    }
}

/// The heads of an export.
const COLUMNS: [&str; 10] =
    ["time", "actor_kind", "actor", "action", "target_kind", "target_id", "target", "changes", "ip", "request_id"];

/// A field that no spreadsheet takes for a formula.
fn harmless(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() }
}

/// Where a page ends with this row.
fn place_of(row: &audit_entry::Model) -> String {
    format!("{}.{}", row.created_at.millis(), row.id)
}

/// Where a page ended.
fn place(text: &str) -> Result<(Timestamp, AuditId)> {
    let bad = || Error::field("cursor", "Take the cursor from the `Link` header of the page before.");
    let (at, id) = text.split_once('.').ok_or_else(bad)?;
    let at = at.parse().map(Timestamp::from_millis).map_err(|_| bad())?;
    Ok((at, id.parse().map_err(|_| bad())?))
}

fn entry(row: audit_entry::Model) -> Result<AuditEntry> {
    let changes: BTreeMap<_, _> = serde_json::from_str(&row.changes).map_err(internal)?;
    let target = AuditTarget { kind: row.target_kind, id: row.target_id, name: row.target_name };
    Ok(AuditEntry {
        id: row.id,
        created_at: row.created_at,
        actor: AuditActor { kind: row.actor_kind, id: row.actor_id, name: row.actor_name },
        action: row.action,
        target: Some(target).filter(|target| !target.kind.is_empty()),
        changes,
        ip: row.ip,
        request_id: row.request_id,
    })
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn r_53_no_field_of_an_export_is_a_formula() {
        for field in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(harmless(field), format!("'{field}"));
        }
        assert_eq!(harmless("a=b"), "a=b");
    }
}
