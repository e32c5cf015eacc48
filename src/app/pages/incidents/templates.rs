//! Templates: texts to open incidents with, written on a calm day.

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
        dashboard_state::{DashboardState, Trouble, WhenLoaded},
        pages::layout::page::Page,
        server_fns::{self, DeleteTemplate, SaveTemplate},
        session::use_refusal,
    },
    model::{IncidentKind, IncidentStatus, Result, Template, TemplateId},
};

/// The templates, as the server answers.
type Answer = Resource<Result<Vec<Template>>>;

/// Where templates are kept.
#[component]
pub fn TemplatesPage() -> impl IntoView {
    let answer: Answer = Resource::new_blocking(|| (), |()| server_fns::templates());
    view! {
        <Page title="Templates" actions=actions>
            <WhenLoaded let:board>
                <Transition>
                    <Content board answer />
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
fn Content(board: DashboardState, answer: Answer) -> impl IntoView {
    let fault = Memo::new(move |_| answer.get().map(Result::err));
    move || match fault.get() {
        Some(Some(error)) => view! { <Trouble error /> }.into_any(),
        Some(None) => view! { <List board answer /> }.into_any(),
        None => ().into_any(),
    }
}

/// The templates, each folded away in its own form, and one to add another.
#[component]
fn List(board: DashboardState, answer: Answer) -> impl IntoView {
    let templates = Memo::new(move |_| answer.get().and_then(Result::ok).unwrap_or_default());
    let ids = Memo::new(move |_| templates.with(|all| all.iter().map(|template| template.id).collect::<Vec<_>>()));
    let find =
        move |id: TemplateId| templates.with_untracked(|all| all.iter().find(|template| template.id == id).cloned());
    let is_empty = Memo::new(move |_| templates.with(Vec::is_empty));
    let row = move |id| find(id).map(|template| view! { <Row board answer templates template /> });
    view! {
        <p class="hint">
            "In title and message, "<code>"{{services}}"</code>", "<code>"{{organization}}"</code>", "<code>"{{date}}"</code>
            " and "<code>"{{time}}"</code>" are filled in when an incident is opened from the template; you can change everything before it is sent."
        </p>
        <p class="empty" hidden=move || !is_empty.get()>
            "No templates yet. Write one below for what you expect to go wrong, such as a slow database or a failing supplier."
        </p>
        <ul class="flex flex-col gap-2 not-empty:mt-4">
            <Each each=move || ids.get() key=|id| *id let:id>
                {row(id)}
            </Each>
        </ul>
        <section class="group">
            <h2>"New template"</h2>
            <Editor board answer templates template=None />
        </section>
    }
}

#[component]
fn Row(board: DashboardState, answer: Answer, templates: Memo<Vec<Template>>, template: Template) -> impl IntoView {
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
                    <Editor board answer templates template=Some(template) />
                    <Delete answer id name=Signal::derive(name) />
                </div>
            </details>
        </li>
    }
}

/// The form of one template, or of a new one.
#[component]
fn Editor(
    board: DashboardState,
    answer: Answer,
    templates: Memo<Vec<Template>>,
    template: Option<Template>,
) -> impl IntoView {
    let action = FormAction::<SaveTemplate>::new();
    let id = template.as_ref().map(|template| template.id.to_string()).unwrap_or_default();
    let is_new = template.is_none();
    let form = Form::about(action, "template", &id);
    let head = head(form, action, answer, templates, template.clone());
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
            {head}
            <Field form name="name" label="Name" value=name hint=|| "What it is called in the list of templates." />
            <Field form name="title" label="Title" value=title />
            <Select form name="status" label="Status" choices=Signal::stored(statuses) value=status.to_string() />
            <TextArea form name="message" label="Message" rows=4 value=message hint=|| "Markdown." />
            <ServicesAffected form page=board.page() chosen kind=IncidentKind::Incident />
            <div class="actions">
                <Submit form label busy />
                <Done form text="Saved." />
            </div>
        </ServerForm>
    }
}

/// What the form begins with: of a template that is there, its version too.
fn head(
    form: Form,
    action: FormAction<SaveTemplate>,
    answer: Answer,
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
    // What it shows follows nothing, so it stands on what it began with until it is saved.
    let basis = EditBasis::new(form, Signal::derive(move || now.with(|now| now.version)), true.into());
    basis.on_conflict(move || answer.refetch());
    Effect::new(move |_| {
        if let Some(Ok(saved)) = action.answer() {
            basis.rebase_on(saved.version);
        }
    });
    view! {
        <EditHead basis id=id.to_string() noun="template">
            <p>"It is called " <bdi>{move || now.get().name}</bdi> " now, and says:"</p>
            <p dir="auto">
                <strong>{move || now.get().title}</strong>
            </p>
            <p dir="auto">{move || now.get().message}</p>
        </EditHead>
    }
    .into_any()
}

#[component]
fn Delete(answer: Answer, id: TemplateId, name: Signal<String>) -> impl IntoView {
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
            <p class="hint">"Incidents opened from " <bdi>{name}</bdi> " stay as they are."</p>
        </ServerForm>
    }
}
