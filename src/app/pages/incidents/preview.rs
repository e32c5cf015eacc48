//! The state of a form that opens an incident or maintenance, and a preview of the public page with it.

use std::time::Duration;

use leptos::{leptos_dom::helpers::debounce, prelude::*, task::spawn_local};

use crate::{
    app::{
        components::time::reader_clock, dashboard_state::DashboardState, public::PublicPreview,
        server_fns::preview_message,
    },
    model::{Impact, IncidentKind, IncidentStatus, PreviewInput, ServiceImpact, Timestamp},
};

/// Delay after the last key before a message is rendered by the server.
const PREVIEW_DEBOUNCE: Duration = Duration::from_millis(300);

/// The fields of the form.
#[derive(Clone, Copy)]
pub struct IncidentFormState {
    kind: IncidentKind,
    /// The title.
    pub title: RwSignal<String>,
    /// The initial status.
    pub status: RwSignal<IncidentStatus>,
    /// The chosen impact; automatic if none.
    pub impact: RwSignal<Option<Impact>>,
    /// The message, as Markdown.
    pub message: RwSignal<String>,
    /// The affected services with their statuses.
    pub services: RwSignal<Vec<ServiceImpact>>,
    /// A maintenance's window, once both ends are valid.
    pub window: RwSignal<Option<(Timestamp, Timestamp)>>,
}

impl IncidentFormState {
    /// An empty form.
    pub fn new(status: IncidentStatus) -> Self {
        Self {
            kind: status.kind(),
            title: RwSignal::default(),
            status: RwSignal::new(status),
            impact: RwSignal::default(),
            message: RwSignal::default(),
            services: RwSignal::default(),
            window: RwSignal::default(),
        }
    }

    /// The message, or the status's default text if it is empty.
    fn message_text(self) -> String {
        let written = self.message.with(|message| message.trim().to_owned());
        if written.is_empty() { self.status.get().default_text().to_owned() } else { written }
    }

    fn preview_input(self, message: String, html: String) -> PreviewInput {
        let title = self.title.with(|title| title.trim().to_owned());
        PreviewInput {
            incident: None,
            kind: self.kind,
            title: if title.is_empty() { "Untitled".to_owned() } else { title },
            status: self.status.get(),
            impact: self.impact.get(),
            message,
            html,
            services: self.services.get(),
            window: self.window.get(),
        }
    }
}

/// The public page as it would be if the form were sent now, derived by the server's own rules.
#[component]
pub fn IncidentPreview(
    /// Supplies the current page.
    board: DashboardState,
    /// The form's fields.
    state: IncidentFormState,
) -> impl IntoView {
    let clock = reader_clock();
    let text = Memo::new(move |_| state.message_text());
    let html = rendered_markdown(text.into());
    let outcome = Memo::new(move |_| {
        let now = clock.get()?;
        let input = state.preview_input(text.get(), html.get());
        Some(board.page().with(|page| page.preview(&input, now)))
    });
    let page = Signal::derive(move || outcome.get().map_or_else(|| board.page().get(), |(page, _)| page));
    let incident = Signal::derive(move || outcome.get().map(|(_, incident)| incident));
    view! {
        <section class="consequences">
            <h2>"As visitors will see it"</h2>
            <p class="hint unless-alive">"The preview needs JavaScript. The form works without it."</p>
            <Show when=move || outcome.with(Option::is_some)>
                <PublicPreview page incident />
            </Show>
        </section>
    }
}

/// The HTML of a Markdown message, rendered by the server shortly after the last key.
pub fn rendered_markdown(message: Signal<String>) -> Signal<String> {
    let html = RwSignal::new(String::new());
    let mut ask = debounce(PREVIEW_DEBOUNCE, move |text: String| {
        spawn_local(async move {
            // On failure the last preview stays; the next key retries.
            if let Ok(answer) = preview_message(text.clone()).await
                && message.try_with_untracked(|message| *message == text) == Some(true)
            {
                html.try_set(answer);
            }
        });
    });
    Effect::new(move |_| ask(message.get()));
    html.into()
}
