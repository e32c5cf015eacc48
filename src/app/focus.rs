//! Focus management after an action. Focus never moves once the user has moved on, so that typing does not end up in
//! another field.

use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement};

/// Elements that hold focus although nobody works in them: none, focused by script, or disabled.
const IDLE: &str = "body, [tabindex='-1'], :disabled";

/// Moves focus from an answered form to the element found after the next render, unless the user has left the form.
pub fn advance(form: NodeRef<html::Form>, find: impl FnOnce() -> Option<HtmlElement> + 'static) {
    move_focus(move |active| form.try_get_untracked().flatten().is_some_and(|form| form.contains(Some(active))), find);
}

/// Moves lost focus to the element found after the next render; leaves focus that is elsewhere.
pub fn restore(find: impl FnOnce() -> Option<HtmlElement> + 'static) {
    move_focus(|_| false, find);
}

/// The element with this id.
pub fn by_id(id: &str) -> Option<HtmlElement> {
    document().get_element_by_id(id)?.dyn_into().ok()
}

fn move_focus(
    has_stayed: impl FnOnce(&Element) -> bool + 'static,
    find: impl FnOnce() -> Option<HtmlElement> + 'static,
) {
    request_animation_frame(move || {
        let is_idle = |active: &Element| active.matches(IDLE).unwrap_or(false);
        if document().active_element().is_none_or(|active| is_idle(&active) || has_stayed(&active))
            && let Some(target) = find()
        {
            // Fails only if the element is gone.
            _ = target.focus();
        }
    });
}
