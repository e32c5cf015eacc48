//! The fields of a form: a visible label, the input, a hint, and the fault tied to it.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{HtmlElement, HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};

use super::form::Form;
use crate::app::focus;

/// The ids of what describes a field: its hint and, when there is one, its fault.
fn described_by(form: Form, name: &'static str, has_hint: bool) -> impl Fn() -> Option<String> + Copy + Send + Sync {
    move || {
        let hint = has_hint.then(|| form.id_of(&format!("{name}-hint")));
        let fault = form.fault(name).map(|_| form.id_of(&format!("{name}-fault")));
        let ids: Vec<_> = hint.into_iter().chain(fault).collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// The label above, and the hint and fault below, one input.
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
    /// The form it stands in.
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
    /// What it holds until somebody types.
    #[prop(optional, into)]
    value: Signal<String>,
    /// What to know before typing.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Whether it may stay empty.
    #[prop(optional)]
    optional: bool,
    /// Whether it is what one came to the page for: the cursor waits in it.
    #[prop(optional)]
    is_first: bool,
    /// The id of a list of proposals.
    #[prop(optional)]
    list: Option<&'static str>,
    /// The input, for who writes into it.
    #[prop(optional)]
    node: NodeRef<html::Input>,
    /// Told of what is typed, and of what was typed before the page was alive.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let typed = form.typed(name);
    let describedby = described_by(form, name, hint.is_some());
    let is_first = is_first && !form.is_refused();
    come_alive(node, is_first, on_input, |input: &HtmlInputElement| input.value());
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

/// Several lines of text: the only place that draws a `textarea`, whose content the framework would not escape.
#[component]
pub fn TextArea(
    /// The form it stands in.
    form: Form,
    /// Its name in the request.
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(into)]
    label: String,
    /// What it holds until somebody types.
    #[prop(optional, into)]
    value: String,
    /// How many lines it shows.
    #[prop(default = 2)]
    rows: u8,
    /// What counts while it stays empty.
    #[prop(optional, into)]
    placeholder: Signal<Option<String>>,
    /// What to know before typing.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Told of what is typed, and of what was typed before the page was alive.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let text = form.typed(name).unwrap_or(value);
    let describedby = described_by(form, name, hint.is_some());
    let node = NodeRef::<html::Textarea>::new();
    come_alive(node, false, on_input, |area: &HtmlTextAreaElement| area.value());
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

/// Text as the content of a `textarea`. The HTML parser swallows one line break at its start.
fn escaped(text: &str) -> String {
    let first = if text.starts_with('\n') { "\n" } else { "" };
    format!("{first}{}", html_escape::encode_text(text))
}

/// A choice among a few.
#[component]
pub fn Select(
    /// The form it stands in.
    form: Form,
    /// Its name in the request.
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(into)]
    label: String,
    /// The values and their words, in order.
    #[prop(into)]
    choices: Signal<Vec<(String, String)>>,
    /// The value chosen until somebody chooses another.
    #[prop(optional, into)]
    value: Signal<String>,
    /// What to know before choosing.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Told of what is chosen, and of what was chosen before the page was alive.
    #[prop(optional, into)]
    on_change: Option<Callback<String>>,
) -> impl IntoView {
    let node = NodeRef::<html::Select>::new();
    come_alive(node, false, on_change, |select: &HtmlSelectElement| select.value());
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

/// A box to tick, its label beside it.
#[component]
pub fn Checkbox(
    /// The form it stands in.
    form: Form,
    /// Its name in the request, which has it only when it is ticked.
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(into)]
    label: String,
    /// Whether it is ticked until somebody says otherwise.
    #[prop(optional)]
    is_ticked: bool,
    /// What to know before ticking.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
    /// Told whether it is ticked.
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

/// What a field does once it is there: takes the cursor when it is the first, and tells what it holds, since that may
/// have been typed before anybody listened.
fn come_alive<E>(
    node: NodeRef<E>,
    is_first: bool,
    tell: Option<Callback<String>>,
    value: impl Fn(&E::Output) -> String + 'static,
) where
    E: html::ElementType + 'static,
    E::Output: JsCast + AsRef<HtmlElement> + Clone + 'static,
{
    Effect::new(move |_| {
        let Some(element) = node.get() else { return };
        if let Some(tell) = tell {
            tell.run(value(&element));
        }
        if is_first {
            // After the heading, which takes the focus when the page is reached from another.
            let first = move || Some(AsRef::<HtmlElement>::as_ref(&element).clone());
            request_animation_frame(move || focus::restore(first));
        }
    });
}

/// A password: managers may fill it, pasting is welcome, and it can be shown.
#[component]
pub fn Password(
    /// The form it stands in.
    form: Form,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// Its name in the request.
    #[prop(default = "password")]
    name: &'static str,
    /// Its label, which is also its accessible name.
    #[prop(default = "Password")]
    label: &'static str,
    /// What to know before typing.
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
