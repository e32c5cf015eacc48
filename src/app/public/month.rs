//! One month of a page's past: plain HTML that needs no client.

use std::collections::BTreeMap;

use leptos::prelude::*;

use super::{
    card::{IncidentCard, Place},
    frame::Frame,
};
use crate::model::{Day, Incident, Month, MonthPage, Slug, Zone};

/// A month, its newest day first, each with what began on it.
#[component]
pub fn MonthView(
    /// The month and what happened in it.
    month: MonthPage,
) -> impl IntoView {
    let days = days(&month);
    let MonthPage { organization, zone, month, today, cut_at, has_earlier, .. } = month;
    let slug = organization.slug;
    let cut = cut_at.map(|cut| zone.day(cut));
    let zone = Signal::stored(zone);
    view! {
        <Frame name=Signal::stored(organization.name) slug=slug.clone() zone>
            <main id="main">
                <div class="month-head">
                    <h1>"History: " <time datetime=month.to_string()>{month.human()}</time></h1>
                    <Neighbours slug=slug.clone() month has_earlier has_later={month < today.month()} />
                </div>
                {days
                    .into_iter()
                    .map(|(day, incidents)| {
                        let is_cut = cut.is_some_and(|cut| day <= cut);
                        view! { <DayOfMonth day incidents is_cut slug=slug.clone() zone /> }
                    })
                    .collect_view()}
            </main>
        </Frame>
    }
}

/// The days of the month up to the present one, newest first, with what began on each, newest first.
fn days(page: &MonthPage) -> Vec<(Day, Vec<Incident>)> {
    let mut began: BTreeMap<Day, Vec<Incident>> = BTreeMap::new();
    for incident in &page.incidents {
        began.entry(page.zone.day(incident.started_at)).or_default().push(incident.clone());
    }
    let days = page.month.days().rev().filter(|day| *day <= page.today);
    days.map(|day| (day, began.remove(&day).unwrap_or_default())).collect()
}

/// The ways to the months before and after, where there are any.
#[component]
fn Neighbours(slug: Slug, month: Month, has_earlier: bool, has_later: bool) -> impl IntoView {
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
    view! {
        <nav aria-label="Months">
            <ul class="months">
                {has_earlier.then(|| link(month.previous(), "prev", ["← ", ""]))}
                {has_later.then(|| link(month.next(), "next", ["", " →"]))}
            </ul>
        </nav>
    }
}

#[component]
fn DayOfMonth(day: Day, incidents: Vec<Incident>, is_cut: bool, slug: Slug, zone: Signal<Zone>) -> impl IntoView {
    let is_quiet = incidents.is_empty() && !is_cut;
    view! {
        <section class="day" class:quiet=is_quiet>
            <h2>
                <time datetime=day.to_string()>{day.human()}</time>
            </h2>
            {is_quiet.then(|| view! { <p class="hint">"No incidents reported."</p> })}
            {is_cut.then(|| view! { <p class="hint">"More happened than can be listed here."</p> })}
            {incidents
                .into_iter()
                .map(|incident| {
                    view! { <IncidentCard incident=Signal::stored(incident) zone slug=slug.clone() place=Place::Section /> }
                })
                .collect_view()}
        </section>
    }
}
