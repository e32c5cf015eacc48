//! What just changed, for whom, and in which order (product.md section 5).

use serde::{Deserialize, Serialize};

use super::{Incident, Service, StatusPage, Timestamp, wire::wire_enum};

/// The number of an event: rises by one per organization and audience, from 1.
pub type Seq = u64;

wire_enum! {
    /// Who an event is for. Each audience has its own numbering, so what one may not see makes no gap for it.
    Audience {
        /// Visitors of the public page.
        Public = "public",
        /// Members of the organization.
        Members = "members",
    }
}

/// One thing that changed. `data` is the REST object as its audience may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// A service was added.
    ServiceCreated(Service),
    /// A service changed, its status above all.
    ServiceUpdated(Service),
    /// A service was deleted; the object is its last state.
    ServiceDeleted(Service),
    /// An incident was opened or a maintenance planned.
    IncidentCreated(Box<Incident>),
    /// Anything about an incident or a maintenance changed.
    IncidentUpdated(Box<Incident>),
    /// An incident or a maintenance was deleted; the object is its last state.
    IncidentDeleted(Box<Incident>),
    /// Groups, order or the organization's name changed; the object is the whole page.
    PageUpdated(Box<StatusPage>),
}

/// The name of an event's kind, as it stands on the wire and in the event's row.
pub type EventKind = &'static str;

impl Event {
    /// The `type` on the wire.
    #[must_use]
    pub const fn kind(&self) -> EventKind {
        match self {
            Self::ServiceCreated(_) => "service_created",
            Self::ServiceUpdated(_) => "service_updated",
            Self::ServiceDeleted(_) => "service_deleted",
            Self::IncidentCreated(_) => "incident_created",
            Self::IncidentUpdated(_) => "incident_updated",
            Self::IncidentDeleted(_) => "incident_deleted",
            Self::PageUpdated(_) => "page_updated",
        }
    }

    /// The event as its audience may see it; nothing when it may not see it at all.
    #[must_use]
    pub fn seen_by(self, audience: Audience) -> Option<Self> {
        let public = |incident: Box<Incident>| incident.for_public().map(Box::new);
        let without_baseline = |service| Service { baseline: None, ..service };
        Some(match (audience, self) {
            (Audience::Members, event) => event,
            (_, Self::ServiceCreated(service)) => Self::ServiceCreated(without_baseline(service)),
            (_, Self::ServiceUpdated(service)) => Self::ServiceUpdated(without_baseline(service)),
            (_, Self::ServiceDeleted(service)) => Self::ServiceDeleted(without_baseline(service)),
            (_, Self::IncidentCreated(incident)) => Self::IncidentCreated(public(incident)?),
            (_, Self::IncidentUpdated(incident)) => Self::IncidentUpdated(public(incident)?),
            (_, Self::IncidentDeleted(incident)) => Self::IncidentDeleted(public(incident)?),
            (_, Self::PageUpdated(page)) => Self::PageUpdated(Box::new(page.for_public())),
        })
    }
}

/// One text frame of the live protocol, from the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Frame {
    /// A numbered event.
    Event(NumberedEvent),
    /// Everything else.
    Control(Control),
}

/// An event with its place in the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NumberedEvent {
    /// Its number.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// A frame that carries no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Control {
    /// The first frame: the number of the newest event.
    Hello {
        /// The newest event's number.
        seq: Seq,
    },
    /// Events were lost or are gone: reload the state; what comes after carries on from there.
    Resync,
    /// Repeated while nothing happens, so that both ends notice a dead line.
    Ping {
        /// The number of the last event sent on this socket.
        seq: Seq,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::page::tests::page_with;

    #[test]
    fn frames_have_the_documented_shape_and_read_back() {
        let page = page_with(&["API"]);
        let event = Event::ServiceUpdated(page.services[0].clone());
        let frame = Frame::Event(NumberedEvent { seq: 7, at: Timestamp::EPOCH, event });
        let json = serde_json::to_value(&frame).expect("serializable");
        assert_eq!(json["type"], "service_updated");
        assert_eq!(json["seq"], 7);
        assert_eq!(json["at"], "1970-01-01T00:00:00.000Z");
        assert_eq!(json["data"]["name"], "API");
        assert_eq!(serde_json::from_value::<Frame>(json).expect("readable"), frame);

        let hello: Frame = serde_json::from_str(r#"{"type":"hello","seq":3}"#).expect("readable");
        assert_eq!(hello, Frame::Control(Control::Hello { seq: 3 }));
        let resync: Frame = serde_json::from_str(r#"{"type":"resync"}"#).expect("readable");
        assert_eq!(resync, Frame::Control(Control::Resync));
    }
}
