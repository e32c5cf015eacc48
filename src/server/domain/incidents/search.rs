//! Search of incident lists: by text (domain rule 3.4.10) and by affected service.
//!
//! A text is found here and not by the database, so that capitals are the same letters on all three kinds and no text
//! takes longer than its length. A search reads the newest incidents part by part, up to [`SEARCHED_MAX`]; the next
//! page goes on from there.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, IntoSimpleExpr, QueryFilter, QuerySelect, QueryTrait, Select,
    sea_query::{Expr, ExprTrait, Func, SubQueryStatement},
};
use tokio::task::spawn_blocking;

use super::{
    super::{
        Viewer,
        store::{Scope, incident, incident_service, incident_update},
    },
    answers::size::Size,
    cursor,
    load::newest_first,
};
use crate::{
    model::{Code, Error, Incident, IncidentId, IncidentStatus, Result, ServiceId, Timestamp},
    server::error::internal,
};

/// The most incidents of one service that are filtered by their ids.
const IDS_MAX: usize = 100;

/// The longest search text, in characters; the rest is ignored.
const SEARCH_MAX: usize = 100;
/// The most text that one search looks at, in bytes: at most 0.3 s of work, whatever the text and the needle.
const SEARCHED_MAX: usize = 16_000_000;
/// What an incident or an update counts on top of its text, in bytes: short ones take time as well.
const ROW_BYTES: usize = 256;
/// The text that is read at a time, in bytes, unless a single incident has more.
const PART_BYTES: usize = 1_000_000;
/// The incidents of the first batch. Each batch is twice the one before, since most searches find something soon.
const FIRST_BATCH: usize = 64;
/// The most incidents of a batch.
const BATCH_MAX: usize = 512;
/// When a rejected search should be tried again, in seconds.
const RETRY_SECONDS: u32 = 2;

/// A text to search for.
pub(super) struct Needle(String);

impl Needle {
    /// The text to search for; none if it is empty.
    pub(super) fn of(text: &str) -> Option<Self> {
        let text: String = text.trim().chars().filter(|c| !c.is_control()).take(SEARCH_MAX).collect();
        (!text.is_empty()).then(|| Self(folded(&text)))
    }

    fn is_in(&self, text: &str) -> bool {
        folded(text).contains(&self.0)
    }
}

/// A text without the difference between capitals and small letters, letter by letter in any script. Accents count, and
/// `ss` is not `ß`.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // The final form of sigma is the same letter.
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
}

/// What is known of an incident before its texts are read.
struct Head {
    id: IncidentId,
    started_at: Timestamp,
    title: String,
    status: IncidentStatus,
    /// The size of its texts.
    bytes: usize,
}

impl Viewer {
    /// Those of these incidents, newest start first, whose title, status, messages or postmortem contain a text; at
    /// most `most`. Also returns the cursor to go on from, if the search stopped before the last of them.
    ///
    /// # Errors
    /// `too_many_requests` while the organization has too many searches.
    pub(super) async fn search(
        &self,
        rows: Select<incident::Entity>,
        needle: Needle,
        most: u64,
    ) -> Result<(Vec<Size>, Option<String>)> {
        let _turn = self.domain.inner.searches.turn(self.organization()).await.ok_or_else(too_many)?;
        let (needle, most) = (Arc::new(needle), usize::try_from(most)?);
        let (mut found, mut seen, mut left) = (Vec::new(), None, Some(SEARCHED_MAX));
        let mut size = FIRST_BATCH;
        let stopped = 'search: loop {
            let batch = self.heads(&rows, seen, size).await?;
            let is_last = batch.len() < size;
            for part in parts(batch) {
                let bytes = part.iter().map(|head| head.bytes).sum::<usize>();
                seen = part.last().map(|head| (head.started_at, head.id));
                found.extend(self.find(&needle, part).await?);
                left = left.and_then(|left| left.checked_sub(bytes));
                if found.len() >= most {
                    break 'search None;
                }
                if left.is_none() {
                    break 'search seen;
                }
            }
            if is_last {
                break None;
            }
            size = (2 * size).min(BATCH_MAX);
        };
        found.truncate(most);
        let found = newest_first(self.scope().find::<incident::Entity>()).filter(incident::Column::Id.is_in(found));
        Ok((Size::of(self.db(), found).await?, stopped.map(|(at, id)| cursor::at(at, id))))
    }

    /// The next incidents after one, and the size of their texts.
    async fn heads(
        &self,
        rows: &Select<incident::Entity>,
        after: Option<(Timestamp, IncidentId)>,
        most: usize,
    ) -> Result<Vec<Head>> {
        use incident::Column;
        use incident_update::Column as Update;
        type Row = (IncidentId, Timestamp, String, IncidentStatus, Option<i32>);
        let rows = rows.clone().filter(after.map_or_else(Condition::all, |(at, id)| cursor::older(at, id)));
        let rows = rows.select_only().columns([Column::Id, Column::StartedAt, Column::Title, Column::Status]);
        let rows = rows.column_as(octets(Column::Postmortem), "octets").limit(u64::try_from(most)?);
        let rows: Vec<Row> = rows.into_tuple().all(self.db()).await?;
        let integer = if self.db().get_database_backend() == DbBackend::MySql { "SIGNED" } else { "BIGINT" };
        let updates = self.scope().find::<incident_update::Entity>();
        let updates = updates.filter(Update::IncidentId.is_in(rows.iter().map(|row| row.0))).select_only();
        let updates = updates.column(Update::IncidentId).group_by(Update::IncidentId);
        let updates = updates.column_as(Expr::from(Func::sum(octets(Update::Message))).cast_as(integer), "octets");
        let updates = updates.column_as(Update::Id.count(), "updates").into_tuple().all(self.db()).await?;
        let updates = updates.into_iter().map(|(id, bytes, count): (IncidentId, i64, i64)| (id, (bytes, count)));
        let updates: BTreeMap<IncidentId, (i64, i64)> = updates.collect();
        let head = |(id, started_at, title, status, postmortem): Row| -> Result<Head> {
            let (bytes, count) = updates.get(&id).copied().unwrap_or_default();
            let bytes = usize::try_from(bytes + i64::from(postmortem.unwrap_or(0)))?;
            let bytes = bytes + title.len() + ROW_BYTES * (1 + usize::try_from(count)?);
            Ok(Head { id, started_at, title, status, bytes })
        };
        rows.into_iter().map(head).collect()
    }

    /// Which of these incidents contain a text.
    async fn find(&self, needle: &Arc<Needle>, part: Vec<Head>) -> Result<Vec<IncidentId>> {
        use incident::Column;
        use incident_update::Column as Update;
        let ids = || part.iter().map(|head| head.id);
        let messages = self.scope().find::<incident_update::Entity>().filter(Update::IncidentId.is_in(ids()));
        let messages = messages.select_only().columns([Update::IncidentId, Update::Message]).into_tuple();
        let mut texts: Vec<(IncidentId, String)> = messages.all(self.db()).await?;
        let postmortems = self.scope().find::<incident::Entity>().filter(Column::Id.is_in(ids()));
        let postmortems = postmortems.filter(Column::Postmortem.is_not_null());
        let postmortems = postmortems.select_only().columns([Column::Id, Column::Postmortem]).into_tuple();
        let postmortems: Vec<(IncidentId, String)> = postmortems.all(self.db()).await?;
        texts.extend(postmortems);
        let needle = needle.clone();
        let search = move || {
            let in_texts = texts.iter().filter(|(_, text)| needle.is_in(text)).map(|(id, _)| *id);
            let in_texts: BTreeSet<IncidentId> = in_texts.collect();
            let in_head = |head: &Head| needle.is_in(&head.title) || needle.is_in(&head.status.to_string());
            let found = part.iter().filter(|head| in_texts.contains(&head.id) || in_head(head));
            found.map(|head| head.id).collect()
        };
        spawn_blocking(search).await.map_err(internal)
    }
}

/// The start of the oldest incident looked at, if a search stopped beyond the last one it found.
pub(super) fn searched_to(found: &[Incident], next: Option<&str>) -> Option<Timestamp> {
    let (at, id) = cursor::parse(next?).ok()?;
    found.last().is_none_or(|last| last.id != id).then_some(at)
}

/// Divides a batch into parts with at most [`PART_BYTES`], or a single incident.
fn parts(batch: Vec<Head>) -> Vec<Vec<Head>> {
    let (mut parts, mut bytes) = (Vec::<Vec<Head>>::new(), PART_BYTES);
    for head in batch {
        bytes += head.bytes;
        match parts.last_mut() {
            Some(part) if bytes <= PART_BYTES => part.push(head),
            _ => {
                bytes = head.bytes;
                parts.push(vec![head]);
            }
        }
    }
    parts
}

/// The size of a text in bytes.
fn octets(column: impl ColumnTrait) -> Expr {
    Func::cust("octet_length").arg(column.into_simple_expr()).into()
}

fn too_many() -> Error {
    let why = "Your organization has too many searches at once. Try again in a moment.";
    Error { retry_after: Some(RETRY_SECONDS), ..Error::new(Code::TooManyRequests, why) }
}

/// Matches incidents that affect a service. Few are filtered by their ids; many are checked one by one.
pub(super) async fn affects(db: &impl ConnectionTrait, scope: Scope, service: ServiceId) -> Result<Condition> {
    use incident_service::Column;
    let of_service = scope.find::<incident_service::Entity>().filter(Column::ServiceId.eq(service));
    let ids = of_service.select_only().column(Column::IncidentId).limit(IDS_MAX as u64 + 1).into_tuple().all(db);
    let ids: Vec<IncidentId> = ids.await?;
    if ids.len() <= IDS_MAX {
        return Ok(Condition::all().add(incident::Column::Id.is_in(ids)));
    }
    Ok(Condition::all().add(affects_any(scope, [service])))
}

/// Matches incidents that affect any of these services. They are checked one by one in the order of the query, so it
/// takes the same time however many there are. The check is a count, because of an equivalent join a query planner may
/// start with all incidents of the services.
pub(super) fn affects_any(scope: Scope, services: impl IntoIterator<Item = ServiceId>) -> Expr {
    use incident_service::Column;
    let own = Column::IncidentId.into_simple_expr().eq(incident::Column::Id.into_simple_expr());
    let count = scope.find::<incident_service::Entity>().filter(own).filter(Column::ServiceId.is_in(services));
    let count = count.select_only().column_as(Column::ServiceId.count(), "services");
    Expr::from(SubQueryStatement::from(count.into_query())).gt(0)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn rule_3_4_10_capitals_are_the_same_letters_in_any_script() {
        for (needle, text, is_found) in [
            ("überlast", "Überlast im Rechenzentrum", true),
            ("ÜBERLAST", "die Überlast", true),
            ("авария", "Авария", true),
            ("ΟΔΟΣ", "οδος, οδοσα", true),
            ("οδοσ", "ΟΔΟΣ", true),
            ("STRAẞE", "straße", true),
            ("strasse", "Straße", false),
            ("uberlast", "Überlast", false),
            ("İ", "i\u{307}", true),
            ("100%", "100 percent", false),
            ("a_b", "axb", false),
            (" padded ", "padded", true),
        ] {
            let needle = Needle::of(needle).expect("not empty");
            assert_eq!(needle.is_in(text), is_found, "{} in {text}", needle.0);
        }
        for empty in ["", "  ", "\u{0}\u{7}"] {
            assert!(Needle::of(empty).is_none());
        }
        assert_eq!(Needle::of(&"x".repeat(200)).map(|needle| needle.0.len()), Some(SEARCH_MAX));
    }

    #[test]
    fn r_70_a_rejected_search_says_when_to_try_again() {
        let error = too_many();
        assert_eq!((error.code.http_status(), error.retry_after), (429, Some(RETRY_SECONDS)));
    }

    #[test]
    fn a_part_has_little_text_or_a_single_incident() {
        let head = |bytes| Head {
            id: IncidentId::from_uuid(Uuid::nil()),
            started_at: Timestamp::EPOCH,
            title: String::new(),
            status: IncidentStatus::Resolved,
            bytes,
        };
        let sizes = |bytes: &[usize]| {
            let parts = parts(bytes.iter().copied().map(head).collect());
            parts.iter().map(|part| part.iter().map(|head| head.bytes).collect::<Vec<_>>()).collect::<Vec<_>>()
        };
        let half = PART_BYTES / 2;
        assert_eq!(sizes(&[]), Vec::<Vec<usize>>::new());
        assert_eq!(sizes(&[half, half, 1]), [vec![half, half], vec![1]]);
        assert_eq!(sizes(&[1, 3 * PART_BYTES, 1, 1]), [vec![1], vec![3 * PART_BYTES], vec![1, 1]]);
    }
}
