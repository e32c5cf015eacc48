//! States and documents on disk: newest first, private or public, bounded, and gone when they must be.

mod bounds;
mod directory;
mod incident_page;
mod state;
mod troubles;

use std::{
    fs,
    path::{Path, PathBuf},
};

use uuid::Uuid;

use super::{
    Document, DocumentKind, DocumentState, Revision, StateSnapshots,
    files::{Interval, draft_of},
};
use crate::{
    model::{
        MonthPage, OrganizationId, PagePart, Seq, Slug, StatusPage, Timeline, Timestamp, Zone, page::tests::page_with,
    },
    tests::support::database::folder,
};

fn organization(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(Uuid::from_u128(number))
}

fn slug(text: &str) -> Slug {
    Slug::unreserved(text).expect("a slug")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::EPOCH.plus_seconds(seconds)
}

fn revision(seq: Seq) -> Revision {
    Revision { epoch: 1, seq }
}

/// The page of an organization in the first epoch.
fn page(number: u128, address: &str, seq: Seq) -> StatusPage {
    let mut page = StatusPage { seq, epoch: 1, ..page_with(&["API", "Website"]) };
    (page.organization.id, page.organization.slug) = (organization(number), slug(address));
    page
}

/// The state of the first organization's page, saved when its number was new.
fn state(seq: Seq) -> DocumentState {
    DocumentState::of_page(page(1, "acme", seq), at(i64::try_from(seq).expect("small")))
}

fn month(seq: Seq) -> DocumentState {
    let month = "1970-01".parse().expect("a month");
    let part = Some(PagePart::of_month(&Zone::utc(), month));
    let page = StatusPage { part, services: Vec::new(), ..page(1, "acme", seq) };
    DocumentState::of_month(MonthPage { page, zone: Zone::utc(), month, cut_at: None, has_earlier: true }, at(1))
}

fn timeline(seq: Seq) -> DocumentState {
    let document = Document::Timeline(Box::new(Timeline { status_changes: Vec::new(), incidents: Vec::new() }));
    DocumentState { document, ..state(seq) }
}

/// The number of the first organization's document that can be loaded.
async fn loaded(store: &StateSnapshots, kind: DocumentKind) -> Option<Seq> {
    store.load(&slug("acme"), kind).await.map(|state| state.revision.seq)
}

/// Where a store in this data directory has a state.
fn file_of(data: &Path, state: &DocumentState) -> PathBuf {
    data.join("snapshots").join(format!("{}.{}", state.organization, state.kind().as_str()))
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("there").permissions().mode() & 0o777
}
