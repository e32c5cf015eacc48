//! The form that opens an incident, with a preview of the public page.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::preview::{IncidentFormState, IncidentPreview};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field, Select, TextArea},
            form::{Form, FormHead, Submit},
            services_affected::ServicesAffected,
        },
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::blocking_resource,
        server_fns::{OpenIncident, filled_template, form_key, templates},
    },
    model::{Impact, IncidentKind, IncidentStatus, Result, Template},
};

/// Statuses an incident can be opened with.
const INITIAL_STATUSES: &[IncidentStatus] =
    &[IncidentStatus::Investigating, IncidentStatus::Identified, IncidentStatus::Monitoring];

/// The form's idempotency key, the templates, and the template chosen in the URL.
type NewIncidentData = Result<(String, Vec<Template>, Option<Template>)>;

/// The page that opens an incident.
#[component]
pub fn NewIncident() -> impl IntoView {
    let query = use_query_map();
    let template = Memo::new(move |_| query.read().get("template").unwrap_or_default());
    let data = blocking_resource(move || template.get(), load);
    let content = move |board: DashboardState| {
        view! {
            <Transition>
                {move || {
                    data
                        .get()
                        .map(|answer| match answer {
                            Ok((key, templates, filled)) => {
                                view! {
                                    <TemplateChoice templates chosen=template.get_untracked() />
                                    <NewIncidentForm board key filled />
                                }
                                    .into_any()
                            }
                            Err(error) => view! { <LoadError error /> }.into_any(),
                        })
                }}
            </Transition>
        }
    };
    view! {
        <Page title="New incident" actions=actions>
            <WhenLoaded let:board>{content(board)}</WhenLoaded>
        </Page>
    }
}

async fn load(template: String) -> NewIncidentData {
    Ok((form_key().await?, templates().await?, filled_template(template).await?))
}

fn actions() -> impl IntoView {
    view! {
        <a class="button" href="/incidents/past">
            "Add past incident"
        </a>
    }
}

/// The choice of a template. It takes effect with the button, so that browsing the options changes nothing.
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
fn NewIncidentForm(board: DashboardState, key: String, filled: Option<Template>) -> impl IntoView {
    let action = FormAction::<OpenIncident>::new();
    let form = Form::new(action, "open-incident");
    let status = filled.as_ref().map_or(IncidentStatus::Investigating, |template| template.status);
    let state = IncidentFormState::new(status);
    let (title, message, services) =
        filled.map(|template| (template.title, template.message, template.services)).unwrap_or_default();
    state.services.set(services);
    let statuses =
        INITIAL_STATUSES.iter().map(|status| (status.to_string(), status.label().to_owned())).collect::<Vec<_>>();
    view! {
        <div class="compose">
            <div on:keydown=move |event| form.send_by_keys(&event)>
                <ServerForm form class="card stack" novalidate=true>
                    <FormHead form />
                    <input type="hidden" name="key" value=key />
                    <Field form name="title" label="Title" is_first=true value=title on_input=move |title: String| state.title.set(title) />
                    <div class="pair">
                        <Select
                            form
                            name="status"
                            label="Status"
                            choices=Signal::stored(statuses)
                            value=status.to_string()
                            on_change=move |status: String| state.status.set(status.parse().unwrap_or(IncidentStatus::Investigating))
                        />
                        <Select
                            form
                            name="impact"
                            label="Impact"
                            choices=Signal::stored(impact_choices())
                            hint=|| "“Automatic” derives it from the services."
                            on_change=move |impact: String| state.impact.set(impact.parse().ok())
                        />
                    </div>
                    <MessageField form state value=message />
                    <ServicesAffected form page=board.page() chosen=state.services kind=IncidentKind::Incident />
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
            <IncidentPreview board state />
        </div>
    }
}

/// The message field. Its placeholder is the status's default text, which is used if the message is empty.
#[component]
pub fn MessageField(
    /// The form.
    form: Form,
    /// Receives what is typed.
    state: IncidentFormState,
    /// The initial text.
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
            placeholder=Signal::derive(move || Some(state.status.get().default_text().to_owned()))
            hint=|| "Supports Markdown. If empty, the text shown is used."
            on_input=move |message: String| state.message.set(message)
        />
    }
}

/// The choices of an impact, `Automatic` first.
pub fn impact_choices() -> Vec<(String, String)> {
    let automatic = (String::new(), "Automatic".to_owned());
    let chosen = [Impact::None, Impact::Minor, Impact::Major, Impact::Critical];
    std::iter::once(automatic).chain(chosen.map(|impact| (impact.to_string(), impact.label().to_owned()))).collect()
}
