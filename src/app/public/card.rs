//! An incident or maintenance as a card.

use leptos::prelude::*;

use crate::{
    app::components::{
        duration::human_duration,
        incident::{AffectedChips, BackfilledNote, IncidentMark, LatestUpdate, Timeline},
        time::{MaintenanceWindow, Time, TimeRange, Wording},
    },
    model::{Impact, Incident, IncidentStatus, Slug, Timestamp, Zone},
};

/// Where a card is shown, which decides its heading level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardVariant {
    /// Under the heading of a section.
    Section,
    /// Under the heading of a day.
    Day,
    /// In the preview, without links.
    Preview,
}

/// Title, status, impact, times, services and updates: all updates while the incident is active and not cut, otherwise
/// the latest.
#[component]
pub fn IncidentCard(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
    /// The organization's slug.
    slug: Slug,
    /// Where the card is shown.
    variant: CardVariant,
) -> impl IntoView {
    let has_all = Memo::new(move |_| incident.with(|incident| incident.is_active() && incident.cut_at.is_none()));
    let address = StoredValue::new(format!("/public/{slug}/incidents/{}", incident.with_untracked(|it| it.id)));
    view! {
        <article class="card incident">
            <div class="flex flex-wrap items-center justify-between gap-x-6">
                {heading(incident, address, variant)}
                <IncidentMark incident />
            </div>
            <IncidentFacts incident zone />
            <Show
                when=move || has_all.get()
                fallback=move || {
                    view! {
                        <LatestUpdate incident zone />
                        {(variant != CardVariant::Preview).then(|| view! { <MoreLinks incident address=address.get_value() /> })}
                    }
                }
            >
                <Timeline incident zone />
            </Show>
        </article>
    }
}

fn heading(incident: Signal<Incident>, address: StoredValue<String>, variant: CardVariant) -> AnyView {
    let title = Memo::new(move |_| incident.with(|incident| incident.title.clone()));
    let link = move || view! { <a href=address.get_value()>{title}</a> };
    match variant {
        CardVariant::Section => view! { <h3 class="incident-title" dir="auto">{link()}</h3> }.into_any(),
        CardVariant::Day => view! { <h4 class="incident-title" dir="auto">{link()}</h4> }.into_any(),
        CardVariant::Preview => view! { <p class="incident-title" dir="auto">{title}</p> }.into_any(),
    }
}

/// Window, impact, times and affected services.
#[component]
pub fn IncidentFacts(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
) -> impl IntoView {
    let window = Memo::new(move |_| incident.with(Incident::window));
    let extent = Memo::new(move |_| incident.with(extent));
    view! {
        <MaintenanceWindow window zone />
        {move || extent.get().map(|extent| view! { <Extent extent zone /> })}
        <BackfilledNote incident zone />
        <AffectedChips incident />
    }
}

/// Impact and duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Extent {
    impact: Option<&'static str>,
    start: Timestamp,
    end: Option<Timestamp>,
}

/// Impact and duration, unless the window says it all: nothing for what is scheduled, cancelled or went as planned.
fn extent(incident: &Incident) -> Option<Extent> {
    let has_begun = !matches!(incident.status, IncidentStatus::Scheduled | IncidentStatus::Cancelled);
    let impact = match incident.impact {
        Impact::None | Impact::Maintenance => None,
        Impact::Minor => Some("Minor impact"),
        Impact::Major => Some("Major impact"),
        Impact::Critical => Some("Critical impact"),
    };
    let (start, end) = (incident.started_at, incident.resolved_at);
    let went_as_planned = incident.window().is_some_and(|(from, to)| from == start && Some(to) == end);
    (has_begun && !went_as_planned).then_some(Extent { impact, start, end })
}

#[component]
fn Extent(extent: Extent, zone: Signal<Zone>) -> impl IntoView {
    let Extent { impact, start, end } = extent;
    view! {
        <p class="meta">
            {impact.map(|impact| format!("{impact} · "))}
            {match end {
                Some(end) => {
                    view! {
                        <TimeRange start end zone />
                        {format!(" · {}", human_duration(end.millis() - start.millis()))}
                    }
                        .into_any()
                }
                None => view! { "Since " <Time at=start wording=Wording::DateAndAgo zone /> }.into_any(),
            }}
        </p>
    }
}

/// Links to all updates and to the postmortem, if there is more than the latest update.
#[component]
fn MoreLinks(incident: Signal<Incident>, address: String) -> impl IntoView {
    let count = Memo::new(move |_| incident.with(|incident| incident.updates.len()));
    let title = Memo::new(move |_| incident.with(|incident| incident.title.clone()));
    let is_cut = Memo::new(move |_| incident.with(|incident| incident.cut_at.is_some()));
    let has_postmortem = Memo::new(move |_| incident.with(|incident| incident.postmortem.is_some()));
    let address = StoredValue::new(address);
    view! {
        <Show when=move || count.get() != 1 || is_cut.get() || has_postmortem.get()>
            <p class="incident-more">
                <Show when=move || { count.get() > 1 || is_cut.get() }>
                    <a href=address.get_value()>
                        "All " {move || (!is_cut.get()).then(|| format!("{} ", count.get()))} "updates" <span class="sr-only">" about " {title}</span>
                    </a>
                </Show>
                <Show when=move || has_postmortem.get()>
                    <a href=format!("{}#postmortem", address.get_value())>
                        "Postmortem" <span class="sr-only">" of " {title}</span>
                    </a>
                </Show>
            </p>
        </Show>
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{IncidentKind, PreviewInput, page::tests::page_with};

    fn maintenance(status: IncidentStatus) -> Incident {
        let at = |seconds| Timestamp::EPOCH.plus_seconds(seconds);
        let input = PreviewInput {
            incident: None,
            kind: IncidentKind::Maintenance,
            title: "Database upgrade".into(),
            status,
            impact: None,
            message: String::new(),
            html: String::new(),
            services: Vec::new(),
            window: Some((at(3_600), at(7_200))),
        };
        page_with(&[]).preview(&input, at(7_200)).1
    }

    #[test]
    fn the_extent_is_shown_unless_the_window_says_it() {
        assert_eq!(extent(&maintenance(IncidentStatus::Scheduled)), None);
        assert_eq!(extent(&maintenance(IncidentStatus::Cancelled)), None);
        assert_eq!(extent(&maintenance(IncidentStatus::Completed)), None, "as planned");
        let mut late = maintenance(IncidentStatus::Completed);
        late.resolved_at = Some(Timestamp::EPOCH.plus_seconds(9_000));
        assert_eq!(extent(&late).and_then(|extent| extent.end), late.resolved_at);
        let mut incident = maintenance(IncidentStatus::Completed);
        (incident.incident_type, incident.status) = (IncidentKind::Incident, IncidentStatus::Resolved);
        (incident.impact, incident.scheduled_start) = (Impact::Critical, None);
        assert_eq!(extent(&incident).and_then(|extent| extent.impact), Some("Critical impact"));
    }
}
