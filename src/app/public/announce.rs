//! What is read out while somebody has the page open: each new incident and each update once, wherever the reader is.

use std::{collections::BTreeSet, time::Duration};

use leptos::prelude::*;

use super::plain::plain;
use crate::model::{Impact, Incident, IncidentId, IncidentStatus, StatusPage, UpdateId, maintenance_plan::join_names};

/// Longer messages are read where they stand.
const MAX_CHARS: usize = 240;
/// How long news is gathered before it is read out: what is done at once, such as ending a series, comes as many events.
const PAUSE: Duration = Duration::from_millis(500);
/// So much at once is read out sentence by sentence; more becomes one.
const SENTENCES: usize = 2;
/// So much is named in that one.
const NAMED: usize = 3;

/// The two regions from which news is read out: at the next pause, or sooner for what is bad. Empty until there is news.
#[component]
pub fn Announcer(
    /// The page.
    #[prop(into)]
    page: Signal<StatusPage>,
    /// What the reader sees of it: nothing else is spoken of.
    #[prop(into)]
    shown: Signal<BTreeSet<IncidentId>>,
) -> impl IntoView {
    let (politely, at_once) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let heard = StoredValue::new(Heard::default());
    let tell = move || {
        // What was said stays said: a region that is emptied and filled again would speak again.
        let news = heard.try_update_value(Heard::take).unwrap_or_default();
        for (region, news) in [(politely, &news.politely), (at_once, &news.at_once)] {
            if !news.is_empty() {
                region.try_set(worded(news));
            }
        }
    };
    Effect::new(move |was_there: Option<()>| {
        let is_first = page.with(|page| {
            shown.with(|shown| {
                heard.try_update_value(|heard| heard.hear(page.incidents.iter(), shown, was_there.is_some()))
            })
        });
        if is_first == Some(true) {
            set_timeout(tell, PAUSE);
        }
    });
    view! {
        <div class="sr-only" aria-live="polite">
            {politely}
        </div>
        <div class="sr-only" aria-live="assertive">
            {at_once}
        </div>
    }
}

/// Something new of an incident.
#[derive(Clone, Debug, PartialEq)]
struct News {
    /// All of it.
    sentence: String,
    /// Where it stands, in a few words.
    gist: String,
}

/// News that has not been read out yet.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pending {
    politely: Vec<News>,
    at_once: Vec<News>,
}

/// What a reader knows already, and what is still to be said.
#[derive(Clone, Debug, Default, PartialEq)]
struct Heard {
    updates: BTreeSet<UpdateId>,
    pending: Pending,
}

impl Heard {
    /// Takes note of everything there is, and gathers what is new of what the page shows, if the reader was there before.
    /// Tells whether this is the first news that waits.
    fn hear<'a>(
        &mut self,
        incidents: impl Iterator<Item = &'a Incident>,
        shown: &BTreeSet<IncidentId>,
        was_there: bool,
    ) -> bool {
        let waited = self.is_waiting();
        for incident in incidents {
            if let Some(news) = (was_there && shown.contains(&incident.id)).then(|| self.news(incident)).flatten() {
                let Pending { politely, at_once } = &mut self.pending;
                if is_bad(incident) { at_once } else { politely }.push(news);
            }
            self.updates.extend(incident.updates.iter().map(|update| update.id));
        }
        !waited && self.is_waiting()
    }

    fn is_waiting(&self) -> bool {
        !self.pending.politely.is_empty() || !self.pending.at_once.is_empty()
    }

    /// What is to be said, which counts as said from now on.
    fn take(&mut self) -> Pending {
        std::mem::take(&mut self.pending)
    }

    /// The newest message of an incident in a sentence, if the reader does not know it. What is entered long after it was
    /// over is no news.
    fn news(&self, incident: &Incident) -> Option<News> {
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
        let gist = format!("{} ({})", incident.title, latest.status.label());
        let words = plain(&latest.html, MAX_CHARS);
        Some(News { sentence: format!("{lead}{}, {}. {words}", incident.title, latest.status.label()), gist })
    }
}

/// News in words: sentence by sentence, or a burst of it in one.
fn worded(news: &[News]) -> String {
    if news.len() <= SENTENCES {
        return news.iter().map(|news| news.sentence.as_str()).collect::<Vec<_>>().join(" ");
    }
    let mut gists: Vec<String> = Vec::new();
    for News { gist, .. } in news {
        if !gists.contains(gist) {
            gists.push(gist.clone());
        }
    }
    if gists.len() > NAMED {
        let more = gists.len() - NAMED;
        gists.truncate(NAMED);
        gists.push(format!("{more} more"));
    }
    format!("{} updates: {}.", news.len(), join_names(&gists))
}

/// Whether news of it should not wait for the reader's next pause.
fn is_bad(incident: &Incident) -> bool {
    matches!(incident.impact, Impact::Major | Impact::Critical) && !incident.status.has_ended()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PreviewInput, ServiceImpact, ServiceStatus, Timestamp, page::tests::page_with};

    /// The page, and an incident on it that says this of its service.
    fn incident(status: IncidentStatus, of_service: ServiceStatus) -> Incident {
        let page = page_with(&["API"]);
        let intent = PreviewInput {
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

    /// What is said when these are all that the page shows, or when it shows nothing.
    fn hear(heard: &mut Heard, incidents: &[&Incident], was_there: bool, is_shown: bool) -> (String, String) {
        let shown = incidents.iter().filter(|_| is_shown).map(|incident| incident.id).collect();
        heard.hear(incidents.iter().copied(), &shown, was_there);
        let Pending { politely, at_once } = heard.take();
        (worded(&politely), worded(&at_once))
    }

    fn said(politely: &str, at_once: &str) -> (String, String) {
        (politely.to_owned(), at_once.to_owned())
    }

    #[test]
    fn ui_11_what_is_there_already_is_not_read_out_and_news_once() {
        let mut heard = Heard::default();
        let minor = incident(IncidentStatus::Investigating, ServiceStatus::Degraded);
        assert_eq!(hear(&mut heard, &[&minor], false, true), said("", ""));
        let identified = updated(minor, 1, IncidentStatus::Identified);
        assert_eq!(hear(&mut heard, &[&identified], true, true), said("API fails, Identified. We look.", ""));
        assert_eq!(hear(&mut heard, &[&identified], true, true), said("", ""));
        let mut edited = identified;
        edited.updates[0].html = "<p>Other words.</p>".into();
        assert_eq!(hear(&mut heard, &[&edited], true, true), said("", ""), "an edit is no news");
        edited.updates.remove(0);
        assert_eq!(hear(&mut heard, &[&edited], true, true), said("", ""), "nor is what is taken back");
    }

    #[test]
    fn ui_11_bad_news_is_read_out_at_once_and_its_end_politely() {
        let mut heard = Heard::default();
        let bad = incident(IncidentStatus::Investigating, ServiceStatus::MajorOutage);
        let news = "New incident: API fails, Investigating. We look.";
        assert_eq!(hear(&mut heard, &[&bad], true, true), said("", news));
        let over = updated(bad, 1, IncidentStatus::Resolved);
        assert_eq!(hear(&mut heard, &[&over], true, true), said("API fails, Resolved. We look.", ""));
    }

    #[test]
    fn rule_3_5_what_is_entered_after_it_was_over_is_not_read_out() {
        let mut past = incident(IncidentStatus::Resolved, ServiceStatus::Degraded);
        past.backfilled_at = Some(Timestamp::EPOCH);
        assert_eq!(hear(&mut Heard::default(), &[&past], true, true), said("", ""));
        let plan = incident(IncidentStatus::Scheduled, ServiceStatus::UnderMaintenance);
        let news = "Planned maintenance: API fails, Scheduled. We look.";
        assert_eq!(hear(&mut Heard::default(), &[&plan], true, true), said(news, ""));
    }

    #[test]
    fn ui_11_what_the_page_does_not_show_is_not_read_out_nor_later() {
        let mut heard = Heard::default();
        let far = incident(IncidentStatus::Scheduled, ServiceStatus::UnderMaintenance);
        assert_eq!(hear(&mut heard, &[&far], true, false), said("", ""));
        assert_eq!(hear(&mut heard, &[&far], true, true), said("", ""), "that it is near by now is no news");
    }

    #[test]
    fn ui_11_a_burst_of_news_is_one_sentence() {
        let first = incident(IncidentStatus::Investigating, ServiceStatus::Degraded);
        let many: Vec<Incident> = (1..=8)
            .map(|n| {
                let mut window = updated(first.clone(), n, IncidentStatus::Cancelled);
                window.id = IncidentId::from_uuid(uuid::Uuid::from_u128(n));
                window.updates.truncate(1);
                window.title = if n < 4 { "Rotation".to_owned() } else { format!("Work {n}") };
                window
            })
            .collect();
        let many: Vec<&Incident> = many.iter().collect();
        let (politely, _) = hear(&mut Heard::default(), &many[..3], true, true);
        assert_eq!(politely, "3 updates: Rotation (Cancelled).");
        let (politely, _) = hear(&mut Heard::default(), &many, true, true);
        let named = "Rotation (Cancelled), Work 4 (Cancelled), Work 5 (Cancelled) and 3 more";
        assert_eq!(politely, format!("8 updates: {named}."));
    }
}
