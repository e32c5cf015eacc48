//! Forms that work with and without JavaScript, by the same server function.
//!
//! A page makes a [`Form`] for a [`ServerForm`](super::action::ServerForm) and hands it to the fields inside. The form knows why the server refused
//! what was sent, whether the refusal came to the running page or, without JavaScript, with the page itself.

use std::{collections::BTreeMap, fmt::Display};

use leptos::{ev, html, prelude::*};
use leptos_router::{
    hooks::{use_location, use_query_map},
    location::Url,
};
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget, HtmlElement, KeyboardEvent};

use super::action::Call;
use crate::{
    app::{focus, full_path, session::use_refusal},
    model::{Code, Error},
};

/// One form's conversation with the server.
#[derive(Clone, Copy)]
pub struct Form {
    key: StoredValue<String>,
    typed: StoredValue<BTreeMap<String, String>>,
    error: Signal<Option<Error>>,
    pending: Signal<bool>,
    done: Signal<bool>,
    /// Whether text was typed since it was sent.
    is_written_on: StoredValue<bool>,
    /// What sending it calls.
    pub call: Call,
    /// Its element.
    pub node: NodeRef<html::Form>,
}

impl Form {
    /// The only form of its page that sends to this action. `key` begins the ids of its elements.
    pub fn new(action: impl Into<Call>, key: &str) -> Self {
        Self::build(action.into(), key.to_owned(), None)
    }

    /// The form about the thing with this id, where other forms of the page send to the same action.
    pub fn about(action: impl Into<Call>, key: &str, id: impl Display) -> Self {
        Self::about_in(action, key, "id", id)
    }

    /// As [`Form::about`], where the thing's id stands in another field than `id`.
    pub fn about_in(action: impl Into<Call>, key: &str, field: &'static str, id: impl Display) -> Self {
        Self::build(action.into(), format!("{key}-{id}"), Some((field, id.to_string())))
    }

    fn build(call: Call, key: String, about: Option<(&'static str, String)>) -> Self {
        let refusal = use_refusal(call.url(), None)
            .filter(|refusal| about.is_none_or(|(field, id)| refusal.values.get(field) == Some(&id)));
        let (first, typed) = refusal.map_or_else(Default::default, |refusal| (Some(refusal.error), refusal.values));
        let error = Signal::derive(move || match call.outcome() {
            None => first.clone(),
            Some(outcome) => outcome.err(),
        });
        let node = NodeRef::<html::Form>::new();
        let pending = call.pending();
        let is_written_on = written_on(node, pending);
        Effect::new(move |was_sent: Option<()>| {
            if error.with(Option::is_some) {
                // Who has waited is led out of the field they sent it from; who writes stays where they are.
                let fault = move || first_fault(node);
                if was_sent.is_some() && !is_written_on.get_value() {
                    focus::advance(node, fault);
                } else {
                    focus::restore(fault);
                }
            }
        });
        Self {
            key: StoredValue::new(key),
            typed: StoredValue::new(typed),
            error,
            pending: pending.into(),
            done: Signal::derive(move || matches!(call.outcome(), Some(Ok(())))),
            is_written_on,
            call,
            node,
        }
    }

    /// The id of the element for `name`.
    pub fn id_of(self, name: &str) -> String {
        self.key.with_value(|key| format!("{key}-{name}"))
    }

    /// What was typed into `name` before the server refused the form.
    pub fn typed(self, name: &str) -> Option<String> {
        self.typed.with_value(|typed| typed.get(name).cloned())
    }

    /// Whether what stands in the form was sent before and refused, without JavaScript.
    pub fn is_typed(self) -> bool {
        self.typed.with_value(|typed| !typed.is_empty())
    }

    /// Whether the server refused what was sent last.
    pub fn is_refused(self) -> bool {
        self.error.with_untracked(Option::is_some)
    }

    /// Whether an answer is awaited.
    pub fn is_pending(self) -> bool {
        self.pending.get()
    }

    /// Why the field `name` was refused.
    pub fn fault(self, name: &str) -> Option<String> {
        self.error.with(|error| error.as_ref()?.fields.get(name).cloned())
    }

    /// Whether it was refused because somebody else was faster.
    pub fn is_conflict(self) -> bool {
        self.error.with(|error| error.as_ref().is_some_and(|error| error.code == Code::Conflict))
    }

    /// Whether the server accepted what was sent last.
    pub fn is_done(self) -> bool {
        self.done.get() && !self.pending.get()
    }

    /// Whether nothing was sent since the page was loaded, nor refused with it.
    pub fn is_untried(self) -> bool {
        !self.done.get() && !self.pending.get() && self.error.with(Option::is_none)
    }

    /// Sends the form, as its button does; not while an answer is awaited.
    pub fn send(self) {
        if let Some(form) = self.node.get_untracked()
            && !self.pending.get_untracked()
        {
            // Only a button that is not the form's own would be refused.
            _ = form.request_submit();
        }
    }

    /// Sends the form by Ctrl or ⌘ with Enter, from any of its fields.
    pub fn send_by_keys(self, event: &KeyboardEvent) {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            self.send();
        }
    }

    /// Empties the form, when the page is alive.
    pub fn clear(self) {
        self.typed.update_value(BTreeMap::clear);
        if let Some(form) = self.node.get_untracked() {
            form.reset();
        }
    }

    /// Empties the form for the next thing, once the server has accepted the last; not when its writer has begun with the
    /// next meanwhile. Whether it did.
    pub fn begin_anew(self) -> bool {
        let is_over = !self.is_written_on.get_value();
        if is_over {
            self.clear();
        }
        is_over
    }
}

/// Whether text was typed into a form since it was sent.
fn written_on(form: NodeRef<html::Form>, pending: Memo<bool>) -> StoredValue<bool> {
    let is_written_on = StoredValue::new(false);
    Effect::new(move |_| {
        if pending.get() {
            is_written_on.set_value(false);
        }
    });
    // An event may still come while the form is being taken away.
    let write = move |event: web_sys::Event| {
        if event.target().is_some_and(|field| is_text(&field)) {
            is_written_on.try_set_value(true);
        }
    };
    Effect::new(move |_| form.get().map(|form| form.on(ev::input, write)));
    is_written_on
}

/// Whether it is a field for text, not a choice.
fn is_text(field: &EventTarget) -> bool {
    const CHOICE: &str = "select, [type='checkbox'], [type='radio'], [type='search']";
    field.dyn_ref::<Element>().is_some_and(|field| !field.matches(CHOICE).unwrap_or(false))
}

/// The first field that there is something to correct in.
fn first_fault(form: NodeRef<html::Form>) -> Option<HtmlElement> {
    form.try_get_untracked().flatten()?.query_selector("[aria-invalid='true']").ok()??.dyn_into().ok()
}

/// Names the page a form stands on, for the server to lead back to when it answers the form itself: the address of a
/// page that tells of a refusal is the form's.
#[component]
pub fn PageField() -> impl IntoView {
    let here = use_location();
    let page = move || here.pathname.with(|path| here.search.with(|search| full_path(path, search)));
    view! { <input type="hidden" name="page" value=page /> }
}

/// What every form begins with: unseen, its page; and why it was refused, as one sentence, while it is.
#[component]
pub fn FormHead(
    /// The form.
    form: Form,
    /// Whether it is the form to log in by, which needs no way there.
    #[prop(optional)]
    is_login: bool,
    /// While it holds, the refusal is told elsewhere.
    #[prop(optional, into)]
    is_quiet: Signal<bool>,
) -> impl IntoView {
    let (path, search) = (use_location().pathname, use_location().search);
    let and_back = move |path_to: &str| {
        let page = path.with(|path| search.with(|search| full_path(path, search)));
        format!("{path_to}?next={}", Url::escape(&page))
    };
    view! {
        <PageField />
        <div role="alert">
            {move || {
                form.error
                    .get()
                    .filter(|_| !is_quiet.get())
                    .map(|error| {
                        view! {
                            <p class="form-error">
                                {error.message}
                                {(error.code == Code::Unauthorized && !is_login)
                                    .then(|| {
                                        view! {
                                            " "
                                            <a href=move || and_back("/login") rel="external">
                                                "Log in"
                                            </a>
                                        }
                                    })}
                                {(error.code == Code::ConfirmPassword)
                                    .then(|| {
                                        view! {
                                            " "
                                            <a href=move || and_back("/confirm")>"Confirm your password"</a>
                                        }
                                    })}
                            </p>
                        }
                    })
            }}
        </div>
    }
}

/// The button that sends a form; resting, with a word about what is going on, only until the answer comes.
#[component]
pub fn Submit(
    /// The form.
    form: Form,
    /// What it does.
    label: &'static str,
    /// What is going on while it does.
    busy: &'static str,
    /// How it looks.
    #[prop(default = "button button-primary")]
    class: &'static str,
    /// The name and the value that only this button sends, where a form has several.
    #[prop(optional)]
    send: Option<(&'static str, &'static str)>,
    /// What it does it to, for who does not see it beside it.
    #[prop(into, optional)]
    to: Option<String>,
) -> impl IntoView {
    let (name, value) = send.unzip();
    let to = to.map(|to| view! { <span class="sr-only">{to}</span> });
    view! {
        <button type="submit" class=class name=name value=value disabled=move || form.pending.get()>
            {move || if form.pending.get() { busy } else { label }}
            {to}
        </button>
    }
}

/// Says that a form was accepted; empty until then.
#[component]
pub fn Done(
    /// The form.
    form: Form,
    /// What to say.
    text: &'static str,
    /// What the address of the page, loaded anew, says was `saved`, where the server leads there.
    #[prop(optional)]
    saved: Option<&'static str>,
) -> impl IntoView {
    let query = use_query_map();
    let is_said = move || saved.is_some() && query.read().get_str("saved") == saved;
    view! {
        <span role="status" class="meta">
            {move || (form.is_done() || (is_said() && form.is_untried())).then_some(text)}
        </span>
    }
}
