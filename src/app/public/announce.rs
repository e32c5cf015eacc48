//! Screen reader announcements: each new incident and each update once, while the page is open (UI-11).

use std::{collections::BTreeSet, time::Duration};

use leptos::prelude::*;

use super::plain::plain;
use crate::model::{Impact, Incident, IncidentId, IncidentStatus, StatusPage, UpdateId, maintenance_plan::join_names};

/// Longer messages are cut; the page has all of them.
const MAX_CHARS: usize = 240;
/// How long news is collected before it is announced: one action, such as ending a series, can be many events.
const BATCH_DELAY: Duration = Duration::from_millis(500);
/// Up to this much news is announced in full; more is summarised in one sentence.
const MAX_SENTENCES: usize = 2;
/// Maximum number of incidents named in a summary.
const MAX_NAMED: usize = 3;

/// The two live regions, polite and assertive. Empty until there is news.
#[component]
pub fn Announcer(
    /// The page.
    #[prop(into)]
    page: Signal<StatusPage>,
    /// The incidents the page shows; others are not announced.
    #[prop(into)]
    shown: Signal<BTreeSet<IncidentId>>,
) -> impl IntoView {
    let (polite, assertive) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let announcements = StoredValue::new(Announcements::default());
    let announce = move || {
        // The text stays: a region that is emptied and filled again would be read again.
        let news = announcements.try_update_value(Announcements::take).unwrap_or_default();
        for (region, news) in [(polite, &news.polite), (assertive, &news.assertive)] {
            if !news.is_empty() {
                region.try_set(text_of(news));
            }
        }
    };
    Effect::new(move |was_there: Option<()>| {
        let is_first = page.with(|page| {
            shown.with(|shown| {
                announcements.try_update_value(|announcements| {
                    announcements.collect(page.incidents.iter(), shown, was_there.is_some())
                })
            })
        });
        if is_first == Some(true) {
            set_timeout(announce, BATCH_DELAY);
        }
    });
    view! {
        <div class="sr-only" aria-live="polite">
            {polite}
        </div>
        <div class="sr-only" aria-live="assertive">
            {assertive}
        </div>
    }
}

/// A new incident or update.
#[derive(Clone, Debug, PartialEq)]
struct News {
    /// In full.
    sentence: String,
    /// Title and status.
    summary: String,
}

/// News that has not been announced yet.
#[derive(Clone, Debug, Default, PartialEq)]
struct Pending {
    polite: Vec<News>,
    assertive: Vec<News>,
}

/// The updates the reader knows already, and the news still to be announced.
#[derive(Clone, Debug, Default, PartialEq)]
struct Announcements {
    updates: BTreeSet<UpdateId>,
    pending: Pending,
}

impl Announcements {
    /// Marks all updates as known and collects the new ones that the page shows, unless the page was just opened.
    /// Returns whether these are the first pending news.
    fn collect<'a>(
        &mut self,
        incidents: impl Iterator<Item = &'a Incident>,
        shown: &BTreeSet<IncidentId>,
        was_there: bool,
    ) -> bool {
        let waited = self.is_waiting();
        for incident in incidents {
            if let Some(news) = (was_there && shown.contains(&incident.id)).then(|| self.news(incident)).flatten() {
                let Pending { polite, assertive } = &mut self.pending;
                if is_urgent(incident) { assertive } else { polite }.push(news);
            }
            self.updates.extend(incident.updates.iter().map(|update| update.id));
        }
        !waited && self.is_waiting()
    }

    fn is_waiting(&self) -> bool {
        !self.pending.polite.is_empty() || !self.pending.assertive.is_empty()
    }

    /// Takes the pending news.
    fn take(&mut self) -> Pending {
        std::mem::take(&mut self.pending)
    }

    /// The latest update of an incident, if the reader does not know it. Backfilled incidents are not announced.
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
        let summary = format!("{} ({})", incident.title, latest.status.label());
        let words = plain(&latest.html, MAX_CHARS);
        Some(News { sentence: format!("{lead}{}, {}. {words}", incident.title, latest.status.label()), summary })
    }
}

/// The text of an announcement: all sentences, or a summary of a burst.
fn text_of(news: &[News]) -> String {
    if news.len() <= MAX_SENTENCES {
        return news.iter().map(|news| news.sentence.as_str()).collect::<Vec<_>>().join(" ");
    }
    let mut summaries: Vec<String> = Vec::new();
    for News { summary, .. } in news {
        if !summaries.contains(summary) {
            summaries.push(summary.clone());
        }
    }
    if summaries.len() > MAX_NAMED {
        let more = summaries.len() - MAX_NAMED;
        summaries.truncate(MAX_NAMED);
        summaries.push(format!("{more} more"));
    }
    format!("{} updates: {}.", news.len(), join_names(&summaries))
}

/// Whether it is announced assertively.
fn is_urgent(incident: &Incident) -> bool {
    matches!(incident.impact, Impact::Major | Impact::Critical) && !incident.status.has_ended()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{PreviewInput, ServiceImpact, ServiceStatus, Timestamp, page::tests::page_with};

    /// An incident with this status whose service has this status.
    fn incident(status: IncidentStatus, of_service: ServiceStatus) -> Incident {
        let page = page_with(&["API"]);
        let input = PreviewInput {
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
        page.preview(&input, Timestamp::EPOCH).1
    }

    fn updated(mut incident: Incident, id: u128, status: IncidentStatus) -> Incident {
        let mut update = incident.updates[0].clone();
        (update.id, update.status) = (UpdateId::from_uuid(uuid::Uuid::from_u128(id)), status);
        incident.status = status;
        incident.updates.insert(0, update);
        incident
    }

    /// The announcements for these incidents, polite and assertive.
    fn announced(
        announcements: &mut Announcements,
        incidents: &[&Incident],
        was_there: bool,
        is_shown: bool,
    ) -> (String, String) {
        let shown = incidents.iter().filter(|_| is_shown).map(|incident| incident.id).collect();
        announcements.collect(incidents.iter().copied(), &shown, was_there);
        let Pending { polite, assertive } = announcements.take();
        (text_of(&polite), text_of(&assertive))
    }

    fn texts(polite: &str, assertive: &str) -> (String, String) {
        (polite.to_owned(), assertive.to_owned())
    }

    #[test]
    fn ui_11_only_news_is_announced_and_once() {
        let mut announcements = Announcements::default();
        let minor = incident(IncidentStatus::Investigating, ServiceStatus::Degraded);
        assert_eq!(announced(&mut announcements, &[&minor], false, true), texts("", ""));
        let identified = updated(minor, 1, IncidentStatus::Identified);
        assert_eq!(
            announced(&mut announcements, &[&identified], true, true),
            texts("API fails, Identified. We look.", "")
        );
        assert_eq!(announced(&mut announcements, &[&identified], true, true), texts("", ""));
        let mut edited = identified;
        edited.updates[0].html = "<p>Other words.</p>".into();
        assert_eq!(announced(&mut announcements, &[&edited], true, true), texts("", ""), "edits are not announced");
        edited.updates.remove(0);
        assert_eq!(announced(&mut announcements, &[&edited], true, true), texts("", ""), "nor are deletions");
    }

    #[test]
    fn ui_11_major_incidents_are_announced_assertively_and_their_end_politely() {
        let mut announcements = Announcements::default();
        let bad = incident(IncidentStatus::Investigating, ServiceStatus::MajorOutage);
        let news = "New incident: API fails, Investigating. We look.";
        assert_eq!(announced(&mut announcements, &[&bad], true, true), texts("", news));
        let over = updated(bad, 1, IncidentStatus::Resolved);
        assert_eq!(announced(&mut announcements, &[&over], true, true), texts("API fails, Resolved. We look.", ""));
    }

    #[test]
    fn rule_3_5_backfilled_incidents_are_not_announced() {
        let mut past = incident(IncidentStatus::Resolved, ServiceStatus::Degraded);
        past.backfilled_at = Some(Timestamp::EPOCH);
        assert_eq!(announced(&mut Announcements::default(), &[&past], true, true), texts("", ""));
        let plan = incident(IncidentStatus::Scheduled, ServiceStatus::UnderMaintenance);
        let news = "Planned maintenance: API fails, Scheduled. We look.";
        assert_eq!(announced(&mut Announcements::default(), &[&plan], true, true), texts(news, ""));
    }

    #[test]
    fn ui_11_incidents_off_the_page_are_not_announced() {
        let mut announcements = Announcements::default();
        let far = incident(IncidentStatus::Scheduled, ServiceStatus::UnderMaintenance);
        assert_eq!(announced(&mut announcements, &[&far], true, false), texts("", ""));
        assert_eq!(announced(&mut announcements, &[&far], true, true), texts("", ""), "nor when they appear later");
    }

    #[test]
    fn ui_11_a_burst_of_news_is_announced_as_one_sentence() {
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
        let (polite, _) = announced(&mut Announcements::default(), &many[..3], true, true);
        assert_eq!(polite, "3 updates: Rotation (Cancelled).");
        let (polite, _) = announced(&mut Announcements::default(), &many, true, true);
        let named = "Rotation (Cancelled), Work 4 (Cancelled), Work 5 (Cancelled) and 3 more";
        assert_eq!(polite, format!("8 updates: {named}."));
    }
}
