//! Live events: what changed, for which audience, in which order (docs/api.md, "Live").

use std::borrow::Cow;

use serde::{Deserialize, Serialize, de::Error as _};
use serde_json::value::RawValue;

use super::{Incident, IncidentId, IncidentUpdate, Service, Timestamp, UpdateId, json, wire::wire_enum};

/// The number of an event: rises by one per organization and audience, from 1.
pub type Seq = u64;

/// The history that event numbers belong to. Another one begins when the database is restored from a backup.
pub type Epoch = u64;

wire_enum! {
    /// The audience of an event. Each has its own sequence numbers, so hidden events leave no gaps.
    Audience {
        /// Visitors of the public page.
        Public = "public",
        /// Members of the organization.
        Members = "members",
    }
}

/// A change. `data` is the REST object as its audience may see it, except where that would make large frames of small
/// changes.
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
    IncidentUpdated(Box<IncidentChange>),
    /// An incident or a maintenance was deleted.
    IncidentDeleted {
        /// Its id.
        id: IncidentId,
    },
    /// Groups, order, or the organization's name or time zone changed: reload the state.
    PageUpdated {},
}

/// A change of an incident: the incident without its updates, and the updates that changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IncidentChange {
    /// The incident after the change, without its updates.
    pub incident: Incident,
    /// Its version before the change. A client that has another one reloads the state.
    pub base: i64,
    /// The updates that are new or changed.
    pub updates: Vec<IncidentUpdate>,
    /// The updates that were deleted.
    pub removed: Vec<UpdateId>,
}

impl IncidentChange {
    /// The change from version `base` to this incident, of which these updates are new or changed.
    #[must_use]
    pub fn new(
        mut incident: Incident,
        base: i64,
        is_changed: impl Fn(UpdateId) -> bool,
        removed: Vec<UpdateId>,
    ) -> Self {
        let mut updates = std::mem::take(&mut incident.updates);
        updates.retain(|update| is_changed(update.id));
        Self { incident, base, updates, removed }
    }

    /// The change as visitors see it; none for a draft.
    fn for_public(self) -> Option<Self> {
        let public = Incident { updates: self.updates, ..self.incident }.for_public()?;
        Some(Self::new(public, self.base, |_| true, self.removed))
    }

    /// Applies the change to the version it is based on. Updates that were left out there still are.
    pub fn apply(self, incident: &mut Incident) {
        let mut updates = std::mem::take(&mut incident.updates);
        let is_kept = |id| !self.removed.contains(&id) && self.updates.iter().all(|changed| changed.id != id);
        updates.retain(|update| is_kept(update.id));
        for changed in self.updates {
            // In the order of `Incident::sort`, of which the browser needs no other copy.
            let newer = |known: &IncidentUpdate| (known.display_at, known.id) > (changed.display_at, changed.id);
            updates.insert(updates.iter().take_while(|known| newer(known)).count(), changed);
        }
        *incident = Incident { updates, cut_at: incident.cut_at, ..self.incident };
    }
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
            Self::IncidentDeleted { .. } => "incident_deleted",
            Self::PageUpdated {} => "page_updated",
        }
    }

    /// The incident that it is about.
    #[must_use]
    pub const fn incident(&self) -> Option<IncidentId> {
        match self {
            Self::IncidentCreated(incident) => Some(incident.id),
            Self::IncidentUpdated(change) => Some(change.incident.id),
            Self::IncidentDeleted { id } => Some(*id),
            _ => None,
        }
    }

    /// The event as this audience may see it; none if it may not.
    #[must_use]
    pub fn seen_by(self, audience: Audience) -> Option<Self> {
        let without_baseline = |service| Service { baseline: None, ..service };
        Some(match (audience, self) {
            (Audience::Members, event) | (_, event @ (Self::IncidentDeleted { .. } | Self::PageUpdated {})) => event,
            (_, Self::ServiceCreated(service)) => Self::ServiceCreated(without_baseline(service)),
            (_, Self::ServiceUpdated(service)) => Self::ServiceUpdated(without_baseline(service)),
            (_, Self::ServiceDeleted(service)) => Self::ServiceDeleted(without_baseline(service)),
            (_, Self::IncidentCreated(incident)) => Self::IncidentCreated(Box::new(incident.for_public()?)),
            (_, Self::IncidentUpdated(change)) => Self::IncidentUpdated(Box::new(change.for_public()?)),
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
            "hello" => return Ok(Self::Control(Control::Hello { seq: head.seq()?, epoch: head.epoch })),
            "resync" => return Ok(Self::Control(Control::Resync)),
            "ping" => return Ok(Self::Control(Control::Ping { seq: head.seq()? })),
            "service_created" => Event::ServiceCreated(data(&head)?),
            "service_updated" => Event::ServiceUpdated(data(&head)?),
            "service_deleted" => Event::ServiceDeleted(data(&head)?),
            "incident_created" => Event::IncidentCreated(data(&head)?),
            "incident_updated" => Event::IncidentUpdated(data(&head)?),
            "incident_deleted" => Event::IncidentDeleted { id: data::<Deleted>(&head)?.id },
            "page_updated" => Event::PageUpdated {},
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
    epoch: Option<Epoch>,
    at: Option<Timestamp>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

/// The data of a deletion.
#[derive(Deserialize)]
struct Deleted {
    id: IncidentId,
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
        /// The epoch of the sequence numbers; older servers send none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<Epoch>,
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
            (r#"{"type":"hello","seq":3,"epoch":9}"#, Control::Hello { seq: 3, epoch: Some(9) }),
            (r#"{"type":"hello","seq":3}"#, Control::Hello { seq: 3, epoch: None }),
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
        let (service, update) = (page.services[0].clone(), incident.updates[0].id);
        let events = [
            Event::ServiceCreated(service.clone()),
            Event::ServiceUpdated(service.clone()),
            Event::ServiceDeleted(service),
            Event::IncidentCreated(incident.clone()),
            Event::IncidentUpdated(Box::new(IncidentChange::new((*incident).clone(), 3, |_| true, vec![update]))),
            Event::IncidentDeleted { id: incident.id },
            Event::PageUpdated {},
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
