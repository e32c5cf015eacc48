//! The services an incident or a maintenance affects: one native choice of a status for each, under their headings.

use leptos::{html, prelude::*};
use web_sys::{HtmlSelectElement, KeyboardEvent};

use super::{
    form::Form,
    sections::{Section, Sections},
    status::StatusIcon,
};
use crate::model::{IncidentKind, Service, ServiceId, ServiceImpact, ServiceStatus, StatusPage};

/// With more services than this, one can look for them by name.
const MANY: usize = 12;

/// What every row of one set knows.
#[derive(Clone, Copy)]
struct Choices {
    form: Form,
    chosen: RwSignal<Vec<ServiceImpact>>,
    kind: IncidentKind,
    none: &'static str,
    remark: Option<Callback<ServiceId, String>>,
    search: RwSignal<String>,
}

/// A set named `Services affected` of choices `services[of-{id}]`, each named as its service. Stands where the page is
/// loaded already.
#[component]
pub fn ServicesAffected(
    /// The form it stands in.
    form: Form,
    /// The services there are.
    page: Signal<StatusPage>,
    /// What is chosen: at first what it holds, unless the form was refused with something else; then what somebody
    /// chooses. Setting it sets the choices.
    chosen: RwSignal<Vec<ServiceImpact>>,
    /// Whether something is wrong or work is planned, which has its own usual status.
    kind: IncidentKind,
    /// What choosing nothing means.
    #[prop(default = "Not affected")]
    none: &'static str,
    /// What to say of a service beside its name; nothing where it is empty.
    #[prop(optional, into)]
    remark: Option<Callback<ServiceId, String>>,
    /// The services that are affected already: they stand first, the others folded away under `Add services`.
    #[prop(optional, into)]
    attached: Option<Signal<Vec<ServiceId>>>,
) -> impl IntoView {
    restore(form, page, chosen);
    let set = Choices { form, chosen, kind, none, remark, search: RwSignal::default() };
    let count = Memo::new(move |_| page.with(|page| page.services.len()));
    let choices = match attached {
        None => view! { <All set page /> }.into_any(),
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
                "There are no services yet. An incident can be told of without them."
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

/// Every service of a page, and the field to find one among many.
#[component]
fn All(set: Choices, page: Signal<StatusPage>) -> impl IntoView {
    view! {
        <Search set count=Memo::new(move |_| page.with(|page| page.services.len())) />
        <Sections page section=move |section| group(set, page, section) row=move |service| row(set, service) />
    }
}

/// The services that are affected already, and the others folded away.
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
    let is_adding = untrack(|| others.with(|page| page.services.iter().any(|service| set.said(service.id).is_some())));
    // What is looked for is among the others.
    let set_of_first = Choices { search: RwSignal::default(), ..set };
    view! {
        <Sections
            page=first
            section=move |section| group(set_of_first, first, section)
            row=move |service| row(set_of_first, service)
        />
        <details class="fold affected-others" open=is_adding hidden=move || !has_others.get()>
            <summary>"Add services"</summary>
            <All set page=others />
        </details>
    }
}

/// The field that leaves only services with what is typed in their names.
#[component]
fn Search(set: Choices, count: Memo<usize>) -> impl IntoView {
    let id = set.form.id_of("services-search");
    view! {
        <div class="affected-search when-alive" hidden=move || count.get() <= MANY>
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
                    // It would send the form.
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
    let said = Memo::new(move |_| set.said(service_id));
    let select = NodeRef::<html::Select>::new();
    keep_in_step(set, service_id, said, select);
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
            <Show when=move || said.with(Option::is_some)>
                <StatusIcon status=Signal::derive(move || said.get().unwrap_or_default()) />
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
                    set.say(service_id, select.value().parse().ok());
                }
            >
                {options(set, said.get_untracked())}
            </select>
        </li>
    }
    .into_any()
}

/// The choices, with the first one marked. The usual status of a maintenance stands first among them.
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

/// Lets the control follow what is chosen. A choice made before the client ran is not lost: it counts now.
fn keep_in_step(set: Choices, id: ServiceId, said: Memo<Option<ServiceStatus>>, select: NodeRef<html::Select>) {
    Effect::new(move |is_alive: Option<bool>| {
        let said = said.get();
        let Some(select) = select.get() else { return false };
        if is_alive == Some(true) {
            select.set_value(said.map_or("", ServiceStatus::as_str));
        } else {
            set.say(id, select.value().parse().ok());
        }
        true
    });
}

/// Takes up what was chosen in the form that the server refused.
fn restore(form: Form, page: Signal<StatusPage>, chosen: RwSignal<Vec<ServiceImpact>>) {
    let ids: Vec<_> = page.with_untracked(|page| page.services.iter().map(|service| service.id).collect());
    let typed: Vec<_> = ids.iter().filter_map(|id| Some((*id, form.typed(&field_name(*id))?))).collect();
    if !typed.is_empty() {
        let impact = |(id, status): &(ServiceId, String)| Some(ServiceImpact { id: *id, status: status.parse().ok()? });
        chosen.set(typed.iter().filter_map(impact).collect());
    }
}

impl Choices {
    /// What is chosen for a service.
    fn said(self, id: ServiceId) -> Option<ServiceStatus> {
        self.chosen.with(|chosen| chosen.iter().find(|said| said.id == id).map(|said| said.status))
    }

    fn say(self, id: ServiceId, status: Option<ServiceStatus>) {
        self.chosen.maybe_update(|chosen| {
            let before = chosen.iter().position(|said| said.id == id);
            match (before, status) {
                (Some(place), Some(status)) => std::mem::replace(&mut chosen[place].status, status) != status,
                (Some(place), None) => chosen.remove(place).id == id,
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

/// The name of a service's field. A word stands before the id, because a form's decoder takes a name in brackets that
/// begins with a digit for a place in a list.
fn field_name(id: ServiceId) -> String {
    format!("services[of-{id}]")
}
