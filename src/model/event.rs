//! Live events: what changed, for which audience, in which order (docs/api.md, "Live").

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::value::RawValue;

use super::{Incident, Service, StatusPage, Timestamp, json, wire::wire_enum};

/// The number of an event: rises by one per organization and audience, from 1.
pub type Seq = u64;

wire_enum! {
    /// The audience of an event. Each has its own sequence numbers, so hidden events leave no gaps.
    Audience {
        /// Visitors of the public page.
        Public = "public",
        /// Members of the organization.
        Members = "members",
    }
}

/// A change. `data` is the REST object as its audience may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", content = "data", rename_all = "snake_case")]
pub enum Event {
    /// A service was created.
    ServiceCreated(Service),
    /// A service changed, for example its status.
    ServiceUpdated(Service),
    /// A service was deleted; `data` is its last state.
    ServiceDeleted(Service),
    /// An incident was opened or a maintenance scheduled.
    IncidentCreated(Box<Incident>),
    /// An incident or a maintenance changed.
    IncidentUpdated(Box<Incident>),
    /// An incident or a maintenance was deleted; `data` is its last state.
    IncidentDeleted(Box<Incident>),
    /// Groups, order or the organization's name changed; `data` is the whole page.
    PageUpdated(Box<StatusPage>),
}

/// The `type` of an event on the wire.
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

    /// The event as this audience may see it; none if it may not.
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

/// A text frame that the server sends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum Frame {
    /// A numbered event.
    Event(NumberedEvent),
    /// A frame without an event.
    Control(Control),
}

impl Frame {
    /// Parses a frame. Unlike the derived deserializer of an untagged enum this needs one pass, and less code in the
    /// browser.
    ///
    /// # Errors
    /// When it is not a frame, or of an unknown kind.
    pub fn read(text: &str) -> serde_json::Result<Self> {
        fn data<T: serde::de::DeserializeOwned>(head: &Head<'_>) -> serde_json::Result<T> {
            json::read(head.data.map_or("null", RawValue::get))
        }
        let head: Head<'_> = json::read(text)?;
        let event = match &*head.kind {
            "hello" => return Ok(Self::Control(Control::Hello { seq: head.seq()? })),
            "resync" => return Ok(Self::Control(Control::Resync)),
            "ping" => return Ok(Self::Control(Control::Ping { seq: head.seq()? })),
            "service_created" => Event::ServiceCreated(data(&head)?),
            "service_updated" => Event::ServiceUpdated(data(&head)?),
            "service_deleted" => Event::ServiceDeleted(data(&head)?),
            "incident_created" => Event::IncidentCreated(data(&head)?),
            "incident_updated" => Event::IncidentUpdated(data(&head)?),
            "incident_deleted" => Event::IncidentDeleted(data(&head)?),
            "page_updated" => Event::PageUpdated(data(&head)?),
            other => return Err(serde_json::Error::custom(format_args!("unknown kind of frame: {other}"))),
        };
        let at = head.at.ok_or_else(|| serde_json::Error::missing_field("at"))?;
        Ok(Self::Event(NumberedEvent { seq: head.seq()?, at, event }))
    }
}

/// The fields that frames have in common, and the unparsed data.
#[derive(Deserialize)]
struct Head<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    seq: Option<Seq>,
    at: Option<Timestamp>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

impl Head<'_> {
    fn seq(&self) -> serde_json::Result<Seq> {
        self.seq.ok_or_else(|| serde_json::Error::missing_field("seq"))
    }
}

/// An event with its sequence number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NumberedEvent {
    /// The sequence number.
    pub seq: Seq,
    /// When it happened.
    pub at: Timestamp,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
}

/// A frame that carries no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Control {
    /// The first frame.
    Hello {
        /// The sequence number of the latest event.
        seq: Seq,
    },
    /// Missed events are no longer available: reload the state. Later events continue from there.
    Resync,
    /// Sent every 25 seconds, so that both sides notice a dead connection.
    Ping {
        /// The sequence number of the last event sent on this socket.
        seq: Seq,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        IncidentKind, IncidentStatus, PreviewInput, ServiceImpact, ServiceStatus, page::tests::page_with,
    };

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

        for (text, control) in [
            (r#"{"type":"hello","seq":3}"#, Control::Hello { seq: 3 }),
            (r#"{"type":"resync"}"#, Control::Resync),
            (r#"{"seq":4,"type":"ping"}"#, Control::Ping { seq: 4 }),
        ] {
            assert_eq!(Frame::read(text).expect("readable"), Frame::Control(control), "{text}");
        }
    }

    #[test]
    fn a_frame_is_parsed_as_by_the_derived_deserializer() {
        let page = page_with(&["API"]);
        let input = PreviewInput {
            incident: None,
            kind: IncidentKind::Incident,
            title: "API fails".into(),
            status: IncidentStatus::Investigating,
            impact: None,
            message: "We look into it.".into(),
            html: "<p>We look into it.</p>".into(),
            services: vec![ServiceImpact { id: page.services[0].id, status: ServiceStatus::MajorOutage }],
            window: None,
        };
        let incident = Box::new(page.preview(&input, Timestamp::EPOCH).1);
        let service = page.services[0].clone();
        let events = [
            Event::ServiceCreated(service.clone()),
            Event::ServiceUpdated(service.clone()),
            Event::ServiceDeleted(service),
            Event::IncidentCreated(incident.clone()),
            Event::IncidentUpdated(incident.clone()),
            Event::IncidentDeleted(incident),
            Event::PageUpdated(Box::new(page)),
        ];
        for event in events {
            let frame = Frame::Event(NumberedEvent { seq: 7, at: Timestamp::EPOCH, event });
            let text = serde_json::to_string(&frame).expect("serializable");
            assert_eq!(Frame::read(&text).expect("readable"), frame);
            assert_eq!(serde_json::from_str::<Frame>(&text).expect("readable"), frame);
        }
    }

    #[test]
    fn text_that_is_not_a_frame_is_rejected() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":7}"#,
            r#"{"type":"something_new","seq":1}"#,
            r#"{"type":"hello"}"#,
            r#"{"type":"service_updated","seq":1,"at":"1970-01-01T00:00:00.000Z"}"#,
            r#"{"type":"service_updated","seq":1,"at":"1970-01-01T00:00:00.000Z","data":{"name":"API"}}"#,
        ] {
            assert!(Frame::read(text).is_err(), "{text}");
        }
    }
}
