//! Parts of a status page that are pages of their own: a month of the history, and one incident.

use super::{Incident, IncidentId, IncidentStatus, Month, Timestamp, Zone};

/// What a [`StatusPage`] contains if it is not the whole: incidents only, and of those the ones that belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// A month in a zone.
    #[must_use]
    pub fn of_month(zone: &Zone, month: Month) -> Self {
        let (from, until) = zone.bounds_of(month);
        Self::Month { from, until }
    }

    /// Whether this incident belongs to it: a maintenance to its month once it has begun.
    #[must_use]
    pub fn holds(&self, incident: &Incident) -> bool {
        match self {
            Self::Month { from, until } => {
                (*from..*until).contains(&incident.started_at) && incident.status != IncidentStatus::Scheduled
            }
            Self::Incident { id } => *id == incident.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Applied, Event, Frame, IncidentChange, NumberedEvent, PreviewInput, Seq, StatusPage, page::tests::page_with,
    };

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
        let change = |incident: &Incident| {
            let next = Incident { version: incident.version + 1, ..incident.clone() };
            Event::IncidentUpdated(Box::new(IncidentChange::new(next, incident.version, |_| true, vec![])))
        };
        assert_eq!(month.apply(numbered(5, change(&later))), Applied::Changed);
        assert_eq!(month.incidents[0].started_at, later.started_at);
        let other = Incident { id: IncidentId::from_uuid(uuid::Uuid::from_u128(9)), ..incident.clone() };
        let other_later = Incident { started_at: at(20), ..other.clone() };
        assert_eq!(month.apply(numbered(6, change(&other_later))), Applied::Changed, "elsewhere");
        assert_eq!(month.apply(numbered(7, change(&other))), Applied::Refetch, "it began in this month after all");
        assert_eq!(month.apply(numbered(7, Event::PageUpdated {})), Applied::Refetch);

        let mut own = part(PagePart::Incident { id: incident.id });
        assert_eq!(own.apply(numbered(1, change(&other))), Applied::Changed);
        assert_eq!(own.apply(numbered(2, change(&incident))), Applied::Refetch);
    }
}
