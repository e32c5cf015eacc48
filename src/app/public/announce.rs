//! What is read out while somebody has the page open: each new incident and each update once, wherever the reader is.

use std::collections::BTreeSet;

use leptos::prelude::*;

use super::plain::plain;
use crate::model::{Impact, Incident, IncidentId, IncidentStatus, StatusPage, UpdateId};

/// Longer messages are read where they stand.
const MOST: usize = 240;

/// The two regions from which news is read out: at the next pause, or at once for what is bad. Empty until there is news.
#[component]
pub fn Announcer(
    /// The page.
    #[prop(into)]
    page: Signal<StatusPage>,
    /// The only incident to speak of, where the reader came for one.
    #[prop(optional)]
    only: Option<IncidentId>,
) -> impl IntoView {
    let heard = Memo::new(move |heard: Option<&Heard>| {
        page.with(|page| {
            let incidents = page.incidents.iter().filter(|incident| only.is_none_or(|only| only == incident.id));
            heard.cloned().unwrap_or_default().hear(incidents, heard.is_some())
        })
    });
    view! {
        <div class="sr-only" aria-live="polite">
            {move || heard.with(|heard| heard.politely.clone())}
        </div>
        <div class="sr-only" aria-live="assertive">
            {move || heard.with(|heard| heard.at_once.clone())}
        </div>
    }
}

/// What a reader knows already, and what was said last.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard {
    updates: BTreeSet<UpdateId>,
    politely: String,
    at_once: String,
}

impl Heard {
    /// Takes note of everything on the page, and words what is new of it if the reader was there before.
    fn hear<'a>(mut self, incidents: impl Iterator<Item = &'a Incident>, was_there: bool) -> Self {
        let (mut politely, mut at_once) = (Vec::new(), Vec::new());
        for incident in incidents {
            if let Some(sentence) = was_there.then(|| self.news(incident)).flatten() {
                if is_bad(incident) { &mut at_once } else { &mut politely }.push(sentence);
            }
            self.updates.extend(incident.updates.iter().map(|update| update.id));
        }
        // What was said stays said: a region that is emptied and filled again would speak again.
        for (region, news) in [(&mut self.politely, politely), (&mut self.at_once, at_once)] {
            if !news.is_empty() {
                *region = news.join(" ");
            }
        }
        self
    }

    /// The newest message of an incident in a sentence, if the reader does not know it. What is entered long after it was
    /// over is no news.
    fn news(&self, incident: &Incident) -> Option<String> {
        let latest = incident.latest().filter(|latest| !self.updates.contains(&latest.id))?;
        let is_new = !incident.updates.iter().any(|update| self.updates.contains(&update.id));
        if is_new && incident.backfilled_at.is_some() {
            return None;
        }
        let lead = match (is_new, incident.is_maintenance(), incident.status) {
            (false, ..) => "",
            (true, false, _) => "New incident: ",
            (true, true, IncidentStatus::Scheduled) => "Planned maintenance: ",
            (true, true, _) => "Maintenance: ",
        };
        Some(format!("{lead}{}, {}. {}", incident.title, latest.status.label(), plain(&latest.html, MOST)))
    }
}

/// Whether news of it should not wait for the reader's next pause.
fn is_bad(incident: &Incident) -> bool {
    matches!(incident.impact, Impact::Major | Impact::Critical) && !incident.status.has_ended()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Intent, ServiceImpact, ServiceStatus, Timestamp, page::tests::page_with};

    /// The page, and an incident on it that says this of its service.
    fn incident(status: IncidentStatus, of_service: ServiceStatus) -> Incident {
        let page = page_with(&["API"]);
        let intent = Intent {
            incident: None,
            kind: status.kind(),
            title: "API fails".into(),
            status,
            impact: None,
            message: String::new(),
            html: "<p>We <em>look</em>.</p>".into(),
            services: vec![ServiceImpact { id: page.services[0].id, status: of_service }],
            window: None,
        };
        page.preview(&intent, Timestamp::EPOCH).1
    }

    fn updated(mut incident: Incident, id: u128, status: IncidentStatus) -> Incident {
        let mut update = incident.updates[0].clone();
        (update.id, update.status) = (UpdateId::from_uuid(uuid::Uuid::from_u128(id)), status);
        incident.status = status;
        incident.updates.insert(0, update);
        incident
    }

    fn said(heard: &Heard) -> (&str, &str) {
        (&heard.politely, &heard.at_once)
    }

    #[test]
    fn ui_11_what_is_there_already_is_not_read_out_and_news_once() {
        let minor = incident(IncidentStatus::Investigating, ServiceStatus::Degraded);
        let heard = Heard::default().hear([&minor].into_iter(), false);
        assert_eq!(said(&heard), ("", ""));
        let identified = updated(minor, 1, IncidentStatus::Identified);
        let heard = heard.hear([&identified].into_iter(), true);
        assert_eq!(said(&heard), ("API fails, Identified. We look.", ""));
        assert_eq!(heard.clone().hear([&identified].into_iter(), true), heard);
        let mut edited = identified;
        edited.updates[0].html = "<p>Other words.</p>".into();
        assert_eq!(heard.clone().hear([&edited].into_iter(), true), heard, "an edit is no news");
        edited.updates.remove(0);
        assert_eq!(heard.clone().hear([&edited].into_iter(), true), heard, "nor is what is taken back");
    }

    #[test]
    fn ui_11_bad_news_is_read_out_at_once_and_its_end_politely() {
        let heard = Heard::default().hear([].into_iter(), false);
        let bad = incident(IncidentStatus::Investigating, ServiceStatus::MajorOutage);
        let heard = heard.hear([&bad].into_iter(), true);
        assert_eq!(said(&heard), ("", "New incident: API fails, Investigating. We look."));
        let over = updated(bad, 1, IncidentStatus::Resolved);
        let heard = heard.hear([&over].into_iter(), true);
        assert_eq!(heard.politely, "API fails, Resolved. We look.");
    }

    #[test]
    fn rule_3_5_what_is_entered_after_it_was_over_is_not_read_out() {
        let mut past = incident(IncidentStatus::Resolved, ServiceStatus::Degraded);
        past.backfilled_at = Some(Timestamp::EPOCH);
        assert_eq!(said(&Heard::default().hear([&past].into_iter(), true)), ("", ""));
        let plan = incident(IncidentStatus::Scheduled, ServiceStatus::UnderMaintenance);
        let heard = Heard::default().hear([&plan].into_iter(), true);
        assert_eq!(heard.politely, "Planned maintenance: API fails, Scheduled. We look.");
    }
}
