//! What is being written about an incident or a maintenance, and what would follow from it, before anybody sends it.

use std::time::Duration;

use leptos::{leptos_dom::helpers::debounce, prelude::*, task::spawn_local};

use crate::{
    app::{
        components::time::reader_clock, dashboard_state::DashboardState, public::PublicPreview,
        server_fns::preview_message,
    },
    model::{Impact, IncidentKind, IncidentStatus, PreviewInput, ServiceImpact, Timestamp},
};

/// How long to wait for the next key before the server is asked what a message looks like.
const PAUSE: Duration = Duration::from_millis(300);

/// What is being written, field by field.
#[derive(Clone, Copy)]
pub struct Draft {
    kind: IncidentKind,
    /// The title.
    pub title: RwSignal<String>,
    /// The first status.
    pub status: RwSignal<IncidentStatus>,
    /// The impact somebody chose.
    pub impact: RwSignal<Option<Impact>>,
    /// The message, as Markdown.
    pub message: RwSignal<String>,
    /// The services and what is said of them.
    pub services: RwSignal<Vec<ServiceImpact>>,
    /// A maintenance's window, once both ends are there.
    pub window: RwSignal<Option<(Timestamp, Timestamp)>>,
}

impl Draft {
    /// Nothing written yet.
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

    /// What the message will say: what is written, or what its status says by itself.
    fn words(self) -> String {
        let written = self.message.with(|message| message.trim().to_owned());
        if written.is_empty() { self.status.get().default_text().to_owned() } else { written }
    }

    fn intent(self, message: String, html: String) -> PreviewInput {
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

/// The page as visitors would see it if the form were sent now, computed by the rules the server goes by.
#[component]
pub fn Consequences(
    /// The page it would change.
    board: DashboardState,
    /// What is written.
    draft: Draft,
) -> impl IntoView {
    let clock = reader_clock();
    let words = Memo::new(move |_| draft.words());
    let html = rendered(words.into());
    let outcome = Memo::new(move |_| {
        let now = clock.get()?;
        let intent = draft.intent(words.get(), html.get());
        Some(board.page().with(|page| page.preview(&intent, now)))
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

/// A message as the server will show it, a moment after the last key.
pub fn rendered(message: Signal<String>) -> Signal<String> {
    let html = RwSignal::new(String::new());
    let mut ask = debounce(PAUSE, move |words: String| {
        spawn_local(async move {
            // A preview that cannot be had leaves the last one; the next key asks again.
            if let Ok(answer) = preview_message(words.clone()).await
                && message.try_with_untracked(|message| *message == words) == Some(true)
            {
                html.try_set(answer);
            }
        });
    });
    Effect::new(move |_| ask(message.get()));
    html.into()
}
