//! The forms about one service: its details, and its end.

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

/// Name, description and group.
#[component]
pub fn Details(
    /// Where changes show.
    board: DashboardState,
    /// The service.
    service: Signal<Service>,
) -> impl IntoView {
    let action = FormAction::<EditService>::new();
    let form = Form::new(action, "edit-service");
    let is_touched = RwSignal::new(form.is_typed());
    let now = move || service.with(words);
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
                <p>"It is called " <bdi>{move || now().name}</bdi> " now, and described as:"</p>
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

/// What the form is about.
#[derive(Clone, PartialEq)]
struct Words {
    name: String,
    description: String,
    group: String,
}

fn words(service: &Service) -> Words {
    Words {
        name: service.name.clone(),
        description: service.description.clone(),
        group: service.group_id.map(|id| id.to_string()).unwrap_or_default(),
    }
}

/// The way to delete a service: folded away, and asking for its name.
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
                <p>"Its history goes with it, and nobody can bring it back."</p>
                <Field
                    form
                    name="confirm"
                    label="Type what it is called to confirm"
                    hint=move || view! { <strong dir="auto">{move || service.get().name}</strong> }
                />
                <div class="actions">
                    <Submit form label="Delete service" busy="Deleting…" class="button button-danger" />
                </div>
            </ServerForm>
        </details>
    }
}
