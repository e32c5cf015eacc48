//! The form that opens an incident, with its consequences beside it.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::consequences::{Consequences, Draft};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field, Select, TextArea},
            form::{Form, FormHead, Submit},
            services_affected::ServicesAffected,
        },
        dashboard_state::{DashboardState, Trouble, WhenLoaded},
        pages::layout::page::Page,
        server_fns::{OpenIncident, filled_template, form_key, templates},
    },
    model::{Impact, IncidentKind, IncidentStatus, Result, Template},
};

/// The steps an incident can begin with.
const FIRST: &[IncidentStatus] =
    &[IncidentStatus::Investigating, IncidentStatus::Identified, IncidentStatus::Monitoring];

/// What the form needs from the server: its key, the templates, and the one chosen in the address.
type Beginning = Result<(String, Vec<Template>, Option<Template>)>;

/// Where an incident is opened.
#[component]
pub fn NewIncident() -> impl IntoView {
    let query = use_query_map();
    let template = Memo::new(move |_| query.read().get("template").unwrap_or_default());
    let beginning = Resource::new_blocking(move || template.get(), begin);
    let content = move |board: DashboardState| {
        view! {
            <Transition>
                {move || {
                    beginning
                        .get()
                        .map(|answer| match answer {
                            Ok((key, templates, filled)) => {
                                view! {
                                    <TemplateChoice templates chosen=template.get_untracked() />
                                    <Content board key filled />
                                }
                                    .into_any()
                            }
                            Err(error) => view! { <Trouble error /> }.into_any(),
                        })
                }}
            </Transition>
        }
    };
    view! {
        <Page title="New incident" actions=other_ways>
            <WhenLoaded let:board>{content(board)}</WhenLoaded>
        </Page>
    }
}

async fn begin(template: String) -> Beginning {
    Ok((form_key().await?, templates().await?, filled_template(template).await?))
}

fn other_ways() -> impl IntoView {
    view! {
        <a class="button" href="/incidents/past">
            "Add past incident"
        </a>
    }
}

/// The templates to begin with. Choosing takes a press of the button, so that looking through them changes nothing.
#[component]
fn TemplateChoice(templates: Vec<Template>, chosen: String) -> impl IntoView {
    if templates.is_empty() {
        return view! {
            <p class="hint template-choice">
                "No templates yet. " <a href="/incidents/templates">"Create a template"</a> " to open your next incident faster."
            </p>
        }
        .into_any();
    }
    let option = |template: Template| {
        let id = template.id.to_string();
        let is_chosen = id == chosen;
        view! {
            <option value=id selected=is_chosen>
                {template.name}
            </option>
        }
    };
    let options = templates.into_iter().map(option).collect_view();
    view! {
        <form class="template-choice" method="get" action="/incidents/new">
            <label for="template">"Template"</label>
            <select class="input" id="template" name="template" autocomplete="off">
                <option value="">"None"</option>
                {options}
            </select>
            <button type="submit" class="button">
                "Use"
                <span class="sr-only">" template"</span>
            </button>
            <a href="/incidents/templates">"Edit templates"</a>
        </form>
    }
    .into_any()
}

#[component]
fn Content(board: DashboardState, key: String, filled: Option<Template>) -> impl IntoView {
    let action = FormAction::<OpenIncident>::new();
    let form = Form::new(action, "open-incident");
    let status = filled.as_ref().map_or(IncidentStatus::Investigating, |template| template.status);
    let draft = Draft::new(status);
    let (title, message, services) =
        filled.map(|template| (template.title, template.message, template.services)).unwrap_or_default();
    draft.services.set(services);
    let statuses = FIRST.iter().map(|status| (status.to_string(), status.label().to_owned())).collect::<Vec<_>>();
    view! {
        <div class="compose">
            <div on:keydown=move |event| form.send_by_keys(&event)>
                <ServerForm form class="card stack" novalidate=true>
                    <FormHead form />
                    <input type="hidden" name="key" value=key />
                    <Field form name="title" label="Title" is_first=true value=title on_input=move |title: String| draft.title.set(title) />
                    <div class="pair">
                        <Select
                            form
                            name="status"
                            label="Status"
                            choices=Signal::stored(statuses)
                            value=status.to_string()
                            on_change=move |status: String| draft.status.set(status.parse().unwrap_or(IncidentStatus::Investigating))
                        />
                        <Select
                            form
                            name="impact"
                            label="Impact"
                            choices=Signal::stored(impacts())
                            hint=|| "“Automatic” derives it from the services."
                            on_change=move |impact: String| draft.impact.set(impact.parse().ok())
                        />
                    </div>
                    <Message form draft value=message />
                    <ServicesAffected form page=board.page() chosen=draft.services kind=IncidentKind::Incident />
                    <input type="hidden" name="notify" value="on" />
                    <div class="ticks">
                        <Checkbox form name="is_draft" label="Save as draft" hint=|| "Only members see it until it’s published." />
                    </div>
                    <div class="actions">
                        <Submit form label="Open incident" busy="Opening…" />
                        <p class="meta when-alive">"Or press Ctrl/⌘ + Enter."</p>
                    </div>
                </ServerForm>
            </div>
            <Consequences board draft />
        </div>
    }
}

/// The first message. While it is empty, the usual sentence of the status stands in for it.
#[component]
pub fn Message(
    /// The form it stands in.
    form: Form,
    /// Told of what is typed.
    draft: Draft,
    /// What it holds until somebody types.
    #[prop(optional)]
    value: String,
) -> impl IntoView {
    view! {
        <TextArea
            form
            name="message"
            label="Message"
            rows=4
            value
            placeholder=Signal::derive(move || Some(draft.status.get().default_text().to_owned()))
            hint=|| "Supports Markdown. If empty, the text shown is used."
            on_input=move |message: String| draft.message.set(message)
        />
    }
}

/// The impacts to choose from.
pub fn impacts() -> Vec<(String, String)> {
    let automatic = (String::new(), "Automatic".to_owned());
    let chosen = [Impact::None, Impact::Minor, Impact::Major, Impact::Critical];
    std::iter::once(automatic).chain(chosen.map(|impact| (impact.to_string(), impact.label().to_owned()))).collect()
}
