//! Single keys that lead through the team's application, and the sheet that lists them.
//!
//! They rest while somebody types, leave every combination to the browser, and can be switched off (UI-33).

use leptos::{ev, html, leptos_dom::helpers::WindowListenerHandle, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, Storage};

/// Where the browser remembers that they are switched off.
const OFF: &str = "aldis-shortcuts-off";
/// How long after `g` the second key may come, in milliseconds.
const SECOND_KEY_MS: f64 = 1_500.0;
/// Where somebody types or chooses, or a layer lies over the page: keys have their own meaning there.
const BUSY: &str = "input, textarea, select, [contenteditable], dialog";

/// What the sheet says: the keys and what they do.
const SHEET: &[(&[&str], &str)] = &[
    (&["c"], "New incident"),
    (&["g", "o"], "Go to overview"),
    (&["g", "i"], "Go to incidents"),
    (&["g", "m"], "Go to maintenance"),
    (&["g", "s"], "Go to services"),
    (&["?"], "Show keyboard shortcuts"),
];

/// What a key press means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    /// Lead to a page.
    Lead(&'static str),
    /// Wait for the second key.
    Wait,
    /// Show the sheet.
    Sheet,
}

/// What a key means, after `g` or by itself.
fn meaning(key: &str, is_second: bool) -> Option<Meaning> {
    Some(match (is_second, key) {
        (true, "o") => Meaning::Lead("/dashboard"),
        (true, "i") => Meaning::Lead("/incidents"),
        (true, "m") => Meaning::Lead("/maintenances"),
        (true, "s") => Meaning::Lead("/services"),
        (_, "c") => Meaning::Lead("/incidents/new"),
        (_, "g") => Meaning::Wait,
        (_, "?") => Meaning::Sheet,
        _ => return None,
    })
}

/// The sheet of shortcuts, for the buttons that open it.
#[derive(Clone, Copy)]
pub struct Sheet(NodeRef<html::Dialog>);

impl Sheet {
    /// A sheet that is not drawn yet.
    pub fn new() -> Self {
        Self(NodeRef::new())
    }

    /// Shows the sheet above the page.
    fn show(self) {
        if let Some(dialog) = self.0.get_untracked()
            && !dialog.open()
        {
            // It is in the document and closed, so the browser does not refuse.
            _ = dialog.show_modal();
        }
    }
}

/// Listens for the keys while the frame stands, and draws their sheet, closed.
#[component]
pub fn Shortcuts(
    /// The sheet.
    sheet: Sheet,
) -> impl IntoView {
    let is_on = RwSignal::new(true);
    let navigate = use_navigate();
    let waiting_since = StoredValue::new(None::<f64>);
    let on_key = move |event: KeyboardEvent| {
        if !is_on.get_untracked() || is_taken(&event) {
            return;
        }
        let now = js_sys::Date::now();
        let is_second = waiting_since.get_value().is_some_and(|since| now - since < SECOND_KEY_MS);
        waiting_since.set_value(None);
        let Some(meaning) = meaning(&event.key(), is_second) else { return };
        event.prevent_default();
        match meaning {
            Meaning::Lead(path) => navigate(path, NavigateOptions::default()),
            Meaning::Wait => waiting_since.set_value(Some(now)),
            Meaning::Sheet => sheet.show(),
        }
    };
    Effect::new(move |_| {
        is_on.set(!remembered_off());
        let listener = window_event_listener(ev::keydown, on_key.clone());
        on_cleanup(move || WindowListenerHandle::remove(listener));
    });
    let row = |(keys, words): &(&'static [&'static str], &'static str)| {
        let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view();
        view! {
            <div>
                <dt>{keys}</dt>
                <dd>{*words}</dd>
            </div>
        }
    };
    view! {
        <dialog class="sheet" aria-labelledby="shortcuts-title" node_ref=sheet.0>
            <h2 id="shortcuts-title">"Keyboard shortcuts"</h2>
            <dl>{SHEET.iter().map(row).collect_view()}</dl>
            <p class="hint">"Ctrl/⌘ + Enter submits a form."</p>
            <div class="checkbox">
                <input
                    type="checkbox"
                    role="switch"
                    id="shortcuts-on"
                    prop:checked=is_on
                    on:change=move |event| {
                        let is_ticked = event_target_checked(&event);
                        is_on.set(is_ticked);
                        remember(is_ticked);
                    }
                />
                <label for="shortcuts-on">"Single-key shortcuts"</label>
            </div>
            <form method="dialog">
                <button type="submit" class="button">
                    "Close"
                </button>
            </form>
        </dialog>
    }
}

/// The button that shows the sheet, for those who do not know the key or have switched the keys off.
#[component]
pub fn SheetButton(
    /// The sheet.
    sheet: Sheet,
) -> impl IntoView {
    view! {
        <button type="button" class="button when-alive" on:click=move |_| sheet.show()>
            "Keyboard shortcuts"
        </button>
    }
}

/// Whether a key press belongs to something else: a combination, a held key, text being composed, or a field.
fn is_taken(event: &KeyboardEvent) -> bool {
    let is_elsewhere = || {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        target.is_some_and(|element| !matches!(element.closest(BUSY), Ok(None)))
    };
    event.default_prevented()
        || event.ctrl_key()
        || event.meta_key()
        || event.alt_key()
        || event.repeat()
        || event.is_composing()
        || is_elsewhere()
}

/// The browser's memory; none where it is switched off.
fn memory() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn remembered_off() -> bool {
    memory().and_then(|memory| memory.get_item(OFF).ok().flatten()).is_some()
}

fn remember(is_on: bool) {
    let Some(memory) = memory() else { return };
    // A memory that is full or closed forgets; the choice holds until the page is left.
    _ = if is_on { memory.remove_item(OFF) } else { memory.set_item(OFF, "off") };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_opens_an_incident_and_two_lead_to_a_page() {
        assert_eq!(meaning("c", false), Some(Meaning::Lead("/incidents/new")));
        assert_eq!(meaning("g", false), Some(Meaning::Wait));
        assert_eq!([meaning("o", false), meaning("i", false), meaning("C", false)], [None; 3]);
        assert_eq!(meaning("i", true), Some(Meaning::Lead("/incidents")));
        assert_eq!(meaning("m", true), Some(Meaning::Lead("/maintenances")));
        assert_eq!(meaning("?", false), Some(Meaning::Sheet));
    }
}
