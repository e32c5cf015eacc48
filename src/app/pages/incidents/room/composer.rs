//! The update being written: status, message, services, and whom it tells.

use leptos::prelude::*;
use wasm_bindgen::JsCast;
use web_sys::HtmlInputElement;

use super::{
    Room,
    draft::{Draft, DraftHead},
    stepper::{Stepper, next_step, picked},
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::{Checkbox, TextArea},
            form::{Done, Form, Submit},
            services_affected::ServicesAffected,
        },
        focus,
        server_fns::{self, PostUpdate},
    },
    model::{Incident, IncidentStatus, PreviewInput, Result, ServiceId, ServiceImpact, ServiceStatus, StillImpaired},
};

/// What stands in the composer.
#[derive(Clone, Copy)]
pub struct Writing {
    /// The message, as Markdown.
    pub message: RwSignal<String>,
    /// The status chosen; nothing leaves it as it is.
    pub status: RwSignal<Option<IncidentStatus>>,
    /// What is to be said of services; nothing leaves one as it is.
    pub services: RwSignal<Vec<ServiceImpact>>,
}

impl Writing {
    /// Nothing yet.
    pub fn new() -> Self {
        Self { message: RwSignal::default(), status: RwSignal::default(), services: RwSignal::default() }
    }

    /// Whether there is something to lose.
    fn is_begun(self) -> bool {
        !self.message.with(|message| message.trim().is_empty())
            || self.status.with(Option::is_some)
            || !self.services.with(Vec::is_empty)
    }

    fn forget(self) {
        self.message.set(String::new());
        self.status.set(None);
        self.services.set(Vec::new());
    }

    /// Forgets what was chosen for an update that is posted now, and not what was chosen since.
    fn forget_choices(self, sent: &Sent) {
        self.status.maybe_update(|status| *status == sent.status && status.take().is_some());
        self.services.maybe_update(|services| *services == sent.services && !std::mem::take(services).is_empty());
    }

    /// The message as it will be posted: the usual sentence of its status while nothing is written.
    pub fn text(self, current: IncidentStatus) -> String {
        let written = self.message.get();
        if written.trim().is_empty() { picked(self.status.get(), current).default_text().to_owned() } else { written }
    }

    /// What posting it would mean. `html` is the message as the server draws it.
    pub fn intent(self, incident: &Incident, html: String) -> PreviewInput {
        PreviewInput {
            incident: Some(incident.id),
            kind: incident.incident_type,
            title: incident.title.clone(),
            status: picked(self.status.get(), incident.status),
            impact: incident.impact_override,
            message: self.text(incident.status),
            html,
            services: self.services.get(),
            window: incident.window(),
        }
    }
}

/// What was sent last.
#[derive(Clone, Default)]
struct Sent {
    message: String,
    status: Option<IncidentStatus>,
    services: Vec<ServiceImpact>,
    notify: bool,
}

impl Sent {
    fn of(writing: Writing, form: Form) -> Self {
        Self {
            message: writing.message.get_untracked(),
            status: writing.status.get_untracked(),
            services: writing.services.get_untracked(),
            notify: notify(form).is_some_and(|notify| notify.checked()),
        }
    }
}

/// A key for each update, so that none is posted twice.
#[derive(Clone, Copy)]
pub struct FormKey {
    round: RwSignal<u32>,
    answer: Resource<(u32, Result<String>)>,
}

impl FormKey {
    /// The first key. Asked for by the page itself, since what is asked for inside what waits is asked for twice.
    pub fn new() -> Self {
        let round = RwSignal::new(0);
        let ask = async |round| (round, server_fns::form_key().await);
        Self { round, answer: Resource::new_blocking(move || round.get(), ask) }
    }

    /// The next key: the last one has been used.
    fn renew(self) {
        self.round.update(|round| *round += 1);
    }

    /// The key; empty until it is there, never one that has been used.
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
    /// What is being written.
    writing: Writing,
    /// The key of the update.
    key: FormKey,
) -> impl IntoView {
    let action = FormAction::<PostUpdate>::new();
    let form = Form::new(action, "post-update");
    writing.message.set(form.typed("message").unwrap_or_default());
    writing.status.set(form.typed("status").and_then(|status| status.parse().ok()));
    let is_begun = Signal::derive(move || writing.is_begun());
    let sent = StoredValue::new(Sent::default());
    let accepted = move || {
        key.renew();
        let sent = sent.get_value();
        let begins_anew = form.begin_anew() || writing.message.with_untracked(|message| *message == sent.message);
        if begins_anew {
            form.clear();
            writing.forget();
            let message = form.id_of("message");
            focus::lead_on(form.node, move || focus::by_id(&message));
        } else {
            writing.forget_choices(&sent);
            if let Some(notify) = notify(form).filter(|notify| notify.checked() == sent.notify) {
                notify.set_checked(true);
            }
        }
        begins_anew
    };
    // What was sent with this key may have been posted, although its answer was lost: something else needs another.
    Effect::new(move |was_sent: Option<()>| {
        if form.is_conflict() && was_sent.is_some() {
            key.renew();
        }
    });
    let draft = Draft::of(room, action, form, Some(is_begun), accepted);
    let current = Memo::new(move |_| room.incident.with(|incident| incident.status));
    let fields = draft.begin_with(|| ());
    view! {
        <section class="composer card" aria-labelledby=form.id_of("heading")>
            <h2 id=form.id_of("heading")>"Post an update"</h2>
            <ServerForm
                form
                class="stack"
                novalidate=true
                on:submit=move |_| sent.set_value(Sent::of(writing, form))
                on:keydown=move |event| form.send_by_keys(&event)
            >
                <DraftHead draft />
                {move || view! { <input type="hidden" name="key" autocomplete="off" value=key.value() /> }}
                <Stepper form current chosen=writing.status />
                {move || {
                    fields.with(|_| ());
                    view! { <Message form writing current /> }
                }}
                <Services room form writing />
                {move || {
                    fields.with(|_| ());
                    view! { <Checkbox form name="notify" label="Tell subscribers" is_ticked=true /> }
                }}
                <div class="actions">
                    <Submit form label="Post update" busy="Posting…" />
                    {move || next_step(current.get()).map(|step| view! { <StepButton form step /> })}
                    <span class="meta wide-only when-alive">"Ctrl or ⌘ with Enter posts, too"</span>
                    <Done form text="Posted." />
                </div>
            </ServerForm>
        </section>
    }
}

/// The box that decides whether subscribers are told.
fn notify(form: Form) -> Option<HtmlInputElement> {
    form.node.get_untracked()?.query_selector("[name='notify']").ok()??.dyn_into().ok()
}

#[component]
fn Message(form: Form, writing: Writing, current: Memo<IncidentStatus>) -> impl IntoView {
    let usual = Signal::derive(move || Some(picked(writing.status.get(), current.get()).default_text().to_owned()));
    view! {
        <TextArea
            form
            name="message"
            label="Message"
            rows=4
            placeholder=usual
            hint=|| "Markdown. Left empty, the usual sentence of the status is posted."
            on_input=Callback::new(move |text| writing.message.set(text))
        />
    }
}

/// The button of the step most often next, whatever status is chosen above.
#[component]
fn StepButton(form: Form, step: (IncidentStatus, &'static str)) -> impl IntoView {
    let (status, label) = step;
    view! { <Submit form label busy="Posting…" class="button" send=("step", status.as_str()) /> }
}

/// What is said of each service, and what becomes of those of which nothing is said.
#[component]
fn Services(room: Room, form: Form, writing: Writing) -> impl IntoView {
    let kind = room.incident.with_untracked(|incident| incident.incident_type);
    let attached = Memo::new(move |_| {
        room.incident.with(|incident| incident.services.iter().map(|service| service.id).collect::<Vec<_>>())
    });
    let ends =
        Memo::new(move |_| picked(writing.status.get(), room.incident.with(|incident| incident.status)).has_ended());
    let remark = Callback::new(move |id: ServiceId| {
        room.incident.with(|incident| note_of(incident, id, ends.get())).unwrap_or_default()
    });
    let fate = move || ends.get().then(|| outlook(room, writing));
    view! {
        <ServicesAffected
            form
            page=room.page
            chosen=writing.services
            kind
            none="As it is"
            remark
            attached=attached
        />
        <p class="hint" role="status">
            {fate}
        </p>
        <p class="hint unless-alive">
            "When it ends, services recover to their own status. One that you give a status then is left with that status."
        </p>
    }
}

/// What the end means for the services; after it, that it means nothing any more.
fn outlook(room: Room, writing: Writing) -> String {
    room.incident.with(|incident| {
        if incident.status.has_ended() {
            return "It is over and says nothing of services any more.".to_owned();
        }
        fate(&room.whole_page().still_impaired(&writing.intent(incident, String::new())))
    })
}

/// What the end means for the services (domain rule 3.4.5): which stay impaired, and why.
fn fate(remaining: &[(String, ServiceStatus, StillImpaired)]) -> String {
    let stays = |(name, status, why): &(String, ServiceStatus, StillImpaired)| {
        let why = match why {
            StillImpaired::ByUpdate => "",
            StillImpaired::ByBaseline => " by its own status, unless you choose Operational for it",
            StillImpaired::ByOther => " because something else that goes on affects it",
        };
        format!("{name} stays {}{why}", status.label())
    };
    match remaining {
        [] => "All services recover. Give a service a status to leave it so.".to_owned(),
        some => format!("{}; all other services recover.", some.iter().map(stays).collect::<Vec<_>>().join(", ")),
    }
}

/// What is said of a service so far, beside its name; nothing of one that is not affected.
fn note_of(incident: &Incident, id: ServiceId, ends: bool) -> Option<String> {
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
    fn rule_3_4_5_the_end_is_told_with_what_is_left() {
        assert!(fate(&[]).starts_with("All services recover."));
        let line = |name: &str, status, why| (name.to_owned(), status, why);
        let (api, web) = (
            line("API", ServiceStatus::Degraded, StillImpaired::ByUpdate),
            line("Web", ServiceStatus::MajorOutage, StillImpaired::ByUpdate),
        );
        assert_eq!(
            fate(&[api.clone(), web]),
            "API stays Degraded, Web stays Major Outage; all other services recover."
        );
        let own = line("Web", ServiceStatus::PartialOutage, StillImpaired::ByBaseline);
        assert_eq!(
            fate(&[api, own]),
            "API stays Degraded, Web stays Partial Outage by its own status, unless you choose Operational for it; all \
             other services recover."
        );
        let held = line("Mail", ServiceStatus::Degraded, StillImpaired::ByOther);
        assert!(fate(&[held]).starts_with("Mail stays Degraded because something else that goes on affects it;"));
    }
}
