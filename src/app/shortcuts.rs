//! Single-key shortcuts of the team's application, and the dialog that lists them.
//!
//! Ignored while the user types and in combinations with modifiers; can be switched off (UI-33).

use leptos::{ev, html, leptos_dom::helpers::WindowListenerHandle, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use wasm_bindgen::JsCast;
use web_sys::{Element, KeyboardEvent, Storage};

/// The local storage key that is set while shortcuts are switched off.
const OFF_KEY: &str = "aldis-shortcuts-off";
/// Maximum time between `g` and the second key, in milliseconds.
const SECOND_KEY_MS: f64 = 1_500.0;
/// Elements in which keys have a meaning of their own.
const TYPING: &str = "input, textarea, select, [contenteditable], dialog";

/// The entries of the dialog: keys and what they do.
const SHEET: &[(&[&str], &str)] = &[
    (&["c"], "New incident"),
    (&["g", "o"], "Go to overview"),
    (&["g", "i"], "Go to incidents"),
    (&["g", "m"], "Go to maintenance"),
    (&["g", "s"], "Go to services"),
    (&["?"], "Show keyboard shortcuts"),
];

/// The effect of a key press.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shortcut {
    /// Go to a page.
    GoTo(&'static str),
    /// Wait for the second key.
    AwaitSecondKey,
    /// Show the dialog.
    ShowSheet,
}

/// The shortcut of a key, by itself or after `g`.
fn shortcut_of(key: &str, is_second: bool) -> Option<Shortcut> {
    Some(match (is_second, key) {
        (true, "o") => Shortcut::GoTo("/dashboard"),
        (true, "i") => Shortcut::GoTo("/incidents"),
        (true, "m") => Shortcut::GoTo("/maintenances"),
        (true, "s") => Shortcut::GoTo("/services"),
        (_, "c") => Shortcut::GoTo("/incidents/new"),
        (_, "g") => Shortcut::AwaitSecondKey,
        (_, "?") => Shortcut::ShowSheet,
        _ => return None,
    })
}

/// The dialog that lists the shortcuts.
#[derive(Clone, Copy)]
pub struct Sheet(NodeRef<html::Dialog>);

impl Sheet {
    /// A dialog that is not rendered yet.
    pub fn new() -> Self {
        Self(NodeRef::new())
    }

    /// Opens the dialog.
    fn show(self) {
        if let Some(dialog) = self.0.get_untracked()
            && !dialog.open()
        {
            // Cannot fail: it is in the document and closed.
            _ = dialog.show_modal();
        }
    }
}

/// Handles the shortcuts, and renders the closed dialog.
#[component]
pub fn Shortcuts(
    /// The dialog.
    sheet: Sheet,
) -> impl IntoView {
    let is_on = RwSignal::new(true);
    let navigate = use_navigate();
    let waiting_since = StoredValue::new(None::<f64>);
    let on_key = move |event: KeyboardEvent| {
        if !is_on.get_untracked() || is_ignored(&event) {
            return;
        }
        let now = js_sys::Date::now();
        let is_second = waiting_since.get_value().is_some_and(|since| now - since < SECOND_KEY_MS);
        waiting_since.set_value(None);
        let Some(shortcut) = shortcut_of(&event.key(), is_second) else { return };
        event.prevent_default();
        match shortcut {
            Shortcut::GoTo(path) => navigate(path, NavigateOptions::default()),
            Shortcut::AwaitSecondKey => waiting_since.set_value(Some(now)),
            Shortcut::ShowSheet => sheet.show(),
        }
    };
    Effect::new(move |_| {
        is_on.set(!is_switched_off());
        let listener = window_event_listener(ev::keydown, on_key.clone());
        on_cleanup(move || WindowListenerHandle::remove(listener));
    });
    let row = |(keys, effect): &(&'static [&'static str], &'static str)| {
        let keys = keys.iter().map(|key| view! { <kbd>{*key}</kbd> }).collect_view();
        view! {
            <div>
                <dt>{keys}</dt>
                <dd>{*effect}</dd>
            </div>
        }
    };
    view! {
        <dialog class="sheet" aria-labelledby="shortcuts-title" node_ref=sheet.0>
            <h2 id="shortcuts-title">"Keyboard shortcuts"</h2>
            <dl>{SHEET.iter().map(row).collect_view()}</dl>
            <p class="hint">"Press Ctrl/⌘ + Enter to submit a form."</p>
            <div class="checkbox">
                <input
                    type="checkbox"
                    role="switch"
                    id="shortcuts-on"
                    prop:checked=is_on
                    on:change=move |event| {
                        let is_ticked = event_target_checked(&event);
                        is_on.set(is_ticked);
                        store_setting(is_ticked);
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

/// The button that opens the dialog.
#[component]
pub fn SheetButton(
    /// The dialog.
    sheet: Sheet,
) -> impl IntoView {
    view! {
        <button type="button" class="button when-alive" on:click=move |_| sheet.show()>
            "Keyboard shortcuts"
        </button>
    }
}

/// Whether a key press is not a shortcut: handled, with a modifier, repeated, composing, or typed into a field.
fn is_ignored(event: &KeyboardEvent) -> bool {
    let is_elsewhere = || {
        let target = event.target().and_then(|target| target.dyn_into::<Element>().ok());
        target.is_some_and(|element| !matches!(element.closest(TYPING), Ok(None)))
    };
    event.default_prevented()
        || event.ctrl_key()
        || event.meta_key()
        || event.alt_key()
        || event.repeat()
        || event.is_composing()
        || is_elsewhere()
}

/// The browser's local storage; none if it is disabled.
fn storage() -> Option<Storage> {
    window().local_storage().ok().flatten()
}

fn is_switched_off() -> bool {
    storage().and_then(|storage| storage.get_item(OFF_KEY).ok().flatten()).is_some()
}

fn store_setting(is_on: bool) {
    let Some(storage) = storage() else { return };
    // If storage is full or disabled, the setting lasts until the page is closed.
    _ = if is_on { storage.remove_item(OFF_KEY) } else { storage.set_item(OFF_KEY, "off") };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c_opens_an_incident_and_g_starts_navigation() {
        assert_eq!(shortcut_of("c", false), Some(Shortcut::GoTo("/incidents/new")));
        assert_eq!(shortcut_of("g", false), Some(Shortcut::AwaitSecondKey));
        assert_eq!([shortcut_of("o", false), shortcut_of("i", false), shortcut_of("C", false)], [None; 3]);
        assert_eq!(shortcut_of("i", true), Some(Shortcut::GoTo("/incidents")));
        assert_eq!(shortcut_of("m", true), Some(Shortcut::GoTo("/maintenances")));
        assert_eq!(shortcut_of("?", false), Some(Shortcut::ShowSheet));
    }
}
