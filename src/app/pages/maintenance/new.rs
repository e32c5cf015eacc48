//! The form that schedules maintenance, with conflicts and a preview of the public page.

use std::time::Duration;

use leptos::{html, leptos_dom::helpers::debounce, prelude::*, task::spawn_local};

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field},
            form::{Form, FormHead, Submit},
            services_affected::ServicesAffected,
            time::MaintenanceWindow,
        },
        dashboard_state::{DashboardState, LoadError, WhenLoaded},
        pages::{
            incidents::{
                new::MessageField,
                preview::{IncidentFormState, IncidentPreview},
            },
            layout::page::Page,
        },
        resource::blocking_resource,
        server_fns::{self, ScheduleMaintenance, form_key},
    },
    model::{Conflict, IncidentKind, IncidentStatus, Repeat, ServiceImpact, StatusPage, Zone},
};

/// Delay after the last change before conflicts are loaded.
const CONFLICTS_DEBOUNCE: Duration = Duration::from_millis(300);

/// The page that schedules maintenance.
#[component]
pub fn NewMaintenance() -> impl IntoView {
    let key = blocking_resource(|| (), |()| form_key());
    let content = move |board: DashboardState| {
        let form = move || {
            key.get().map(|answer| match answer {
                Ok(key) => view! { <NewMaintenanceForm board key /> }.into_any(),
                Err(error) => view! { <LoadError error /> }.into_any(),
            })
        };
        view! { <Transition>{form}</Transition> }
    };
    view! {
        <Page title="Schedule maintenance">
            <WhenLoaded let:board>{content(board)}</WhenLoaded>
        </Page>
    }
}

#[component]
fn NewMaintenanceForm(board: DashboardState, key: String) -> impl IntoView {
    let action = FormAction::<ScheduleMaintenance>::new();
    let form = Form::new(action, "schedule");
    let state = IncidentFormState::new(IncidentStatus::Scheduled);
    let zone = Memo::new(move |_| board.page().with(|page| page.zone.clone()));
    view! {
        <div class="compose">
            <div on:keydown=move |event| form.send_by_keys(&event)>
                <ServerForm form class="card stack" novalidate=true>
                    <FormHead form />
                    <input type="hidden" name="key" value=key />
                    <Field form name="title" label="Title" is_first=true on_input=move |title: String| state.title.set(title) />
                    <WindowFields form state zone />
                    <MessageField form state />
                    <ServicesAffected form page=board.page() chosen=state.services kind=IncidentKind::Maintenance />
                    <ConflictHints page=board.page() state />
                    <Recurrence form />
                    <AutomationFields form />
                    <input type="hidden" name="notify" value="on" />
                    <div class="ticks">
                        <Checkbox form name="is_draft" label="Save as draft" hint=|| "Only members see it until it’s published. In a series, each window is published separately." />
                    </div>
                    <div class="actions">
                        <Submit form label="Schedule maintenance" busy="Scheduling…" />
                        <p class="meta when-alive">"Or press Ctrl/⌘ + Enter."</p>
                    </div>
                </ServerForm>
            </div>
            <IncidentPreview board state />
        </div>
    }
}

/// Start and end in the organization's zone, repeated in its zone and the reader's.
#[component]
fn WindowFields(form: Form, state: IncidentFormState, zone: Memo<Zone>) -> impl IntoView {
    let (starts, ends) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let type_in = move |field: RwSignal<String>, text: String| {
        field.set(text);
        let at = |text: RwSignal<String>| {
            zone.with_untracked(|zone| text.with_untracked(|text| zone.parse_local(text))).ok()
        };
        state.window.set(at(starts).zip(at(ends)));
    };
    let zone_hint = move || zone.with(|zone| format!("Time zone: {}.", zone.name));
    view! {
        <div class="pair">
            <Field
                form
                name="starts"
                label="Starts"
                kind="datetime-local"
                hint=move || zone_hint
                on_input=move |text: String| type_in(starts, text)
            />
            <Field
                form
                name="ends"
                label="Ends"
                kind="datetime-local"
                hint=move || zone_hint
                on_input=move |text: String| type_in(ends, text)
            />
        </div>
        <MaintenanceWindow window=state.window zone />
    }
}

/// Conflicts of the window, announced politely. Loaded from the server: the client does not know all plans.
#[component]
fn ConflictHints(page: Signal<StatusPage>, state: IncidentFormState) -> impl IntoView {
    let conflicts = RwSignal::new(Vec::new());
    let asked = Memo::new(move |_| {
        // Also reloaded when other incidents change.
        let known: Vec<_> = page.with(|page| page.incidents.iter().map(|known| (known.id, known.version)).collect());
        (state.window.get(), state.services.get(), known)
    });
    let mut ask = debounce(CONFLICTS_DEBOUNCE, move |question: (Option<_>, Vec<ServiceImpact>, Vec<_>)| {
        spawn_local(async move {
            let (starts_at, ends_at) = question.0.unzip();
            let services = question.1.iter().map(|impact| (format!("of-{}", impact.id), impact.status.to_string()));
            // On failure the last conflicts stay; the next change retries.
            if let Ok(answer) = server_fns::conflicts(starts_at, ends_at, services.collect()).await
                && asked.try_with_untracked(|asked| *asked == question) == Some(true)
            {
                conflicts.try_set(answer);
            }
        });
    });
    Effect::new(move |_| {
        let question = asked.get();
        if question.1.is_empty() { conflicts.set(Vec::new()) } else { ask(question) }
    });
    let zone = Memo::new(move |_| page.with(|page| page.zone.clone()));
    view! {
        <div class="empty:absolute" role="status">
            {move || conflicts.get().into_iter().map(|conflict| view! { <ConflictHint conflict zone /> }).collect_view()}
        </div>
    }
}

/// One conflict, with a link to the other incident or maintenance.
#[component]
pub fn ConflictHint(
    /// The conflict.
    conflict: Conflict,
    /// The page's zone.
    zone: Memo<Zone>,
) -> impl IntoView {
    let window = conflict.window;
    let window = move || window.map(|(start, end)| zone.with(|zone| format!(" ({})", zone.human_window(start, end))));
    view! {
        <p class="conflict">
            {conflict.describe()} " " <a href=format!("/incidents/{}", conflict.with) dir="auto">{conflict.title.clone()}</a>
            {window}
        </p>
    }
}

/// The recurrence rule as text, and a choice of common rules that fills it in.
#[component]
fn Recurrence(form: Form) -> impl IntoView {
    let rule = RwSignal::new(form.typed("recurrence").unwrap_or_default());
    let usual = Memo::new(move |_| rule.with(|rule| Repeat::of(rule)));
    let id = form.id_of("repeat");
    let field = NodeRef::<html::Input>::new();
    let choose = move |chosen: String| {
        if let Some(field) = field.get_untracked() {
            field.set_value(&chosen);
            rule.set(chosen);
        }
    };
    let option = |repeat: &Repeat| view! { <option value=repeat.as_str()>{repeat.label()}</option> };
    view! {
        <div class="pair">
            <Field
                form
                name="recurrence"
                label="Rule"
                optional=true
                list="recurrence-rules"
                node=field
                hint=|| view! { "An RFC 5545 rule, such as " <code>"FREQ=WEEKLY;COUNT=10"</code> ". Leave empty for a single window." }
                on_input=move |text: String| rule.set(text)
            />
            <div class="field when-alive">
                <label for=id.clone()>"Repeat"</label>
                <select
                    class="input"
                    id=id
                    autocomplete="off"
                    prop:value=move || usual.get().map_or("custom", Repeat::as_str)
                    on:change=move |event| choose(event_target_value(&event))
                >
                    {Repeat::ALL.iter().map(option).collect_view()}
                    <option value="custom" disabled=true>
                        "Custom"
                    </option>
                </select>
            </div>
        </div>
        <datalist id="recurrence-rules">
            {Repeat::ALL
                .iter()
                .filter(|repeat| **repeat != Repeat::Never)
                .map(|repeat| view! { <option value=repeat.as_str()>{repeat.label()}</option> })
                .collect_view()}
        </datalist>
    }
}

/// What the scheduler does automatically.
#[component]
fn AutomationFields(form: Form) -> impl IntoView {
    view! {
        <fieldset class="ticks">
            <legend>"Automations"</legend>
            <Checkbox form name="remind" label="Remind 60 minutes before" is_ticked=true />
            <Checkbox form name="start" label="Begin at the scheduled start" is_ticked=true />
            <Checkbox form name="end" label="Complete at the scheduled end" is_ticked=true />
        </fieldset>
        <input type="hidden" name="notify_start" value="on" />
        <input type="hidden" name="notify_end" value="on" />
    }
}
