//! Incidents and maintenances on the status page: active, upcoming and past.

use leptos::prelude::*;

use super::card::{CardVariant, IncidentCard};
use crate::{
    app::components::{each::Each, time::reader_clock},
    model::{Day, Incident, IncidentId, StatusPage, Timestamp, Zone},
};

/// Active incidents, maintenance in progress and upcoming maintenance. Nothing if there is none.
#[component]
pub fn CurrentIncidents(
    /// The page.
    page: Signal<StatusPage>,
) -> impl IntoView {
    let today = current_day(page);
    let active = Memo::new(move |_| page.with(|page| ids(page.open_incidents())));
    let in_progress = Memo::new(move |_| page.with(|page| ids(page.maintenances_under_way())));
    let upcoming = Memo::new(move |_| page.with(|page| ids(page.announced_maintenances(today.get()).into_iter())));
    view! {
        <Cards title="Active incidents" ids=active page />
        <Cards title="Maintenance in progress" ids=in_progress page />
        <Cards title="Upcoming maintenance" ids=upcoming page />
    }
}

/// A heading with cards; nothing without cards.
#[component]
fn Cards(title: &'static str, ids: Memo<Vec<IncidentId>>, page: Signal<StatusPage>) -> impl IntoView {
    let is_empty = Memo::new(move |_| ids.with(Vec::is_empty));
    view! {
        <Show when=move || !is_empty.get()>
            <section class="group incidents">
                <h2>{title}</h2>
                <Each each=move || ids.get() key=|id| *id let:id>
                    {card(page, id, CardVariant::Section)}
                </Each>
            </section>
        </Show>
    }
}

/// The last days, newest first, each with the incidents that began on it and have ended.
#[component]
pub fn PastIncidents(
    /// The page.
    page: Signal<StatusPage>,
) -> impl IntoView {
    let today = current_day(page);
    let days = Memo::new(move |_| page.with(|page| days(page, today.get())));
    let slug = page.with_untracked(|page| page.organization.slug.clone());
    view! {
        <section class="group">
            <h2>"Past incidents"</h2>
            <Each each=move || days.get() key=|day| day.day let:day>
                {
                    let listed = day.day;
                    let day = Memo::new(move |last: Option<&PastDay>| {
                        let found = days.with(|days| days.iter().find(|day| day.day == listed).cloned());
                        found.or(last.cloned()).unwrap_or_else(|| day.clone())
                    });
                    view! { <DayOfPast day page /> }
                }
            </Each>
            <p class="incident-more mt-4 mb-0">
                <a href=format!("/public/{slug}/history")>"Incident history by month"</a>
            </p>
        </section>
    }
}

/// A past day: the incidents that began on it, ended and ongoing. If `is_cut`, the page lacks some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PastDay {
    day: Day,
    is_cut: bool,
    ended: Vec<IncidentId>,
    ongoing: Vec<(IncidentId, String)>,
}

fn days(page: &StatusPage, today: Timestamp) -> Vec<PastDay> {
    let past = page.past_days(today);
    let began_on = |day: Day| {
        let ongoing = page.open_incidents().chain(page.maintenances_under_way());
        let of_day = ongoing.filter(move |incident| page.zone.day(incident.started_at) == day);
        of_day.map(|incident| (incident.id, incident.title.clone())).collect()
    };
    let day_of_past = |(day, ended): (Day, Vec<&Incident>)| PastDay {
        day,
        is_cut: page.is_cut(day),
        ended: ids(ended.into_iter()),
        ongoing: began_on(day),
    };
    past.into_iter().map(day_of_past).collect()
}

#[component]
fn DayOfPast(day: Memo<PastDay>, page: Signal<StatusPage>) -> impl IntoView {
    let ended = Memo::new(move |_| day.with(|day| day.ended.clone()));
    let ongoing = Memo::new(move |_| day.with(|day| day.ongoing.clone()));
    let is_cut = Memo::new(move |_| day.with(|day| day.is_cut));
    let is_quiet = Memo::new(move |_| day.with(|day| !day.is_cut && day.ended.is_empty() && day.ongoing.is_empty()));
    let month = day.with_untracked(|day| day.day.month());
    let slug = StoredValue::new(page.with_untracked(|page| page.organization.slug.clone()));
    view! {
        <section class="day" class:quiet=move || is_quiet.get()>
            <h3>
                <time datetime=day.with_untracked(|day| day.day.to_string())>
                    {day.with_untracked(|day| day.day.human())}
                </time>
            </h3>
            <Show when=move || is_quiet.get()>
                <p class="hint">"No incidents reported."</p>
            </Show>
            <Show when=move || is_cut.get()>
                <p class="hint">
                    "Some incidents are not listed here. See all of "
                    <a href=slug.with_value(|slug| format!("/public/{slug}/history?month={month}"))>{month.human()}</a>
                </p>
            </Show>
            <Each each=move || ongoing.get() key=Clone::clone let:ongoing>
                <p class="going-on">
                    "Ongoing: "
                    <a href=slug.with_value(|slug| format!("/public/{slug}/incidents/{}", ongoing.0)) dir="auto">
                        {ongoing.1}
                    </a>
                </p>
            </Each>
            <Each each=move || ended.get() key=|id| *id let:id>
                {card(page, id, CardVariant::Day)}
            </Each>
        </section>
    }
}

fn card(page: Signal<StatusPage>, id: IncidentId, variant: CardVariant) -> Option<impl IntoView> {
    card_in(page, id, zone_of(page), variant)
}

/// The card of an incident on the page, with times in this zone.
pub fn card_in(
    page: Signal<StatusPage>,
    id: IncidentId,
    zone: Memo<Zone>,
    variant: CardVariant,
) -> Option<impl IntoView> {
    let slug = page.with_untracked(|page| page.organization.slug.clone());
    let incident = incident(page, id)?;
    Some(view! { <IncidentCard incident zone slug variant /> })
}

fn ids<'a>(incidents: impl Iterator<Item = &'a Incident>) -> Vec<IncidentId> {
    incidents.map(|incident| incident.id).collect()
}

/// The incident with this id as a signal; `None` if the page has none. Keeps its last value after the incident is gone.
pub fn incident(page: Signal<StatusPage>, id: IncidentId) -> Option<Signal<Incident>> {
    let find = move || page.with(|page| page.incident(id).cloned());
    let first = untrack(find)?;
    Some(Memo::new(move |last: Option<&Incident>| find().or(last.cloned()).unwrap_or_else(|| first.clone())).into())
}

/// The page's zone.
pub fn zone_of(page: Signal<StatusPage>) -> Memo<Zone> {
    Memo::new(move |_| page.with(|page| page.zone.clone()))
}

/// The first instant of the current day in the page's zone: the server's, until the reader's clock is past that day.
pub fn current_day(page: Signal<StatusPage>) -> Memo<Timestamp> {
    let clock = reader_clock();
    Memo::new(move |_| {
        page.with(|page| {
            let here = clock.get().map(|now| page.zone.start_of(page.zone.day(now)));
            here.map_or(page.today, |here| here.max(page.today))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentStatus, PreviewInput, ServiceStatus, page::tests::page_with, zone::tests::berlin};

    #[test]
    fn a_day_lists_what_began_on_it_ended_or_ongoing() {
        let mut page = page_with(&["API"]);
        page.zone = berlin();
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        page.today = at("2026-11-22T23:00:00Z");
        let input = PreviewInput {
            incident: None,
            kind: IncidentStatus::Resolved.kind(),
            title: "Over".into(),
            status: IncidentStatus::Resolved,
            impact: None,
            message: String::new(),
            html: String::new(),
            services: Vec::new(),
            window: None,
        };
        // Half past eleven at night in UTC is the next day in Berlin.
        let (_, mut over) = page.preview(&input, at("2026-11-21T23:30:00Z"));
        over.id = IncidentId::from_uuid(uuid::Uuid::from_u128(1));
        let open = PreviewInput { title: "Open".into(), status: IncidentStatus::Investigating, ..input };
        let (_, mut open) = page.preview(&open, at("2026-11-22T23:00:00Z"));
        open.id = IncidentId::from_uuid(uuid::Uuid::from_u128(2));
        page.services[0].status = ServiceStatus::Operational;
        page.incidents = vec![over.clone(), open.clone()];
        let days = days(&page, page.today);
        assert_eq!(days.len(), 14);
        let listed: Vec<_> = days.iter().map(|day| (day.day.to_string(), day.ended.len(), day.ongoing.len())).collect();
        assert_eq!(
            listed[..3],
            [("2026-11-23".into(), 0, 1), ("2026-11-22".into(), 1, 0), ("2026-11-21".into(), 0, 0)]
        );
        assert_eq!((days[1].ended[0], days[0].ongoing[0].clone()), (over.id, (open.id, "Open".to_owned())));
        assert!(days.iter().all(|day| !day.is_cut));
        page.cut_at = Some(at("2026-11-20T23:30:00Z"));
        let cut: Vec<_> = super::days(&page, page.today).iter().map(|day| day.is_cut).collect();
        assert_eq!(cut[..4], [false, false, true, true], "from Saturday back, which has begun by then in Berlin");
    }
}
