//! The forms that edit and delete a service.

use leptos::{prelude::*, task::spawn_local};

use super::list::group_choices;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            edit_basis::{EditBasis, EditHead},
            field::{Field, Select, TextArea},
            form::{Done, Form, FormHead, Submit},
        },
        dashboard_state::DashboardState,
        server_fns::{self, EditService},
    },
    model::Service,
};

/// The form for name, description and group.
#[component]
pub fn ServiceDetails(
    /// Updated with the answer.
    board: DashboardState,
    /// The service.
    service: Signal<Service>,
) -> impl IntoView {
    let action = FormAction::<EditService>::new();
    let form = Form::new(action, "edit-service");
    let is_touched = RwSignal::new(form.is_typed());
    let now = move || service.with(service_fields);
    let version = Signal::derive(move || service.with(|service| service.version));
    let (basis, first) = EditBasis::with_initial(form, is_touched, version, now);
    basis.on_conflict(move || spawn_local(board.refresh()));
    Effect::new(move |_| {
        if let Some(Ok(service)) = action.answer() {
            basis.rebase_on(service.version);
            board.put_known(service);
            form.clear();
            is_touched.set(false);
        }
    });
    let id = service.with_untracked(|service| service.id);
    let description = Memo::new(move |_| first.get().description);
    view! {
        <ServerForm
            form
            class="card stack"
            novalidate=true
            on:input=move |_| is_touched.set(true)
        >
            <EditHead basis id=id.to_string() noun="service">
                <p>"It’s now called " <bdi>{move || now().name}</bdi> ", with this description:"</p>
                <p dir="auto">{move || now().description}</p>
            </EditHead>
            <Field form name="name" label="Name" value=Signal::derive(move || first.get().name) />
            {move || {
                view! {
                    <TextArea
                        form
                        name="description"
                        label="Description"
                        value=description.get()
                        hint=|| "Shown under the name on your page."
                    />
                }
            }}
            <Select
                form
                name="group_id"
                label="Group"
                choices=group_choices(board.page())
                value=Memo::new(move |_| first.get().group)
            />
            <div class="actions">
                <Submit form label="Save" busy="Saving…" />
                <Done form text="Saved." />
            </div>
        </ServerForm>
    }
}

/// The fields of the form.
#[derive(Clone, PartialEq)]
struct ServiceFields {
    name: String,
    description: String,
    group: String,
}

fn service_fields(service: &Service) -> ServiceFields {
    ServiceFields {
        name: service.name.clone(),
        description: service.description.clone(),
        group: service.group_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// The collapsed form that deletes a service; its name must be typed to confirm.
#[component]
pub fn DeleteService(
    /// The service.
    service: Signal<Service>,
) -> impl IntoView {
    let action = FormAction::<server_fns::DeleteService>::new();
    let form = Form::new(action, "delete-service");
    let id = service.with_untracked(|service| service.id);
    let is_refused = form.typed("confirm").is_some();
    view! {
        <details class="fold" open=is_refused>
            <summary>"Delete this service"</summary>
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form />
                <input type="hidden" name="id" value=id.to_string() />
                <p>"This also deletes its history and can’t be undone."</p>
                <Field
                    form
                    name="confirm"
                    label="Type the service name to confirm"
                    hint=move || view! { <strong dir="auto">{move || service.get().name}</strong> }
                />
                <div class="actions">
                    <Submit form label="Delete service" busy="Deleting…" class="button button-danger" />
                </div>
            </ServerForm>
        </details>
    }
}
