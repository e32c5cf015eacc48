//! The public REST documents: what a visitor, or a visitor's program, may know.

use serde::{Deserialize, Serialize};

use super::{Headline, OrganizationId, Seq, Service, ServiceGroup, Slug, StatusChange, StatusPage};

/// An organization as the public sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Its page's address.
    pub slug: Slug,
}

/// The public state of a page: `GET /api/public/{slug}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PublicStatus {
    /// Whose page it is.
    pub organization: PublicOrganization,
    /// Its state in one word and one sentence.
    pub page: Headline,
    /// The number of the newest event in this document: connect to the live feed with `since` set to it.
    pub seq: Seq,
    /// The groups, in their order.
    pub groups: Vec<ServiceGroup>,
    /// The services, in page order.
    pub services: Vec<Service>,
    /// Incidents that are not resolved.
    #[schema(value_type = Vec<Object>)]
    pub active_incidents: Vec<Never>,
    /// Maintenances planned or under way.
    #[schema(value_type = Vec<Object>)]
    pub upcoming_maintenances: Vec<Never>,
    /// Incidents resolved lately.
    #[schema(value_type = Vec<Object>)]
    pub recent_incidents: Vec<Never>,
}

impl From<StatusPage> for PublicStatus {
    fn from(page: StatusPage) -> Self {
        Self {
            page: page.headline(),
            organization: page.organization,
            seq: page.seq,
            groups: page.groups,
            services: page.services,
            active_incidents: Vec::new(),
            upcoming_maintenances: Vec::new(),
            recent_incidents: Vec::new(),
        }
    }
}

/// What happened lately: `GET /api/public/{slug}/timeline`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timeline {
    /// Changes of services' statuses, newest first.
    pub status_changes: Vec<StatusChange>,
    /// Incidents, newest first.
    #[schema(value_type = Vec<Object>)]
    pub incidents: Vec<Never>,
}

/// The element of a list that is always empty until incidents exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Never {}
