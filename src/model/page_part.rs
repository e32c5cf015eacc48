//! Parts of a status page that are pages of their own: a month of the history, and one incident.

use serde::{Deserialize, Serialize};

use super::{Event, Incident, IncidentId, StatusPage, Timestamp};

/// What a [`StatusPage`] contains if it is not the whole: incidents only, and of those the ones that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PagePart {
    /// The incidents and maintenances that began in a period.
    Month {
        /// Its first instant.
        from: Timestamp,
        /// The first instant after it.
        until: Timestamp,
    },
    /// One incident or maintenance.
    Incident {
        /// Its id.
        id: IncidentId,
    },
}

impl PagePart {
    /// Whether this incident belongs to it.
    #[must_use]
    pub fn holds(&self, incident: &Incident) -> bool {
        match self {
            Self::Month { from, until } => (*from..*until).contains(&incident.started_at),
            Self::Incident { id } => *id == incident.id,
        }
    }
}

impl StatusPage {
    /// Whether the incident belongs on this page: on a part, those that it holds and those it has already.
    #[must_use]
    pub fn holds(&self, incident: &Incident) -> bool {
        self.part.is_none_or(|part| part.holds(incident) || self.incident(incident.id).is_some())
    }

    /// Whether the event changes what this page contains. Parts have no services, and only their own incidents, so that
    /// they do not grow by what happens elsewhere.
    #[must_use]
    pub fn concerns(&self, event: &Event) -> bool {
        match event {
            Event::ServiceCreated(_) | Event::ServiceUpdated(_) | Event::ServiceDeleted(_) => self.part.is_none(),
            Event::IncidentCreated(incident) | Event::IncidentUpdated(incident) => self.holds(incident),
            Event::IncidentDeleted(_) | Event::PageUpdated(_) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Applied, Frame, IncidentStatus, NumberedEvent, PreviewInput, Seq, page::tests::page_with};

    fn numbered(seq: Seq, event: Event) -> Frame {
        Frame::Event(NumberedEvent { seq, at: Timestamp::EPOCH, event })
    }

    #[test]
    fn a_part_follows_its_own_incidents_and_nothing_else() {
        let whole = page_with(&["API"]);
        let at = Timestamp::from_millis;
        let input = PreviewInput {
            incident: None,
            kind: IncidentStatus::Investigating.kind(),
            title: "Down".into(),
            status: IncidentStatus::Investigating,
            impact: None,
            message: String::new(),
            html: String::new(),
            services: Vec::new(),
            window: None,
        };
        let incident = whole.preview(&input, at(15)).1;
        let later = Incident { started_at: at(20), ..incident.clone() };
        let part = |part| StatusPage { part: Some(part), services: Vec::new(), ..page_with(&[]) };
        let mut month = part(PagePart::Month { from: at(10), until: at(20) });
        for event in [
            Event::ServiceCreated(whole.services[0].clone()),
            Event::ServiceUpdated(whole.services[0].clone()),
            Event::IncidentCreated(Box::new(later.clone())),
        ] {
            assert_eq!(month.apply(numbered(month.seq + 1, event)), Applied::Changed, "the number goes on");
            assert!(month.services.is_empty() && month.incidents.is_empty());
        }
        month.apply(numbered(4, Event::IncidentCreated(Box::new(incident.clone()))));
        assert_eq!(month.incidents, std::slice::from_ref(&incident));
        // It began later after all: the views decide whether it is still listed.
        month.apply(numbered(5, Event::IncidentUpdated(Box::new(later.clone()))));
        assert_eq!(month.incidents, [later]);
        assert_eq!(month.apply(numbered(6, Event::PageUpdated(Box::new(whole)))), Applied::Refetch);

        let own = part(PagePart::Incident { id: incident.id });
        let other = Incident { id: IncidentId::from_uuid(uuid::Uuid::from_u128(9)), ..incident.clone() };
        assert_eq!((own.holds(&incident), own.holds(&other)), (true, false));
    }
}
