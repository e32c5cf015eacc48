//! Parts of incidents and maintenances, shared by the public page, the incident room and the preview.

use leptos::prelude::*;

use super::{
    each::Each,
    status::{Shape, StatusIcon},
    time::{Time, Wording},
};
use crate::model::{
    AffectedService, Impact, Incident, IncidentStatus, IncidentUpdate, ServiceStatus, ServiceTransition, Timestamp,
    UpdateEdit, UpdateId, Zone,
};

/// Rendered Markdown. The only place where text is drawn as markup: pass it nothing but the `html` of a model type or
/// of `preview_message`.
#[component]
pub fn Prose(
    /// The safe HTML.
    #[prop(into)]
    html: Signal<String>,
) -> impl IntoView {
    view! { <div class="prose" dir="auto" inner_html=move || html.get()></div> }
}

/// The status of an incident: shape and word.
#[component]
pub fn IncidentMark(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
) -> impl IntoView {
    let status = Memo::new(move |_| incident.with(|incident| incident.status));
    view! {
        <span class="status-badge incident-mark">
            <IncidentIcon incident />
            <span>{move || status.get().label()}</span>
        </span>
    }
}

/// The shape of an incident. Decoration beside its words, so hidden from screen readers.
#[component]
pub fn IncidentIcon(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
) -> impl IntoView {
    let status = Memo::new(move |_| incident.with(|incident| shape_status(incident.status, incident.impact)));
    view! { <Shape status /> }
}

/// The service status whose shape and colour an incident has: by its impact, operational once it is resolved, none
/// without impact or when it was cancelled.
#[must_use]
pub const fn shape_status(status: IncidentStatus, impact: Impact) -> Option<ServiceStatus> {
    match (status, impact) {
        (IncidentStatus::Resolved | IncidentStatus::Completed, _) => Some(ServiceStatus::Operational),
        (IncidentStatus::Cancelled, _) | (_, Impact::None) => None,
        (_, Impact::Maintenance) => Some(ServiceStatus::UnderMaintenance),
        (_, Impact::Minor) => Some(ServiceStatus::Degraded),
        (_, Impact::Major) => Some(ServiceStatus::PartialOutage),
        (_, Impact::Critical) => Some(ServiceStatus::MajorOutage),
    }
}

/// The services an incident affects with their current status or, once it has ended, their worst. Nothing without
/// services.
#[component]
pub fn AffectedChips(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
) -> impl IntoView {
    let services = Memo::new(move |_| incident.with(affected));
    move || {
        let services = services.get();
        let chips = || services.iter().cloned().map(chip).collect_view();
        (!services.is_empty()).then(|| {
            view! {
                <ul class="flex flex-wrap gap-1.5" aria-label="Services affected">
                    {chips()}
                </ul>
            }
        })
    }
}

fn affected(incident: &Incident) -> Vec<(String, ServiceStatus)> {
    let status = |service: &AffectedService| if incident.status.has_ended() { service.worst } else { service.status };
    incident.services.iter().map(|service| (service.name.clone(), status(service))).collect()
}

fn chip((name, status): (String, ServiceStatus)) -> impl IntoView {
    view! {
        <li class="chip">
            <StatusIcon status=Signal::stored(status) />
            <bdi>{name}</bdi>
            <span class="chip-word">{status.label()}</span>
        </li>
    }
}

/// Note with the day on which a backfilled incident was entered (domain rule 3.5). Nothing for others.
#[component]
pub fn BackfilledNote(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
) -> impl IntoView {
    let at = Memo::new(move |_| incident.with(|incident| incident.backfilled_at));
    move || {
        let at = at.get()?;
        let day = zone.with(|zone| zone.day(at).human());
        Some(view! { <p class="hint">"Added later, on " <time datetime=at.to_string()>{day}</time></p> })
    }
}

/// The updates of an incident, newest first, and whether older ones are left out.
#[component]
pub fn Timeline(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
    /// Draws author and controls below an update.
    #[prop(optional, into)]
    tools: Option<Callback<Signal<IncidentUpdate>, AnyView>>,
) -> impl IntoView {
    let ids = Memo::new(move |_| incident.with(|incident| incident.updates.iter().map(|it| it.id).collect::<Vec<_>>()));
    let is_cut = Memo::new(move |_| incident.with(|incident| incident.cut_at.is_some()));
    view! {
        <ol class="timeline">
            <Each each=move || ids.get() key=|id| *id let:id>
                {entry(incident, id)
                    .map(|entry| {
                        view! {
                            <li class="update">
                                <UpdateEntry entry zone />
                                {tools.map(|tools| tools.run(Signal::derive(move || entry.with(|entry| entry.update.clone()))))}
                            </li>
                        }
                    })}
            </Each>
        </ol>
        <Show when=move || is_cut.get()>
            <p class="hint">"Older updates are not listed."</p>
        </Show>
    }
}

/// The newest update of an incident.
#[component]
pub fn LatestUpdate(
    /// The incident.
    #[prop(into)]
    incident: Signal<Incident>,
    /// The page's zone.
    #[prop(into)]
    zone: Signal<Zone>,
) -> impl IntoView {
    let latest = Memo::new(move |_| incident.with(|incident| incident.latest().map(|update| update.id)));
    move || {
        let entry = latest.get().and_then(|id| entry(incident, id))?;
        Some(view! { <div class="update"><UpdateEntry entry zone /></div> })
    }
}

/// An update and its heading: the status, or `Update` where that did not change.
#[derive(Clone, PartialEq)]
struct Entry {
    update: IncidentUpdate,
    word: &'static str,
}

/// The update with this id as a signal; `None` if the incident has none. Keeps its last value after the update is
/// deleted.
fn entry(incident: Signal<Incident>, id: UpdateId) -> Option<Memo<Entry>> {
    let find = move || incident.with(|incident| find(incident, id));
    let first = untrack(find)?;
    Some(Memo::new(move |last: Option<&Entry>| find().or(last.cloned()).unwrap_or_else(|| first.clone())))
}

fn find(incident: &Incident, id: UpdateId) -> Option<Entry> {
    let at = incident.updates.iter().position(|update| update.id == id)?;
    let update = incident.updates.get(at)?.clone();
    let is_repeated = incident.updates.get(at + 1).is_some_and(|before| before.status == update.status);
    let word = if is_repeated { "Update" } else { update.status.label() };
    Some(Entry { update, word })
}

#[component]
fn UpdateEntry(entry: Memo<Entry>, zone: Signal<Zone>) -> impl IntoView {
    let html = Memo::new(move |_| entry.with(|entry| entry.update.html.clone()));
    let at = Memo::new(move |_| entry.with(|entry| entry.update.display_at));
    let changes = Memo::new(move |_| entry.with(|entry| changes(&entry.update)));
    let edits = Memo::new(move |_| entry.with(|entry| entry.update.edits.clone()));
    view! {
        <p class="update-head">
            <strong>{move || entry.with(|entry| entry.word)}</strong>
            " "
            <Time at wording=Wording::DateAndAgo zone />
        </p>
        <Prose html />
        {move || {
            let changes = changes.get();
            (!changes.is_empty())
                .then(|| view! { <ul class="changes">{changes.into_iter().map(change).collect_view()}</ul> })
        }}
        <Edits edits zone />
    }
}

/// The services whose status an update changed. Planned changes of a scheduled maintenance do not count yet.
fn changes(update: &IncidentUpdate) -> Vec<ServiceTransition> {
    let services = update.services.iter().flatten().filter(|_| update.status != IncidentStatus::Scheduled);
    services.filter(|service| service.old_status != service.new_status).cloned().collect()
}

fn change(service: ServiceTransition) -> impl IntoView {
    let ServiceTransition { name, old_status, new_status, .. } = service;
    view! {
        <li>
            <bdi>{name}</bdi>
            ": "
            {old_status.label()}
            <span aria-hidden="true">" → "</span>
            <span class="sr-only">" to "</span>
            {new_status.label()}
        </li>
    }
}

/// When an update was edited, with its earlier versions. Nothing if it never was.
#[component]
fn Edits(edits: Memo<Vec<UpdateEdit>>, zone: Signal<Zone>) -> impl IntoView {
    let last = Memo::new(move |_| edits.with(|edits| edits.first().map(|edit| edit.edited_at)));
    view! {
        <Show when=move || last.with(Option::is_some)>
            <details class="edits">
                <summary>
                    "Edited " <Time at=Signal::derive(move || last.get().unwrap_or(Timestamp::EPOCH)) zone />
                    ", show earlier versions"
                </summary>
                <ol>
                    <Each each=move || edits.get() key=|edit| edit.edited_at let:edit>
                        <li>
                            <p class="meta">"Until " <Time at=edit.edited_at wording=Wording::DateAndAgo zone /></p>
                            <Prose html=edit.html />
                        </li>
                    </Each>
                </ol>
            </details>
        </Show>
    }
}
