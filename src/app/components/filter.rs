//! Filter controls of a list. They show the query parameters of the address and follow them (UI-48).

use leptos::{html, prelude::*};

/// Percent-encoded text, the same on server and client.
#[must_use]
pub fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// A text or date filter.
#[component]
pub fn FilterInput(
    /// Its query parameter.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// Its HTML type.
    kind: &'static str,
    /// Its value in the address.
    value: Signal<String>,
) -> impl IntoView {
    let node = NodeRef::<html::Input>::new();
    follow(value, move |value| {
        if let Some(input) = node.get_untracked() {
            input.set_value(value);
        }
    });
    let id = format!("filter-{name}");
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input class="input" id=id name=name type=kind autocomplete="off" value=value.get_untracked() node_ref=node />
        </div>
    }
}

/// A filter with choices.
#[component]
pub fn FilterChoice(
    /// Its query parameter.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// The label of no choice.
    any: &'static str,
    /// The values and their labels, in order.
    #[prop(into)]
    choices: Signal<Vec<(String, String)>>,
    /// Its value in the address.
    value: Signal<String>,
) -> impl IntoView {
    let node = NodeRef::<html::Select>::new();
    follow(value, move |value| {
        if let Some(select) = node.get_untracked() {
            select.set_value(value);
        }
    });
    let id = format!("filter-{name}");
    let option = move |(choice, words): (String, String)| {
        let is_chosen = value.with_untracked(|value| *value == choice);
        view! {
            <option value=choice selected=is_chosen>
                {words}
            </option>
        }
    };
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select class="input" id=id name=name autocomplete="off" node_ref=node>
                <option value="">{any}</option>
                {move || choices.get().into_iter().map(option).collect_view()}
            </select>
        </div>
    }
}

/// Updates a control whenever the address changes. What was typed before hydration stays.
fn follow(value: Signal<String>, show: impl Fn(&str) + 'static) {
    Effect::new(move |is_alive: Option<()>| {
        let value = value.get();
        if is_alive.is_some() {
            show(&value);
        }
    });
}
