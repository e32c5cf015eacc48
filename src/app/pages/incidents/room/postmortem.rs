//! The postmortem: written after the incident is resolved, published separately.

use leptos::prelude::*;

use super::{
    header::zone,
    room_form::{RoomForm, RoomFormHead},
    state::Room,
};
use crate::{
    app::{
        components::{
            action::{FormAction, ServerForm},
            field::TextArea,
            form::{Done, Form, Submit},
            incident::Prose,
            time::{Time, Wording},
        },
        pages::incidents::preview::rendered_markdown,
        server_fns::WritePostmortem,
    },
    model::{IncidentStatus, Timestamp},
};

/// The postmortem, once the incident has been resolved.
#[component]
pub fn Postmortem(
    /// The room.
    room: Room,
) -> impl IntoView {
    let is_over = Memo::new(move |_| room.incident.with(|incident| incident.status == IncidentStatus::Resolved));
    let is_published = Memo::new(move |_| published_at(room).is_some());
    view! {
        <Show when=move || is_over.get() || is_published.get()>
            <section class="group">
                <h2>"Postmortem"</h2>
                <Show when=move || is_over.get() fallback=move || view! { <HiddenPostmortem room /> }>
                    <PostmortemForm room />
                </Show>
            </section>
        </Show>
    }
}

fn published_at(room: Room) -> Option<Timestamp> {
    room.incident.with(|incident| incident.postmortem.as_ref().and_then(|written| written.published_at))
}

/// The notice that a published postmortem is hidden while the incident is reopened, with a button to unpublish it.
#[component]
fn HiddenPostmortem(room: Room) -> impl IntoView {
    let action = FormAction::<WritePostmortem>::new();
    let form = Form::new(action, "withdraw-postmortem");
    let room_form = RoomForm::new(room, action, form);
    view! {
        <ServerForm form class="card stack postmortem">
            <RoomFormHead room_form />
            <p class="hint">
                "The incident was reopened. Visitors won’t see the postmortem until it’s resolved again."
            </p>
            <div class="actions">
                <Submit
                    form
                    label="Back to draft"
                    busy="Saving…"
                    class="button"
                    send=("withdraw", "on")
                />
            </div>
        </ServerForm>
    }
}

#[component]
fn PostmortemForm(room: Room) -> impl IntoView {
    let action = FormAction::<WritePostmortem>::new();
    let form = Form::new(action, "postmortem");
    let room_form = RoomForm::new(room, action, form);
    let body = move || {
        room.incident
            .with(|incident| incident.postmortem.as_ref().map(|written| written.body.clone()))
            .unwrap_or_default()
    };
    let first = room_form.begin_with(body);
    let text = RwSignal::new(form.typed("postmortem").unwrap_or_else(|| untrack(body)));
    let is_published = Memo::new(move |_| published_at(room));
    let zone = zone(room);
    let state = move || match is_published.get() {
        Some(at) => view! { "Published " <Time at=Signal::stored(at) wording=Wording::DateAndAgo zone /> }.into_any(),
        None => "Not published. Only members see it.".into_any(),
    };
    view! {
        <ServerForm
            form
            class="card stack postmortem"
            novalidate=true
            on:input=move |_| room_form.touch()
        >
            <RoomFormHead room_form />
            <p class="hint">{state}</p>
            {move || {
                let (_, value) = first.get();
                view! {
                    <TextArea
                        form
                        name="postmortem"
                        label="What happened, why, and what changes"
                        rows=10
                        value
                        hint=|| "Supports Markdown. Save it empty to remove it."
                        on_input=Callback::new(move |written| text.set(written))
                    />
                }
            }}
            <PostmortemPreview text />
            <div class="actions">
                {move || {
                    let is_published = is_published.with(Option::is_some);
                    let publish = if is_published { "Publish changes" } else { "Publish" };
                    let keep = if is_published { "Back to draft" } else { "Save draft" };
                    view! {
                        <Submit form label=publish busy="Publishing…" send=("publish", "on") />
                        <Submit form label=keep busy="Saving…" class="button" />
                    }
                }}
                <Done form text="Saved." />
            </div>
        </ServerForm>
    }
}

/// The rendered text, as visitors will see it; needs JavaScript.
#[component]
fn PostmortemPreview(text: RwSignal<String>) -> impl IntoView {
    let html = rendered_markdown(text.into());
    let is_empty = Memo::new(move |_| html.with(String::is_empty));
    view! {
        <Show when=move || !is_empty.get()>
            <div class="postmortem-preview">
                <h3 class="room-subhead">"As visitors will see it"</h3>
                <Prose html />
            </div>
        </Show>
    }
}
