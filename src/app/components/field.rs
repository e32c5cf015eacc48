//! The fields of a form: a visible label, the input, a hint, and the fault tied to it.

use leptos::prelude::*;

use super::form::Form;

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
    /// Told of what is typed.
    #[prop(optional, into)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let typed = form.typed(name);
    let describedby = described_by(form, name, hint.is_some());
    let input = view! {
        <input
            class="input"
            id=form.id_of(name)
            name=name
            type=kind
            autocomplete=autocomplete
            spellcheck="false"
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
    /// What to know before typing.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
) -> impl IntoView {
    let text = form.typed(name).unwrap_or(value);
    let describedby = described_by(form, name, hint.is_some());
    let area = view! {
        <textarea
            class="input"
            id=form.id_of(name)
            name=name
            rows=rows.to_string()
            aria-invalid=move || form.fault(name).map(|_| "true")
            aria-describedby=describedby
            inner_html=escaped(&text)
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
) -> impl IntoView {
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
            aria-describedby=described_by(form, name, false)
        >
            {options}
        </select>
    };
    view! {
        <Labelled form name label hint=None>
            {select}
        </Labelled>
    }
}

/// A password: managers may fill it, pasting is welcome, and it can be shown.
#[component]
pub fn Password(
    /// The form it stands in.
    form: Form,
    /// `current-password` or `new-password`.
    autocomplete: &'static str,
    /// What to know before typing.
    #[prop(optional, into)]
    hint: Option<ViewFn>,
) -> impl IntoView {
    let name = "password";
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
        <Labelled form name label="Password".to_owned() hint>
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
