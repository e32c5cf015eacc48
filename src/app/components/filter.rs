//! The controls of a form that narrows a list: they show what the address says, and follow it.

use leptos::{html, prelude::*};

/// Text as a part of an address, the same on both sides.
#[must_use]
pub fn escaped(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// One line to narrow a list by, or a day.
#[component]
pub fn FilterInput(
    /// Its part of the address.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// Its HTML type.
    kind: &'static str,
    /// What the address says.
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

/// One of a few to narrow a list to.
#[component]
pub fn FilterChoice(
    /// Its part of the address.
    name: &'static str,
    /// Its label.
    label: &'static str,
    /// What stands for no choice.
    any: &'static str,
    /// The values and their words, in order.
    #[prop(into)]
    choices: Signal<Vec<(String, String)>>,
    /// What the address says.
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

/// Shows in a control what the address says whenever that changes; what was typed before the client ran stays.
fn follow(value: Signal<String>, show: impl Fn(&str) + 'static) {
    Effect::new(move |is_alive: Option<()>| {
        let value = value.get();
        if is_alive.is_some() {
            show(&value);
        }
    });
}
