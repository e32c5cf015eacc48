//! The list of services and groups: adding, ordering, and links to the services.

use leptos::{prelude::*, server_fn::ServerFn};

use super::{
    groups::{AddGroup, GroupHeading},
    move_buttons::{MoveButtons, refocus},
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Field, Select},
            form::{Done, Form, FormHead, Submit},
            sections::{Section, Sections},
            status::StatusBadge,
        },
        dashboard_state::{DashboardState, WhenLoaded},
        pages::layout::page::Page,
        server_fns::{AddService, MoveService, move_service},
    },
    model::{Placement, Service, ServiceId, StatusPage},
};

/// The page that manages services and groups.
#[component]
pub fn ServicesPage() -> impl IntoView {
    view! {
        <Page title="Services">
            <WhenLoaded let:board>
                <ServiceListContent board />
            </WhenLoaded>
        </Page>
    }
}

#[component]
fn ServiceListContent(board: DashboardState) -> impl IntoView {
    let page = board.page();
    let is_empty = Memo::new(move |_| page.with(|page| page.services.is_empty()));
    view! {
        <AddServiceForm board />
        <p class="empty" hidden=move || !is_empty.get()>
            "No services yet. Add one above: something your users depend on, such as an API or a website."
        </p>
        <Sections page section=move |section| group(board, section) row=move |service| row(board, service) />
        <AddGroup board />
    }
}

/// The form that adds a service.
#[component]
fn AddServiceForm(board: DashboardState) -> impl IntoView {
    let action = FormAction::<AddService>::new();
    let form = Form::new(action, "add-service");
    Effect::new(move |_| {
        if let Some(Ok(service)) = action.answer() {
            board.put(service);
            form.reset_after_submit();
        }
    });
    view! {
        <ServerForm form class="card stack" novalidate=true>
            <FormHead form />
            <div class="fields">
                <Field form name="name" label="Name" />
                <Field form name="description" label="Description" optional=true />
                <Select form name="group_id" label="Group" choices=group_choices(board.page()) />
                <Submit form label="Add service" busy="Adding…" />
            </div>
            <Done form text="Added." />
        </ServerForm>
    }
}

/// The choices of a service's group, `No group` first.
pub fn group_choices(page: Signal<StatusPage>) -> Signal<Vec<(String, String)>> {
    Memo::new(move |_| {
        let none = (String::new(), "No group".to_owned());
        let groups = page.with(|page| {
            page.groups.iter().map(|group| (group.id.to_string(), group.name.clone())).collect::<Vec<_>>()
        });
        std::iter::once(none).chain(groups).collect()
    })
    .into()
}

fn group(board: DashboardState, section: Section) -> AnyView {
    let Section { group, size, rows, .. } = section;
    view! {
        <section class="group">
            {match group {
                Some(group) => view! { <GroupHeading board group size /> }.into_any(),
                None => view! { <h2>"Ungrouped"</h2> }.into_any(),
            }}
            <ul class="card rows" hidden=move || size.get() == 0>
                {rows}
            </ul>
            <p class="hint" hidden=move || size.get() != 0>
                "No services in this group. Visitors don’t see it."
            </p>
        </section>
    }
    .into_any()
}

fn row(board: DashboardState, service: Signal<Service>) -> AnyView {
    let page = board.page();
    let id = service.with_untracked(|service| service.id);
    let ends = Memo::new(move |_| page.with(|page| ends(page, id)));
    let on_move = Callback::new(move |direction: Placement| {
        let work = move_service(id.to_string(), direction);
        board.change(work, move || refocus(&id.to_string(), direction));
    });
    view! {
        <li class="row">
            <div class="row-name">
                <a href=format!("/services/{id}") dir="auto">
                    {move || service.get().name}
                </a>
                <p class="hint" dir="auto" hidden=move || service.with(|service| service.description.is_empty())>
                    {move || service.get().description}
                </p>
            </div>
            <StatusBadge status=Signal::derive(move || service.get().status) />
            <div class="row-actions">
                <MoveButtons
                    action=MoveService::url()
                    id=id.to_string()
                    name=Signal::derive(move || service.get().name)
                    ends
                    on_move
                />
                <a class="button" href=format!("/services/{id}")>
                    "Edit"
                    <span class="sr-only">" "{move || service.get().name}</span>
                </a>
            </div>
        </li>
    }
    .into_any()
}

/// Whether a service is the first and the last of its section.
fn ends(page: &StatusPage, id: ServiceId) -> (bool, bool) {
    let sections = page.sections();
    let section = sections.iter().find(|(_, services)| services.iter().any(|service| service.id == id));
    let is = |service: Option<&&Service>| service.is_some_and(|service| service.id == id);
    section.map_or((true, true), |(_, services)| (is(services.first()), is(services.last())))
}
