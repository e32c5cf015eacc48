//! The documents of the public REST API and the public pages.

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    Epoch, Headline, Incident, OrganizationId, Outage, Seq, Service, ServiceGroup, Slug, StatusChange, StatusPage,
    Timestamp, Zone,
};

/// An organization, as visitors see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicOrganization {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: String,
    /// The address of its page.
    pub slug: Slug,
    /// The IANA name of its time zone.
    #[schema(example = "Europe/Berlin")]
    pub time_zone: String,
}

/// The public state of a page: `GET /api/public/{slug}/status`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PublicStatus {
    /// The organization.
    pub organization: PublicOrganization,
    /// The headline of the page.
    #[serde(deserialize_with = "derived")]
    pub page: Headline,
    /// The sequence number of the latest event in this document: connect to the live feed with `since` set to it.
    pub seq: Seq,
    /// The epoch of that number: connect with `epoch` set to it, too.
    #[serde(default)]
    pub epoch: Epoch,
    /// The page's time zone, in the years around the present.
    pub zone: Zone,
    /// The start of the current day, in that zone.
    pub today: Timestamp,
    /// The groups, in their order.
    pub groups: Vec<ServiceGroup>,
    /// The services, in page order.
    pub services: Vec<Service>,
    /// Open incidents, newest first.
    pub active_incidents: Vec<Incident>,
    /// Maintenances under way, then scheduled ones, the next one first.
    pub upcoming_maintenances: Vec<Incident>,
    /// Recently ended incidents and maintenances, newest first, without maintenances cancelled before they were
    /// announced.
    pub recent_incidents: Vec<Incident>,
    /// When there are more recent incidents than are listed: the end of the latest one left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_at: Option<Timestamp>,
    /// While the server cannot read its database: how old this document is. It is the last one known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<Outage>,
}

/// Skips the headline, which is derived from the services.
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
            outage: page.outage,
            organization: page.organization,
            seq: page.seq,
            epoch: page.epoch,
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
            epoch: status.epoch,
            organization: status.organization,
            zone: status.zone,
            today: status.today,
            groups: status.groups,
            services: status.services,
            incidents,
            cut_at: status.cut_at,
            outage: status.outage,
            part: None,
        };
        page.sort();
        page
    }
}

/// Recent events: `GET /api/public/{slug}/timeline`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Timeline {
    /// Status changes of services, newest first.
    pub status_changes: Vec<StatusChange>,
    /// Incidents and maintenances, newest first.
    pub incidents: Vec<Incident>,
}

/// One month of a page's history: `/public/{slug}/history`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonthPage {
    /// A [`super::PagePart::Month`]: the incidents and maintenances that began in that month, the newest that fit, each
    /// by its first and its newest update.
    pub page: StatusPage,
    /// The page's time zone in that month.
    pub zone: Zone,
    /// The month.
    pub month: super::Month,
    /// When there are more incidents than are listed: the start of the latest one left out.
    pub cut_at: Option<Timestamp>,
    /// Whether there are earlier incidents.
    pub has_earlier: bool,
}

/// One incident or maintenance: `/public/{slug}/incidents/{id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentPage {
    /// A [`super::PagePart::Incident`], with the incident.
    pub page: StatusPage,
    /// The incident's id.
    pub id: super::IncidentId,
    /// The page's time zone, from the start of the incident on.
    pub zone: Zone,
    /// The message of its newest update, as plain text.
    pub summary: String,
}
