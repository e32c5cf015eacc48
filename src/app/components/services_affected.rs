//! The services an incident or a maintenance affects: one `select` with a status for each, by group.

use leptos::{html, prelude::*};
use web_sys::{HtmlSelectElement, KeyboardEvent};

use super::{
    form::Form,
    sections::{Section, Sections},
    status::StatusIcon,
};
use crate::model::{IncidentKind, Service, ServiceId, ServiceImpact, ServiceStatus, StatusPage};

/// Number of services above which there is a search field.
const SEARCH_ABOVE: usize = 12;

/// State shared by the rows of one field set.
#[derive(Clone, Copy)]
struct Choices {
    form: Form,
    chosen: RwSignal<Vec<ServiceImpact>>,
    kind: IncidentKind,
    none: &'static str,
    remark: Option<Callback<ServiceId, String>>,
    search: RwSignal<String>,
}

/// A field set `Services affected` with one `select` per service, named `services[of-{id}]` and labelled with the
/// service's name. The page must be loaded already.
#[component]
pub fn ServicesAffected(
    /// Its form.
    form: Form,
    /// The page with all services.
    page: Signal<StatusPage>,
    /// The statuses chosen. Its initial value counts unless the form was refused with others. Setting it sets the
    /// controls.
    chosen: RwSignal<Vec<ServiceImpact>>,
    /// Incident or maintenance, which decides the status that is offered first.
    kind: IncidentKind,
    /// The label of no choice.
    #[prop(default = "Not affected")]
    none: &'static str,
    /// A remark beside a service's name.
    #[prop(optional, into)]
    remark: Option<Callback<ServiceId, String>>,
    /// The services that are affected already: they come first, the others folded under `Add services`.
    #[prop(optional, into)]
    attached: Option<Signal<Vec<ServiceId>>>,
) -> impl IntoView {
    restore(form, page, chosen);
    let set = Choices { form, chosen, kind, none, remark, search: RwSignal::default() };
    let count = Memo::new(move |_| page.with(|page| page.services.len()));
    let choices = match attached {
        None => view! { <AllServices set page /> }.into_any(),
        Some(attached) => view! { <AttachedFirst set page attached /> }.into_any(),
    };
    let (legend, fault) = (form.id_of("services-legend"), form.id_of("services-fault"));
    let (labelledby, describedby) = (legend.clone(), fault.clone());
    view! {
        <fieldset
            class="affected"
            aria-labelledby=labelledby
            aria-describedby=move || form.fault("services").map(|_| describedby.clone())
        >
            <legend id=legend>"Services affected"</legend>
            <p class="hint" hidden=move || count.get() != 0>
                "No services yet. You can open an incident without any."
            </p>
            {choices}
            {move || {
                form.fault("services")
                    .map(|why| {
                        view! {
                            <p class="fault" id=fault.clone()>
                                {why}
                            </p>
                        }
                    })
            }}
        </fieldset>
    }
}

/// All services of a page, with a search field if there are many.
#[component]
fn AllServices(set: Choices, page: Signal<StatusPage>) -> impl IntoView {
    view! {
        <Search set count=Memo::new(move |_| page.with(|page| page.services.len())) />
        <Sections page section=move |section| group(set, page, section) row=move |service| row(set, service) />
    }
}

/// The services that are affected already, and the others folded.
#[component]
fn AttachedFirst(set: Choices, page: Signal<StatusPage>, attached: Signal<Vec<ServiceId>>) -> impl IntoView {
    let part = move |is_attached: bool| -> Signal<StatusPage> {
        let part = Memo::new(move |_| {
            let mut page = page.get();
            attached.with(|attached| page.services.retain(|service| attached.contains(&service.id) == is_attached));
            page
        });
        part.into()
    };
    let (first, others) = (part(true), part(false));
    let has_others = Memo::new(move |_| others.with(|page| !page.services.is_empty()));
    let is_adding =
        untrack(|| others.with(|page| page.services.iter().any(|service| set.status_of(service.id).is_some())));
    // The search is for the others only.
    let set_of_first = Choices { search: RwSignal::default(), ..set };
    view! {
        <Sections
            page=first
            section=move |section| group(set_of_first, first, section)
            row=move |service| row(set_of_first, service)
        />
        <details class="fold mt-2 mb-0" open=is_adding hidden=move || !has_others.get()>
            <summary>"Add services"</summary>
            <AllServices set page=others />
        </details>
    }
}

/// Search field: hides the services whose names do not contain the text.
#[component]
fn Search(set: Choices, count: Memo<usize>) -> impl IntoView {
    let id = set.form.id_of("services-search");
    view! {
        <div class="when-alive mb-2" hidden=move || count.get() <= SEARCH_ABOVE>
            <label class="sr-only" for=id.clone()>
                "Find a service"
            </label>
            <input
                class="input"
                id=id
                type="search"
                autocomplete="off"
                placeholder="Find a service"
                on:input=move |event| set.search.set(event_target_value(&event).trim().to_lowercase())
                on:keydown=|event: KeyboardEvent| {
                    // Enter would submit the form.
                    if event.key() == "Enter" {
                        event.prevent_default();
                    }
                }
            />
        </div>
    }
}

fn group(set: Choices, page: Signal<StatusPage>, section: Section) -> AnyView {
    let Section { group, size, rows, .. } = section;
    let id = group.map(|group| group.with_untracked(|group| group.id));
    let is_left_out = Memo::new(move |_| {
        let of_group = |service: &&Service| service.group_id == id;
        size.get() == 0 || page.with(|page| !page.services.iter().filter(of_group).any(|service| set.is_found(service)))
    });
    view! {
        <div class="affected-group" hidden=is_left_out>
            {group
                .map(|group| {
                    view! {
                        <p class="meta" dir="auto">
                            {move || group.get().name}
                        </p>
                    }
                })}
            <ul>{rows}</ul>
        </div>
    }
    .into_any()
}

fn row(set: Choices, service: Signal<Service>) -> AnyView {
    let service_id = service.with_untracked(|service| service.id);
    let name = field_name(service_id);
    let id = set.form.id_of(&name);
    let status = Memo::new(move |_| set.status_of(service_id));
    let select = NodeRef::<html::Select>::new();
    sync_select(set, service_id, status, select);
    let note_id = format!("{id}-note");
    let remark = set.remark.map(|remark| {
        view! {
            <span class="meta" id=note_id.clone()>
                {move || remark.run(service_id)}
            </span>
        }
    });
    view! {
        <li class="affected-row" hidden=move || service.with(|service| !set.is_found(service))>
            <div>
                <label for=id.clone() dir="auto">
                    {move || service.get().name}
                </label>
                {remark}
            </div>
            <Show when=move || status.with(Option::is_some)>
                <StatusIcon status=Signal::derive(move || status.get().unwrap_or_default()) />
            </Show>
            <select
                class="input"
                id=id.clone()
                name=name
                autocomplete="off"
                aria-describedby=set.remark.map(|_| note_id)
                node_ref=select
                on:change=move |event| {
                    let select: HtmlSelectElement = event_target(&event);
                    set.choose(service_id, select.value().parse().ok());
                }
            >
                {options(set, status.get_untracked())}
            </select>
        </li>
    }
    .into_any()
}

/// The options, with `first` selected. For a maintenance its usual status comes first.
fn options(set: Choices, first: Option<ServiceStatus>) -> impl IntoView {
    let mut statuses = ServiceStatus::ALL.to_vec();
    if set.kind == IncidentKind::Maintenance {
        statuses.sort_by_key(|status| *status != ServiceStatus::UnderMaintenance);
    }
    let option = |status: ServiceStatus| {
        view! {
            <option value=status.as_str() selected=first == Some(status)>
                {status.label()}
            </option>
        }
    };
    view! {
        <option value="">{set.none}</option>
        {statuses.into_iter().map(option).collect_view()}
    }
}

/// Keeps the control in sync with the choice. A choice made before hydration counts (UI-46).
fn sync_select(set: Choices, id: ServiceId, status: Memo<Option<ServiceStatus>>, select: NodeRef<html::Select>) {
    Effect::new(move |is_alive: Option<bool>| {
        let status = status.get();
        let Some(select) = select.get() else { return false };
        if is_alive == Some(true) {
            select.set_value(status.map_or("", ServiceStatus::as_str));
        } else {
            set.choose(id, select.value().parse().ok());
        }
        true
    });
}

/// Restores the choices of a form that the server refused.
fn restore(form: Form, page: Signal<StatusPage>, chosen: RwSignal<Vec<ServiceImpact>>) {
    let ids: Vec<_> = page.with_untracked(|page| page.services.iter().map(|service| service.id).collect());
    let typed: Vec<_> = ids.iter().filter_map(|id| Some((*id, form.typed(&field_name(*id))?))).collect();
    if !typed.is_empty() {
        let impact = |(id, status): &(ServiceId, String)| Some(ServiceImpact { id: *id, status: status.parse().ok()? });
        chosen.set(typed.iter().filter_map(impact).collect());
    }
}

impl Choices {
    /// The status chosen for a service.
    fn status_of(self, id: ServiceId) -> Option<ServiceStatus> {
        self.chosen.with(|chosen| chosen.iter().find(|impact| impact.id == id).map(|impact| impact.status))
    }

    fn choose(self, id: ServiceId, status: Option<ServiceStatus>) {
        self.chosen.maybe_update(|chosen| {
            let before = chosen.iter().position(|impact| impact.id == id);
            match (before, status) {
                (Some(index), Some(status)) => std::mem::replace(&mut chosen[index].status, status) != status,
                (Some(index), None) => chosen.remove(index).id == id,
                (None, Some(status)) => {
                    chosen.push(ServiceImpact { id, status });
                    true
                }
                (None, None) => false,
            }
        });
    }

    fn is_found(self, service: &Service) -> bool {
        self.search.with(|search| search.is_empty() || service.name.to_lowercase().contains(search))
    }
}

/// The name of a service's field. The id has a prefix, as the form decoder reads a name in brackets that begins with a
/// digit as an index.
fn field_name(id: ServiceId) -> String {
    format!("services[of-{id}]")
}
