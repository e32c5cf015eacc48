//! The addresses of public documents. Each document has one canonical path, under which it is cached: whatever else a
//! request adds to its query makes no other document.

use std::borrow::Cow;

use axum::http::Uri;

use crate::model::{Error, IncidentId, Month, Result, Slug};

/// A public document of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The organization's slug.
    pub slug: Slug,
    /// Which of its documents.
    pub kind: Kind,
}

/// The kinds of public documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The status page.
    Page,
    /// A month of the history; none for the current one.
    Month(Option<Month>),
    /// An incident's own page.
    Incident(IncidentId),
    /// The state as JSON.
    Status,
    /// The recent changes as JSON.
    Timeline,
}

impl Kind {
    /// Whether it is a page for people.
    #[must_use]
    pub const fn is_html(self) -> bool {
        matches!(self, Self::Page | Self::Month(_) | Self::Incident(_))
    }
}

impl Address {
    /// The address of a document of the page with this slug.
    ///
    /// # Errors
    /// `not_found` when no page can have that slug.
    pub fn new(slug: &str, kind: Kind) -> Result<Self> {
        Ok(Self { slug: Slug::unreserved(slug).map_err(|_| Error::not_found())?, kind })
    }

    /// The canonical path.
    #[must_use]
    pub fn path(&self) -> String {
        let slug = &self.slug;
        match self.kind {
            Kind::Page => format!("/public/{slug}"),
            Kind::Month(None) => format!("/public/{slug}/history"),
            Kind::Month(Some(month)) => format!("/public/{slug}/history?month={month}"),
            Kind::Incident(id) => format!("/public/{slug}/incidents/{id}"),
            Kind::Status => format!("/api/public/{slug}/status"),
            Kind::Timeline => format!("/api/public/{slug}/timeline"),
        }
    }
}

/// The canonical path of a request, if it may be one for a public document. Whoever spells it otherwise, for example with
/// escapes, gets the document from the router's handlers.
#[must_use]
pub fn canonical(uri: &Uri) -> Option<Cow<'_, str>> {
    let path = uri.path();
    if !path.starts_with("/public/") && !path.starts_with("/api/public/") {
        return None;
    }
    let Some(query) = uri.query().filter(|_| path.ends_with("/history")) else { return Some(Cow::Borrowed(path)) };
    let mut months = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "month");
    match (months.next(), months.next()) {
        (None, _) => Some(Cow::Borrowed(path)),
        (Some((_, month)), None) => {
            let month: Month = month.parse().ok()?;
            Some(Cow::Owned(format!("{path}?month={month}")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_one_path_whatever_the_query() {
        let id: IncidentId = "01939d2a-0000-7000-8000-000000000001".parse().expect("an id");
        let month: Month = "2026-11".parse().expect("a month");
        for (kind, uri) in [
            (Kind::Page, "/public/acme?utm_source=mail"),
            (Kind::Month(None), "/public/acme/history?page=2"),
            (Kind::Month(Some(month)), "/public/acme/history?x=1&month=2026-11&y"),
            (Kind::Incident(id), "/public/acme/incidents/01939d2a-0000-7000-8000-000000000001?"),
            (Kind::Status, "/api/public/acme/status?_=17"),
            (Kind::Timeline, "/api/public/acme/timeline"),
        ] {
            let address = Address::new("acme", kind).expect("an address");
            assert_eq!(canonical(&uri.parse().expect("a URI")).as_deref(), Some(address.path().as_str()));
        }
    }

    #[test]
    fn other_requests_are_left_to_the_router() {
        for uri in
            ["/", "/dashboard", "/publicly", "/public/a/history?month=x", "/public/a/history?month=2026-11&month=1"]
        {
            assert_eq!(canonical(&uri.parse().expect("a URI")), None, "{uri}");
        }
        assert!(Address::new("No Slug", Kind::Page).is_err());
    }
}
