//! The form that enters an incident which is over (domain rule 3.5).

use leptos::prelude::*;

use super::new::impacts;
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field, Select, TextArea},
            form::{Form, FormHead, Submit},
            services_affected::ServicesAffected,
            time::MaintenanceWindow,
        },
        dashboard_state::{DashboardState, Trouble, WhenLoaded},
        pages::layout::page::Page,
        server_fns::{BackfillIncident, form_key},
    },
    model::{IncidentKind, IncidentStatus},
};

/// Where an incident of the past is entered.
#[component]
pub fn Backfill() -> impl IntoView {
    let key = Resource::new_blocking(|| (), |()| form_key());
    let content = move |board: DashboardState| {
        let form = move || {
            key.get().map(|answer| match answer {
                Ok(key) => view! { <Content board key /> }.into_any(),
                Err(error) => view! { <Trouble error /> }.into_any(),
            })
        };
        view! { <Transition>{form}</Transition> }
    };
    view! {
        <Page title="Past incident">
            <WhenLoaded let:board>{content(board)}</WhenLoaded>
        </Page>
    }
}

#[component]
fn Content(board: DashboardState, key: String) -> impl IntoView {
    let action = FormAction::<BackfillIncident>::new();
    let form = Form::new(action, "backfill");
    let zone = Memo::new(move |_| board.page().with(|page| page.zone.clone()));
    let clocks = move || zone.with(|zone| format!("Time in {}.", zone.name));
    let (began, ended) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let window = Memo::new(move |_| {
        // Told back only where the page knows what the clocks showed: what they mean, the server knows.
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
                    "For what is over and was never told here. It stands in the history at its own date, marked as added later, and nobody is notified."
                </p>
                <Field form name="title" label="Title" is_first=true />
                <div class="pair">
                    <Field
                        form
                        name="started_at"
                        label="Began"
                        kind="datetime-local"
                        hint=move || clocks
                        on_input=move |text: String| began.set(text)
                    />
                    <Field
                        form
                        name="resolved_at"
                        label="Ended"
                        kind="datetime-local"
                        hint=move || clocks
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
                    hint=|| "Markdown. What happened, and what was done about it."
                />
                <Select
                    form
                    name="impact"
                    label="Impact"
                    choices=Signal::stored(impacts())
                    hint=|| "Automatic follows from the services."
                />
                <ServicesAffected form page=board.page() chosen=RwSignal::default() kind=IncidentKind::Incident />
                <Checkbox
                    form
                    name="correct_uptime"
                    label="Also correct uptime"
                    hint=|| "Counts the statuses chosen above, from its beginning to its end, in the services’ uptime. Otherwise only its text is added."
                />
                <div class="actions">
                    <Submit form label="Enter incident" busy="Entering…" />
                </div>
            </ServerForm>
        </div>
    }
}
