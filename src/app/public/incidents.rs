//! What is going on, what is planned and what is over, each in its place on the page.

use leptos::prelude::*;

use super::card::{CardVariant, IncidentCard};
use crate::{
    app::components::{each::Each, time::reader_clock},
    model::{Day, Incident, IncidentId, StatusPage, Timestamp, Zone},
};

/// What is going on and what is planned for the days ahead, above the services. Nothing when there is nothing to tell.
#[component]
pub fn Present(
    /// The page.
    page: Signal<StatusPage>,
) -> impl IntoView {
    let today = present_day(page);
    let going_on = Memo::new(move |_| page.with(|page| ids(page.open_incidents())));
    let under_way = Memo::new(move |_| page.with(|page| ids(page.maintenances_under_way())));
    let announced = Memo::new(move |_| page.with(|page| ids(page.announced_maintenances(today.get()).into_iter())));
    view! {
        <Cards title="Active incidents" ids=going_on page />
        <Cards title="Maintenance in progress" ids=under_way page />
        <Cards title="Upcoming maintenance" ids=announced page />
    }
}

/// A heading and the cards under it; nothing without cards.
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

/// The last days, newest first, each with what began on it and is over.
#[component]
pub fn Past(
    /// The page.
    page: Signal<StatusPage>,
) -> impl IntoView {
    let today = present_day(page);
    let days = Memo::new(move |_| page.with(|page| days(page, today.get())));
    let slug = page.with_untracked(|page| page.organization.slug.clone());
    view! {
        <section class="group past">
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
            <p class="incident-more">
                <a href=format!("/public/{slug}/history")>"Incident history by month"</a>
            </p>
        </section>
    }
}

/// A day of the past: what began on it and is over, and what began on it and is not. Of a day that is cut more happened
/// than the page holds.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PastDay {
    day: Day,
    is_cut: bool,
    over: Vec<IncidentId>,
    going_on: Vec<(IncidentId, String)>,
}

fn days(page: &StatusPage, today: Timestamp) -> Vec<PastDay> {
    let past = page.past_days(today);
    let began_on = |day: Day| {
        let going_on = page.open_incidents().chain(page.maintenances_under_way());
        let of_day = going_on.filter(move |incident| page.zone.day(incident.started_at) == day);
        of_day.map(|incident| (incident.id, incident.title.clone())).collect()
    };
    let day_of_past = |(day, over): (Day, Vec<&Incident>)| PastDay {
        day,
        is_cut: page.is_cut(day),
        over: ids(over.into_iter()),
        going_on: began_on(day),
    };
    past.into_iter().map(day_of_past).collect()
}

#[component]
fn DayOfPast(day: Memo<PastDay>, page: Signal<StatusPage>) -> impl IntoView {
    let over = Memo::new(move |_| day.with(|day| day.over.clone()));
    let going_on = Memo::new(move |_| day.with(|day| day.going_on.clone()));
    let is_cut = Memo::new(move |_| day.with(|day| day.is_cut));
    let is_quiet = Memo::new(move |_| day.with(|day| !day.is_cut && day.over.is_empty() && day.going_on.is_empty()));
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
                    "More happened than is listed here: "
                    <a href=slug.with_value(|slug| format!("/public/{slug}/history?month={month}"))>{month.human()}</a>
                </p>
            </Show>
            <Each each=move || going_on.get() key=Clone::clone let:going_on>
                <p class="going-on">
                    "Still going on: "
                    <a href=slug.with_value(|slug| format!("/public/{slug}/incidents/{}", going_on.0)) dir="auto">
                        {going_on.1}
                    </a>
                </p>
            </Each>
            <Each each=move || over.get() key=|id| *id let:id>
                {card(page, id, CardVariant::Day)}
            </Each>
        </section>
    }
}

fn card(page: Signal<StatusPage>, id: IncidentId, place: CardVariant) -> Option<impl IntoView> {
    card_in(page, id, zone_of(page), place)
}

/// The card of an incident that the page has, its times told in this zone.
pub fn card_in(
    page: Signal<StatusPage>,
    id: IncidentId,
    zone: Memo<Zone>,
    place: CardVariant,
) -> Option<impl IntoView> {
    let slug = page.with_untracked(|page| page.organization.slug.clone());
    let incident = incident(page, id)?;
    Some(view! { <IncidentCard incident zone slug place /> })
}

fn ids<'a>(incidents: impl Iterator<Item = &'a Incident>) -> Vec<IncidentId> {
    incidents.map(|incident| incident.id).collect()
}

/// The incident with this id as it changes; none when the page has none. Once gone it stays as it was, until whoever shows
/// it is gone.
pub fn incident(page: Signal<StatusPage>, id: IncidentId) -> Option<Signal<Incident>> {
    let find = move || page.with(|page| page.incident(id).cloned());
    let first = untrack(find)?;
    Some(Memo::new(move |last: Option<&Incident>| find().or(last.cloned()).unwrap_or_else(|| first.clone())).into())
}

/// The page's zone.
pub fn zone_of(page: Signal<StatusPage>) -> Memo<Zone> {
    Memo::new(move |_| page.with(|page| page.zone.clone()))
}

/// The first instant of the present day in the page's zone: what the server said, until the reader's clock is past it.
pub fn present_day(page: Signal<StatusPage>) -> Memo<Timestamp> {
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
    fn a_day_tells_what_began_on_it_whether_or_not_it_is_over() {
        let mut page = page_with(&["API"]);
        page.zone = berlin();
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        page.today = at("2026-11-22T23:00:00Z");
        let intent = PreviewInput {
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
        let (_, mut over) = page.preview(&intent, at("2026-11-21T23:30:00Z"));
        over.id = IncidentId::from_uuid(uuid::Uuid::from_u128(1));
        let open = PreviewInput { title: "Open".into(), status: IncidentStatus::Investigating, ..intent };
        let (_, mut open) = page.preview(&open, at("2026-11-22T23:00:00Z"));
        open.id = IncidentId::from_uuid(uuid::Uuid::from_u128(2));
        page.services[0].status = ServiceStatus::Operational;
        page.incidents = vec![over.clone(), open.clone()];
        let days = days(&page, page.today);
        assert_eq!(days.len(), 14);
        let told: Vec<_> = days.iter().map(|day| (day.day.to_string(), day.over.len(), day.going_on.len())).collect();
        assert_eq!(told[..3], [("2026-11-23".into(), 0, 1), ("2026-11-22".into(), 1, 0), ("2026-11-21".into(), 0, 0)]);
        assert_eq!((days[1].over[0], days[0].going_on[0].clone()), (over.id, (open.id, "Open".to_owned())));
        assert!(days.iter().all(|day| !day.is_cut));
        page.cut_at = Some(at("2026-11-20T23:30:00Z"));
        let cut: Vec<_> = super::days(&page, page.today).iter().map(|day| day.is_cut).collect();
        assert_eq!(cut[..4], [false, false, true, true], "from Saturday, which has begun by then in Berlin, back");
    }
}
