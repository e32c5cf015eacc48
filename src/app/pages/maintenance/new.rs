//! The form that plans a maintenance, with what stands in its way and its consequences beside it.

use std::time::Duration;

use leptos::{html, leptos_dom::helpers::debounce, prelude::*, task::spawn_local};

use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, Field},
            form::{Form, FormHead, Submit},
            services_affected::ServicesAffected,
            time::Window,
        },
        dashboard_state::{DashboardState, Trouble, WhenLoaded},
        pages::{
            incidents::{
                consequences::{Consequences, Draft},
                new::Message,
            },
            layout::page::Page,
        },
        server_fns::{self, ScheduleMaintenance, form_key},
    },
    model::{Conflict, IncidentKind, IncidentStatus, Repeat, ServiceImpact, StatusPage, Zone},
};

/// How long to wait for the next choice before the server is asked what a window collides with.
const PAUSE: Duration = Duration::from_millis(300);

/// Where a maintenance is planned.
#[component]
pub fn NewMaintenance() -> impl IntoView {
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
        <Page title="Schedule maintenance">
            <WhenLoaded let:board>{content(board)}</WhenLoaded>
        </Page>
    }
}

#[component]
fn Content(board: DashboardState, key: String) -> impl IntoView {
    let action = FormAction::<ScheduleMaintenance>::new();
    let form = Form::new(action, "schedule");
    let draft = Draft::new(IncidentStatus::Scheduled);
    let zone = Memo::new(move |_| board.page().with(|page| page.zone.clone()));
    view! {
        <div class="compose">
            <div on:keydown=move |event| form.send_by_keys(&event)>
                <ServerForm form class="card stack" novalidate=true>
                    <FormHead form />
                    <input type="hidden" name="key" value=key />
                    <Field form name="title" label="Title" is_first=true on_input=move |title: String| draft.title.set(title) />
                    <WindowFields form draft zone />
                    <Message form draft />
                    <ServicesAffected form page=board.page() chosen=draft.services kind=IncidentKind::Maintenance />
                    <Conflicts page=board.page() draft />
                    <Recurrence form />
                    <Automations form />
                    <div class="ticks">
                        <Checkbox form name="notify" label="Tell subscribers now" is_ticked=true />
                        <Checkbox form name="is_draft" label="Keep as draft" hint=|| "Only members see it until somebody publishes it; of a series, each window by itself." />
                    </div>
                    <div class="actions">
                        <Submit form label="Schedule maintenance" busy="Scheduling…" />
                        <p class="meta when-alive">"Ctrl or ⌘ with Enter does it, too."</p>
                    </div>
                </ServerForm>
            </div>
            <Consequences board draft />
        </div>
    }
}

/// Start and end on the organization's clocks, told back in its zone and the reader's.
#[component]
fn WindowFields(form: Form, draft: Draft, zone: Memo<Zone>) -> impl IntoView {
    let (starts, ends) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let type_in = move |field: RwSignal<String>, text: String| {
        field.set(text);
        let at = |text: RwSignal<String>| {
            zone.with_untracked(|zone| text.with_untracked(|text| zone.parse_local(text))).ok()
        };
        draft.window.set(at(starts).zip(at(ends)));
    };
    let clocks = move || zone.with(|zone| format!("Time in {}.", zone.name));
    view! {
        <div class="pair">
            <Field
                form
                name="starts"
                label="Starts"
                kind="datetime-local"
                hint=move || clocks
                on_input=move |text: String| type_in(starts, text)
            />
            <Field
                form
                name="ends"
                label="Ends"
                kind="datetime-local"
                hint=move || clocks
                on_input=move |text: String| type_in(ends, text)
            />
        </div>
        <Window window=draft.window zone />
    }
}

/// What the window collides with, a moment after it does; told politely. Only the server knows everything planned.
#[component]
fn Conflicts(page: Signal<StatusPage>, draft: Draft) -> impl IntoView {
    let conflicts = RwSignal::new(Vec::new());
    let asked = Memo::new(move |_| {
        // Asked anew when something is planned meanwhile, too.
        let known: Vec<_> = page.with(|page| page.incidents.iter().map(|known| (known.id, known.version)).collect());
        (draft.window.get(), draft.services.get(), known)
    });
    let mut ask = debounce(PAUSE, move |question: (Option<_>, Vec<ServiceImpact>, Vec<_>)| {
        spawn_local(async move {
            let (starts_at, ends_at) = question.0.unzip();
            let services = question.1.iter().map(|said| (format!("of-{}", said.id), said.status.to_string()));
            // What cannot be had leaves the last; the next key asks again.
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
        <div class="conflicts" role="status">
            {move || conflicts.get().into_iter().map(|conflict| view! { <ConflictHint conflict zone /> }).collect_view()}
        </div>
    }
}

/// One collision, with the way to the other thing.
#[component]
pub fn ConflictHint(
    /// The collision.
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

/// How often it comes back: a rule as text, and for the usual ones a choice that writes it.
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
                hint=|| view! { "RFC 5545, such as " <code>"FREQ=WEEKLY;COUNT=10"</code> ". Empty, it does not repeat." }
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
                        "As the rule says"
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

/// What happens by itself.
#[component]
fn Automations(form: Form) -> impl IntoView {
    view! {
        <fieldset class="ticks">
            <legend>"By itself"</legend>
            <Checkbox form name="remind" label="Remind 60 minutes before" is_ticked=true />
            <Checkbox form name="start" label="Begin at the planned time" is_ticked=true />
            <Checkbox form name="end" label="Complete at the planned time" is_ticked=true />
            <Checkbox form name="notify_start" label="Tell subscribers at the beginning" is_ticked=true />
            <Checkbox form name="notify_end" label="Tell subscribers at the completion" is_ticked=true />
        </fieldset>
    }
}
