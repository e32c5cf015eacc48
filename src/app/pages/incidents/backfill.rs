//! The form that adds a past incident (domain rule 3.5).

use leptos::prelude::*;

use super::new::impact_choices;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field, Select, TextArea},
            form::{Form, FormHead, Submit},
            services_affected::ServicesAffected,
            time::MaintenanceWindow,
        },
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::layout::page::Page,
        resource::blocking_resource,
        server_fns::{BackfillIncident, form_key},
    },
    model::{IncidentKind, IncidentStatus},
};

/// The page that adds a past incident.
#[component]
pub fn Backfill() -> impl IntoView {
    let key = blocking_resource(|| (), |()| form_key());
    let content = move |board: DashboardState| {
        let form = move || {
            key.get().map(|answer| match answer {
                Ok(key) => view! { <BackfillForm board key /> }.into_any(),
                Err(error) => view! { <LoadError error /> }.into_any(),
            })
        };
        view! { <Transition>{form}</Transition> }
    };
    view! {
        <Page title="Add past incident">
            <WhenLoaded let:board>{content(board)}</WhenLoaded>
        </Page>
    }
}

#[component]
fn BackfillForm(board: DashboardState, key: String) -> impl IntoView {
    let action = FormAction::<BackfillIncident>::new();
    let form = Form::new(action, "backfill");
    let zone = Memo::new(move |_| board.page().with(|page| page.zone.clone()));
    let zone_hint = move || zone.with(|zone| format!("Time zone: {}.", zone.name));
    let (began, ended) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let window = Memo::new(move |_| {
        // Shown only for times whose zone offset the client knows; the server resolves the others.
        let at = |text: RwSignal<String>| {
            zone.with(|zone| text.with(|text| zone.parse_local(text)).ok().filter(|at| zone.knows(*at)))
        };
        at(began).zip(at(ended))
    });
    view! {
        <div on:keydown=move |event| form.send_by_keys(&event)>
            <ServerForm form class="card stack" novalidate=true>
                <FormHead form />
                <input type="hidden" name="key" value=key />
                <p class="hint">
                    "For an incident that is already over and was never posted here. It appears in the history on its original date, marked as added later."
                </p>
                <Field form name="title" label="Title" is_first=true />
                <div class="pair">
                    <Field
                        form
                        name="started_at"
                        label="Began"
                        kind="datetime-local"
                        hint=move || zone_hint
                        on_input=move |text: String| began.set(text)
                    />
                    <Field
                        form
                        name="resolved_at"
                        label="Ended"
                        kind="datetime-local"
                        hint=move || zone_hint
                        on_input=move |text: String| ended.set(text)
                    />
                </div>
                <MaintenanceWindow window zone />
                <TextArea
                    form
                    name="message"
                    label="Message"
                    rows=4
                    placeholder=Signal::stored(Some(IncidentStatus::Resolved.default_text().to_owned()))
                    hint=|| "Supports Markdown. What happened and how it was fixed."
                />
                <Select
                    form
                    name="impact"
                    label="Impact"
                    choices=Signal::stored(impact_choices())
                    hint=|| "“Automatic” derives it from the services."
                />
                <ServicesAffected form page=board.page() chosen=RwSignal::default() kind=IncidentKind::Incident />
                <Checkbox
                    form
                    name="correct_uptime"
                    label="Also correct uptime"
                    hint=|| "Count the statuses chosen above in the services’ uptime, from start to end. Otherwise uptime doesn’t change."
                />
                <div class="actions">
                    <Submit form label="Add incident" busy="Adding…" />
                </div>
            </ServerForm>
        </div>
    }
}
