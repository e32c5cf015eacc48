//! The state of a public document as a file: a line of JSON that describes it, then the state as JSON, compressed with
//! brotli. The line alone is read at the start.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::model::{Epoch, MonthPage, OrganizationId, PagePart, Seq, Slug, StatusPage, Timeline, Timestamp};

/// The version of the format. Raise it when a field gets another meaning; what cannot be parsed is ignored anyway.
const FORMAT: u32 = 1;
/// Above this, brotli takes several times as long for a few percent.
const QUALITY: u32 = 5;
/// The window of brotli, as a power of two: 4 MB hold every document.
const WINDOW: u32 = 22;
const BUFFER: usize = 4096;
/// The most bytes a file may unpack to, far above the largest answer.
const UNPACKED_MAX: u64 = 16 << 20;
/// More bytes than the first line has.
pub const HEADER_MAX: u64 = 1024;

/// A kind of public document whose state is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// `/public/SLUG`, `/api/public/SLUG/status` and the pages of the incidents on it.
    Page,
    /// `/public/SLUG/history`: the month that was current.
    Month,
    /// `/api/public/SLUG/timeline`.
    Timeline,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Page, Self::Month, Self::Timeline];

    /// Its name in the names of files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Month => "month",
            Self::Timeline => "timeline",
        }
    }
}

/// The number of a state of an organization's public page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// The epoch of `seq`.
    pub epoch: Epoch,
    /// The sequence number of the latest event in the state.
    pub seq: Seq,
}

impl Revision {
    /// Later than every state of an epoch.
    #[must_use]
    pub const fn end_of(epoch: Epoch) -> Self {
        Self { epoch, seq: Seq::MAX }
    }

    /// Whether this state is older. Those of two epochs are neither older nor newer.
    #[must_use]
    pub const fn is_before(self, other: Self) -> bool {
        self.epoch == other.epoch && self.seq < other.seq
    }

    /// Whether this state contains every event up to `other`. Those of two epochs do not contain each other's.
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        self.epoch == other.epoch && self.seq >= other.seq
    }
}

/// What a document is rendered from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Document {
    /// The status page.
    Page(Box<StatusPage>),
    /// A month of its history.
    Month(Box<MonthPage>),
    /// Its recent events.
    Timeline(Box<Timeline>),
}

/// The state of a public document, and what it is the state of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentState {
    /// The organization.
    pub organization: OrganizationId,
    /// The address of its page.
    pub slug: Slug,
    /// The number of the state.
    pub revision: Revision,
    /// When it was read from the database.
    pub saved_at: Timestamp,
    /// The state.
    pub document: Document,
}

/// The first line of a file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Header {
    format: u32,
    pub organization: OrganizationId,
    pub slug: Slug,
    pub kind: DocumentKind,
    #[serde(flatten)]
    pub revision: Revision,
    pub saved_at: Timestamp,
}

impl Header {
    /// The header of a file that begins with these bytes, and the rest; none if it is damaged or of another format.
    pub fn split(file: &[u8]) -> Option<(Self, &[u8])> {
        let end = file.iter().position(|byte| *byte == b'\n')?;
        let (line, rest) = file.split_at(end);
        let header: Self = serde_json::from_slice(line).ok()?;
        (header.format == FORMAT).then_some((header, rest.get(1..).unwrap_or_default()))
    }
}

impl DocumentState {
    /// The state of a status page, read from the database at `saved_at`.
    #[must_use]
    pub fn of_page(page: StatusPage, saved_at: Timestamp) -> Self {
        let (organization, slug, revision) = origin(&page);
        Self { organization, slug, revision, saved_at, document: Document::Page(Box::new(page)) }
    }

    /// The state of a month, read from the database at `saved_at`.
    #[must_use]
    pub fn of_month(month: MonthPage, saved_at: Timestamp) -> Self {
        let (organization, slug, revision) = origin(&month.page);
        Self { organization, slug, revision, saved_at, document: Document::Month(Box::new(month)) }
    }

    /// The kind of the document.
    #[must_use]
    pub const fn kind(&self) -> DocumentKind {
        match self.document {
            Document::Page(_) => DocumentKind::Page,
            Document::Month(_) => DocumentKind::Month,
            Document::Timeline(_) => DocumentKind::Timeline,
        }
    }

    pub(super) fn header(&self) -> Header {
        Header {
            format: FORMAT,
            organization: self.organization,
            slug: self.slug.clone(),
            kind: self.kind(),
            revision: self.revision,
            saved_at: self.saved_at,
        }
    }

    /// The file.
    pub(super) fn encode(&self) -> io::Result<Vec<u8>> {
        let state = match &self.document {
            Document::Page(page) => serde_json::to_vec(page),
            Document::Month(month) => serde_json::to_vec(month),
            Document::Timeline(timeline) => serde_json::to_vec(timeline),
        }?;
        let mut file = serde_json::to_vec(&self.header())?;
        file.push(b'\n');
        let mut packed = brotli::CompressorWriter::new(file, BUFFER, QUALITY, WINDOW);
        packed.write_all(&state)?;
        Ok(packed.into_inner())
    }

    /// The state in a file; none if it is damaged or of another format.
    pub(super) fn decode(file: &[u8]) -> Option<Self> {
        let (header, packed) = Header::split(file)?;
        let document = match header.kind {
            DocumentKind::Page => Document::Page(unpack(packed)?),
            DocumentKind::Month => {
                let mut month: Box<MonthPage> = unpack(packed)?;
                month.page.part = Some(PagePart::of_month(&month.zone, month.month));
                Document::Month(month)
            }
            DocumentKind::Timeline => Document::Timeline(unpack(packed)?),
        };
        let Header { organization, slug, revision, saved_at, .. } = header;
        Some(Self { organization, slug, revision, saved_at, document })
    }
}

fn origin(page: &StatusPage) -> (OrganizationId, Slug, Revision) {
    let revision = Revision { epoch: page.epoch, seq: page.seq };
    (page.organization.id, page.organization.slug.clone(), revision)
}

fn unpack<T: DeserializeOwned>(packed: &[u8]) -> Option<T> {
    let mut state = Vec::new();
    brotli::Decompressor::new(packed, BUFFER).take(UNPACKED_MAX).read_to_end(&mut state).ok()?;
    serde_json::from_slice(&state).ok()
}
