//! Forms that work with and without JavaScript, by the same server function.
//!
//! A page makes a [`Form`] for a [`ServerForm`](super::action::ServerForm) and passes it to the fields inside. The form
//! knows why the server refused it, whether the refusal came to the running client or, without JavaScript, with the
//! page.

use std::{collections::BTreeMap, fmt::Display};

use leptos::{ev, html, prelude::*};
use leptos_router::{
    hooks::{use_location, use_query_map},
    location::Url,
};
use wasm_bindgen::JsCast;
use web_sys::{Element, EventTarget, HtmlElement, KeyboardEvent};

use super::call::Call;
use crate::{
    app::{focus, page_url::full_path, session::use_refusal},
    model::{Code, Error},
};

/// State of one form: what was typed, whether it is being sent, and the server's answer.
#[derive(Clone, Copy)]
pub struct Form {
    key: StoredValue<String>,
    typed: StoredValue<BTreeMap<String, String>>,
    error: Signal<Option<Error>>,
    pending: Signal<bool>,
    done: Signal<bool>,
    /// Whether text was typed since it was sent.
    is_edited: StoredValue<bool>,
    /// Its action.
    pub call: Call,
    /// Its element.
    pub node: NodeRef<html::Form>,
}

impl Form {
    /// The only form of its page with this action. `key` prefixes the ids of its elements.
    pub fn new(action: impl Into<Call>, key: &str) -> Self {
        Self::build(action.into(), key.to_owned(), None)
    }

    /// The form about the thing with this id, where the page has several forms with this action.
    pub fn about(action: impl Into<Call>, key: &str, id: impl Display) -> Self {
        Self::about_in(action, key, "id", id)
    }

    /// [`Form::about`] with the thing's id in another field than `id`.
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
        let is_edited = edited_since_sent(node, pending);
        Effect::new(move |was_sent: Option<()>| {
            if error.with(Option::is_some) {
                // Focus moves to the first error, unless the user has typed on in the meantime.
                let fault = move || first_fault(node);
                if was_sent.is_some() && !is_edited.get_value() {
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
            is_edited,
            call,
            node,
        }
    }

    /// The id of the element for `name`.
    pub fn id_of(self, name: &str) -> String {
        self.key.with_value(|key| format!("{key}-{name}"))
    }

    /// The value of `name` in the form that the server refused without JavaScript.
    pub fn typed(self, name: &str) -> Option<String> {
        self.typed.with_value(|typed| typed.get(name).cloned())
    }

    /// Whether the form shows values that were refused without JavaScript.
    pub fn is_typed(self) -> bool {
        self.typed.with_value(|typed| !typed.is_empty())
    }

    /// Whether the server refused the last submission.
    pub fn is_refused(self) -> bool {
        self.error.with_untracked(Option::is_some)
    }

    /// Whether it is being sent.
    pub fn is_pending(self) -> bool {
        self.pending.get()
    }

    /// The error of the field `name`.
    pub fn fault(self, name: &str) -> Option<String> {
        self.error.with(|error| error.as_ref()?.fields.get(name).cloned())
    }

    /// Whether it was refused because of somebody else's change.
    pub fn is_conflict(self) -> bool {
        self.error.with(|error| error.as_ref().is_some_and(|error| error.code == Code::Conflict))
    }

    /// Whether the server accepted the last submission.
    pub fn is_done(self) -> bool {
        self.done.get() && !self.pending.get()
    }

    /// Whether nothing was sent since the page was loaded, and the page shows no refusal.
    pub fn is_untried(self) -> bool {
        !self.done.get() && !self.pending.get() && self.error.with(Option::is_none)
    }

    /// Submits the form as its button does, unless it is being sent already.
    pub fn send(self) {
        if let Some(form) = self.node.get_untracked()
            && !self.pending.get_untracked()
        {
            // Fails only for a button of another form.
            _ = form.request_submit();
        }
    }

    /// Submits the form on Ctrl or ⌘ with Enter.
    pub fn send_by_keys(self, event: &KeyboardEvent) {
        if event.key() == "Enter" && (event.ctrl_key() || event.meta_key()) {
            event.prevent_default();
            self.send();
        }
    }

    /// Empties the form.
    pub fn clear(self) {
        self.typed.update_value(BTreeMap::clear);
        if let Some(form) = self.node.get_untracked() {
            form.reset();
        }
    }

    /// Empties the form after the server accepted it, unless the user has typed on in the meantime. Returns whether it
    /// did.
    pub fn reset_after_submit(self) -> bool {
        let is_untouched = !self.is_edited.get_value();
        if is_untouched {
            self.clear();
        }
        is_untouched
    }
}

/// Whether text was typed into a form since it was sent.
fn edited_since_sent(form: NodeRef<html::Form>, pending: Memo<bool>) -> StoredValue<bool> {
    let is_edited = StoredValue::new(false);
    Effect::new(move |_| {
        if pending.get() {
            is_edited.set_value(false);
        }
    });
    // An event may still come while the form is being unmounted.
    let write = move |event: web_sys::Event| {
        if event.target().is_some_and(|field| is_text(&field)) {
            is_edited.try_set_value(true);
        }
    };
    Effect::new(move |_| form.get().map(|form| form.on(ev::input, write)));
    is_edited
}

/// Whether this is a text field.
fn is_text(field: &EventTarget) -> bool {
    const CHOICE: &str = "select, [type='checkbox'], [type='radio'], [type='search']";
    field.dyn_ref::<Element>().is_some_and(|field| !field.matches(CHOICE).unwrap_or(false))
}

/// The first field with an error.
fn first_fault(form: NodeRef<html::Form>) -> Option<HtmlElement> {
    form.try_get_untracked().flatten()?.query_selector("[aria-invalid='true']").ok()??.dyn_into().ok()
}

/// Hidden field with the address of the form's page. The server redirects there after a plain form post, as the address
/// of a page that shows a refusal is the form's action.
#[component]
pub fn PageField() -> impl IntoView {
    let here = use_location();
    let page = move || here.pathname.with(|path| here.search.with(|search| full_path(path, search)));
    view! { <input type="hidden" name="page" value=page /> }
}

/// The head of every form: its page as a hidden field, and the reason for a refusal in one sentence.
#[component]
pub fn FormHead(
    /// The form.
    form: Form,
    /// Whether it is the login form, which needs no link to itself.
    #[prop(optional)]
    is_login: bool,
    /// Whether the refusal is shown elsewhere.
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

/// A submit button; disabled, with a busy label, while the form is being sent (UI-28).
#[component]
pub fn Submit(
    /// The form.
    form: Form,
    /// Its label.
    label: &'static str,
    /// Its label while the form is being sent.
    busy: &'static str,
    /// Its classes.
    #[prop(default = "button button-primary")]
    class: &'static str,
    /// The name and value that only this button sends, where a form has several buttons.
    #[prop(optional)]
    send: Option<(&'static str, &'static str)>,
    /// The object of the action, for screen readers.
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

/// Confirmation that a form was accepted; empty until then.
#[component]
pub fn Done(
    /// The form.
    form: Form,
    /// The confirmation.
    text: &'static str,
    /// The value of the query parameter `saved` to which the server redirects after a plain form post.
    #[prop(optional)]
    saved: Option<&'static str>,
) -> impl IntoView {
    let query = use_query_map();
    let was_saved = move || saved.is_some() && query.read().get_str("saved") == saved;
    view! {
        <span role="status" class="meta">
            {move || (form.is_done() || (was_saved() && form.is_untried())).then_some(text)}
        </span>
    }
}
