//! The preview beside what is posted: what was shown before is what visitors see after.

use uuid::Uuid;

use super::{
    super::super::{Visitor, markdown},
    Map, Pair,
};
use crate::model::{Incident, IncidentId, IncidentStatus, PreviewInput, StatusPage, Timestamp, UpdateId};

/// What a preview cannot know is alike in both: numbers, and when the server wrote something down.
fn plain(mut page: StatusPage, known: &[IncidentId]) -> StatusPage {
    page.seq = 0;
    for service in &mut page.services {
        service.updated_at = Timestamp::EPOCH;
    }
    for incident in &mut page.incidents {
        (incident.updated_at, incident.version) = (Timestamp::EPOCH, 0);
        if !known.contains(&incident.id) {
            incident.id = IncidentId::from_uuid(Uuid::max());
        }
        let id = incident.id;
        if let Some(newest) = incident.updates.first_mut() {
            newest.id = UpdateId::from_uuid(Uuid::max());
        }
        for update in &mut incident.updates {
            update.incident_id = id;
        }
    }
    page
}

impl Pair {
    /// The page as the preview shows it, for an update of one of the things there are or for a new one.
    pub async fn foresee(
        &self,
        which: Option<usize>,
        (title, status): (&str, IncidentStatus),
        map: &Map,
        window: Option<(i64, i64)>,
    ) -> StatusPage {
        let board = self.member.board().await.expect("a board");
        let incident = which.and_then(|which| board.incident(self.ids[which]));
        let message = status.default_text().to_owned();
        let intent = PreviewInput {
            incident: incident.map(|incident| incident.id),
            kind: status.kind(),
            title: title.to_owned(),
            status,
            impact: None,
            html: markdown::render(&message),
            message,
            services: self.said(map),
            window: window
                .map(|(start, end)| (self.start.plus_millis(start), self.start.plus_millis(end)))
                .or_else(|| incident.and_then(Incident::window)),
        };
        board.preview(&intent, self.clock.now()).0
    }

    /// Visitors see what was foreseen when these were all the things there were.
    pub async fn is_as(&self, foreseen: StatusPage, known: &[IncidentId]) {
        let page = Visitor::new(self.domain.clone(), self.member.organization()).page().await.expect("a page");
        assert_eq!(plain(page, known), plain(foreseen, known), "as the preview showed it");
    }
}
