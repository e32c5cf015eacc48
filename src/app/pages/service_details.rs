//! The forms about one service: its details, and its end.

use leptos::{form::ActionForm, prelude::*};

use super::services::group_choices;
use crate::{
    app::{
        board::Board,
        components::{
            field::{Field, Select, TextArea},
            form::{Done, Form, FormHead, Submit},
        },
        server_fns::{self, EditService},
    },
    model::Service,
};

/// Name, description and group.
#[component]
pub fn Details(
    /// Where changes show.
    board: Board,
    /// The service.
    service: Signal<Service>,
) -> impl IntoView {
    let action = ServerAction::<EditService>::new();
    let form = Form::new(action, "edit-service");
    let answer = action.value();
    Effect::new(move |_| {
        if let Some(Ok(service)) = answer.get() {
            board.put_known(service);
        }
    });
    let group =
        Memo::new(move |_| service.with(|service| service.group_id.map(|id| id.to_string()).unwrap_or_default()));
    let (id, description) = service.with_untracked(|service| (service.id, service.description.clone()));
    view! {
        <ActionForm action node_ref=form.node attr:class="card stack" attr:novalidate=true>
            <FormHead form />
            <input type="hidden" name="id" value=id.to_string() />
            <Field form name="name" label="Name" value=Signal::derive(move || service.get().name) />
            <TextArea form name="description" label="Description" value=description hint=|| "Shown under the name on your page." />
            <Select form name="group_id" label="Group" choices=group_choices(board.page()) value=group />
            <div class="actions">
                <Submit form label="Save" busy="Saving…" />
                <Done form text="Saved." />
            </div>
        </ActionForm>
    }
}

/// The way to delete a service: folded away, and asking for its name.
#[component]
pub fn DeleteService(
    /// The service.
    service: Signal<Service>,
) -> impl IntoView {
    let action = ServerAction::<server_fns::DeleteService>::new();
    let form = Form::new(action, "delete-service");
    let id = service.with_untracked(|service| service.id);
    let is_refused = form.typed("confirm").is_some();
    view! {
        <details class="fold" open=is_refused>
            <summary>"Delete this service"</summary>
            <ActionForm action node_ref=form.node attr:class="card stack" attr:novalidate=true>
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
            </ActionForm>
        </details>
    }
}
