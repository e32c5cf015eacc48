//! The fields of a form: visible label, input, hint, and the error tied to it by `aria-describedby`.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};

use super::form::Form;
use crate::app::focus;

/// The value of `aria-describedby`: the ids of a field's hint and error.
fn described_by(form: Form, name: &'static str, has_hint: bool) -> impl Fn() -> Option<String> + Copy + Send + Sync {
    move || {
        let hint = has_hint.then(|| form.id_of(&format!("{name}-hint")));
        let fault = form.fault(name).map(|_| form.id_of(&format!("{name}-fault")));
        let ids: Vec<_> = hint.into_iter().chain(fault).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// An input with its label above, and its hint and error below.
#[component]
fn Labelled(form: Form, name: &'static str, label: String, hint: Option<ViewFn>, children: Children) -> impl IntoView {
    view! {
        <div class="field">
            <label for=form.id_of(name)>{label}</label>
            {children()}
            {hint
                .map(|hint| {
                    view! {
                        <p class="hint" id=form.id_of(&format!("{name}-hint"))>
                            {hint.run()}
                        </p>
                    }
                })}
            {move || {
                form.fault(name)
                    .map(|why| {
                        view! {
                            <p class="fault" id=form.id_of(&format!("{name}-fault"))>
                                {why}
                            </p>
                        }
                    })
            }}
        </div>
    }
}

/// One line of text.
#[component]
pub fn Field(
    /// Its form.
    form: Form,
    /// Its name in the request.
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(into)]
    label: String,
    /// Its HTML type.
    #[prop(default = "text")]
    kind: &'static str,
    /// What browsers and password managers may fill in.
    #[prop(default = "off")]
    autocomplete: &'static str,
    /// Its initial value.
    #[prop(optional, into)]
    value: Signal<String>,
    /// A hint.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
    /// Whether it takes the focus when the page opens.
    #[prop(optional)]
    is_first: bool,
    /// The id of a `datalist`.
    #[prop(optional)]
    list: Option<&'static str>,
    /// The input element, for callers that write into it.
    #[prop(optional)]
    node: NodeRef<html::Input>,
    /// Called with each new value, and with what was typed before hydration.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let typed = form.typed(name);
    let describedby = described_by(form, name, hint.is_some());
    let is_first = is_first && !form.is_refused();
    on_hydrate(node, is_first, on_input, |input: &HtmlInputElement| input.value());
    let input = view! {
        <input
            class="input"
            id=form.id_of(name)
            name=name
            type=kind
            autocomplete=autocomplete
            autofocus=is_first
            spellcheck="false"
            list=list
            node_ref=node
            value=move || typed.clone().unwrap_or_else(|| value.get())
            aria-required=(!optional).then_some("true")
            aria-invalid=move || form.fault(name).map(|_| "true")
            aria-describedby=describedby
            on:input=move |event| {
                if let Some(on_input) = on_input {
                    on_input.run(event_target_value(&event));
                }
            }
        />
    };
    view! {
        <Labelled form name label hint>
            {input}
        </Labelled>
    }
}

/// Several lines of text. The only place that draws a `textarea`, whose content Leptos does not escape.
#[component]
pub fn TextArea(
    /// Its form.
    form: Form,
    /// Its name in the request.
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(into)]
    label: String,
    /// Its initial value.
    #[prop(optional, into)]
    value: String,
    /// The number of visible lines.
    #[prop(default = 2)]
    rows: u8,
    /// The placeholder.
    #[prop(optional, into)]
    placeholder: Signal<Option<String>>,
    /// A hint.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Called with each new value, and with what was typed before hydration.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let text = form.typed(name).unwrap_or(value);
    let describedby = described_by(form, name, hint.is_some());
    let node = NodeRef::<html::Textarea>::new();
    on_hydrate(node, false, on_input, |area: &HtmlTextAreaElement| area.value());
    let area = view! {
        <textarea
            class="input"
            id=form.id_of(name)
            name=name
            rows=rows.to_string()
            placeholder=placeholder
            aria-invalid=move || form.fault(name).map(|_| "true")
            aria-describedby=describedby
            node_ref=node
            inner_html=escaped(&text)
            on:input=move |event| {
                if let Some(on_input) = on_input {
                    on_input.run(event_target_value(&event));
                }
            }
        ></textarea>
    };
    view! {
        <Labelled form name label hint>
            {area}
        </Labelled>
    }
}

/// Text escaped as the content of a `textarea`. The HTML parser drops one line break at its start.
fn escaped(text: &str) -> String {
    let first = if text.starts_with('\n') { "\n" } else { "" };
    format!("{first}{}", html_escape::encode_text(text))
}

/// A `select`.
#[component]
pub fn Select(
    /// Its form.
    form: Form,
    /// Its name in the request.
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(into)]
    label: String,
    /// The values and their labels, in order.
    #[prop(into)]
    choices: Signal<Vec<(String, String)>>,
    /// The initial value.
    #[prop(optional, into)]
    value: Signal<String>,
    /// A hint.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Called with each new choice, and with what was chosen before hydration.
    #[prop(optional, into)]
    on_change: Option<Callback<String>>,
) -> impl IntoView {
    let node = NodeRef::<html::Select>::new();
    on_hydrate(node, false, on_change, |select: &HtmlSelectElement| select.value());
    let describedby = described_by(form, name, hint.is_some());
    let typed = StoredValue::new(form.typed(name));
    let chosen = move || typed.get_value().unwrap_or_else(|| value.get());
    let options = move || {
        let option = |(value, words): (String, String)| {
            let is_chosen = chosen() == value;
            view! {
                <option value=value selected=is_chosen>
                    {words}
                </option>
            }
        };
        choices.get().into_iter().map(option).collect_view()
    };
    let select = view! {
        <select
            class="input"
            id=form.id_of(name)
            name=name
            autocomplete="off"
            aria-invalid=move || form.fault(name).map(|_| "true")
            aria-describedby=describedby
            node_ref=node
            on:change=move |event| {
                if let Some(on_change) = on_change {
                    on_change.run(event_target_value(&event));
                }
            }
        >
            {options}
        </select>
    };
    view! {
        <Labelled form name label hint>
            {select}
        </Labelled>
    }
}

/// A checkbox with its label beside it.
#[component]
pub fn Checkbox(
    /// Its form.
    form: Form,
    /// Its name in the request, sent only when it is checked.
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(into)]
    label: String,
    /// Whether it is checked at first.
    #[prop(optional)]
    is_ticked: bool,
    /// A hint.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Called with each new state.
    #[prop(optional, into)]
    on_change: Option<Callback<bool>>,
) -> impl IntoView {
    let is_ticked = if form.is_typed() { form.typed(name).is_some() } else { is_ticked };
    let describedby = described_by(form, name, hint.is_some());
    view! {
        <div class="checkbox">
            <input
                type="checkbox"
                id=form.id_of(name)
                name=name
                value="on"
                autocomplete="off"
                checked=is_ticked
                aria-describedby=describedby
                on:change=move |event| {
                    if let Some(on_change) = on_change {
                        on_change.run(event_target_checked(&event));
                    }
                }
            />
            <label for=form.id_of(name)>{label}</label>
            {hint
                .map(|hint| {
                    view! {
                        <p class="hint" id=form.id_of(&format!("{name}-hint"))>
                            {hint.run()}
                        </p>
                    }
                })}
        </div>
    }
}

/// Runs once a field is hydrated: focuses it if it is the first, and reports its value, which may have been typed
/// before.
fn on_hydrate<E>(
    node: NodeRef<E>,
    is_first: bool,
    on_value: Option<Callback<String>>,
    value: impl Fn(&E::Output) -> String + 'static,
) where
    E: html::ElementType + 'static,
    E::Output: JsCast + AsRef<HtmlElement> + Clone + 'static,
{
    Effect::new(move |_| {
        let Some(element) = node.get() else { return };
        if let Some(on_value) = on_value {
            on_value.run(value(&element));
        }
        if is_first {
            // After the heading, which takes the focus on client-side navigation.
            let first = move || Some(AsRef::<HtmlElement>::as_ref(&element).clone());
            request_animation_frame(move || focus::restore(first));
        }
    });
}

/// A password: password managers can fill it, pasting is allowed, and it can be shown (UI-29).
#[component]
pub fn Password(
    /// Its form.
    form: Form,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// Its name in the request.
    #[prop(default = "password")]
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(default = "Password")]
    label: &'static str,
    /// A hint.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
) -> impl IntoView {
    let is_shown = RwSignal::new(false);
    let describedby = described_by(form, name, hint.is_some());
    let input = view! {
        <div class="input-with-button">
            <input
                class="input"
                id=form.id_of(name)
                name=name
                type=move || if is_shown.get() { "text" } else { "password" }
                autocomplete=autocomplete
                spellcheck="false"
                autocapitalize="off"
                aria-required="true"
                aria-invalid=move || form.fault(name).map(|_| "true")
                aria-describedby=describedby
            />
            <button
                type="button"
                class="button when-alive"
                aria-pressed=move || is_shown.get().to_string()
                on:click=move |_| is_shown.update(|is_shown| *is_shown = !*is_shown)
            >
                "Show"
                <span class="sr-only">" what I typed"</span>
            </button>
        </div>
    };
    view! {
        <Labelled form name label=label.to_owned() hint>
            {input}
        </Labelled>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_textarea_and_keeps_its_first_line_break() {
        assert_eq!(escaped("</textarea><script>"), "&lt;/textarea&gt;&lt;script&gt;");
        assert_eq!(escaped("\nhello"), "\n\nhello");
        assert_eq!(escaped("a & b"), "a &amp; b");
    }
}
