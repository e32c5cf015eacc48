//! Service groups: heading, renaming, deleting, adding.

use leptos::{prelude::*, server_fn::ServerFn, task::spawn_local};

use super::move_buttons::{MoveButtons, refocus};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            edit_basis::{EditBasis, EditHead},
            field::Field,
            form::{Done, Form, FormHead, Submit},
        },
        dashboard_state::DashboardState,
        server_fns::{self, DeleteGroup, MoveGroup, RenameGroup, move_group},
        session::use_refusal,
    },
    model::{GroupId, Placement, ServiceGroup, StatusPage},
};

/// A group's name with its controls.
#[component]
pub fn GroupHeading(
    /// Refreshed after changes.
    board: DashboardState,
    /// The group.
    group: Signal<ServiceGroup>,
    /// Its number of services.
    size: Signal<usize>,
) -> impl IntoView {
    let page = board.page();
    let id = group.with_untracked(|group| group.id);
    let name = Memo::new(move |_| group.with(|group| group.name.clone()));
    let ends = Memo::new(move |_| page.with(|page| ends(page, id)));
    let is_refused =
        [RenameGroup::url(), DeleteGroup::url()].iter().any(|form| use_refusal(form, Some(&id.to_string())).is_some());
    let on_move = Callback::new(move |direction: Placement| {
        let work = move_group(id.to_string(), direction);
        board.change(work, move || refocus(&id.to_string(), direction));
    });
    view! {
        <div class="group-head">
            <h2 dir="auto">{name}</h2>
            <MoveButtons action=MoveGroup::url() id=id.to_string() name ends on_move />
        </div>
        <details class="fold" open=is_refused>
            <summary>"Rename or delete "<span class="sr-only">{name}</span></summary>
            <div class="card stack">
                <RenameGroupForm board group />
                <DeleteGroupForm board id size />
            </div>
        </details>
    }
}

#[component]
fn RenameGroupForm(board: DashboardState, group: Signal<ServiceGroup>) -> impl IntoView {
    let id = group.with_untracked(|group| group.id);
    let action = FormAction::<RenameGroup>::new();
    let form = Form::about(action, "rename-group", id);
    let is_touched = RwSignal::new(form.is_typed());
    let now = move || group.with(|group| group.name.clone());
    let version = Signal::derive(move || group.with(|group| group.version));
    let (basis, name) = EditBasis::with_initial(form, is_touched, version, now);
    basis.on_conflict(move || spawn_local(board.refresh()));
    refresh_when_done(board, form);
    Effect::new(move |_| {
        if form.is_done() {
            is_touched.set(false);
        }
    });
    view! {
        <ServerForm
            form
            class="fields"
            novalidate=true
            on:input=move |_| is_touched.set(true)
        >
            <EditHead basis id=id.to_string() noun="group">
                <p>"It’s now called " <bdi>{now}</bdi> "."</p>
            </EditHead>
            <Field form name="name" label="Heading" value=name />
            <Submit form label="Rename" busy="Renaming…" class="button" />
            <Done form text="Renamed." />
        </ServerForm>
    }
}

/// The form that deletes a group; its services become ungrouped, so it asks for no confirmation.
#[component]
fn DeleteGroupForm(board: DashboardState, id: GroupId, size: Signal<usize>) -> impl IntoView {
    let action = FormAction::<DeleteGroup>::new();
    let form = Form::about(action, "delete-group", id);
    refresh_when_done(board, form);
    let consequence = move || match size.get() {
        0 => "This group has no services.".to_owned(),
        1 => "The service in it will be ungrouped.".to_owned(),
        size => format!("The {size} services in it will be ungrouped."),
    };
    view! {
        <ServerForm form class="fields">
            <FormHead form />
            <input type="hidden" name="id" value=id.to_string() />
            <p class="hint">{consequence}</p>
            <Submit form label="Delete group" busy="Deleting…" class="button button-danger" />
        </ServerForm>
    }
}

/// The form that adds a group.
#[component]
pub fn AddGroup(
    /// Refreshed with the new group.
    board: DashboardState,
) -> impl IntoView {
    let action = FormAction::<server_fns::AddGroup>::new();
    let form = Form::new(action, "add-group");
    refresh_when_done(board, form);
    Effect::new(move |_| {
        if form.is_done() {
            form.reset_after_submit();
        }
    });
    view! {
        <section class="group">
            <h2>"Groups"</h2>
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form />
                <div class="fields">
                    <Field form name="name" label="Heading" hint=|| "Shown above a group’s services, for example “Core platform”." />
                    <Submit form label="Add group" busy="Adding…" class="button" />
                </div>
                <Done form text="Added." />
            </ServerForm>
        </section>
    }
}

fn refresh_when_done(board: DashboardState, form: Form) {
    Effect::new(move |_| {
        if form.is_done() {
            spawn_local(board.refresh());
        }
    });
}

/// Whether a group is the first and the last of the page.
fn ends(page: &StatusPage, id: GroupId) -> (bool, bool) {
    let is = |group: Option<&ServiceGroup>| group.is_some_and(|group| group.id == id);
    (is(page.groups.first()), is(page.groups.last()))
}
