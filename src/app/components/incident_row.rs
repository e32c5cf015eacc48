//! An incident or a maintenance as one row of a list.

use leptos::prelude::*;

use super::{
    duration::human_duration,
    incident::IncidentMark,
    time::{MaintenanceWindow, Time, Wording},
};
use crate::model::{Impact, Incident, Zone, maintenance_plan::join_names};

/// Maximum number of services named in a row.
const MAX_NAMED: usize = 3;

/// A row of an incident: status, title, services, impact, start and duration.
#[component]
pub fn IncidentRow(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
) -> impl IntoView {
    let impact = Memo::new(move |_| incident.with(|incident| incident.impact));
    let began = Memo::new(move |_| incident.with(|incident| incident.started_at));
    let length = Memo::new(move |_| {
        incident.with(|incident| Some(human_duration(incident.resolved_at?.millis() - incident.started_at.millis())))
    });
    view! {
        <li class="incident-row">
            <RowHead incident />
            <p class="meta" hidden=move || impact.get() == Impact::Maintenance>
                {move || format!("Impact: {}", impact.get().label())}
            </p>
            <p class="meta incident-time">
                <span class="sr-only">"Began "</span>
                <Time at=began wording=Wording::DateAndAgo zone />
                <span class="incident-duration">{move || length.get().map(|length| format!("lasted {length}"))}</span>
            </p>
        </li>
    }
}

/// A row of a maintenance: status, title, services, and its window in both zones.
#[component]
pub fn MaintenanceRow(
    /// The maintenance.
    #[prop(into)]
    incident: Signal<Incident>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
    /// Notes below, such as conflicts.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let window = Memo::new(move |_| incident.with(Incident::window));
    view! {
        <li class="incident-row maintenance-row">
            <RowHead incident />
            <div class="meta incident-time">
                <MaintenanceWindow window zone />
            </div>
            {children.map(|children| children())}
        </li>
    }
}

/// Status, title, badges and services.
#[component]
fn RowHead(incident: Signal<Incident>) -> impl IntoView {
    let title = Memo::new(move |_| incident.with(|incident| incident.title.clone()));
    let href = incident.with_untracked(|incident| format!("/incidents/{}", incident.id));
    let services = Memo::new(move |_| incident.with(named));
    let badge = move |word: &'static str, holds: fn(&Incident) -> bool| {
        let holds = Memo::new(move |_| incident.with(holds));
        move || holds.get().then(|| view! { <span class="badge">{word}</span> })
    };
    view! {
        <IncidentMark incident />
        <div>
            <p>
                <a class="listed-title" href=href dir="auto">
                    {title}
                </a>
                {badge("Draft", |incident| incident.is_draft)}
                {badge("Added later", |incident| incident.backfilled_at.is_some())}
                {badge("Repeats", |incident| incident.series_id.is_some())}
            </p>
            <p class="hint" dir="auto" hidden=move || services.with(String::is_empty)>
                {services}
            </p>
        </div>
    }
}

/// The names of the first few services it affects.
fn named(incident: &Incident) -> String {
    let mut names: Vec<_> = incident.services.iter().map(|service| service.name.clone()).collect();
    if names.len() > MAX_NAMED + 1 {
        let more = names.len() - MAX_NAMED;
        names.truncate(MAX_NAMED);
        names.push(format!("{more} more"));
    }
    join_names(&names)
}
