//! The public REST documents: what a visitor, or a visitor's program, may know.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    Headline, Incident, OrganizationId, Seq, Service, ServiceGroup, Slug, StatusChange, StatusPage, Timestamp, Zone,
};

/// An organization as the public sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// Its page's address.
    pub slug: Slug,
    /// The IANA name of the zone its page goes by.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
}

/// The public state of a page: `GET /api/public/{slug}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicStatus {
    /// Whose page it is.
    pub organization: PublicOrganization,
    /// Its state in one word and one sentence.
    #[serde(deserialize_with = "derived")]
    pub page: Headline,
    /// The number of the newest event in this document: connect to the live feed with `since` set to it.
    pub seq: Seq,
    /// The page's zone, in the years around the present.
    pub zone: Zone,
    /// The first instant of the present day, in that zone.
    pub today: Timestamp,
    /// The groups, in their order.
    pub groups: Vec<ServiceGroup>,
    /// The services, in page order.
    pub services: Vec<Service>,
    /// Incidents that are not resolved, newest first.
    pub active_incidents: Vec<Incident>,
    /// Maintenances under way, then those planned, the next one first.
    pub upcoming_maintenances: Vec<Incident>,
    /// What was over lately, newest first; without plans that were called off before they were announced.
    pub recent_incidents: Vec<Incident>,
    /// Where there was more than is listed: of what was over by this instant something is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<Timestamp>,
}

/// Reads over the headline: whoever needs it has the services it follows from.
fn derived<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Headline, D::Error> {
    de::IgnoredAny::deserialize(deserializer).map(|_| Headline::default())
}

impl From<StatusPage> for PublicStatus {
    fn from(page: StatusPage) -> Self {
        let owned = |incidents: Vec<&Incident>| incidents.into_iter().cloned().collect::<Vec<_>>();
        let is_recent = |incident: &&Incident| incident.status.has_ended() && !incident.was_never_announced();
        let upcoming = page.maintenances_under_way().chain(page.upcoming_maintenances()).collect();
        Self {
            page: page.headline(),
            active_incidents: owned(page.open_incidents().collect()),
            upcoming_maintenances: owned(upcoming),
            recent_incidents: owned(page.incidents.iter().filter(is_recent).collect()),
            cut_at: page.cut_at,
            organization: page.organization,
            seq: page.seq,
            zone: page.zone,
            today: page.today,
            groups: page.groups,
            services: page.services,
        }
    }
}

impl From<PublicStatus> for StatusPage {
    fn from(status: PublicStatus) -> Self {
        let incidents = [status.active_incidents, status.upcoming_maintenances, status.recent_incidents].concat();
        let mut page = Self {
            seq: status.seq,
            organization: status.organization,
            zone: status.zone,
            today: status.today,
            groups: status.groups,
            services: status.services,
            incidents,
            cut_at: status.cut_at,
        };
        page.sort();
        page
    }
}

/// What happened lately: `GET /api/public/{slug}/timeline`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timeline {
    /// Changes of services' statuses, newest first.
    pub status_changes: Vec<StatusChange>,
    /// Incidents and maintenances, newest first.
    pub incidents: Vec<Incident>,
}

/// One month of a page's past: `/public/{slug}/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthPage {
    /// The page it belongs to; its state holds everything that began in that month too, however old it is.
    pub page: StatusPage,
    /// The page's zone in that month.
    pub zone: Zone,
    /// The month.
    pub month: super::Month,
    /// Where there was more than a page lists: of what began by this instant something is missing.
    pub cut_at: Option<Timestamp>,
    /// Whether there may be anything before it.
    pub has_earlier: bool,
}

/// One incident or maintenance with its page's frame: `/public/{slug}/incidents/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentPage {
    /// The page it belongs to; its state holds the incident too, however old it is.
    pub page: StatusPage,
    /// The incident shown.
    pub id: super::IncidentId,
    /// The page's zone, from when the incident began.
    pub zone: Zone,
    /// What was said of it last, as plain text.
    pub summary: String,
}
