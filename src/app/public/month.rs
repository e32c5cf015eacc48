//! One month of history, kept up to date by the live feed.

use std::collections::{BTreeMap, BTreeSet};

use leptos::prelude::*;

use super::{
    announce::Announcer,
    card::CardVariant,
    fetch::fetch_month,
    frame::Frame,
    incidents::{card_in, current_day},
    outage::OutageNotice,
};
use crate::{
    app::{
        components::{each::Each, time::provide_clock},
        live,
    },
    model::{Day, IncidentId, IncidentStatus, Month, MonthPage, Slug, StatusPage, Timestamp, Zone},
};

/// A month, newest day first, each day with the incidents that began on it.
#[component]
pub fn MonthView(
    /// The month and its incidents.
    data: MonthPage,
) -> impl IntoView {
    provide_clock();
    let MonthPage { page, zone, month, cut_at, has_earlier } = data;
    let slug = page.organization.slug.clone();
    let page = RwSignal::new(page);
    let of = slug.clone();
    let feed = format!("/api/public/{slug}/live");
    let connection = live::connect(feed, page, Signal::stored(true), move || fetch_month(of.clone(), month));
    let page: Signal<StatusPage> = page.into();
    let name = Memo::new(move |_| page.with(|page| page.organization.name.clone()));
    let zone = Memo::new(move |_| page.with(|page| zone.unless_changed(&page.zone)));
    let now = current_day(page);
    let today = Memo::new(move |_| page.with(|page| page.zone.day(now.get())));
    let days = Memo::new(move |_| page.with(|page| zone.with(|zone| days(page, zone, month, today.get(), cut_at))));
    let shown = Memo::new(move |_| {
        days.with(|days| days.iter().flat_map(|day| day.began.iter().copied()).collect::<BTreeSet<_>>())
    });
    view! {
        <Frame name slug=slug.clone() zone connection>
            <main id="main">
                <OutageNotice page />
                <div class="month-head">
                    <h1>"History: " <time datetime=month.to_string()>{month.human()}</time></h1>
                    <MonthLinks slug month has_earlier today />
                </div>
                <Each each=move || days.get() key=|day| day.day let:day>
                    {
                        let listed = day.day;
                        let day = Memo::new(move |last: Option<&DayOfMonth>| {
                            let found = days.with(|days| days.iter().find(|day| day.day == listed).cloned());
                            found.or(last.cloned()).unwrap_or_else(|| day.clone())
                        });
                        view! { <ListedDay day page zone /> }
                    }
                </Each>
            </main>
            <Announcer page shown />
        </Frame>
    }
}

/// A day and the incidents that began on it, newest first. If `is_cut`, the page lacks some of them.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DayOfMonth {
    day: Day,
    is_cut: bool,
    began: Vec<IncidentId>,
}

/// The days of the month up to the current one, newest first.
fn days(page: &StatusPage, zone: &Zone, month: Month, today: Day, cut_at: Option<Timestamp>) -> Vec<DayOfMonth> {
    let cut = cut_at.map(|cut| zone.day(cut));
    let mut began: BTreeMap<Day, Vec<IncidentId>> = BTreeMap::new();
    for incident in &page.incidents {
        if incident.status != IncidentStatus::Scheduled && !incident.was_never_announced() {
            began.entry(zone.day(incident.started_at)).or_default().push(incident.id);
        }
    }
    let days = month.days().rev().filter(|day| *day <= today);
    let listed = days.map(|day| DayOfMonth {
        day,
        is_cut: cut.is_some_and(|cut| day <= cut),
        began: began.remove(&day).unwrap_or_default(),
    });
    listed.collect()
}

/// Links to the previous and the next month, where there are any.
#[component]
fn MonthLinks(slug: Slug, month: Month, has_earlier: bool, today: Memo<Day>) -> impl IntoView {
    let has_later = Memo::new(move |_| month < today.get().month());
    let link = move |month: Month, rel: &'static str, arrows: [&'static str; 2]| {
        view! {
            <li>
                <a class="button" rel=rel href=format!("/public/{slug}/history?month={month}")>
                    {arrows[0]}
                    {month.human()}
                    {arrows[1]}
                </a>
            </li>
        }
    };
    let later = link.clone();
    view! {
        <nav aria-label="Months">
            <ul class="mt-3 mb-6 flex flex-wrap gap-2">
                {has_earlier.then(|| link(month.previous(), "prev", ["← ", ""]))}
                {move || has_later.get().then(|| later(month.next(), "next", ["", " →"]))}
            </ul>
        </nav>
    }
}

#[component]
fn ListedDay(day: Memo<DayOfMonth>, page: Signal<StatusPage>, zone: Memo<Zone>) -> impl IntoView {
    let began = Memo::new(move |_| day.with(|day| day.began.clone()));
    let is_cut = Memo::new(move |_| day.with(|day| day.is_cut));
    let is_quiet = Memo::new(move |_| day.with(|day| !day.is_cut && day.began.is_empty()));
    let (iso, words) = day.with_untracked(|day| (day.day.to_string(), day.day.human()));
    view! {
        <section class="day" class:quiet=move || is_quiet.get()>
            <h2>
                <time datetime=iso>{words}</time>
            </h2>
            <Show when=move || is_quiet.get()>
                <p class="hint">"No incidents reported."</p>
            </Show>
            <Show when=move || is_cut.get()>
                <p class="hint">"Some incidents on this day are not listed."</p>
            </Show>
            <Each each=move || began.get() key=|id| *id let:id>
                {card_in(page, id, zone, CardVariant::Section)}
            </Each>
        </section>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentKind, PreviewInput, page::tests::page_with, zone::tests::berlin};

    #[test]
    fn a_month_lists_what_began_in_it_and_nothing_scheduled() {
        let mut page = page_with(&[]);
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let mut put = |n: u128, status: IncidentStatus, started: &str| {
            let input = PreviewInput {
                incident: None,
                kind: IncidentKind::Incident,
                title: n.to_string(),
                status,
                impact: None,
                message: String::new(),
                html: String::new(),
                services: Vec::new(),
                window: None,
            };
            let mut incident = page.preview(&input, at(started)).1;
            incident.id = IncidentId::from_uuid(uuid::Uuid::from_u128(n));
            incident.started_at = at(started);
            page.put_incident(incident);
        };
        // The first of November has begun in Berlin by then.
        put(1, IncidentStatus::Resolved, "2026-10-31T23:30:00Z");
        put(2, IncidentStatus::Investigating, "2026-11-03T12:00:00Z");
        put(3, IncidentStatus::Scheduled, "2026-11-03T13:00:00Z");
        put(4, IncidentStatus::Resolved, "2026-10-31T12:00:00Z");
        let month: Month = "2026-11".parse().expect("a month");
        let today: Day = "2026-11-04".parse().expect("a day");
        let cut = Some(at("2026-11-02T12:00:00Z"));
        let listed: Vec<_> = days(&page, &berlin(), month, today, cut)
            .into_iter()
            .map(|day| (day.day.to_string(), day.is_cut, day.began.len()))
            .collect();
        let day = |day: &str, is_cut, began| (day.to_owned(), is_cut, began);
        assert_eq!(
            listed,
            [
                day("2026-11-04", false, 0),
                day("2026-11-03", false, 1),
                day("2026-11-02", true, 0),
                day("2026-11-01", true, 1),
            ]
        );
    }
}
