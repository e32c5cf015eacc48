//! Previews compared with the page after posting.

use uuid::Uuid;

use super::{
    super::super::{Visitor, markdown},
    Map, Pair,
};
use crate::model::{Incident, IncidentId, IncidentStatus, PreviewInput, StatusPage, Timestamp, UpdateId};

/// Clears what a preview cannot know: ids, versions, sequence numbers and write times.
fn without_unknowns(mut page: StatusPage, known: &[IncidentId]) -> StatusPage {
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
    /// The preview of an update, of an existing incident or of a new one.
    pub async fn preview(
        &self,
        which: Option<usize>,
        (title, status): (&str, IncidentStatus),
        map: &Map,
        window: Option<(i64, i64)>,
    ) -> StatusPage {
        let board = self.member.board().await.expect("a board");
        let incident = which.and_then(|which| board.incident(self.ids[which]));
        let message = status.default_text().to_owned();
        let input = PreviewInput {
            incident: incident.map(|incident| incident.id),
            kind: status.kind(),
            title: title.to_owned(),
            status,
            impact: None,
            html: markdown::render(&message),
            message,
            services: self.impacts(map),
            window: window
                .map(|(start, end)| (self.start.plus_millis(start), self.start.plus_millis(end)))
                .or_else(|| incident.and_then(Incident::window)),
        };
        board.preview(&input, self.clock.now()).0
    }

    /// Asserts that visitors see the previewed page; `known` are the incidents before it.
    pub async fn assert_previewed(&self, preview: StatusPage, known: &[IncidentId]) {
        let page = Visitor::new(self.domain.clone(), self.member.organization()).page().await.expect("a page");
        assert_eq!(without_unknowns(page, known), without_unknowns(preview, known), "as previewed");
    }
}
