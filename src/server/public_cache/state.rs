//! The state that a public document shows: loaded in one snapshot, drawn without the database.

use leptos::prelude::{IntoView, Owner, RenderHtml};

use super::address::{Address, Kind};
use crate::{
    app::{
        Assets,
        public::{
            document as page_document, incident_data_in, incident_document, month_data_in, month_document, page_data_in,
        },
    },
    model::{IncidentPage, MonthPage, PublicStatus, Result, Seq, ServiceStatus, StatusPage, Timeline, Timestamp},
    server::{domain::Visitor, error::internal},
};

/// How long a page of which something is impaired stays as it is.
const IMPAIRED_SECONDS: i64 = 60;

/// The state of a document.
pub enum State {
    /// Of the status page, and of the state as JSON.
    Page(StatusPage),
    /// Of a month.
    Month(MonthPage),
    /// Of an incident's own page.
    Incident(IncidentPage),
    /// Of the recent changes.
    Timeline(Timeline),
}

/// What documents are drawn with.
#[derive(Clone)]
pub struct Drawing {
    /// The client's files.
    pub assets: Assets,
    /// The address under which all public pages are, for example `https://status.example.com/public`.
    pub base: String,
}

impl State {
    /// Loads the state of a document.
    ///
    /// # Errors
    /// `not_found`; `unavailable` when the database does not answer.
    pub async fn load(visitor: &Visitor, kind: Kind) -> Result<Self> {
        Ok(match kind {
            Kind::Page | Kind::Status => Self::Page(visitor.page().await?),
            Kind::Month(month) => Self::Month(visitor.month(month).await?),
            Kind::Incident(id) => Self::Incident(visitor.incident_page(id).await?),
            Kind::Timeline => Self::Timeline(visitor.timeline().await?),
        })
    }

    /// The page with its number; the recent changes have none.
    const fn page(&self) -> Option<&StatusPage> {
        match self {
            Self::Page(page) | Self::Month(MonthPage { page, .. }) | Self::Incident(IncidentPage { page, .. }) => {
                Some(page)
            }
            Self::Timeline(_) => None,
        }
    }

    /// As [`Self::page`], to be changed.
    pub const fn page_mut(&mut self) -> Option<&mut StatusPage> {
        match self {
            Self::Page(page) | Self::Month(MonthPage { page, .. }) | Self::Incident(IncidentPage { page, .. }) => {
                Some(page)
            }
            Self::Timeline(_) => None,
        }
    }

    /// The state in the bytes of a document, which carries it.
    pub fn read(kind: Kind, plain: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(plain).ok()?;
        Some(match kind {
            Kind::Page => Self::Page(page_data_in(text)?),
            Kind::Month(_) => Self::Month(month_data_in(text)?),
            Kind::Incident(_) => Self::Incident(incident_data_in(text)?),
            Kind::Status => Self::Page(serde_json::from_str::<PublicStatus>(text).ok()?.into()),
            Kind::Timeline => Self::Timeline(serde_json::from_str(text).ok()?),
        })
    }

    /// The number of the state, if it has one.
    pub fn seq(&self) -> Option<Seq> {
        self.page().map(|page| page.seq)
    }

    /// When it must be drawn anew even if nothing changes: at midnight, with the next planned step, and every minute
    /// while something is impaired.
    pub fn fresh_until(&self, now: Timestamp) -> Timestamp {
        let soon = now.plus_seconds(IMPAIRED_SECONDS);
        let Some(page) = self.page() else { return soon };
        let midnight = page.zone.start_of(page.zone.day(now).next());
        let steps = page.incidents.iter().filter(|incident| !incident.status.has_ended());
        let steps = steps.flat_map(|incident| [incident.scheduled_start, incident.scheduled_end]).flatten();
        let next = steps.filter(|step| *step > now).chain([midnight]).min().unwrap_or(midnight);
        let is_impaired = page.services.iter().any(|service| service.status != ServiceStatus::Operational)
            || page.open_incidents().next().is_some();
        if is_impaired { next.min(soon) } else { next }
    }

    /// The document's bytes.
    ///
    /// # Errors
    /// `internal`.
    pub fn draw(&self, address: &Address, drawing: &Drawing) -> Result<Vec<u8>> {
        let canonical = format!("{}{}", drawing.base, address.path().trim_start_matches("/public"));
        let assets = &drawing.assets;
        Ok(match self {
            Self::Page(page) if address.kind == Kind::Status => {
                serde_json::to_vec(&PublicStatus::from(page.clone())).map_err(internal)?
            }
            Self::Page(page) => html(|| page_document(page, assets, canonical)),
            Self::Month(data) => {
                let slug = &data.page.organization.slug;
                let canonical = format!("{}/{slug}/history?month={}", drawing.base, data.month);
                html(|| month_document(data, assets, canonical))
            }
            Self::Incident(data) => html(|| incident_document(data, assets, canonical)),
            Self::Timeline(timeline) => serde_json::to_vec(timeline).map_err(internal)?,
        })
    }
}

/// Draws a whole document.
pub fn html<V: IntoView>(view: impl FnOnce() -> V) -> Vec<u8> {
    let owner = Owner::new_root(None);
    let html = owner.with(|| view().into_view().to_html());
    format!("<!DOCTYPE html>{html}").into_bytes()
}
