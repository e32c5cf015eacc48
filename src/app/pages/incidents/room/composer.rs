//! The form that posts an update: status, message and services.

use leptos::prelude::*;

use super::{
    room_form::{RoomForm, RoomFormHead},
    state::Room,
    stepper::{Stepper, effective_status, next_step},
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::TextArea,
            form::{Done, Form, Submit},
            services_affected::ServicesAffected,
        },
        focus,
        resource::{Resource, blocking_resource},
        server_fns::{self, PostUpdate},
    },
    model::{Incident, IncidentStatus, PreviewInput, Result, ServiceId, ServiceImpact, ServiceStatus, StillImpaired},
};

/// The fields of the composer.
#[derive(Clone, Copy)]
pub struct ComposerState {
    /// The message, as Markdown.
    pub message: RwSignal<String>,
    /// The chosen status; unchanged if none.
    pub status: RwSignal<Option<IncidentStatus>>,
    /// The chosen service statuses; other services are unchanged.
    pub services: RwSignal<Vec<ServiceImpact>>,
}

impl ComposerState {
    /// An empty composer.
    pub fn new() -> Self {
        Self { message: RwSignal::default(), status: RwSignal::default(), services: RwSignal::default() }
    }

    /// Whether anything is typed or chosen.
    fn is_begun(self) -> bool {
        !self.message.with(|message| message.trim().is_empty())
            || self.status.with(Option::is_some)
            || !self.services.with(Vec::is_empty)
    }

    fn reset(self) {
        self.message.set(String::new());
        self.status.set(None);
        self.services.set(Vec::new());
    }

    /// Resets the choices of a posted update, except those changed since it was sent.
    fn reset_choices(self, sent: &SentUpdate) {
        self.status.maybe_update(|status| *status == sent.status && status.take().is_some());
        self.services.maybe_update(|services| *services == sent.services && !std::mem::take(services).is_empty());
    }

    /// The message as it will be posted: the status's default text if it is empty.
    pub fn text(self, current: IncidentStatus) -> String {
        let written = self.message.get();
        if written.trim().is_empty() {
            effective_status(self.status.get(), current).default_text().to_owned()
        } else {
            written
        }
    }

    /// The input of the preview. `html` is the rendered message.
    pub fn preview_input(self, incident: &Incident, html: String) -> PreviewInput {
        PreviewInput {
            incident: Some(incident.id),
            kind: incident.incident_type,
            title: incident.title.clone(),
            status: effective_status(self.status.get(), incident.status),
            impact: incident.impact_override,
            message: self.text(incident.status),
            html,
            services: self.services.get(),
            window: incident.window(),
        }
    }
}

/// The fields sent last.
#[derive(Clone, Default)]
struct SentUpdate {
    message: String,
    status: Option<IncidentStatus>,
    services: Vec<ServiceImpact>,
}

impl SentUpdate {
    fn of(writing: ComposerState) -> Self {
        Self {
            message: writing.message.get_untracked(),
            status: writing.status.get_untracked(),
            services: writing.services.get_untracked(),
        }
    }
}

/// The idempotency key of the next update.
#[derive(Clone, Copy)]
pub struct FormKey {
    round: RwSignal<u32>,
    answer: Resource<(u32, Result<String>)>,
}

impl FormKey {
    /// Loads the first key. Created by the page: a resource created inside a suspense boundary would load twice.
    pub fn new() -> Self {
        let round = RwSignal::new(0);
        let ask = async |round| (round, server_fns::form_key().await);
        Self { round, answer: blocking_resource(move || round.get(), ask) }
    }

    /// Loads the next key after one has been used.
    fn renew(self) {
        self.round.update(|round| *round += 1);
    }

    /// The key; empty while loading, never one that has been used.
    fn value(self) -> String {
        let of_round = |(round, key): (u32, Result<String>)| key.ok().filter(|_| round == self.round.get());
        self.answer.get().and_then(of_round).unwrap_or_default()
    }
}

/// The form that posts an update.
#[component]
pub fn Composer(
    /// The room.
    room: Room,
    /// Its fields.
    writing: ComposerState,
    /// The key of the update.
    key: FormKey,
) -> impl IntoView {
    let action = FormAction::<PostUpdate>::new();
    let form = Form::new(action, "post-update");
    writing.message.set(form.typed("message").unwrap_or_default());
    writing.status.set(form.typed("status").and_then(|status| status.parse().ok()));
    let is_begun = Signal::derive(move || writing.is_begun());
    let sent = StoredValue::new(SentUpdate::default());
    let accepted = move || {
        key.renew();
        let sent = sent.get_value();
        let is_reset = form.reset_after_submit() || writing.message.with_untracked(|message| *message == sent.message);
        if is_reset {
            form.clear();
            writing.reset();
            let message = form.id_of("message");
            focus::advance(form.node, move || focus::by_id(&message));
        } else {
            writing.reset_choices(&sent);
        }
        is_reset
    };
    // The update sent with this key may have been posted though its answer was lost: a different one needs a new key.
    Effect::new(move |was_sent: Option<()>| {
        if form.is_conflict() && was_sent.is_some() {
            key.renew();
        }
    });
    let room_form = RoomForm::of(room, action, form, Some(is_begun), accepted);
    let current = Memo::new(move |_| room.incident.with(|incident| incident.status));
    let fields = room_form.begin_with(|| ());
    view! {
        <section class="composer card" aria-labelledby=form.id_of("heading")>
            <h2 id=form.id_of("heading")>"Post an update"</h2>
            <ServerForm
                form
                class="stack"
                novalidate=true
                on:submit=move |_| sent.set_value(SentUpdate::of(writing))
                on:keydown=move |event| form.send_by_keys(&event)
            >
                <RoomFormHead room_form />
                <input type="hidden" name="notify" value="on" />
                {move || view! { <input type="hidden" name="key" autocomplete="off" value=key.value() /> }}
                <Stepper form current chosen=writing.status />
                {move || {
                    fields.with(|_| ());
                    view! { <ComposerMessage form writing current /> }
                }}
                <ComposerServices room form writing />
                <div class="actions">
                    <Submit form label="Post update" busy="Posting…" />
                    {move || next_step(current.get()).map(|step| view! { <StepButton form step /> })}
                    <span class="meta wide-only when-alive">"Or press Ctrl/⌘ + Enter."</span>
                    <Done form text="Posted." />
                </div>
            </ServerForm>
        </section>
    }
}

#[component]
fn ComposerMessage(form: Form, writing: ComposerState, current: Memo<IncidentStatus>) -> impl IntoView {
    let default_text =
        Signal::derive(move || Some(effective_status(writing.status.get(), current.get()).default_text().to_owned()));
    view! {
        <TextArea
            form
            name="message"
            label="Message"
            rows=4
            placeholder=default_text
            hint=|| "Supports Markdown. If empty, the text shown is posted."
            on_input=Callback::new(move |text| writing.message.set(text))
        />
    }
}

/// The button that posts with the usual next status, whatever status is chosen above.
#[component]
fn StepButton(form: Form, step: (IncidentStatus, &'static str)) -> impl IntoView {
    let (status, label) = step;
    view! { <Submit form label busy="Posting…" class="button" send=("step", status.as_str()) /> }
}

/// The statuses of the services, and what ending means for the others.
#[component]
fn ComposerServices(room: Room, form: Form, writing: ComposerState) -> impl IntoView {
    let kind = room.incident.with_untracked(|incident| incident.incident_type);
    let attached = Memo::new(move |_| {
        room.incident.with(|incident| incident.services.iter().map(|service| service.id).collect::<Vec<_>>())
    });
    let ends = Memo::new(move |_| {
        effective_status(writing.status.get(), room.incident.with(|incident| incident.status)).has_ended()
    });
    let remark = Callback::new(move |id: ServiceId| {
        room.incident.with(|incident| service_note(incident, id, ends.get())).unwrap_or_default()
    });
    let ending = move || ends.get().then(|| ending_summary(room, writing));
    view! {
        <ServicesAffected
            form
            page=room.page
            chosen=writing.services
            kind
            none="No change"
            remark
            attached=attached
        />
        <p class="hint" role="status">
            {ending}
        </p>
        <p class="hint unless-alive">
            "When it ends, services return to their own status, except those you choose a status for."
        </p>
    }
}

/// What ending means for the services, or that it has ended.
fn ending_summary(room: Room, writing: ComposerState) -> String {
    room.incident.with(|incident| {
        if incident.status.has_ended() {
            return "It’s over and no longer affects services.".to_owned();
        }
        recovery_text(&room.whole_page().still_impaired(&writing.preview_input(incident, String::new())))
    })
}

/// What ending means for the services (domain rule 3.4.5): which stay impaired, and why.
fn recovery_text(remaining: &[(String, ServiceStatus, StillImpaired)]) -> String {
    let stays = |(name, status, why): &(String, ServiceStatus, StillImpaired)| {
        let why = match why {
            StillImpaired::Update => "",
            StillImpaired::Baseline => " because of its own status, unless you choose Operational",
            StillImpaired::Other => " because something else still affects it",
        };
        format!("{name} stays {}{why}", status.label())
    };
    match remaining {
        [] => "All services recover. To keep one impaired, choose its status.".to_owned(),
        some => format!("{}; all other services recover.", some.iter().map(stays).collect::<Vec<_>>().join(", ")),
    }
}

/// The status the incident gives a service so far, shown beside its name; none if it is not affected.
fn service_note(incident: &Incident, id: ServiceId, ends: bool) -> Option<String> {
    let service = incident.services.iter().find(|service| service.id == id)?;
    let status = service.status.label();
    Some(match (incident.status.has_ended(), ends, incident.status.is_in_force()) {
        (true, ..) => format!("at worst {}", service.worst.label()),
        (_, true, _) => format!("{status} until then"),
        (.., true) => format!("{status} now"),
        _ => format!("{status} while it lasts"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_3_4_5_ending_lists_services_that_stay_impaired() {
        assert!(recovery_text(&[]).starts_with("All services recover."));
        let line = |name: &str, status, why| (name.to_owned(), status, why);
        let (api, web) = (
            line("API", ServiceStatus::Degraded, StillImpaired::Update),
            line("Web", ServiceStatus::MajorOutage, StillImpaired::Update),
        );
        assert_eq!(
            recovery_text(&[api.clone(), web]),
            "API stays Degraded, Web stays Major Outage; all other services recover."
        );
        let own = line("Web", ServiceStatus::PartialOutage, StillImpaired::Baseline);
        assert_eq!(
            recovery_text(&[api, own]),
            "API stays Degraded, Web stays Partial Outage because of its own status, unless you choose Operational; all \
             other services recover."
        );
        let held = line("Mail", ServiceStatus::Degraded, StillImpaired::Other);
        assert!(recovery_text(&[held]).starts_with("Mail stays Degraded because something else still affects it;"));
    }
}
