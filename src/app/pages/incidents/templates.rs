//! Incident templates.

use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            each::Each,
            edit_basis::{EditBasis, EditHead},
            field::{Field, Select, TextArea},
            form::{Done, Form, FormHead, Submit},
            services_affected::ServicesAffected,
        },
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::{Resource, blocking_resource},
        server_fns::{self, DeleteTemplate, SaveTemplate},
        session::use_refusal,
    },
    model::{IncidentKind, IncidentStatus, Result, Template, TemplateId},
};

type TemplatesResource = Resource<Result<Vec<Template>>>;

/// The page that manages templates.
#[component]
pub fn TemplatesPage() -> impl IntoView {
    let answer: TemplatesResource = blocking_resource(|| (), |()| server_fns::templates());
    view! {
        <Page title="Templates" actions=actions>
            <WhenLoaded let:board>
                <Transition>
                    <TemplatesContent board answer />
                </Transition>
            </WhenLoaded>
        </Page>
    }
}

fn actions() -> impl IntoView {
    view! {
        <a class="button" href="/incidents">
            "All incidents"
        </a>
        <a class="button button-primary" href="/incidents/new">
            "New incident"
        </a>
    }
}

#[component]
fn TemplatesContent(board: DashboardState, answer: TemplatesResource) -> impl IntoView {
    let fault = Memo::new(move |_| answer.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <LoadError error /> }.into_any(),
        Some(None) => view! { <TemplateList board answer /> }.into_any(),
        None => ().into_any(),
    }
}

/// The templates, each with a collapsed edit form, and a form to add one.
#[component]
fn TemplateList(board: DashboardState, answer: TemplatesResource) -> impl IntoView {
    let templates = Memo::new(move |_| answer.get().and_then(Result::ok).unwrap_or_default());
    let ids = Memo::new(move |_| templates.with(|all| all.iter().map(|template| template.id).collect::<Vec<_>>()));
    let find =
        move |id: TemplateId| templates.with_untracked(|all| all.iter().find(|template| template.id == id).cloned());
    let is_empty = Memo::new(move |_| templates.with(Vec::is_empty));
    let row = move |id| find(id).map(|template| view! { <TemplateRow board answer templates template /> });
    view! {
        <p class="hint">
            "In the title and message, "<code>"{{services}}"</code>", "<code>"{{organization}}"</code>", "<code>"{{date}}"</code>
            " and "<code>"{{time}}"</code>" are filled in when you use the template. You can edit everything before you open the incident."
        </p>
        <p class="empty" hidden=move || !is_empty.get()>
            "No templates yet. Add one below for a problem you expect, such as a slow database or a provider outage."
        </p>
        <ul class="flex flex-col gap-2 not-empty:mt-4">
            <Each each=move || ids.get() key=|id| *id let:id>
                {row(id)}
            </Each>
        </ul>
        <section class="group">
            <h2>"New template"</h2>
            <TemplateForm board answer templates template=None />
        </section>
    }
}

#[component]
fn TemplateRow(
    board: DashboardState,
    answer: TemplatesResource,
    templates: Memo<Vec<Template>>,
    template: Template,
) -> impl IntoView {
    let id = template.id;
    let first = template.name.clone();
    let name = Memo::new(move |_| {
        templates.with(|all| all.iter().find(|template| template.id == id).map(|template| template.name.clone()))
    });
    let name = move || name.get().unwrap_or_else(|| first.clone());
    let is_refused = [SaveTemplate::url(), DeleteTemplate::url()]
        .iter()
        .any(|form| use_refusal(form, Some(&id.to_string())).is_some());
    view! {
        <li class="card">
            <details class="template" open=is_refused>
                <summary dir="auto">{name.clone()}</summary>
                <div class="grid justify-items-start gap-4 px-4 pt-1 pb-4">
                    <a class="button" href=format!("/incidents/new?template={id}")>
                        "Use this template"
                    </a>
                    <TemplateForm board answer templates template=Some(template) />
                    <DeleteTemplateForm answer id name=Signal::derive(name) />
                </div>
            </details>
        </li>
    }
}

/// The form of an existing or a new template.
#[component]
fn TemplateForm(
    board: DashboardState,
    answer: TemplatesResource,
    templates: Memo<Vec<Template>>,
    template: Option<Template>,
) -> impl IntoView {
    let action = FormAction::<SaveTemplate>::new();
    let id = template.as_ref().map(|template| template.id.to_string()).unwrap_or_default();
    let is_new = template.is_none();
    let form = Form::about(action, "template", &id);
    let form_head = form_head(form, action, answer, templates, template.clone());
    let chosen = RwSignal::new(template.as_ref().map(|template| template.services.clone()).unwrap_or_default());
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
            if is_new && form.reset_after_submit() {
                chosen.set(Vec::new());
            }
        }
    });
    let status = template.as_ref().map_or(IncidentStatus::Investigating, |template| template.status);
    let (name, title, message) =
        template.map(|template| (template.name, template.title, template.message)).unwrap_or_default();
    let statuses = IncidentStatus::INCIDENT.iter().filter(|status| !status.has_ended());
    let statuses: Vec<_> = statuses.map(|status| (status.to_string(), status.label().to_owned())).collect();
    let (label, busy) = if is_new { ("Add template", "Adding…") } else { ("Save template", "Saving…") };
    view! {
        <ServerForm form class="card stack w-full" novalidate=true>
            {form_head}
            <Field form name="name" label="Name" value=name hint=|| "Shown in the list of templates." />
            <Field form name="title" label="Title" value=title />
            <Select form name="status" label="Status" choices=Signal::stored(statuses) value=status.to_string() />
            <TextArea form name="message" label="Message" rows=4 value=message hint=|| "Supports Markdown." />
            <ServicesAffected form page=board.page() chosen kind=IncidentKind::Incident />
            <div class="actions">
                <Submit form label busy />
                <Done form text="Saved." />
            </div>
        </ServerForm>
    }
}

/// The head of the form; for an existing template with its version.
fn form_head(
    form: Form,
    action: FormAction<SaveTemplate>,
    answer: TemplatesResource,
    templates: Memo<Vec<Template>>,
    template: Option<Template>,
) -> AnyView {
    let Some(template) = template else {
        return view! {
            <FormHead form />
            <input type="hidden" name="id" value="" />
        }
        .into_any();
    };
    let id = template.id;
    let now = Memo::new(move |last: Option<&Template>| {
        let known = templates.with(|all| all.iter().find(|known| known.id == id).cloned());
        known.or_else(|| last.cloned()).unwrap_or_else(|| template.clone())
    });
    // The fields do not follow changes, so the basis stays the initial version until the form is saved.
    let basis = EditBasis::new(form, Signal::derive(move || now.with(|now| now.version)), true.into());
    basis.on_conflict(move || answer.refetch());
    Effect::new(move |_| {
        if let Some(Ok(saved)) = action.answer() {
            basis.rebase_on(saved.version);
        }
    });
    view! {
        <EditHead basis id=id.to_string() noun="template">
            <p>"It’s now called " <bdi>{move || now.get().name}</bdi> ", with this text:"</p>
            <p dir="auto">
                <strong>{move || now.get().title}</strong>
            </p>
            <p dir="auto">{move || now.get().message}</p>
        </EditHead>
    }
    .into_any()
}

#[component]
fn DeleteTemplateForm(answer: TemplatesResource, id: TemplateId, name: Signal<String>) -> impl IntoView {
    let action = FormAction::<DeleteTemplate>::new();
    let form = Form::about(action, "delete-template", id);
    Effect::new(move |_| {
        if form.is_done() {
            answer.refetch();
        }
    });
    view! {
        <ServerForm form class="actions">
            <FormHead form />
            <input type="hidden" name="id" value=id.to_string() />
            <Submit form label="Delete template" busy="Deleting…" class="button button-danger" />
            <p class="hint">"Incidents opened from " <bdi>{name}</bdi> " won’t change."</p>
        </ServerForm>
    }
}
