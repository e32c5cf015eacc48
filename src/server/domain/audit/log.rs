//! The audit log as admins read it: by page, or exported as CSV.

use std::collections::BTreeMap;

use futures::{Stream, StreamExt as _, stream};
use sea_orm::{ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};

use super::super::{
    Admin, System,
    identity::people::user_names,
    store::{audit_entry, membership},
};
use crate::{
    model::{
        Action, AuditActor, AuditEntry, AuditId, AuditPage, AuditTarget, Error, Result, Timestamp, UserId,
        audit::AUDIT_DAYS,
    },
    server::error::internal,
};

/// Entries per page of the website.
const PAGE_SIZE: u64 = 50;
/// The most entries in one export.
const EXPORT_MAX: u64 = 50_000;
/// The most former members in the filter by person.
const FORMER_MEMBERS_MAX: u64 = 500;
/// Entries of an export read at once.
const EXPORT_BATCH: u64 = 250;

/// A filter for audit entries.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// This action only.
    pub action: Option<Action>,
    /// By this user, or by API tokens they created.
    pub actor: Option<UserId>,
    /// The earliest time.
    pub from: Option<Timestamp>,
    /// The latest time.
    pub to: Option<Timestamp>,
    /// The cursor of the previous page.
    pub before: Option<String>,
}

/// [`AuditQuery`] as form fields; an empty field does not filter.
#[derive(Clone, Debug, Default)]
pub struct AuditFields {
    /// An action.
    pub action: String,
    /// A user's id.
    pub actor: String,
    /// The first day, in the organization's time zone.
    pub from: String,
    /// The last day, in the organization's time zone.
    pub to: String,
    /// The cursor of the previous page.
    pub before: String,
}

impl Admin {
    /// One page of the log for the website.
    ///
    /// # Errors
    /// `invalid` with the field at fault.
    pub async fn audit_page(&self, fields: AuditFields) -> Result<AuditPage> {
        let query = AuditQuery {
            action: Some(fields.action.as_str())
                .filter(|action| !action.is_empty())
                .map(str::parse)
                .transpose()
                .map_err(|_| Error::field("action", "Choose one from the list."))?,
            actor: Some(fields.actor.as_str())
                .filter(|actor| !actor.is_empty())
                .map(str::parse)
                .transpose()
                .map_err(|_| Error::not_found())?,
            from: self.day("from", &fields.from).await?.map(|(start, _)| start),
            to: self.day("to", &fields.to).await?.map(|(_, end)| end.plus_millis(-1)),
            before: Some(fields.before).filter(|before| !before.is_empty()),
        };
        let (entries, next) = self.audit(&query, PAGE_SIZE).await?;
        let people = self.audited_people().await?;
        Ok(AuditPage { entries, next, people, from: query.from, to: query.to })
    }

    /// Members, and former members under the name they had, for the filter by person.
    async fn audited_people(&self) -> Result<Vec<(UserId, String)>> {
        use audit_entry::Column;
        let members = self.scope().find::<membership::Entity>().all(self.db()).await?;
        let members = user_names(self.db(), members.into_iter().map(|member| member.user_id).collect()).await?;
        let left = Column::Action.is_in([Action::MemberLeft, Action::MemberRemoved]);
        let rows: Vec<(String, String)> = self
            .scope()
            .find::<audit_entry::Entity>()
            .filter(left)
            .order_by_desc(Column::CreatedAt)
            .select_only()
            .columns([Column::TargetId, Column::TargetName])
            .limit(FORMER_MEMBERS_MAX)
            .into_tuple()
            .all(self.db())
            .await?;
        let former = rows.into_iter().rev().filter_map(|(id, name)| Some((id.parse().ok()?, name)));
        let people: BTreeMap<UserId, String> = former.chain(members).collect();
        let mut people: Vec<_> = people.into_iter().collect();
        people.sort_by_cached_key(|(id, name)| (name.to_lowercase(), *id));
        Ok(people)
    }

    /// The newest matching entries, and the cursor of the next page if there is one.
    ///
    /// # Errors
    /// `invalid` for an invalid cursor.
    pub async fn audit(&self, query: &AuditQuery, limit: u64) -> Result<(Vec<AuditEntry>, Option<String>)> {
        let mut rows = self.audit_rows(query, limit + 1).await?;
        let has_more = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit)?);
        let next = rows.last().filter(|_| has_more).map(cursor_of);
        Ok((rows.into_iter().map(entry).collect::<Result<_>>()?, next))
    }

    /// Streams all matching entries as CSV, newest first.
    ///
    /// # Errors
    /// `invalid` for an invalid cursor.
    pub async fn audit_csv(self, query: AuditQuery) -> Result<impl Stream<Item = Result<String>> + Send> {
        // Read before the response begins, so that an invalid query gets an error status.
        let (first, rest) = self.csv_batch(query, 0).await?;
        let rest = stream::try_unfold((self, rest), async |(admin, rest)| {
            let Some((query, written)) = rest else { return Ok(None) };
            let (batch, rest) = admin.csv_batch(query, written).await?;
            Ok(Some((batch, (admin, rest))))
        });
        Ok(stream::iter([Ok(first)]).chain(rest))
    }

    /// One batch of the CSV, with the header row if it is the first, and the query for the next batch.
    async fn csv_batch(&self, query: AuditQuery, written: u64) -> Result<(String, Option<(AuditQuery, u64)>)> {
        let mut table = csv::Writer::from_writer(Vec::new());
        if written == 0 {
            table.write_record(COLUMNS).map_err(internal)?;
        }
        let rows = self.audit_rows(&query, EXPORT_BATCH).await?;
        let (read, written) = (rows.len() as u64, written + rows.len() as u64);
        let next = rows.last().filter(|_| read == EXPORT_BATCH && written < EXPORT_MAX).map(cursor_of);
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
            table.write_record(fields.iter().map(|field| without_formula(field))).map_err(internal)?;
        }
        let batch = String::from_utf8(table.into_inner().map_err(internal)?).map_err(internal)?;
        Ok((batch, next.map(|next| (AuditQuery { before: Some(next), ..query }, written))))
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
        if let Some((at, id)) = query.before.as_deref().map(parse_cursor).transpose()? {
            let same = Condition::all().add(Column::CreatedAt.eq(at)).add(Column::Id.lt(id));
            rows = rows.filter(Condition::any().add(Column::CreatedAt.lt(at)).add(same));
        }
        let rows = rows.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id).limit(limit);
        Ok(rows.all(self.db()).await?)
    }
}

impl System {
    /// Deletes entries past the retention time.
    pub async fn forget_old_audit(&self) -> Result<u64> {
        let oldest = self.domain.database_now().await?.plus_seconds(-AUDIT_DAYS * 86_400);
        let old = Condition::all().add(audit_entry::Column::CreatedAt.lt(oldest));
        self.domain.delete_in_batches::<audit_entry::Entity>(old).await
    }
}

/// The header row of an export.
const COLUMNS: [&str; 10] =
    ["time", "actor_kind", "actor", "action", "target_kind", "target_id", "target", "changes", "ip", "request_id"];

/// Escapes a field that a spreadsheet would take for a formula.
fn without_formula(field: &str) -> String {
    if field.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{field}") } else { field.to_owned() }
}

/// The cursor of a page that ends with this row.
fn cursor_of(row: &audit_entry::Model) -> String {
    format!("{}.{}", row.created_at.millis(), row.id)
}

/// Parses a cursor.
fn parse_cursor(text: &str) -> Result<(Timestamp, AuditId)> {
    let invalid = || Error::field("cursor", "Use the cursor from the `Link` header of the previous page.");
    let (at, id) = text.split_once('.').ok_or_else(invalid)?;
    let at = at.parse().map(Timestamp::from_millis).map_err(|_| invalid())?;
    Ok((at, id.parse().map_err(|_| invalid())?))
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
    use super::without_formula;

    #[test]
    fn r_53_no_field_of_an_export_is_a_formula() {
        for field in ["=1+1", "+1", "-1", "@x", "\tx", "\rx"] {
            assert_eq!(without_formula(field), format!("'{field}"));
        }
        assert_eq!(without_formula("a=b"), "a=b");
    }
}
